//go:build linux

package bwrap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
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
)

// facts are what testdata/escape is told.
type facts struct {
	Secret, File string
	Pid          int
	Addresses    []string
	Abstract     string
	Scratch      int64
	Shm          int64
	Memory       int64
	PIDs, Files  int
	Other        string
	Port         int
}

// escapist is the hostile program, built once.
func escapist(t *testing.T) string {
	t.Helper()
	if at := os.Getenv("BWRAP_TEST_ESCAPE"); at != "" {
		return at
	}
	at := filepath.Join(shared(t), "escape")
	build := exec.Command("go", "build", "-o", at, "../../testdata/escape")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return at
}

// shared is a folder that others may look into.
func shared(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bwrap-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// outside sets up what there is to be reached, and tells the facts.
func outside(t *testing.T, l box.Limits) facts {
	t.Helper()
	l = l.OrDefault()
	f := facts{Secret: "a-secret-of-the-host", Scratch: l.Scratch, Shm: l.Shm, Memory: l.Memory, PIDs: l.PIDs, Files: l.Files,
		Abstract: fmt.Sprintf("escape-%d", os.Getpid()), Other: fmt.Sprintf("other-%d", os.Getpid()), Port: 45678}
	t.Setenv("PROXY_SECRET", f.Secret)
	f.File = filepath.Join(shared(t), "secret")
	if err := os.WriteFile(f.File, []byte(f.Secret), 0o644); err != nil {
		t.Fatal(err)
	}
	decoy := exec.Command("/bin/sleep", "1000")
	if err := decoy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { decoy.Process.Kill(); decoy.Wait() })
	f.Pid = decoy.Process.Pid
	listen := func(network, address string) net.Listener {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Logf("not listening on %s: %v", address, err)
			return nil
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				t.Errorf("somebody came to %s", address)
				c.Close()
			}
		}()
		return l
	}
	listen("unix", "@"+f.Abstract)
	addresses, _ := net.InterfaceAddrs()
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLinkLocalUnicast() {
			if l := listen("tcp", net.JoinHostPort(ip.IP.String(), "0")); l != nil {
				f.Addresses = append(f.Addresses, l.Addr().String())
			}
		}
	}
	return f
}

// neighbour is another box, which has something to hide.
func neighbour(t *testing.T, h Host, f facts) {
	t.Helper()
	const script = `const net = require("net"), fs = require("fs")
fs.writeFileSync("/tmp/other", process.argv[1])
net.createServer(() => {}).listen(Number(process.argv[2]), "127.0.0.1", () => console.log("ready"))`
	if _, err := exec.LookPath("/usr/bin/node"); err != nil {
		t.Log("no node: there is no other box to talk to")
		return
	}
	c := start(t, h, box.Spec{}, "/usr/bin/node", "-e", script, f.Other, fmt.Sprint(f.Port))
	word := make([]byte, 6)
	if _, err := io.ReadFull(c.Stdout(), word); err != nil || string(word) != "ready\n" {
		t.Fatalf("the other box: %q %v", word, err)
	}
}

// TestEscape runs each attempt in a box of its own.
func TestEscape(t *testing.T) { escapes(t, real(t), box.Spec{}, "") }

func escapes(t *testing.T, h Host, s box.Spec, way string) {
	t.Helper()
	at := escapist(t)
	limits := box.Limits{Memory: 128 << 20, PIDs: 40, Files: 200, Scratch: 8 << 20}
	f := outside(t, limits)
	neighbour(t, h, f)
	told, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	list, err := exec.Command(at, "list").Output()
	if err != nil {
		t.Fatal(err)
	}
	s.Limits, s.Mounts, s.Lenient = limits, []box.Mount{{Source: filepath.Dir(at), Target: "/escape"}}, true
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 4, 2, ' ', 0)
	for name := range strings.Lines(string(list)) {
		name = strings.TrimSpace(name)
		if name == "hold memory" {
			continue
		}
		c, err := Start(h, s, sandbox.Command{Argv: []string{"/escape/escape", name, string(told)}, StopTimeout: time.Second}, way)
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
	if err := syscall.Kill(f.Pid, 0); err != nil {
		t.Errorf("the host's process is gone: %v", err)
	}
}

// openHere says why an attempt is not refused on this machine; then Start says
// so too, and a spec that is not lenient is refused.
func openHere(h Host, s box.Spec, name string) string {
	if name != "more memory than allowed, by many" {
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
	for from, to := range map[string]string{"/proc/self/exe": "bwrap.test", escapist(t): "escape"} {
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
	again.Env = append(os.Environ(), "BWRAP_TEST_ESCAPE="+filepath.Join(dir, "escape"), "HOME=/nonexistent")
	again.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54321, Gid: 54321}}
	out, err := again.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}
