//go:build unix

package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Containers that go while they are looked at are nobody's to remove, and no mistake; an
// engine that says nothing of those that are there is one.
func TestGoneMeanwhile(t *testing.T) {
	for _, c := range []struct{ name, second, want string }{
		{"all gone", "", ""},
		{"still there", "cafe", "looking for containers that were left"},
	} {
		client := filepath.Join(t.TempDir(), "client")
		script := "#!/bin/sh\nif [ $1 = ps ]; then [ -e " + client + ".asked ] && echo " + c.second + " || echo beef; touch " + client + ".asked; exit; fi\necho no such container >&2\nexit 125\n"
		if err := os.WriteFile(client, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		names, err := Engine{Tool: Podman, Path: client}.Reap(t.Context())
		if len(names) > 0 || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q %v", c.name, names, err)
		}
	}
}
