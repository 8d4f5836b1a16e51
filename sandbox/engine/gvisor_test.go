//go:build linux

package engine

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sallyport/sandbox/box"
	"sallyport/sandbox/gvisor"
	"sallyport/sandbox/inside"
	"sallyport/sandbox/outside"
	"sallyport/sandbox/probe"
)

// runsc is a script as a policy's runtime_class may name it: gVisor's runtime with flags.
func runsc(t *testing.T, flags string) string {
	t.Helper()
	path, err := exec.LookPath("runsc")
	if err != nil && os.Getenv("SALLYPORT_E2E") == "require" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip(err)
	}
	at := filepath.Join(t.TempDir(), "runsc")
	if err := os.WriteFile(at, fmt.Appendf(nil, "#!/bin/sh\nexec %s --network=none %s \"$@\"\n", path, flags), 0o755); err != nil {
		t.Fatal(err)
	}
	return at
}

// With gVisor's kernel a box holds to the same, and what keeps it is missed.
func TestGVisor(t *testing.T) {
	e := real(t, Podman)
	if e.Rootless {
		t.Skip("runsc makes no network name space of its own for an ordinary user")
	}
	for _, c := range []struct {
		name, flags string
		control     control
		want        []string
	}{
		{name: "as it is"},
		{name: "nobody counts processes", control: control{word: "--pids=*"}, want: []string{"processes"}},
		{name: "no control groups", flags: "--ignore-cgroups", want: []string{"memory"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := e
			if c.control.word != "" {
				e.Path = c.control.unplug(t, e.Path)
			}
			promise := box.Spec{Class: runsc(t, c.flags), Limits: box.Limits{PIDs: 100, CPU: 400}}
			r, err := e.Probe(t.Context(), promise, []string{"169.254.169.254:80"})
			if err != nil {
				t.Fatal(err)
			}
			if r.Kernel != gvisor.Name || len(r.Remarks()) == 0 {
				t.Errorf("the kernel is %q", r.Kernel)
			}
			var short []string
			for _, s := range probe.Broken(probe.Check(promise, r)) {
				t.Log(s)
				short = append(short, s.What)
			}
			// On a busy machine processors may look limited.
			short = slices.DeleteFunc(slices.Compact(short), func(s string) bool { return s == "processors" && c.want != nil })
			if !slices.Equal(short, c.want) {
				t.Errorf("%q, want %q", short, c.want)
			}
		})
	}
}

// The way out is open if runsc may use the host's sockets, and else nothing starts, and
// the reason names the flag.
func TestGVisorEgress(t *testing.T) {
	e := real(t, Podman)
	if e.Rootless {
		t.Skip("as TestGVisor")
	}
	for flags, want := range map[string]string{"--host-uds=open": "", "": "runsc is given --host-uds=open"} {
		j := e.job(t, "dial")
		j.Spec.Class, j.Spec.Limits.PIDs = runsc(t, flags), 100
		j.Spec.Egress, j.Egress = []box.Endpoint{{Host: "example.com", Port: 443}}, outside.Shared(t)
		gate(t, filepath.Join(j.Egress, inside.EgressSocket))
		c := begin(t, e, j)
		if _, err := io.Copy(io.Discard, c.Stdout()); err != nil {
			t.Error(err)
		}
		await(t, c.Exited())
		if got := c.LastWords(); (c.Why() == "exit status 0") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %s: %s", flags, c.Why(), got)
		}
	}
}
