package engine

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"sallyport/sandbox/box"
	"sallyport/sandbox/inside"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// given is what one case says.
type given struct {
	Engine Engine
	Spec   box.Spec
	Run    Run
}

func TestArgv(t *testing.T) {
	files, err := filepath.Glob("../../testdata/sandbox/argv/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(a.Comment, []byte("Why: ")) || len(a.Files) != 2 || a.Files[1].Name != "argv" {
				t.Fatal("a case says why it exists, what is given and which argv comes of it")
			}
			g := given{
				Engine: Engine{Tool: Podman, Path: "/usr/bin/podman", Version: "4.3.1", Init: true},
				Run:    Run{Name: "sallyport-files-1a2b", Owner: "aa.bb.1.7.99", Server: "files", Image: "localhost/tools:1"},
			}
			d := json.NewDecoder(bytes.NewReader(a.Files[0].Data))
			d.DisallowUnknownFields()
			if err := d.Decode(&g); err != nil {
				t.Fatal(err)
			}
			got := strings.Join(Argv(g.Engine, g.Spec, g.Run), "\n") + "\n"
			if *update {
				a.Files[1].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(a.Files[1].Data), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Whatever a policy says, these stand in the command line, and nothing that opens
// the box does.
func TestArgvAlways(t *testing.T) {
	spec := box.Spec{
		Image: "x", Pull: true, Lenient: true, User: box.User{UID: 1000}, Dir: "/work",
		Mounts: []box.Mount{{Source: "/data", Target: "/data", Write: true, Dangerous: true}},
		Limits: box.Limits{Exec: true, Memory: 1 << 40}, Egress: []box.Endpoint{{Host: "example.com", Port: 443}},
	}
	for _, tool := range []Tool{Podman, Docker} {
		for _, s := range []box.Spec{{}, spec} {
			argv := Argv(Engine{Tool: tool, Path: string(tool), Client: "28.2.2"}, s,
				Run{Image: "x", Inside: Inside{Self: "/s", Env: true, Egress: "/e"}})
			for _, must := range []string{
				"--cap-drop=ALL", "--security-opt=no-new-privileges", "--read-only", "--network=none",
				"--log-driver=none", "--pull=never", "--ipc=private", "--interactive",
			} {
				if !slices.Contains(argv, must) {
					t.Errorf("%s: %s is missing", tool, must)
				}
			}
			for _, arg := range argv {
				for _, never := range []string{
					"--privileged", "--cap-add", "--device", "--publish", "--volume", "--tty",
					"seccomp", "apparmor", "label=", "host", "--user=0", "--group-add", "--pid=host",
				} {
					if strings.Contains(arg, never) && !strings.HasPrefix(arg, "--hostname=") {
						if never != "label=" || strings.HasPrefix(arg, "--security-opt") {
							t.Errorf("%s: %s", tool, arg)
						}
					}
				}
			}
		}
	}
}

func TestHandOverIsReadToTheByte(t *testing.T) {
	got, err := handOver([]string{"TOKEN=s3cret", "A="})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`00000015["TOKEN=s3cret","A="]`, string(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, err := handOver([]string{"A=" + strings.Repeat("x", inside.EnvLimit)}); err == nil {
		t.Error("no bound")
	}
}
