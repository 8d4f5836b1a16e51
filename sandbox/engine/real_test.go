//go:build linux

package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sallyport/sandbox/box"
	"sallyport/sandbox/inside"
	"sallyport/sandbox/owner"
	"sallyport/sandbox/probe"
)

// unlocked is a variable that takes our own filter of system calls away.
const unlocked = "SALLYPORT_TEST_UNLOCKED"

// The test's own executable, built static, is what stands in for sallyport.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case inside.Word:
			if at := slices.Index(os.Args, "--"); os.Getenv(unlocked) != "" && at > 0 {
				panic(syscall.Exec(os.Args[at+1], os.Args[at+1:], os.Environ()))
			}
			code, err := inside.Main(os.Args[2:], splice)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
			os.Exit(code)
		case probe.Word:
			if err := probe.Main(os.Args[2:], os.Stdout); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		case "proxy":
			asProxy(os.Args[2], os.Args[3:])
		case "hostile":
			hostile(os.Args[2])
		}
	}
	code := m.Run()
	found.Range(func(_, e any) bool {
		_, _ = e.(Engine).call(context.Background(), nil, "image", "rm", "--force", mustImage(e.(Engine)))
		return true
	})
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}

// asProxy is a proxy that the tests kill: it starts boxes and waits for ever.
func asProxy(tool string, command []string) {
	e, err := Find(context.Background(), tool, mustSelf())
	if err != nil {
		panic(err)
	}
	for range 2 {
		c, err := e.Start(context.Background(), Job{Server: "victim", Command: command, Env: []string{"A=b"}, Spec: box.Spec{Image: mustImage(e)}})
		if err != nil {
			panic(err)
		}
		fmt.Println(c.Name())
		if _, err := bufio.NewReader(c.Stdout()).ReadString('\n'); err != nil {
			panic(c.Why() + c.LastWords())
		}
	}
	fmt.Println("up")
	select {}
}

func mustSelf() string {
	p, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return p
}

func mustImage(e Engine) string {
	name, err := e.probeImage(context.Background())
	if err != nil {
		panic(err)
	}
	return name
}

// hostile is a server that does what a box has to bear.
func hostile(how string) {
	switch how {
	case "env":
		b, _ := io.ReadAll(os.Stdin)
		fmt.Printf("%s|%s|%s|%s\n", os.Getenv("TOKEN"), os.Getenv("HOME"), os.Getenv("HTTPS_PROXY"), b)
	case "memory":
		var all [][]byte
		for {
			b := make([]byte, 1<<20)
			for i := range b {
				b[i] = 1
			}
			all = append(all, b)
		}
	case "stay":
		fmt.Println("up")
		for {
			time.Sleep(time.Hour)
		}
	case "echo":
		fmt.Println("up")
		_, _ = io.Copy(os.Stdout, os.Stdin)
	case "exit":
		fmt.Fprintln(os.Stderr, "last words")
		os.Exit(3)
	case "dial":
		c, err := net.Dial("tcp", strings.TrimPrefix(os.Getenv("HTTPS_PROXY"), "http://"))
		if err != nil {
			fmt.Println(err)
			break
		}
		_, _ = io.Copy(os.Stdout, c)
	}
	os.Exit(0)
}

// splice is a forwarder without any opinion.
func splice(l net.Listener, socket string) error {
	for {
		in, err := l.Accept()
		if err != nil {
			return err
		}
		out, err := net.Dial("unix", socket)
		if err != nil {
			in.Close()
			continue
		}
		go func() { _, _ = io.Copy(in, out); in.Close() }()
		go func() { _, _ = io.Copy(out, in); out.Close() }()
	}
}

var built string // the folder of what static made

var static = sync.OnceValues(func() (string, error) {
	if self := SelfOf(mustSelf()); self.Path != "" {
		return self.Path, nil
	}
	dir, err := os.MkdirTemp("", "sallyport-engine-test")
	if err != nil {
		return "", err
	}
	built = dir
	path := filepath.Join(dir, "self")
	build := exec.Command("go", "test", "-c", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false -ldflags=-s")
	out, err := build.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

var found sync.Map

// real is an engine of this machine, or the test is skipped.
func real(t *testing.T, tool Tool) Engine {
	t.Helper()
	if testing.Short() {
		t.Skip("containers take time")
	}
	self, err := static()
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := found.Load(tool); ok {
		return e.(Engine)
	}
	e, err := Find(t.Context(), string(tool), self)
	if err != nil {
		if os.Getenv("SALLYPORT_E2E") == "require" && tool == Podman {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	t.Logf("%s: %q", e, e.Remarks)
	found.Store(tool, e)
	return e
}

// unbounded says that no limit bites but those of files and processes' own: the probe
// must see it.
func (e Engine) unbounded() bool { return e.Rootless && (e.Cgroup == 1 || e.Manager == "cgroupfs") }

func both(t *testing.T, f func(t *testing.T, e Engine)) {
	for _, tool := range []Tool{Podman, Docker} {
		t.Run(string(tool), func(t *testing.T) { f(t, real(t, tool)) })
	}
}

func (e Engine) job(t *testing.T, how string) Job {
	t.Helper()
	name, err := e.probeImage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return Job{Server: "hostile", Command: []string{insideProbe, "hostile", how}, Spec: box.Spec{Image: name}, StopTimeout: 300 * time.Millisecond}
}

func begin(t testing.TB, e Engine, j Job) *Child {
	t.Helper()
	c, err := e.Start(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
		if left := names(t, e, c.Name()); left != "" {
			t.Errorf("left: %s", left)
		}
	})
	return c
}

func names(t testing.TB, e Engine, name string) string {
	t.Helper()
	out, err := e.call(context.Background(), nil, "ps", "--all", "--format={{.Names}} {{.Status}}", "--filter=name="+name)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// enough ends a test that hangs; nothing is timed by it.
const enough = 2 * time.Minute

func await(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(enough):
		t.Fatal("it takes too long")
	}
}

func TestEnvironmentGoesInByStdin(t *testing.T) {
	both(t, func(t *testing.T, e Engine) {
		j := e.job(t, "env")
		j.Env = []string{"TOKEN=s3cret-va1ue"}
		c := begin(t, e, j)
		for end := time.Now().Add(enough); names(t, e, c.Name()) == "" && time.Now().Before(end); {
			time.Sleep(100 * time.Millisecond)
		}
		shown, err := e.call(t.Context(), nil, "container", "inspect", c.Name())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(shown), "s3cret") || strings.Contains(string(shown), "TOKEN") {
			t.Error("inspect shows it")
		}
		if _, err := io.WriteString(c.Stdin(), "mine"); err != nil {
			t.Fatal(err)
		}
		c.Stdin().Close()
		out, err := io.ReadAll(c.Stdout())
		if got, want := string(out), "s3cret-va1ue|/tmp||mine\n"; got != want || err != nil {
			t.Errorf("got %q, want %q (%v; %s)", got, want, err, c.LastWords())
		}
	})
}

func TestEndings(t *testing.T) {
	both(t, func(t *testing.T, e Engine) {
		for _, c := range []struct{ how, want string }{
			{"memory", "out of memory: the box has 32 MiB (signal: killed)"},
			{"exit", "exit status 3"},
		} {
			t.Run(c.how, func(t *testing.T) {
				if c.how == "memory" && e.unbounded() {
					t.Skip(e)
				}
				j := e.job(t, c.how)
				j.Spec.Limits.Memory = 32 << 20
				// The kernel writes down ten in five seconds, and other tests have theirs.
				for end := time.Now().Add(enough); ; {
					child := begin(t, e, j)
					await(t, child.Exited())
					if got := child.Why(); got == c.want {
						return
					} else if time.Now().After(end) || !strings.HasPrefix(got, "signal: killed") {
						t.Fatalf("got %q, want %q; %s", got, c.want, child.LastWords())
					}
					time.Sleep(3 * time.Second)
				}
			})
		}
		t.Run("no such command", func(t *testing.T) {
			j := e.job(t, "")
			j.Command = []string{"/nothing"}
			child := begin(t, e, j)
			await(t, child.Exited())
			if got := child.Why(); got != "exit status 127" || !strings.Contains(child.LastWords(), "not in the box") {
				t.Errorf("got %q; %s", got, child.LastWords())
			}
		})
		t.Run("stubborn", func(t *testing.T) {
			child := begin(t, e, e.job(t, "stay"))
			if _, err := bufio.NewReader(child.Stdout()).ReadString('\n'); err != nil {
				t.Fatal(err, child.LastWords())
			}
			if err := child.Stop(); err != nil {
				t.Error(err)
			}
			if got := child.Why(); !strings.HasPrefix(got, "stopped: ") {
				t.Errorf("got %q", got)
			}
		})
	})
}

func TestEgressByOneSocket(t *testing.T) {
	both(t, func(t *testing.T, e Engine) {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("unix", filepath.Join(dir, inside.EgressSocket))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, inside.EgressSocket), 0o666); err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			for c, err := l.Accept(); err == nil; c, err = l.Accept() {
				fmt.Fprintln(c, "the way out")
				c.Close()
			}
		}()
		j := e.job(t, "dial")
		j.Spec.Egress, j.Egress = []box.Endpoint{{Host: "example.com", Port: 443}}, dir
		c := begin(t, e, j)
		out, err := io.ReadAll(c.Stdout())
		if err != nil || string(out) != "the way out\n" {
			t.Errorf("%q %v %s", out, err, c.LastWords())
		}
	})
}

// However the proxy ends, its boxes go with it.
func TestKilledProxyLeavesNothing(t *testing.T) {
	both(t, func(t *testing.T, e Engine) {
		for range 2 {
			proxy := exec.Command(e.Self.Path, "proxy", string(e.Tool), insideProbe, "hostile", "stay")
			proxy.Stderr = os.Stderr
			stdout, err := proxy.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := proxy.Start(); err != nil {
				t.Fatal(err)
			}
			var boxes []string
			lines := bufio.NewScanner(stdout)
			for lines.Scan() && lines.Text() != "up" {
				boxes = append(boxes, lines.Text())
			}
			if len(boxes) != 2 {
				t.Fatalf("boxes: %q", boxes)
			}
			if err := proxy.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = proxy.Wait()
			for _, b := range boxes {
				for end := time.Now().Add(enough); ; time.Sleep(100 * time.Millisecond) {
					left := names(t, e, b)
					if left == "" {
						break
					}
					if time.Now().After(end) {
						t.Fatalf("left: %s", left)
					}
				}
			}
		}
	})
}

func TestReap(t *testing.T) {
	both(t, func(t *testing.T, e Engine) {
		j := e.job(t, "stay")
		mine := begin(t, e, j)
		proxy, die := mortal(t)
		name := containerName("orphan")
		argv := Argv(e, box.Spec{}, Run{Name: name, Owner: proxy, Image: j.Spec.Image, Command: j.Command})
		orphan := exec.Command(argv[0], argv[1:]...)
		hold, err := orphan.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		defer hold.Close()
		defer func() { _ = e.remove(context.Background(), name) }()
		stdout, _ := orphan.StdoutPipe()
		if err := orphan.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(mine.Stdout()).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		die()
		// Whoever else starts something at this moment may be quicker, and leave something.
		reaped, err := e.Reap(t.Context())
		if err != nil || slices.Contains(reaped, mine.Name()) {
			t.Errorf("reaped %q, %v", reaped, err)
		}
		t.Logf("reaped %q", reaped)
		_ = orphan.Process.Kill()
		_ = orphan.Wait()
		if names(t, e, name) != "" || names(t, e, mine.Name()) == "" {
			t.Error("the wrong one")
		}
	})
}

// mortal is an owner that lives until it is told to die.
func mortal(t *testing.T) (id owner.ID, die func()) {
	t.Helper()
	c := exec.Command("/bin/cat")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	die = sync.OnceFunc(func() { in.Close(); _ = c.Wait() })
	t.Cleanup(die)
	pid := strconv.Itoa(c.Process.Pid)
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	const start = 19 // of the fields behind the name
	parts := strings.Split(string(owner.Us()), ".")
	parts[3], parts[4] = pid, strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))[start]
	if id = owner.ID(strings.Join(parts, ".")); id.Gone() {
		t.Fatalf("%s is gone", id)
	}
	return id, die
}

func TestDigest(t *testing.T) {
	both(t, func(t *testing.T, e Engine) {
		j := e.job(t, "exit")
		i, err := e.inspect(t.Context(), j.Spec)
		if err != nil {
			t.Fatal(err)
		}
		if len(i.Digests) == 0 {
			b, _ := json.Marshal(i)
			t.Skipf("an imported image has no digest here: %s", b)
		}
		j.Spec.Image, j.Spec.Digest = i.Digests[0], true
		c := begin(t, e, j)
		await(t, c.Exited())
		if got := c.Why(); got != "exit status 3" {
			t.Errorf("got %q; %s", got, c.LastWords())
		}
		j.Spec.Image = j.Spec.Image[:len(j.Spec.Image)-64] + strings.Repeat("0", 64)
		if c, err := e.Start(t.Context(), j); err == nil {
			_ = c.Stop()
			t.Error("another digest was started")
		}
	})
}

func BenchmarkStart(b *testing.B) {
	self, err := static()
	if err != nil {
		b.Fatal(err)
	}
	for _, tool := range []Tool{Podman, Docker} {
		e, err := Find(b.Context(), string(tool), self)
		if err != nil {
			continue
		}
		name := mustImage(e)
		for _, env := range [][]string{nil, {"A=b"}} {
			b.Run(fmt.Sprintf("%s/env=%d", tool, len(env)), func(b *testing.B) {
				for b.Loop() {
					c, err := e.Start(b.Context(), Job{Server: "bench", Command: []string{insideProbe, "hostile", "echo"}, Env: env, Spec: box.Spec{Image: name, Limits: box.Limits{CPU: 2000}}})
					if err != nil {
						b.Fatal(err)
					}
					if _, err := bufio.NewReader(c.Stdout()).ReadString('\n'); err != nil {
						b.Fatal(err, c.Why(), c.LastWords())
					}
					b.StopTimer()
					if err := c.Stop(); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
			})
		}
	}
}

// What is promised bites, on every engine that starts at all.
func TestProbe(t *testing.T) {
	both(t, func(t *testing.T, e Engine) {
		promise := box.Spec{Limits: box.Limits{PIDs: 64, Memory: 96 << 20, CPU: 300, Scratch: 20 << 20}}
		r, err := e.Probe(t.Context(), promise, []string{"169.254.169.254:80", "10.88.0.1:22", "127.0.0.1:8080"})
		if err != nil {
			t.Fatal(err)
		}
		b, _ := json.Marshal(r)
		t.Logf("%s", b)
		var short []string
		for _, s := range probe.Broken(probe.Check(promise, r)) {
			t.Log(s)
			short = append(short, s.What)
		}
		var want []string
		if e.unbounded() {
			want = []string{"memory", "swap", "processes", "processors"}
		}
		if diff := cmp.Diff(want, slices.Compact(short)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
