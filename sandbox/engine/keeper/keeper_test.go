//go:build unix

package keeper

import (
	"os"
	"path/filepath"
	"testing"
)

func TestKeeper(t *testing.T) {
	var none *Keeper
	none.Alarm()
	none.Dismiss()
	for name, end := range map[string]func(*Keeper){"dismissed": (*Keeper).Dismiss, "alarmed": (*Keeper).Alarm} {
		at := filepath.Join(t.TempDir(), "it ran")
		k, err := Start([]string{"/bin/sh", "-c", `echo "$A" > "$0"`, at}, []string{"A=b"})
		if err != nil {
			t.Fatal(err)
		}
		end(k)
		text, err := os.ReadFile(at)
		switch {
		case name == "dismissed" && !os.IsNotExist(err):
			t.Errorf("dismissed, it ran: %q %v", text, err)
		case name == "alarmed" && string(text) != "b\n":
			t.Errorf("alarmed: %q %v", text, err)
		}
	}
}
