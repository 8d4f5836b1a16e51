// Package outside is, for tests, what a hostile program in a box must not get at: the
// host's files, processes and services, and another box.
package outside

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/sandbox/box"
)

// Facts are what the hostile program, testdata/escape, is told: what an attacker
// might know, or guess.
type Facts struct {
	Secret    string   // stands in the host's files and in the proxy's environment
	File      string   // of the host, and has the secret
	Pid       int      // of a process of the host
	Hostname  string   // the host's
	Addresses []string // TCP and UDP, where the host listens, or would be as a gateway
	Abstract  string   // name of an abstract Unix socket of the host
	Scratch   int64
	Shm       int64
	Memory    int64
	PIDs      int
	Files     int
	Other     string // stands in another box's /tmp/other and environment, and is where it listens
	Port      int    // of the other box, on its loopback
	Socket    string // the other box's way out, as the host names it
	Sys       bool   // there is a /sys within, as there is in containers
}

// JSON is how the program takes them.
func (f Facts) JSON() string {
	text, err := json.Marshal(f)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// environProgram names a hostile program that was built before.
const environProgram = "SALLYPORT_TEST_ESCAPE"

// Program builds the hostile program, static, in a folder that others may look into.
func Program(t testing.TB) string {
	t.Helper()
	if at := os.Getenv(environProgram); at != "" {
		return at
	}
	at := filepath.Join(Shared(t), "escape")
	build := exec.Command("go", "build", "-o", at, "sallyport/testdata/escape")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false -ldflags=-s")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return at
}

// Built is the variable for a process that shall use the program as it is.
func Built(at string) string { return environProgram + "=" + at }

// Attempts are the names of all that the program can try. The quiet ones leave
// nothing behind that another would notice, and can share a box.
func Attempts(t testing.TB, program string) (quiet, loud []string) {
	t.Helper()
	list := func(which string) []string {
		out, err := exec.Command(program, "list", which).CombinedOutput()
		if err != nil {
			t.Fatalf("listing the attempts: %v: %s", err, out)
		}
		return strings.Split(strings.TrimSpace(string(out)), "\n")
	}
	return list("quiet"), list("loud")
}

// Shared is a folder that others may look into.
func Shared(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "outside-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Set puts up what there is to be reached, and tells the facts. The test fails if
// anybody comes, or if the host's process is gone in the end.
func Set(t testing.TB, l box.Limits) Facts {
	t.Helper()
	l = l.OrDefault()
	f := Facts{
		Secret: "a-secret-of-the-host", Scratch: l.Scratch, Shm: l.Shm, Memory: l.Memory, PIDs: l.PIDs, Files: l.Files,
		Abstract: fmt.Sprintf("escape-%d", os.Getpid()), Other: fmt.Sprintf("other-%d", os.Getpid()), Port: 45678,
	}
	f.Hostname, _ = os.Hostname()
	t.Setenv("PROXY_SECRET", f.Secret)
	f.File = filepath.Join(Shared(t), "secret")
	if err := os.WriteFile(f.File, []byte(f.Secret), 0o644); err != nil {
		t.Fatal(err)
	}
	f.Pid = decoy(t)
	listen(t, "unix", "@"+f.Abstract, 0)
	// The neighbour's, who tries it once, and nobody else is to come by it.
	f.Socket = filepath.Join(Shared(t), "egress.sock")
	listen(t, "unix", f.Socket, 1)
	if err := os.Chmod(f.Socket, 0o666); err != nil {
		t.Fatal(err)
	}
	addresses, _ := net.InterfaceAddrs()
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLinkLocalUnicast() {
			if at := listen(t, "tcp", net.JoinHostPort(ip.IP.String(), "0"), 0); at != "" {
				f.Addresses = append(f.Addresses, at)
			}
		}
	}
	// Where engines put the host into a box's network.
	_, port, _ := net.SplitHostPort(listen(t, "tcp", ":0", 0))
	for _, gateway := range []string{"10.88.0.1", "10.89.0.1", "172.17.0.1", "10.0.2.2", "169.254.1.2"} {
		f.Addresses = append(f.Addresses, net.JoinHostPort(gateway, port))
	}
	return f
}

func decoy(t testing.TB) int {
	t.Helper()
	sleep := exec.Command("/bin/sleep", "1000")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = sleep.Wait() }()
	t.Cleanup(func() {
		select {
		case <-ended:
			t.Error("the host's process is gone")
		default:
			_ = sleep.Process.Kill()
			<-ended
		}
	})
	return sleep.Process.Pid
}

// listen waits where no more than the guests are to come, and with TCP also on the same
// port of UDP.
func listen(t testing.TB, network, address string, guests int) string {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Logf("not listening on %s: %v", address, err)
		return ""
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if guests--; guests < 0 {
				t.Errorf("somebody came to %s", l.Addr())
			}
			_ = c.Close()
		}
	}()
	if network != "tcp" {
		return address
	}
	if p, err := net.ListenPacket("udp", l.Addr().String()); err == nil {
		t.Cleanup(func() { _ = p.Close() })
		go func() {
			word := make([]byte, 16)
			for {
				n, from, err := p.ReadFrom(word)
				if err != nil {
					return
				}
				t.Errorf("somebody sent to %s", p.LocalAddr())
				_, _ = p.WriteTo(word[:n], from)
			}
		}()
	}
	return l.Addr().String()
}

// Ready waits until the program, run with the word "neighbour", is another box with
// something to hide.
func Ready(t testing.TB, stdout io.Reader) {
	t.Helper()
	word := make([]byte, 6)
	if _, err := io.ReadFull(stdout, word); err != nil || string(word) != "ready\n" {
		t.Fatalf("the other box: %q %v", word, err)
	}
}
