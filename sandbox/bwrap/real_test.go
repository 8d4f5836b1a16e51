//go:build linux

package bwrap

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sallyport/sandbox"
	"sallyport/sandbox/box"
	"sallyport/sandbox/egress"
	"sallyport/sandbox/inside"
	"sallyport/sandbox/probe"
)

// patience bounds what would otherwise hang a broken test; nothing is timed by it.
const patience = 30 * time.Second

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == inside.Word {
		code, err := inside.Main(os.Args[2:], func(l net.Listener, socket string) error { return egress.Forward(context.Background(), l, socket) })
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		syscall.Exit(code) // os.Exit waits a second under the race detector
	}
	if len(os.Args) > 1 && os.Args[1] == probe.Word {
		if err := probe.Main(os.Args[2:], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			syscall.Exit(1)
		}
		syscall.Exit(0)
	}
	if mark := os.Getenv("BWRAP_TEST_AS_PROXY"); mark != "" {
		asProxy(mark)
	}
	os.Exit(m.Run())
}

// real skips where bubblewrap does not work, unless it must.
func real(t testing.TB) Host {
	t.Helper()
	skip := t.Skipf
	if os.Getenv("SALLYPORT_E2E") == "require" {
		skip = t.Fatalf
	}
	h, err := Look()
	if err != nil {
		skip("%v", err)
	}
	if _, err := Try(h, box.Limits{}); err != nil {
		skip("%v", err)
	}
	return h
}

func start(t testing.TB, h Host, s box.Spec, argv ...string) *Child {
	t.Helper()
	return startWith(t, h, s, sandbox.Command{Argv: argv}, "")
}

func startWith(t testing.TB, h Host, s box.Spec, cmd sandbox.Command, way string) *Child {
	t.Helper()
	cmd.StopTimeout = time.Second
	cmd.Stderr = func(line []byte) { t.Logf("stderr: %s", line) }
	s.Lenient = true
	c, err := Start(h, s, cmd, way)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Kill)
	return c
}

// output is what the command in its box writes, and how it ends.
func output(t *testing.T, h Host, s box.Spec, argv ...string) string {
	t.Helper()
	c := start(t, h, s, argv...)
	c.Stdin().Close()
	out, err := io.ReadAll(c.Stdout())
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.Exited():
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
	if why := c.Exit().String(); why != "exit status 0" {
		out = fmt.Appendf(out, "%s\n", why)
	}
	return string(out)
}

func TestWhoItIs(t *testing.T) {
	h := real(t)
	got := output(t, h, box.Spec{}, "/bin/sh", "-c",
		`id -u; id -g; id -G; pwd; hostname; env | sort; ls /proc/self/fd | wc -l; grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status`)
	want := "65534\n65534\n65534\n/tmp\nbox\nHOME=/tmp\nPATH=" + usualPath + "\nPWD=/tmp\nTMPDIR=/tmp\n4\n" +
		"CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\n" +
		"NoNewPrivs:\t1\nSeccomp:\t2\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// The value of a variable is nowhere but with the command.
func TestSecretsAreNowhere(t *testing.T) {
	h := real(t)
	const secret = "a-word-that-nobody-else-has"
	c := startWith(t, h, box.Spec{}, sandbox.Command{Argv: []string{"/bin/sh", "-c", `echo "$TOKEN"; read -r _`}, Env: []string{"TOKEN=" + secret}}, "")
	said := make([]byte, len(secret))
	if _, err := io.ReadFull(c.Stdout(), said); err != nil || string(said) != secret {
		t.Fatalf("the command has %q: %v", said, err)
	}
	var has []string
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		for _, file := range []string{"cmdline", "environ"} {
			text, err := os.ReadFile(filepath.Join(dir, file))
			if err == nil && strings.Contains(string(text), secret) {
				name, _ := os.ReadFile(filepath.Join(dir, "comm"))
				has = append(has, file+" of "+strings.TrimSpace(string(name)))
			}
		}
	}
	want := []string{"environ of sh"} // for root and the user whose box it is
	if diff := cmp.Diff(want, has); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestStatusIsTheCommands(t *testing.T) {
	h := real(t)
	if diff := cmp.Diff("exit status 7\n", output(t, h, box.Spec{}, "/bin/sh", "-c", "exit 7")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestFailuresAreNamed(t *testing.T) {
	h := real(t)
	for _, c := range []struct {
		why, want string
		spec      box.Spec
		argv      []string
	}{
		{"a source that is not there", "/no/such/place", box.Spec{Mounts: []box.Mount{{Source: "/no/such/place", Target: "/data"}}}, []string{"/bin/true"}},
		{"a working directory that is not there", "/nowhere", box.Spec{Dir: "/nowhere"}, []string{"/bin/true"}},
		{"a program that is not there", "no-such-program", box.Spec{}, []string{"no-such-program"}},
	} {
		c.spec.Lenient = true
		child, err := Start(h, c.spec, sandbox.Command{Argv: c.argv}, "")
		said := fmt.Sprint(err)
		if err == nil { // after the box was made only its last words can tell
			<-child.Exited()
			said = child.Exit().String() + ": " + child.LastWords()
			if child.Exit().Code == 0 {
				t.Errorf("%s: it runs", c.why)
			}
		}
		t.Logf("%s: %s", c.why, said)
		if !strings.Contains(said, c.want) {
			t.Errorf("%s is told as %q", c.why, said)
		}
	}
}

// newMark is a number of seconds that nobody else sleeps.
func newMark() string { return fmt.Sprintf("31415.%d", time.Now().UnixNano()) }

// marked are the host's processes with the mark in their command line.
func marked(mark string) []string {
	out, _ := exec.Command("pgrep", "-f", mark).Output()
	return strings.Fields(string(out))
}

func TestStopLeavesNothing(t *testing.T) {
	h := real(t)
	mark := newMark()
	c := start(t, h, box.Spec{}, "/bin/sh", "-c", `(trap "" TERM HUP; setsid sleep `+mark+`) & (setsid setsid sleep `+mark+` &) ; echo; cat`)
	if _, err := c.Stdout().Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if len(marked(mark)) == 0 {
		t.Fatal("they do not run")
	}
	c.Stop()
	if left := marked(mark); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// Every namespace is another than ours, but that of users in root's box.
func TestNamespaces(t *testing.T) {
	h := real(t)
	kinds := []string{"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"}
	within := strings.Fields(output(t, h, box.Spec{}, "/bin/sh", "-c", "cd /proc/self/ns && readlink "+strings.Join(kinds, " ")))
	if len(within) != len(kinds) {
		t.Fatalf("%q", within)
	}
	for i, kind := range kinds {
		ours, err := os.Readlink("/proc/self/ns/" + kind)
		if err != nil {
			t.Fatal(err)
		}
		if shared := ours == within[i]; shared != (kind == "user" && h.Root) {
			t.Errorf("%s: %s without, %s within", kind, ours, within[i])
		}
	}
}

// A mount is read-only unless the spec says otherwise, whoever owns what is in it; so is
// everything else but what is meant to be written to.
func TestMounts(t *testing.T) {
	h := real(t)
	shut, open := shared(t), shared(t)
	for _, dir := range []string{shut, open} {
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	s := box.Spec{Dir: "/srv/shut", Mounts: []box.Mount{{Source: shut, Target: "/srv/shut"}, {Source: open, Target: "/tmp/deep/open", Write: true}}}
	got := output(t, h, s, "/bin/sh", "-c", `pwd; (: > x) 2>&1 | cut -d: -f4; echo y > /tmp/deep/open/y && cat /tmp/deep/open/y
while read -r _ _ _ _ at options _; do case $options in ro*) ;; *) echo "$at"; esac; done < /proc/self/mountinfo | sort`)
	want := `/srv/shut
 Read-only file system
y
/dev/full
/dev/null
/dev/pts
/dev/random
/dev/shm
/dev/tty
/dev/urandom
/dev/zero
/proc
/tmp
/tmp/deep/open
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if text, err := os.ReadFile(filepath.Join(open, "y")); err != nil || string(text) != "y\n" {
		t.Errorf("%q %v", text, err)
	}
}

// Root's other groups stay without.
func TestGroupsAreLeft(t *testing.T) {
	if real(t); os.Geteuid() != 0 {
		t.Skip("only root may leave a group")
	}
	again := exec.Command("/proc/self/exe", "-test.run=^TestWhoItIs$")
	again.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Groups: []uint32{0, 4, 27}}}
	if out, err := again.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
