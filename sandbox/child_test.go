//go:build linux

package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// patience bounds what would otherwise hang a broken test; nothing is timed by it.
const patience = time.Minute

func TestMain(m *testing.M) {
	if script := os.Getenv("SANDBOX_TEST_AS_PROXY"); script != "" {
		asProxy(script)
	}
	os.Exit(m.Run())
}

// asProxy is what the tests kill: it starts two trees and waits for ever.
func asProxy(script string) {
	for range 2 {
		c, err := Start(Command{Argv: []string{"/bin/sh", "-c", script}})
		if err != nil {
			panic(err)
		}
		pids, err := bufio.NewReader(c.Stdout()).ReadString('\n')
		if err != nil {
			panic(err)
		}
		fmt.Print(pids)
	}
	select {}
}

// treeScript has a grandchild that ignores both the end of its input and every
// signal that can be ignored, and holds standard output open.
const treeScript = `(trap "" HUP INT TERM; while :; do /bin/sleep 1000; done) & echo $$ $!; exec /bin/cat >/dev/null`

func cases(t *testing.T, dir string) map[string]*txtar.Archive {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../testdata/sandbox", dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", dir, err)
	}
	all := make(map[string]*txtar.Archive)
	for _, f := range files {
		a, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(a.Comment, []byte("Why: ")) {
			t.Errorf("%s does not say why it exists", f)
		}
		all[f] = a
	}
	return all
}

func section(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

// golden compares the named sections with got, or rewrites them.
func golden(t *testing.T, file string, a *txtar.Archive, got map[string]string) {
	t.Helper()
	want := make(map[string]string)
	for name := range got {
		want[name] = section(a, name)
	}
	if *update {
		for i, f := range a.Files {
			if text, ok := got[f.Name]; ok {
				a.Files[i].Data = []byte(text)
			}
		}
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestRun(t *testing.T) {
	t.Setenv("PROXY_SECRET", "must not be inherited")
	for file, a := range cases(t, "run") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var stderr bytes.Buffer
			c := start(t, Command{
				Argv:   []string{"/bin/sh", "-c", section(a, "script")},
				Env:    strings.FieldsFunc(section(a, "env"), func(r rune) bool { return r == '\n' }),
				Dir:    "/",
				Stderr: func(line []byte) { fmt.Fprintf(&stderr, "%s\n", line) },
			})
			if _, err := io.WriteString(c.Stdin(), section(a, "stdin")); err != nil && section(a, "stdin") != "" {
				t.Fatal(err)
			}
			c.Stdin().Close()
			stdout, err := io.ReadAll(c.Stdout())
			if err != nil {
				t.Fatal(err)
			}
			await(t, c.Exited())
			c.Stop()
			golden(t, file, a, map[string]string{
				"stdout": string(stdout),
				"stderr": stderr.String(),
				"exit":   c.Exit().String() + "\n",
			})
		})
	}
}

func TestRefuse(t *testing.T) {
	for file, a := range cases(t, "refuse") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			dir := t.TempDir()
			if tool := section(a, "tool"); tool != "" {
				if err := os.WriteFile(filepath.Join(dir, "tool"), []byte(tool), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			var c Command
			if err := json.Unmarshal([]byte(strings.ReplaceAll(section(a, "command"), "$DIR", dir)), &c); err != nil {
				t.Fatal(err)
			}
			before := descriptors(t)
			child, err := Start(c)
			if err == nil {
				child.Kill()
				t.Fatal("it started")
			}
			golden(t, file, a, map[string]string{"error": strings.ReplaceAll(err.Error(), dir, "$DIR") + "\n"})
			if diff := cmp.Diff(before, descriptors(t)); diff != "" {
				t.Errorf("descriptors left open (-want +got)\n%s", diff)
			}
		})
	}
}

func TestPathIsTheChilds(t *testing.T) {
	ours, theirs := t.TempDir(), t.TempDir()
	for dir, word := range map[string]string{ours: "proxy", theirs: "child"} {
		script := "#!/bin/sh\necho " + word + "\n"
		if err := os.WriteFile(filepath.Join(dir, "tool"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", ours)
	c := start(t, Command{Argv: []string{"tool"}, Env: []string{"PATH=" + theirs}})
	out, _ := io.ReadAll(c.Stdout())
	if diff := cmp.Diff("child\n", string(out)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A PATH entry that depends on the working directory is passed over.
func TestRelativePathEntries(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("tool", []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", ".", ":/bin", "/bin:", "../" + filepath.Base(mustGetwd(t))} {
		c, err := Start(Command{Argv: []string{"tool"}, Env: []string{"PATH=" + path}})
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("PATH=%q: got %v", path, err)
		}
		if err == nil {
			c.Kill()
		}
	}
}

func mustGetwd(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// A crash while nobody talks to the child is seen at once, and takes the rest of
// its group along, although nobody called Stop.
func TestCrashNoticed(t *testing.T) {
	c, tree := startTree(t, treeScript)
	if err := unix.Kill(c.Pid(), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, c.Exited())
	if diff := cmp.Diff(Exit{Code: -1, Signal: "killed"}, c.Exit()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	tree.awaitEnd(t)
	if _, err := io.ReadAll(c.Stdout()); err != nil {
		t.Error(err)
	}
}

func TestKillLeavesNothing(t *testing.T) {
	c, tree := startTree(t, treeScript)
	c.Kill()
	tree.mustHaveEnded(t)
}

func TestStopLeavesNothing(t *testing.T) {
	for name, script := range map[string]string{
		"grandchild ignores everything": treeScript,
		"group of its own":              `set -m; /bin/sleep 1000 & echo $$ $!; exec /bin/cat >/dev/null`,
		"session of its own":            `/usr/bin/setsid /bin/sh -c 'echo $PPID $$; exec /bin/sleep 1000' & exec /bin/cat >/dev/null`,
		"descendant of a session of its own": `/usr/bin/setsid /bin/sh -c '/bin/sleep 1000 & echo $PPID $$ $!; wait' &
			exec /bin/cat >/dev/null`,
		"leader ignores the end of its input": `trap "" TERM; echo $$; while :; do /bin/sleep 1; done`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, tree := startTree(t, script)
			c.Stop()
			tree.mustHaveEnded(t)
		})
	}
}

// A large process takes a while to die; Kill waits for it.
func TestKillWaitsForTheDying(t *testing.T) {
	c := start(t, Command{Argv: []string{"/bin/sh", "-c", `
		/bin/dd if=/dev/zero bs=128M count=1 2>/dev/null | { /usr/bin/head -c 1 >/dev/null; echo; exec /bin/sleep 1000; }`}})
	if _, err := bufio.NewReader(c.Stdout()).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, p := range processes() {
		if p.group == c.Pid() {
			pids = append(pids, p.pid)
		}
	}
	if len(pids) != 3 {
		t.Fatalf("%d processes, want 3", len(pids))
	}
	tree := openTree(t, pids)
	c.Kill()
	tree.mustHaveEnded(t)
}

// A group of its own, in the child's session, is found even after a crash.
func TestCrashTakesTheSessionAlong(t *testing.T) {
	c, tree := startTree(t, `set -m; /bin/sleep 1000 & echo $$ $!; exec /bin/cat >/dev/null`)
	if err := unix.Kill(c.Pid(), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, c.Exited())
	tree.awaitEnd(t)
}

// What gets away may hold our pipes open. It must hold up neither reader nor Stop.
func TestReaderOutlivesNobody(t *testing.T) {
	c := start(t, Command{Argv: []string{"/bin/sh", "-c", `
		(/usr/bin/setsid /bin/sh -c 'echo $$; exec /bin/sleep 1000' &)
		read -r _`}})
	in := bufio.NewReader(c.Stdout())
	line, err := in.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(line))
	defer unix.Kill(pid, unix.SIGKILL)
	read := make(chan error)
	go func() {
		_, err := in.ReadByte()
		read <- err
	}()
	if err := unix.Kill(c.Pid(), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-read:
		if err != io.EOF {
			t.Errorf("got %v, want EOF", err)
		}
	case <-time.After(patience):
		t.Fatal("the reader still waits")
	}
	await(t, c.gone)
	if unix.Kill(pid, 0) != nil {
		t.Fatal("nothing got away; this test shows nothing")
	}
}

func TestStopOrder(t *testing.T) {
	t.Parallel()
	c := start(t, Command{
		Argv: []string{"/bin/sh", "-c", `trap "echo terminate" TERM; echo ready; /bin/cat; echo end of input
			while :; do /bin/sleep 0.05; done`},
		StopTimeout: time.Second,
	})
	in := bufio.NewReader(c.Stdout())
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	c.Stop()
	rest, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	got := string(rest) + c.Exit().String()
	if diff := cmp.Diff("end of input\nterminate\nsignal: killed", got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A child that ends at the end of its input gets no signal.
func TestStopIsGentle(t *testing.T) {
	c := start(t, Command{Argv: []string{"/bin/cat"}})
	c.Stop()
	if diff := cmp.Diff(Exit{}, c.Exit()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, err := c.Stdin().Write([]byte("x")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("write after Stop: %v", err)
	}
}

func TestOutputOutlivesTheChild(t *testing.T) {
	c := start(t, Command{Argv: []string{"/bin/sh", "-c", "/usr/bin/head -c 100000 /dev/zero"}})
	await(t, c.Exited())
	c.Stop()
	out, err := io.ReadAll(c.Stdout())
	if err != nil || len(out) != 100000 {
		t.Errorf("read %d bytes, %v", len(out), err)
	}
}

// After a deadline part of a message is in the pipe, so nothing may follow it, even
// when the child has come round.
func TestStuckChild(t *testing.T) {
	c := start(t, Command{Argv: []string{"/bin/cat"}, WriteTimeout: 50 * time.Millisecond})
	if err := unix.Kill(c.Pid(), unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	n, err := c.Stdin().Write(make([]byte, 1<<20))
	if !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 || n == 1<<20 {
		t.Errorf("got %d, %v, want a part and a deadline", n, err)
	}
	if err := unix.Kill(c.Pid(), unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, c.Stdout(), int64(n)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Stdin().Write([]byte("x")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %d, %v, want the same error", n, err)
	}
}

func TestStuckChildHoldsUpNobody(t *testing.T) {
	for name, end := range map[string]func(*Child){
		"close": func(c *Child) { _ = c.Stdin().Close() },
		"stop":  (*Child).Stop,
		"kill":  (*Child).Kill,
	} {
		t.Run(name, func(t *testing.T) {
			stuck := start(t, Command{Argv: []string{"/bin/sleep", "1000"}, WriteTimeout: time.Hour})
			failed, ended := make(chan struct{}), make(chan struct{})
			go func() {
				_, err := stuck.Stdin().Write(make([]byte, 1<<20))
				if !errors.Is(err, os.ErrClosed) && !errors.Is(err, unix.EPIPE) {
					t.Errorf("got %v", err)
				}
				close(failed)
			}()
			other := start(t, Command{Argv: []string{"/bin/cat"}})
			if _, err := io.WriteString(other.Stdin(), "hello\n"); err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(other.Stdout()).ReadString('\n'); line != "hello\n" {
				t.Errorf("got %q, %v", line, err)
			}
			go func() { end(stuck); close(ended) }()
			await(t, ended)
			await(t, failed)
		})
	}
}

func TestWritesAreWhole(t *testing.T) {
	c := start(t, Command{Argv: []string{"/bin/cat"}})
	var writing sync.WaitGroup
	for i := range 8 {
		line := append(bytes.Repeat([]byte{byte('a' + i)}, 300_000), '\n')
		writing.Go(func() {
			if _, err := c.Stdin().Write(line); err != nil {
				t.Error(err)
			}
		})
	}
	in := bufio.NewReader(c.Stdout())
	for range 8 {
		line, err := in.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		if len(line) != 300_001 || bytes.Count(line, line[:1]) != 300_000 {
			t.Errorf("a line of %d bytes is mixed", len(line))
		}
	}
	writing.Wait()
}

func TestFloodOnStderr(t *testing.T) {
	var lines, dropped int
	c := start(t, Command{
		Argv: []string{"/bin/sh", "-c", "/usr/bin/yes flood | /usr/bin/head -n 500000 >&2; echo the end >&2"},
		Stderr: func(line []byte) {
			var n int
			if _, err := fmt.Sscanf(string(line), "… %d lines dropped", &n); err == nil {
				dropped += n
			} else {
				lines++
			}
		},
	})
	await(t, c.Exited())
	c.Stop()
	if lines+dropped != 500_001 || dropped < 400_000 {
		t.Errorf("%d lines and %d dropped, of 500001", lines, dropped)
	}
	want := strings.Repeat("flood\n", keptLines-1) + "the end"
	if diff := cmp.Diff(want, c.LastWords()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// The operator's terminal is no channel for an upstream.
func TestNoTerminal(t *testing.T) {
	c := start(t, Command{Argv: []string{"/bin/cat"}})
	p, ok := process(c.Pid())
	if !ok || p.session != c.Pid() || p.group != c.Pid() {
		t.Errorf("session %d and group %d of %d", p.session, p.group, c.Pid())
	}
}

// A descriptor that this process inherited, as from an editor that leaks some,
// must not reach an upstream.
func TestNoDescriptorPassesOn(t *testing.T) {
	leak, err := unix.Dup(1)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(leak)
	c := start(t, Command{Argv: []string{"/bin/sh", "-c", "echo /proc/self/fd/*"}})
	out, _ := io.ReadAll(c.Stdout())
	// The shell's own look at the directory is one more.
	if strings.Contains(string(out), fmt.Sprintf("/fd/%d", leak)) || len(strings.Fields(string(out))) > 4 {
		t.Errorf("the child has %s", out)
	}
}

func TestNothingLeftInTheProxy(t *testing.T) {
	use := func() {
		for _, script := range []string{"exit 0", "/bin/cat", "echo x; echo y >&2; /bin/sleep 1000", "/bin/sleep 1000 &"} {
			c, err := Start(Command{Argv: []string{"/bin/sh", "-c", script}})
			if err != nil {
				t.Fatal(err)
			}
			c.Stdin().Close()
			if script == "exit 0" {
				await(t, c.gone) // without a Stop
			} else if script == "/bin/cat" {
				c.Stop()
			} else {
				c.Kill()
			}
		}
	}
	use()
	files, routines := descriptors(t), runtime.NumGoroutine()
	for range 10 {
		use()
	}
	if diff := cmp.Diff(files, descriptors(t)); diff != "" {
		t.Errorf("descriptors left open (-want +got)\n%s", diff)
	}
	// The last may still be on its way out.
	for end := time.Now().Add(patience); runtime.NumGoroutine() > routines; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, before there were %d", runtime.NumGoroutine(), routines)
		}
	}
	if err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG, nil); err != unix.ECHILD {
		t.Errorf("a process was left unreaped: %v", err)
	}
}

func TestConcurrentUse(t *testing.T) {
	for range 5 {
		c := start(t, Command{Argv: []string{"/bin/cat"}})
		var all sync.WaitGroup
		for range 4 {
			all.Go(c.Stop)
			all.Go(c.Kill)
			all.Go(func() { _ = c.LastWords(); _ = c.Exit() })
			all.Go(func() { _, _ = c.Stdin().Write(make([]byte, 1<<20)) })
			all.Go(func() { _ = c.Stdin().Close() })
			all.Go(func() { _, _ = io.Copy(io.Discard, c.Stdout()) })
		}
		all.Wait()
		select {
		case <-c.Exited():
		default:
			t.Error("Stop returned before the end")
		}
	}
}

// The last words are complete however late they are read.
func TestLastWords(t *testing.T) {
	release := make(chan struct{})
	c := start(t, Command{
		Argv:   []string{"/bin/sh", "-c", `i=0; while [ $i -lt 30 ]; do i=$((i+1)); echo "line $i" >&2; done`},
		Stderr: func([]byte) { <-release },
	})
	await(t, c.Exited())
	time.AfterFunc(50*time.Millisecond, func() { close(release) })
	var want []string
	for i := range 20 {
		want = append(want, fmt.Sprintf("line %d", 11+i))
	}
	if diff := cmp.Diff(strings.Join(want, "\n"), c.LastWords()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A proxy that is killed outright can do nothing more, and still leaves nothing.
func TestKilledProxyLeavesNothing(t *testing.T) {
	proxy, tree := startProxy(t, treeScript)
	keepers := keepersOf(proxy.Pid)
	if len(keepers) != 2 {
		t.Errorf("%d keepers, want 2", len(keepers))
	}
	tree = append(tree, openTree(t, keepers)...)
	if err := proxy.Kill(); err != nil {
		t.Fatal(err)
	}
	tree.awaitEnd(t)
}

// The kernel sees to the child itself, even where no keeper could be had.
func TestKilledProxyWithoutKeepers(t *testing.T) {
	proxy, tree := startProxy(t, `echo $$; trap "" HUP INT TERM; exec /bin/sleep 1000`)
	for _, k := range openTree(t, keepersOf(proxy.Pid)) {
		if err := unix.PidfdSendSignal(k, unix.SIGKILL, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := proxy.Kill(); err != nil {
		t.Fatal(err)
	}
	tree.awaitEnd(t)
}

// startProxy runs this test binary as a proxy with two trees.
func startProxy(t *testing.T, script string) (*os.Process, tree) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	proxy := exec.Command(self)
	proxy.Env = []string{"SANDBOX_TEST_AS_PROXY=" + script}
	out, err := proxy.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Process.Kill(); _ = proxy.Wait() })
	in := bufio.NewReader(out)
	var tree tree
	for range 2 {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		tree = append(tree, parseTree(t, line)...)
	}
	return proxy.Process, tree
}

func keepersOf(proxy int) []int {
	var pids []int
	for _, p := range processes() {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.pid))
		if p.parent == proxy && bytes.HasPrefix(line, []byte("sallyport-keeper")) {
			pids = append(pids, p.pid)
		}
	}
	return pids
}

// start starts a child that ends with the test.
func start(t *testing.T, c Command) *Child {
	t.Helper()
	if c.StopTimeout == 0 {
		c.StopTimeout = 500 * time.Millisecond
	}
	child, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(child.Kill)
	return child
}

func await(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("waited in vain")
	}
}

// A tree is processes by descriptor, which no other process can come to bear.
type tree []int

// startTree starts a script that first prints the ids of its processes.
func startTree(t *testing.T, script string) (*Child, tree) {
	t.Helper()
	c := start(t, Command{Argv: []string{"/bin/sh", "-c", script}})
	line, err := bufio.NewReader(c.Stdout()).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return c, parseTree(t, line)
}

func parseTree(t *testing.T, line string) tree {
	t.Helper()
	var pids []int
	for _, word := range strings.Fields(line) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return openTree(t, pids)
}

func openTree(t *testing.T, pids []int) tree {
	t.Helper()
	var tree tree
	for _, pid := range pids {
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			t.Fatalf("process %d: %v", pid, err)
		}
		t.Cleanup(func() {
			_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
			unix.Close(fd)
		})
		tree = append(tree, fd)
	}
	return tree
}

func (tr tree) awaitEnd(t *testing.T)      { t.Helper(); tr.poll(t, patience) }
func (tr tree) mustHaveEnded(t *testing.T) { t.Helper(); tr.poll(t, 0) }

func (tr tree) poll(t *testing.T, bound time.Duration) {
	t.Helper()
	for i, fd := range tr {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(bound.Milliseconds()))
		for err == unix.EINTR {
			n, err = unix.Poll(fds, int(bound.Milliseconds()))
		}
		if n != 1 {
			t.Errorf("process %d of the tree is left (%v)", i, err)
		}
	}
}

func descriptors(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		to, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err == nil { // else it was the listing's own
			all = append(all, e.Name()+" "+to)
		}
	}
	slices.Sort(all)
	return all
}

// What is handed over is there under its number, and nothing else is.
func TestFiles(t *testing.T) {
	fd, err := unix.MemfdCreate("given", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	given := os.NewFile(uintptr(fd), "given")
	defer given.Close()
	if _, err := given.WriteAt([]byte("word\n"), 0); err != nil {
		t.Fatal(err)
	}
	c := start(t, Command{Argv: []string{"/bin/sh", "-c", "/bin/cat <&3; exec /bin/ls /proc/self/fd"}, Files: []*os.File{given}})
	out, _ := io.ReadAll(c.Stdout())
	// ls itself has one more open: the folder it reads.
	if diff := cmp.Diff("word\n0\n1\n2\n3\n4\n", string(out)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
