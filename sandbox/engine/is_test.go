//go:build unix

package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/sandbox/box"
)

// An engine that has other bytes under the name is refused, by those who start and by
// those who build, whatever the engine itself makes of a digest.
func TestAnotherImage(t *testing.T) {
	client := filepath.Join(t.TempDir(), "client")
	script := fmt.Sprintf("#!/bin/sh\necho \"$1\" >>%s.asked\necho 'sha256:%064x [\"reg/tool@sha256:%064x\"] {\"Cmd\":[\"a\"]}'\n", client, 1, 2)
	if err := os.WriteFile(client, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tool := range []Tool{Podman, Docker} {
		e := Engine{Tool: tool, Path: client}
		spec := box.Spec{Image: fmt.Sprintf("reg/tool@sha256:%064x", 3)}
		if _, err := e.Start(t.Context(), Job{Server: "s", Spec: spec}); err == nil || !strings.Contains(err.Error(), "another one") {
			t.Errorf("%s starts it: %v", tool, err)
		}
		if _, err := e.Build(t.Context(), Build{Job: Job{Server: "s", Command: []string{"a"}, Folder: "/x", Spec: spec}, Program: "/x/run"}); err == nil || !strings.Contains(err.Error(), "another one") {
			t.Errorf("%s builds from it: %v", tool, err)
		}
	}
	if asked, err := os.ReadFile(client + ".asked"); err != nil || strings.Contains(string(asked), "run") {
		t.Errorf("something was started: %s %v", asked, err)
	}
}
