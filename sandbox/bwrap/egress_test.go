//go:build linux

package bwrap

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sallyport/sandbox"
	"sallyport/sandbox/box"
	"sallyport/sandbox/inside"
)

// gate stands behind the socket of a way out, and answers each line with "through: " and the line.
func gate(t *testing.T) string {
	t.Helper()
	folder := shared(t)
	at := filepath.Join(folder, inside.EgressSocket)
	l, err := net.Listen("unix", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if err := os.Chmod(at, 0o666); err != nil { // who is within is nobody
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				all, _ := io.ReadAll(c)
				fmt.Fprintf(c, "through: %s", all)
			}()
		}
	}()
	return folder
}

// somewhere is a spec with an egress list.
func somewhere() box.Spec {
	return box.Spec{Egress: []box.Endpoint{{Host: "api.example.com", Port: 443}}}
}

// The way out leads to the socket, and is the only one.
func TestEgress(t *testing.T) {
	h := real(t)
	const script = `echo "$HTTP_PROXY $https_proxy $LD_PRELOAD"
sed 1,2d /proc/net/dev | cut -d: -f1
(exec 3<>/dev/tcp/1.1.1.1/443) 2>/dev/null || echo "not elsewhere"
(echo x > /run/sallyport/egress/x) 2>/dev/null || echo "not there"
(: > /run/sallyport/egress/egress.sock) 2>/dev/null || echo "nor in its place"
exit 5`
	way := gate(t)
	c := startWith(t, h, somewhere(), sandbox.Command{
		Argv: []string{"/bin/bash", "-c", script}, Env: []string{"LD_PRELOAD=", "HTTP_PROXY=http://elsewhere"}}, way)
	c.Stdin().Close()
	out, err := io.ReadAll(c.Stdout())
	if err != nil {
		t.Fatal(err)
	}
	<-c.Exited()
	want := "http://127.0.0.1:3128 http://127.0.0.1:3128 \n    lo\nnot elsewhere\nnot there\nnor in its place\n"
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if c.Exit().Code != 5 {
		t.Errorf("%v", c.Exit())
	}
}

// Bytes go both ways, and so does the end of them.
func TestEgressForwards(t *testing.T) {
	h := real(t)
	if _, err := os.Stat("/usr/bin/node"); err != nil {
		t.Skip(err)
	}
	const script = `const c = require("net").connect({port: 3128, host: "127.0.0.1", allowHalfOpen: true}, () => c.end("a word"))
c.on("data", d => process.stdout.write(d)); c.on("end", () => process.exit(0))`
	c := startWith(t, h, somewhere(), sandbox.Command{Argv: []string{"/usr/bin/node", "-e", script}}, gate(t))
	out, err := io.ReadAll(c.Stdout())
	if err != nil || string(out) != "through: a word" {
		t.Errorf("%q %v", out, err)
	}
}

// A way out changes nothing of what else is shut, and what stands beside the command
// does not outlive it.
func TestEscapeWithEgress(t *testing.T) {
	h := real(t)
	escapes(t, h, somewhere(), gate(t))
}

func TestStopLeavesNothingBesideEgress(t *testing.T) {
	h := real(t)
	mark := newMark()
	c := startWith(t, h, somewhere(), sandbox.Command{Argv: []string{"/bin/sh", "-c", `trap "" TERM; echo; while :; do sleep ` + mark + `; done`}}, gate(t))
	if _, err := c.Stdout().Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if len(marked(mark)) == 0 {
		t.Fatal("it does not run")
	}
	began := time.Now()
	c.Stop()
	if left := marked(mark); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	t.Logf("stopped in %v", time.Since(began))
}
