package desks

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPrompt sits at a terminal: there approve asks first, and only a yes is one.
func TestPrompt(t *testing.T) {
	dir := folder(t)
	for _, tt := range []struct {
		typed, flag string
		code        int
		asks        bool
	}{
		{"y\n", "", 0, true}, {"Yes\n", "", 0, true}, {"\n", "", 1, true}, {"n\n", "", 1, true}, {"maybe y\n", "", 1, true}, {"", "--yes", 0, false},
	} {
		near, far := terminalPair(t)
		a := newProxy(t, dir, "a")
		w := a.ask("drop", `{}`)
		a.listen()
		if _, err := far.WriteString(tt.typed); err != nil {
			t.Fatal(err)
		}
		args := []string{"approve", w.ID}
		if tt.flag != "" {
			args = append(args, tt.flag)
		}
		out, errs, code := do(near, args...)
		if code != tt.code || strings.Contains(out, "Approve? [y/N] ") != tt.asks {
			t.Errorf("%q: %d %s %s", tt.typed, code, out, errs)
		}
		if _, waits := a.desk.Find(w.ID); waits != (tt.code != 0) {
			t.Errorf("%q: waits is %v", tt.typed, waits)
		}
		a.done()
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if terminal(null) {
		t.Error("nobody sits at /dev/null")
	}
}

func terminalPair(t *testing.T) (near, far *os.File) {
	t.Helper()
	far, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { far.Close() })
	if err := unix.IoctlSetPointerInt(int(far.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skip(err)
	}
	n, err := unix.IoctlGetInt(int(far.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skip(err)
	}
	near, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { near.Close() })
	return near, far
}
