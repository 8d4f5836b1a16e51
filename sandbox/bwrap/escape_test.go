//go:build linux

package bwrap

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"sallyport/sandbox"
	"sallyport/sandbox/box"
	"sallyport/sandbox/outside"
)

func shared(t *testing.T) string { return outside.Shared(t) }

// TestEscape runs each attempt in a box of its own.
func TestEscape(t *testing.T) { escapes(t, real(t), box.Spec{}, "") }

func escapes(t *testing.T, h Host, s box.Spec, way string) {
	t.Helper()
	at := outside.Program(t)
	limits := box.Limits{Memory: 128 << 20, PIDs: 40, Files: 200, Scratch: 8 << 20}
	s.Limits, s.Mounts, s.Lenient = limits, []box.Mount{{Source: filepath.Dir(at), Target: "/escape"}}, true
	f := outside.Set(t, limits)
	told := f.JSON()
	other := startWith(t, h, box.Spec{Mounts: s.Mounts}, sandbox.Command{Argv: []string{"/escape/escape", "neighbour", told}, Env: []string{"OTHER=" + f.Other}}, "")
	outside.Ready(t, other.Stdout())
	quiet, loud := outside.Attempts(t, at)
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 4, 2, ' ', 0)
	for _, name := range append(quiet, loud...) {
		c, err := Start(h, s, sandbox.Command{Argv: []string{"/escape/escape", name, told}, StopTimeout: time.Second,
			Stderr: func(line []byte) { t.Logf("%s: %s", name, line) }}, way)
		if err != nil {
			t.Fatal(err)
		}
		how := outcome(t, c)
		verdict, how, _ := strings.Cut(how, ": ")
		if verdict != "refused" {
			if why := openHere(h, s, name); why != "" {
				verdict, how = "OPEN HERE", why
			} else {
				t.Errorf("%s: %s: %s", name, verdict, how)
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%.110s\n", name, verdict, how)
	}
	w.Flush()
	t.Logf("as uid %d:\n%s", os.Geteuid(), table.String())
}

// openHere says why an attempt is not refused on this machine; then Start says
// so too, and a spec that is not lenient is refused.
func openHere(h Host, s box.Spec, name string) string {
	if !strings.HasPrefix(name, "more memory than allowed, ") {
		return ""
	}
	b := newBounds(h, s.Limits.OrDefault())
	defer b.remove()
	for _, r := range b.remarks {
		if r.Limit == "memory" && !r.Bites {
			return r.How
		}
	}
	return ""
}

func outcome(t *testing.T, c *Child) string {
	t.Helper()
	defer c.Kill()
	out, err := io.ReadAll(c.Stdout())
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.Exited():
	case <-time.After(patience):
		return "UNCLEAR: it does not end"
	}
	said := strings.TrimSpace(string(out))
	switch exit := c.Exit(); {
	case strings.HasPrefix(said, "refused: ") && exit.Code == 0, strings.HasPrefix(said, "ESCAPED: "):
		return said
	case strings.Contains(exit.Limit, "out of memory"):
		return "refused: killed: " + exit.Limit
	default:
		return fmt.Sprintf("UNCLEAR: %v: %s: %s", exit, said, c.LastWords())
	}
}

// TestAsAnOrdinaryUser runs the others again as one, when we are root.
func TestAsAnOrdinaryUser(t *testing.T) {
	real(t)
	if os.Geteuid() != 0 {
		t.Skip("we are one")
	}
	dir := shared(t)
	for from, to := range map[string]string{"/proc/self/exe": "bwrap.test", outside.Program(t): "escape"} {
		program, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), program, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	again := exec.Command(filepath.Join(dir, "bwrap.test"), "-test.v", "-test.skip=TestCompose|TestFilter|TestRealServers")
	again.Dir = dir
	again.Env = append(os.Environ(), outside.Built(filepath.Join(dir, "escape")), "HOME=/nonexistent")
	again.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54321, Gid: 54321}}
	out, err := again.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}
