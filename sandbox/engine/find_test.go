package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/sandbox/owner"
)

// The engines' own words, as they were seen.
const (
	crunLimit  = "podman run: Error: crun: setrlimit `RLIMIT_NPROC`: Operation not permitted: OCI permission denied"
	runcLimit  = "podman run: Error: runc: runc create failed: unable to start container process: error during container init: error setting rlimits for ready process: error setting rlimit type 6: operation not permitted"
	crunHybrid = "podman run: Error: OCI runtime error: crun: cgroups in hybrid mode not supported, drop all controllers from cgroupv2"
	noInit     = `podman run: Error: container-init binary not found on the host: stat /usr/libexec/podman/catatonit: no such file or directory`
	silence    = "docker run: unable to upgrade to tcp, received 409"
)

func TestSettle(t *testing.T) {
	for _, c := range []struct {
		name    string
		works   func(Engine) string // the error's words, or ""
		want    Engine
		refused bool
	}{
		{name: "the plain way works", works: func(Engine) string { return "" }, want: Engine{Init: true}},
		{
			name: "hybrid cgroups and a limit above the host's", want: Engine{Init: true, Runtime: "runc", NProc: 20000},
			works: func(e Engine) string {
				switch {
				case e.Runtime == "" && (e.NProc == 0 || e.NProc > 30000):
					return crunLimit
				case e.Runtime == "":
					return crunHybrid
				case e.NProc == 0 || e.NProc > 30000:
					return runcLimit
				}
				return ""
			},
		},
		{
			name: "no init", want: Engine{},
			works: func(e Engine) string {
				if e.Init {
					return noInit
				}
				return ""
			},
		},
		{
			name: "a server that keeps its reason", want: Engine{Init: true, Runtime: "runc", NProc: 40000},
			works: func(e Engine) string {
				if e.Runtime != "runc" || e.NProc != 40000 {
					return silence
				}
				return ""
			},
		},
		{name: "nothing works", works: func(Engine) string { return "no" }, refused: true},
		{name: "nothing works, and nothing says why", works: func(Engine) string { return silence }, refused: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, tries := Engine{Init: true}, 0
			err := e.settle([]string{"runc"}, 40000, func(e Engine) error {
				if tries++; tries > 30 {
					t.Fatal("it goes on for ever")
				}
				if words := c.works(e); words != "" {
					return errors.New(words)
				}
				return nil
			})
			if c.refused {
				if err == nil {
					t.Error("it settled")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if (tries > 1) != (len(e.Remarks) > 0) {
				t.Errorf("%d tries, remarks %q", tries, e.Remarks)
			}
			e.Remarks = nil
			if diff := cmp.Diff(c.want, e); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestOrphans(t *testing.T) {
	list := "aaa /sallyport-x 1\nbbb sallyport-y 2\nccc sallyport-z\n\nddd a b c\n"
	got := orphans(list, func(o owner.ID) bool { return o == "1" || o == "c" })
	if len(got) != 1 || got[0] != (container{"aaa", "sallyport-x"}) {
		t.Errorf("%v", got)
	}
}

// A rootless podman that may ignore limits says so before it is tried.
func TestLookSaysWhatRootlessIgnores(t *testing.T) {
	for _, c := range []struct {
		version, manager string
		rootless         bool
		says             string
	}{
		{"v1", "cgroupfs", true, "cgroup v1 ignores limits"},
		{"v2", "cgroupfs", true, "no systemd of this user"},
		{"v2", "systemd", true, ""},
		{"v2", "cgroupfs", false, ""},
		{"v1", "cgroupfs", false, ""},
	} {
		at := filepath.Join(t.TempDir(), "podman")
		script := fmt.Sprintf("#!/bin/sh\necho '{\"host\":{\"cgroupVersion\":%q,\"cgroupManager\":%q,\"security\":{\"rootless\":%v,\"seccompEnabled\":true}}}'\n", c.version, c.manager, c.rootless)
		if err := os.WriteFile(at, []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
		e := Engine{Tool: Podman, Path: at}
		if _, err := e.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if said := strings.Join(e.Remarks, "; "); !strings.Contains(said, c.says) || (c.says == "") != (said == "") {
			t.Errorf("%+v: %q", c, said)
		}
	}
}
