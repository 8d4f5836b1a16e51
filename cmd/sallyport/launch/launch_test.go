//go:build unix

package launch

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/policy/words"
	"sallyport/proxy/upstream"
	"sallyport/sandbox/bake"
	"sallyport/sandbox/box"
	"sallyport/sandbox/bwrap"
	"sallyport/sandbox/egress"
	"sallyport/sandbox/gvisor"
	"sallyport/sandbox/probe"
)

// fake is a runtime whose boxes do nothing.
type fake struct {
	report probe.Report
	err    error
	tried  int
	jobs   []job
}

func (f *fake) String() string { return "a fake" }
func (f *fake) key() string    { return "fake" }
func (f *fake) probe(context.Context, box.Spec, []string) (probe.Report, error) {
	f.tried++
	return f.report, f.err
}
func (f *fake) start(_ context.Context, j *job) (upstream.Process, []string, error) {
	f.jobs = append(f.jobs, *j)
	end, exited := context.WithCancel(context.Background())
	return upstream.Process{In: nil, Out: strings.NewReader(""), Exited: end.Done(), Stop: exited, Reason: func() string { return "over" }}, []string{"a remark"}, nil
}

// held keeps events.
type held struct {
	sync.Mutex
	events []audit.Event
	fails  error
}

func (h *held) note(e audit.Event) error {
	h.Lock()
	defer h.Unlock()
	h.events = append(h.events, e)
	return h.fails
}

func launcher(t *testing.T, f *fake, h *held) *Launcher {
	t.Helper()
	l := New(t.Context(), Options{Logger: hclog.NewNullLogger(), Note: h.note, State: t.TempDir(), Secret: func(env, file string) (string, error) { return "secret of " + env, nil }})
	l.chosen["podman"] = f
	t.Cleanup(l.Close)
	return l
}

func server(change func(*words.Sandbox)) policy.Server {
	s := policy.Server{Name: "s", Command: []string{"c"}, Sandbox: words.Sandbox{Runtime: "podman", Image: "i"}}
	if change != nil {
		change(&s.Sandbox)
	}
	return s
}

// good is what a box with the default limits looks like from within.
func good() probe.Report { return probe.Report{Kernel: gvisor.Name} }

// Auto is an engine where there is an image, and bubblewrap where there is none.
func TestAuto(t *testing.T) {
	l := launcher(t, &fake{}, &held{})
	engines, bubbles := &fake{}, &fake{}
	l.chosen["auto"], l.chosen["bwrap"] = engines, bubbles
	for image, want := range map[string]runtime{"i": engines, "": bubbles} {
		if got, err := l.runtime(words.Sandbox{Runtime: "auto", Image: image}); err != nil || got != want {
			t.Errorf("with image %q it is another: %v", image, err)
		}
	}
}

// A box that does not hold to its promise starts nothing; where the policy says
// best_effort it starts with a warning on record. Trying is done once.
func TestVerify(t *testing.T) {
	f, h := &fake{report: good()}, &held{}
	l := launcher(t, f, h)
	if _, err := l.Server(server(nil))(); err == nil || !strings.Contains(err.Error(), "does not hold what the policy promises") {
		t.Errorf("it starts: %v", err)
	}
	if len(f.jobs) != 0 {
		t.Error("something was started")
	}
	there := t.TempDir()
	lenient := server(func(s *words.Sandbox) { s.BestEffort = true })
	lenient.Command = []string{"c", there}
	if _, err := l.Server(lenient)(); err != nil {
		t.Fatal(err)
	}
	told := []string{"does not hold: memory", "a remark", "the command names " + there, "the kernel within is gVisor's"}
	if len(h.events) != 1 || slices.ContainsFunc(told, func(s string) bool { return !strings.Contains(h.events[0].Message, s) }) {
		t.Errorf("on record: %+v, want %q", h.events, told)
	}
	tried := f.tried
	again := launcher(t, f, h)
	again.opt.State = l.opt.State
	if _, err := again.Server(server(func(s *words.Sandbox) { s.BestEffort = true }))(); err != nil {
		t.Fatal(err)
	}
	if f.tried != tried {
		t.Error("it was tried again though the answer is kept")
	}
	if _, err := again.Server(server(func(s *words.Sandbox) { s.BestEffort, s.Memory = true, 1<<30 }))(); err != nil {
		t.Fatal(err)
	}
	if f.tried != tried+1 {
		t.Error("other limits were not tried")
	}
	// A runtime that was changed, as a script with flags is, may hold to something else.
	class := filepath.Join(t.TempDir(), "runtime")
	for _, script := range []string{"#!/bin/sh\n", "#!/bin/sh\n# other flags\n"} {
		if err := os.WriteFile(class, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			next := launcher(t, f, h)
			next.opt.State = l.opt.State
			if _, err := next.Server(server(func(s *words.Sandbox) { s.BestEffort, s.Class = true, class }))(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if f.tried != tried+3 {
		t.Errorf("two runtime classes were tried %d times", f.tried-tried-1)
	}
}

// What an answer is kept for has the programs in it.
func TestKeysOfPrograms(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	keys := map[string]bool{}
	for _, text := range []string{"a", "bb"} {
		if err := os.WriteFile(program, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		keys[containers{where: surroundings("podman", program)}.key()] = true
		keys[bubbles{Host: bwrap.Host{Self: program}}.key()] = true
	}
	if len(keys) != 4 {
		t.Errorf("%d of 4", len(keys))
	}
}

// What cannot be tried is not believed.
func TestVerifyFails(t *testing.T) {
	f, h := &fake{err: errors.New("no probe")}, &held{}
	l := launcher(t, f, h)
	if _, err := l.Server(server(nil))(); err == nil || !strings.Contains(err.Error(), "no probe") || !strings.Contains(err.Error(), "best_effort") {
		t.Errorf("%v", err)
	}
	if _, err := l.Server(server(func(s *words.Sandbox) { s.BestEffort = true }))(); err != nil || len(f.jobs) != 1 {
		t.Errorf("%v", err)
	}
}

// A server whose box cannot be recorded does not run.
func TestUnrecorded(t *testing.T) {
	f, h := &fake{}, &held{fails: errors.New("disk full")}
	l := launcher(t, f, h)
	if _, err := l.Server(server(func(s *words.Sandbox) { s.BestEffort = true }))(); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("%v", err)
	}
}

// Every line of a sandbox block reaches the runtime.
func TestSpecOf(t *testing.T) {
	got := specOf(words.Sandbox{
		Runtime: "podman", Image: "i", Class: "runsc", Dir: "/d", Pull: true, Digest: true, BestEffort: true, Spare: true, UID: 1, GID: 2,
		Memory: 3, Scratch: 4, Shm: 5, CPU: 6, PIDs: 7, Files: 8, Exec: true,
		Mounts: []words.Mount{{Source: "/s", Target: "/t", Write: true, Dangerous: true}},
		Egress: []words.Endpoint{{Host: "h", Port: 9, Private: true}},
	})
	want := box.Spec{
		Runtime: "podman", Image: "i", Class: "runsc", Dir: "/d", Pull: true, Digest: true, Lenient: true, User: box.User{UID: 1, GID: 2},
		Limits: box.Limits{Memory: 3, Scratch: 4, Shm: 5, CPU: 6, PIDs: 7, Files: 8, Exec: true},
		Mounts: []box.Mount{{Source: "/s", Target: "/t", Write: true, Dangerous: true}},
		Egress: []box.Endpoint{{Host: "h", Port: 9, Private: true}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	const told = "image i, runtime class runsc, memory 3B, cpu 6m, pids 7, scratch 4B, mount /s at /t rw, network only h:9"
	if got := (job{spec: got}).describe(); got != told {
		t.Errorf("%s", got)
	}
}

// Files of this machine that a command names and its box does not show are told of.
func TestUnseen(t *testing.T) {
	dir := t.TempDir()
	shown := filepath.Join(dir, "shown")
	if err := os.MkdirAll(filepath.Join(shown, "more"), 0o755); err != nil {
		t.Fatal(err)
	}
	j := job{spec: box.Spec{Mounts: []box.Mount{{Source: "/x", Target: shown}}}}
	for arg, told := range map[string]bool{
		dir + "/other":                       false, // there is none
		t.TempDir():                          true,
		"--root=" + filepath.Dir(os.Args[0]): true,
		shown + "/more/":                     false,
		"/etc/passwd":                        false,
		"--flag":                             false,
		"relative":                           false,
		"":                                   false,
		"/":                                  false,
		dir:                                  false, // it is there, with what is mounted below it
	} {
		j.command = []string{arg}
		if got := j.unseen(); (len(got) == 1) != told {
			t.Errorf("%q: %q", arg, got)
		}
	}
}

// Of a server's variables an installer is told those that are its own, and it believes
// the authorities that are believed where we run.
func TestInstaller(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ours.pem")
	if err := os.WriteFile(file, []byte("an authority"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NODE_EXTRA_CA_CERTS", file)
	t.Setenv("SSL_CERT_FILE", file)
	l := New(t.Context(), Options{State: t.TempDir(), Logger: hclog.NewNullLogger()})
	given := []string{"NPM_CONFIG_REGISTRY=a", "npm_config_//r/:_authToken=b", "UV_INDEX=c", "TOKEN=d", "uv_x=e"}
	told := given[:3:3]
	for installer, believes := range map[bake.Installer]string{bake.NPM: "NODE_EXTRA_CA_CERTS", bake.UV: "SSL_CERT_FILE"} {
		r := bake.Recipe{Installer: installer}
		env, spec, err := l.installer(r, given, box.Spec{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(append(told, believes+"=/sallyport-authorities.pem"), env); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if len(spec.Mounts) != 1 || spec.Mounts[0].Target != "/sallyport-authorities.pem" || spec.Mounts[0].Write {
			t.Fatalf("%+v", spec.Mounts)
		}
		info, err := os.Stat(spec.Mounts[0].Source)
		if text, _ := os.ReadFile(spec.Mounts[0].Source); string(text) != "an authority" || err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("it is shown %q %v", text, err)
		}
		env, spec, err = l.installer(r, []string{believes + "=/in/the/image"}, box.Spec{})
		if diff := cmp.Diff([]string{believes + "=/in/the/image"}, env); diff != "" || len(spec.Mounts) != 0 || err != nil {
			t.Errorf("what the policy says does not come first: (-want +got)\n%s %v", diff, err)
		}
		t.Setenv(believes, "")
		if env, spec, err = l.installer(r, given, box.Spec{}); err != nil || len(spec.Mounts) != 0 || cmp.Diff(told, env) != "" {
			t.Errorf("%q %v %v", env, spec.Mounts, err)
		}
		for _, bad := range []string{file + ".not", "/dev/zero"} {
			t.Setenv(believes, bad)
			if _, _, err := l.installer(r, given, box.Spec{}); err == nil || !strings.Contains(err.Error(), believes) {
				t.Errorf("%s: %v", bad, err)
			}
		}
	}
}

// What was found out where a systemd hands over control groups does not count where none
// does, nor the other way round.
func TestAnswersBelongToSurroundings(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	seen := map[string]bool{}
	look := func(change func()) {
		change()
		seen[containers{where: surroundings("podman", "")}.key()] = true
	}
	look(func() {})
	look(func() { t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/bus") })
	look(func() {
		if err := os.WriteFile(filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "bus"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	seen[bubbles{held: "control group"}.key()] = true
	seen[bubbles{held: "nothing"}.key()] = true
	if len(seen) != 5 {
		t.Errorf("%d answers for 5 surroundings", len(seen))
	}
}

// An answer that was kept counts for a day, and is nobody else's.
func TestKeep(t *testing.T) {
	l := New(t.Context(), Options{State: t.TempDir()})
	l.keep("what", "key", []string{"a"})
	var got []string
	if !l.kept("what", "key", &got) || cmp.Diff([]string{"a"}, got) != "" {
		t.Errorf("%q", got)
	}
	if l.kept("what", "other", &got) {
		t.Error("another key has the same answer")
	}
	at := l.place("what", "key")
	if info, err := os.Stat(at); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	old := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(at, old, old); err != nil {
		t.Fatal(err)
	}
	if l.kept("what", "key", &got) {
		t.Error("it counts for ever")
	}
	l.keep("what", "open", 1)
	if err := os.Chmod(l.place("what", "open"), 0o666); err != nil {
		t.Fatal(err)
	}
	if l.kept("what", "open", new(any)) {
		t.Error("what others may write to is believed")
	}
	if os.Geteuid() == 0 {
		l.keep("what", "another's", 1)
		if err := os.Chown(l.place("what", "another's"), 1, 1); err != nil {
			t.Fatal(err)
		}
		if l.kept("what", "another's", new(any)) {
			t.Error("another user's answer is believed")
		}
	}
	l.keep("what", "third", 1)
	if _, err := os.Stat(at); !os.IsNotExist(err) {
		t.Errorf("what counts no more is left: %v", err)
	}
	l.keep("what", "key", 1)
	if err := os.Remove(at); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", at); err != nil {
		t.Fatal(err)
	}
	if l.kept("what", "key", new(any)) {
		t.Error("a link is followed")
	}
}

// A spare is there when the first has ended, and another is made.
func TestSpare(t *testing.T) {
	f, h := &fake{}, &held{}
	l := launcher(t, f, h)
	start := l.Server(server(func(s *words.Sandbox) { s.BestEffort, s.Spare = true, true }))
	first, err := start()
	if err != nil {
		t.Fatal(err)
	}
	spare := func() *spare {
		l.sparer.Wait()
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.spares["s"]
	}
	ready := spare()
	if ready == nil {
		t.Fatal("there is no spare")
	}
	first.Stop()
	second, err := start()
	if err != nil || second.Exited != ready.process.Exited {
		t.Errorf("the spare was not used: %v", err)
	}
	third := spare()
	third.process.Stop() // it dies while nobody looks
	fourth, err := start()
	if err != nil || fourth.Exited == third.process.Exited {
		t.Errorf("a dead spare was used: %v", err)
	}
	last := spare()
	l.Close()
	select {
	case <-last.process.Exited:
	default:
		t.Error("a spare outlives its launcher")
	}
}

// The way out records before it lets pass, and is shut for good by what cannot be
// recorded.
func TestWayOut(t *testing.T) {
	h := &held{}
	l := launcher(t, &fake{}, h)
	w, err := l.wayOut("s", []box.Endpoint{{Host: "example.com", Port: 80}})
	if err != nil {
		t.Fatal(err)
	}
	if same, err := l.wayOut("s", nil); err != nil || same != w {
		t.Errorf("another way: %v", err)
	}
	if info, err := os.Stat(w.home); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others can come to the socket: %v %v", info.Mode(), err)
	}
	w.report(egress.Event{Phase: egress.Opened, Allowed: true, Method: "CONNECT", Host: "example.com", Port: 80, Address: netip.MustParseAddr("192.0.2.1")})
	w.report(egress.Event{Allowed: true, Method: "CONNECT", Host: "example.com", Port: 80, BytesUp: 1, BytesDown: 2, Duration: time.Second})
	w.report(egress.Event{Reason: egress.NotListed, Host: "evil.example", Port: 443, Detail: "not in the list"})
	want := []audit.Event{
		{Type: audit.TypeNotice, Method: "egress", Server: "s", Tool: "example.com:80", Code: "egress_opened", Message: "CONNECT to 192.0.2.1"},
		{Type: audit.TypeNotice, Method: "egress", Server: "s", Tool: "example.com:80", Code: "egress_closed", Message: "1 bytes out, 2 in", DurationUS: 1000000},
		{Type: audit.TypeError, Method: "egress", Server: "s", Tool: "evil.example:443", Code: "egress_not_listed", Message: "not in the list"},
	}
	if diff := cmp.Diff(want, h.events); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, Proxy: func(*http.Request) (*url.URL, error) { return url.Parse("http://proxy") }, DialContext: dialTo(filepath.Join(w.folder, "egress.sock"))}}
	ask := func() (string, error) {
		r, err := client.Get("http://evil.example/")
		if err != nil {
			return "", err
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		return r.Status + " " + string(b), err
	}
	if got, err := ask(); err != nil || !strings.HasPrefix(got, "403") {
		t.Errorf("%s %v", got, err)
	}
	h.Lock()
	h.fails = errors.New("disk full")
	h.Unlock()
	_, _ = ask()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err := ask(); err != nil {
			break
		} else if time.Now().After(end) {
			t.Fatal("the way is open though nothing can be recorded")
		}
	}
	l.Close()
	if _, err := os.Stat(w.home); !os.IsNotExist(err) {
		t.Errorf("left: %v", err)
	}
}

// What dead proxies left is removed, and nothing else.
func TestSweepWays(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	make := func(owner string) string {
		dir, err := os.MkdirTemp("", wayPrefix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, ownerFile), []byte(owner), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	l := launcher(t, &fake{}, &held{})
	w, err := l.wayOut("s", nil)
	if err != nil {
		t.Fatal(err)
	}
	us, err := os.ReadFile(filepath.Join(w.home, ownerFile))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(us), ".")
	parts[3], parts[4] = "2147483600", "1"
	dead, strange := make(strings.Join(parts, ".")), make("strange")
	early, late := filepath.Join(os.TempDir(), wayPrefix+"2147483600-1"), filepath.Join(os.TempDir(), wayPrefix+strconv.Itoa(os.Getpid())+"-1")
	if err := errors.Join(os.Mkdir(early, 0o700), os.Mkdir(late, 0o700)); err != nil {
		t.Fatal(err)
	}
	sweepWays()
	for dir, want := range map[string]bool{dead: false, early: false, late: true, strange: true, w.home: true} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func dialTo(socket string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
}
