//go:build linux || darwin || freebsd

package socket

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/proxy/approval"
	"sallyport/proxy/approval/seal"
	"sallyport/proxy/approval/socket/client"
	"sallyport/proxy/approval/socket/place"
	"sallyport/proxy/show"
)

const somePolicy = `
audit { file = "log.jsonl" }
server "k8s" {
  sandbox "none" {}
  tool "drop" { risk = "delete" }
}
server "far" {
  sandbox "none" {}
  tool "send" { risk = "external" }
}
role "ops" { allow = ["k8s/*", "far/*"] }
approval "delete" {
  via      = ["command_line"]
  remember = "10m"
}
approval "external" { via = ["elicitation"] }
`

// desk is one with a log, and with ids q1, q2, …
func desk(t *testing.T) (d *approval.Desk, log string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log.jsonl")
	l, err := audit.Open(path, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	keys, err := seal.New()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	return approval.New(approval.Options{Log: l, Waiting: 10, Keys: keys, Spent: seal.NewSpent(), Owner: "alice", NewID: func() string {
		n++
		return "q" + strconv.Itoa(n)
	}}), path
}

// ask lays a question on a desk.
func ask(t *testing.T, d *approval.Desk, server, tool, args string) approval.Waiting {
	t.Helper()
	p, err := policy.Parse([]byte(somePolicy), "p.hcl")
	if err != nil {
		t.Fatal(err)
	}
	decision := p.Decide(policy.Call{Role: "ops", Server: server, Kind: policy.ToolCall, Name: tool, Tool: &policy.ToolFacts{},
		Validate: func() error { return nil }})
	if !decision.NeedsPerson() {
		t.Fatalf("%s: %s", tool, decision.Message())
	}
	w, err := d.Put(approval.Subject{Key: approval.Key{Principal: "p", Role: "ops", Server: server, Method: "tools/call", Tool: tool,
		Arguments: sha256.Sum256([]byte(args)), Policy: p.Digest()}, Agent: "agent", Decision: decision, Params: []byte(args)})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func serve(t *testing.T, d *approval.Desk, path string) (*Server, *client.Client) {
	t.Helper()
	s, err := Listen(path, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, dialed(t, s.Path())
}

func dialed(t *testing.T, path string) *client.Client {
	t.Helper()
	all, err := client.Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

// folder is one of our own, with a short name: a socket's path is bounded.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sallyport")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func status(t *testing.T, err error) int {
	t.Helper()
	var r *client.Refused
	if err != nil && !errors.As(err, &r) {
		t.Fatal(err)
	}
	if err == nil {
		return http.StatusOK
	}
	return r.Status
}

// TestApprove goes the whole way: a question is read, approved in exactly that
// wording, stands for one call, and is revoked.
func TestApprove(t *testing.T) {
	d, log := desk(t)
	w := ask(t, d, "k8s", "drop", `{"name":"a\u202eb"}`)
	_, c := serve(t, d, filepath.Join(folder(t), "s.sock"))
	ctx := context.Background()
	q, err := c.Show(ctx, w.ID)
	if err != nil {
		t.Fatal(err)
	}
	if q.Text != w.Question().Text(show.All) || q.Digest != show.Digest(q.Text) || !strings.Contains(q.Text, "⟨U+202E⟩") {
		t.Errorf("what is shown: %s", q.Text)
	}
	if _, err := c.Answer(ctx, client.Answer{ID: w.ID, Approve: true, Digest: q.Digest}); err != nil {
		t.Fatal(err)
	}
	b, err := c.List(ctx)
	if err != nil || len(b.Waiting) != 0 || len(b.Unspent) != 1 || b.Unspent[0].By != "alice" || b.PID != os.Getpid() {
		t.Errorf("%v %+v", err, b)
	}
	if err := c.Revoke(ctx, w.ID); err != nil {
		t.Fatal(err)
	}
	if got := status(t, c.Revoke(ctx, w.ID)); got != http.StatusGone {
		t.Errorf("a second revocation: %d", got)
	}
	text := content(t, log)
	for _, want := range []string{
		`"code":"approval_shown"`, `"shown_sha256":"` + q.Digest + `"`, `"channel":"command_line"`, `"approver":"alice"`, `"code":"approval_revoked"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the log does not say %s:\n%s", want, text)
		}
	}
}

// TestRefusals holds each answer that must not count against its control.
func TestRefusals(t *testing.T) {
	d, _ := desk(t)
	w := ask(t, d, "k8s", "drop", `{}`)
	other := ask(t, d, "far", "send", `{}`)
	large := ask(t, d, "k8s", "drop", `"`+strings.Repeat("x", maxWhole)+`"`)
	_, c := serve(t, d, filepath.Join(folder(t), "s.sock"))
	yes := func(w approval.Waiting) client.Answer {
		return client.Answer{ID: w.ID, Approve: true, Digest: show.Digest(whole(&w))}
	}
	wide, wider, stale, unread := yes(w), yes(w), yes(w), yes(w)
	wide.For, wider.For, wider.Any = 11*time.Minute, time.Minute, true
	stale.Digest, unread.Digest = show.Digest(w.Text()+"."), ""
	gone := yes(w)
	gone.ID = "q9"
	for _, tt := range []struct {
		why    string
		answer client.Answer
		want   int
		says   string
	}{
		{"a text that is not the question's", stale, http.StatusPreconditionFailed, "read it again"},
		{"no text at all", unread, http.StatusPreconditionFailed, "read it again"},
		{"arguments that nobody can have read here", yes(large), http.StatusPreconditionFailed, "read it again"},
		{"no such question", gone, http.StatusGone, "no such question waits"},
		{"a question that is asked elsewhere", yes(other), http.StatusForbidden, "it can be at elicitation"},
		{"longer than allowed", wide, http.StatusForbidden, "at most it may be for 10m, these arguments"},
		{"any arguments where that is not allowed", wider, http.StatusForbidden, "at most it may be"},
		{"a reason without end", client.Answer{ID: w.ID, Reason: strings.Repeat("x", 501)}, http.StatusBadRequest, "500 characters"},
	} {
		_, err := c.Answer(t.Context(), tt.answer)
		if got := status(t, err); got != tt.want || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %d %v", tt.why, got, err)
		}
	}
	if _, err := c.Show(t.Context(), large.ID); status(t, err) != http.StatusRequestEntityTooLarge {
		t.Errorf("too large to show: %v", err)
	}
	if n := len(d.Board().Waiting); n != 3 {
		t.Errorf("%d questions wait, not 3", n)
	}
	if _, err := c.Answer(t.Context(), client.Answer{ID: other.ID, Reason: "no"}); err != nil {
		t.Errorf("a no is taken anywhere: %v", err)
	}
}

// raw speaks to a socket without a client's care.
func raw(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return place.Dial(ctx, path)
	}}}
}

// TestStrict: a body that can be read in two ways, or says what nobody knows, is
// no answer.
func TestStrict(t *testing.T) {
	d, _ := desk(t)
	w := ask(t, d, "k8s", "drop", `{}`)
	s, _ := serve(t, d, filepath.Join(folder(t), "s.sock"))
	digest := show.Digest(whole(&w))
	for why, body := range map[string]string{
		"a repeated key":     `{"id":"q1","approve":false,"approve":true,"text_sha256":"` + digest + `"}`,
		"an unknown key":     `{"id":"q1","approve":true,"text_sha256":"` + digest + `","force":true}`,
		"a key in two cases": `{"id":"q1","approve":true,"Approve":true,"text_sha256":"` + digest + `"}`,
		"a wrong type":       `{"id":"q1","approve":"true","text_sha256":"` + digest + `"}`,
		"two values":         `{"id":"q1","approve":true,"text_sha256":"` + digest + `"}{}`,
		"no JSON":            `yes`,
		"too much":           `{"id":"q1","approve":true,"text_sha256":"` + digest + `"}` + strings.Repeat(" ", maxBody),
	} {
		resp, err := raw(s.Path()).Post("http://sallyport/answer", "application/json", strings.NewReader(body))
		if err != nil {
			t.Errorf("%s: %v", why, err)
			continue
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", why, resp.Status)
		}
	}
	if len(d.Board().Waiting) != 1 {
		t.Error("one of them has counted")
	}
}

// TestOnlyOurUser: a connection of another user is closed before anything is read.
func TestOnlyOurUser(t *testing.T) {
	for _, tt := range []struct {
		uid, own int
		want     string
		ok       bool
	}{
		{1000, 1000, "alice", true}, {0, 0, "alice", true}, {0, 1000, "root", true}, {1001, 1000, "", false}, {1000, 0, "", false}, {-1, 1000, "", false},
	} {
		if got, ok := approver(tt.uid, tt.own, "alice"); got != tt.want || ok != tt.ok {
			t.Errorf("%d at a proxy of %d: %q %v", tt.uid, tt.own, got, ok)
		}
	}
	for _, tt := range []struct {
		why  string
		peer func(*net.UnixConn) (int, error)
	}{
		{"another user", func(*net.UnixConn) (int, error) { return os.Geteuid() + 1, nil }},
		{"nobody knows who", func(*net.UnixConn) (int, error) { return os.Geteuid(), errors.New("unknown") }},
	} {
		l, err := place.Bind(filepath.Join(folder(t), "s.sock"))
		if err != nil {
			t.Fatal(err)
		}
		g := newGate(l, "alice")
		g.peer = tt.peer
		d, _ := desk(t)
		s := &Server{desk: d, path: l.Addr().String(), mux: http.NewServeMux(), done: make(chan struct{})}
		s.serve(g)
		path := filepath.Join(filepath.Dir(filepath.Dir(l.Addr().String())), "s.sock")
		if b, err := dialed(t, path).List(t.Context()); err == nil {
			t.Errorf("%s is answered: %+v", tt.why, b)
		}
		s.end()
		s.http.Close()
		<-s.done
	}
}

// TestModes: neither the socket nor its folder is ever open to others, whatever
// the umask.
func TestModes(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "")
	t.Setenv("XDG_STATE_HOME", folder(t))
	dir, err := place.Dir()
	if err != nil {
		t.Fatal(err)
	}
	d, _ := desk(t)
	s, err := Listen("", d)
	if err != nil {
		t.Fatal(err)
	}
	mode := func(path string) fs.FileMode {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	if s.Path() != filepath.Join(dir, strconv.Itoa(os.Getpid())+".sock") || mode(s.Path()) != 0o600 || mode(dir) != 0o700 {
		t.Errorf("%s %o in %o", s.Path(), mode(s.Path()), mode(dir))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := place.Home(); err != nil || mode(dir) != 0o700 {
		t.Errorf("a folder that others may read is closed: %v %o", err, mode(dir))
	}
}

// TestFolders: where others may put things, nothing is put and nothing is
// believed.
func TestFolders(t *testing.T) {
	d, _ := desk(t)
	dir := folder(t)
	open := filepath.Join(dir, "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o770); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(folder(t), link); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "file.sock")
	if err := os.WriteFile(file, []byte("keep"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(open, "s.sock"):                    "do: chmod 700 ",
		filepath.Join(link, "s.sock"):                    "is not a folder",
		filepath.Join(dir, "none", "s.sock"):             "no such file",
		filepath.Join(dir, strings.Repeat("x", 104)):     "is too long for a socket by ",
		filepath.Join(dir, strings.Repeat("x", 90), "s"): "is too long for a socket by ",
		file: "is not a socket that was left behind",
	} {
		if _, err := Listen(path, d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if content(t, file) != "keep" {
		t.Error("a file was replaced")
	}
	if os.Geteuid() == 0 {
		other := filepath.Join(dir, "other")
		if err := errors.Join(os.Mkdir(other, 0o700), os.Chown(other, 65534, 65534)); err != nil {
			t.Fatal(err)
		}
		if _, err := Listen(filepath.Join(other, "s.sock"), d); err == nil || !strings.Contains(err.Error(), "belongs to another user") {
			t.Error(err)
		}
	}
	t.Setenv("XDG_RUNTIME_DIR", open) // not ours alone: the state folder is taken
	t.Setenv("XDG_STATE_HOME", dir)
	if got, err := place.Dir(); err != nil || got != filepath.Join(dir, "sallyport", "run") {
		t.Error(got, err)
	}
	t.Setenv("XDG_RUNTIME_DIR", dir)
	if got, err := place.Dir(); err != nil || got != filepath.Join(dir, "sallyport") {
		t.Error(got, err)
	}
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "sallyport"), 0o700), os.Chmod(filepath.Join(dir, "sallyport"), 0o777)); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Dial(); err == nil {
		t.Error("sockets are looked for where everybody can put one")
	}
}

// leave makes a socket at which nobody listens any more.
func leave(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

// TestStale: what dead processes left is removed by whoever comes across it; a
// living socket is neither removed nor replaced.
func TestStale(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "")
	t.Setenv("HOME", "/none")
	t.Setenv("XDG_STATE_HOME", folder(t))
	dir, err := place.Home()
	if err != nil {
		t.Fatal(err)
	}
	d, _ := desk(t)
	mine := filepath.Join(dir, strconv.Itoa(os.Getpid())+".sock")
	leave(t, mine) // the same process id, an earlier process
	leave(t, filepath.Join(dir, "1.sock"))
	s, err := Listen("", d)
	if err != nil {
		t.Fatal(err)
	}
	sockets := func() []string {
		all, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if got := sockets(); !slices.Equal(got, []string{mine}) {
		t.Errorf("after Listen: %v", got)
	}
	leave(t, filepath.Join(dir, "2.sock"))
	all, err := client.Dial()
	if err != nil || len(all) != 1 || all[0].Path() != mine {
		t.Errorf("%v %v", all, err)
	}
	if got := sockets(); !slices.Equal(got, []string{mine}) {
		t.Errorf("after Dial: %v", got)
	}
	if _, err := Listen("", d); err == nil || !strings.Contains(err.Error(), "is another sallyport running?") {
		t.Errorf("a living socket: %v", err)
	}
	if _, err := all[0].List(t.Context()); err != nil {
		t.Error(err)
	}
	if err := os.Remove(mine); err != nil { // somebody else has taken the place
		t.Fatal(err)
	}
	leave(t, mine)
	if err := s.Close(); err != nil || len(sockets()) != 1 {
		t.Errorf("%v: the socket of another was removed", err)
	}
	if _, err := client.Dial(mine); err == nil || !strings.Contains(err.Error(), "no sallyport answers at "+mine+": connection refused") {
		t.Error(err)
	}
}

// TestVerbs: further verbs of the proxy know who asks.
func TestVerbs(t *testing.T) {
	d, _ := desk(t)
	s, c := serve(t, d, filepath.Join(folder(t), "s.sock"))
	s.Handle("reload", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = reply(w, client.Said{Message: "reloaded by " + r.RemoteAddr})
	}))
	s.Handle("open", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { refuse(w, http.StatusConflict, "not now") }))
	if said, err := c.Tell(t.Context(), "reload"); err != nil || said.Message != "reloaded by alice" {
		t.Error(said, err)
	}
	if _, err := c.Tell(t.Context(), "open"); status(t, err) != http.StatusConflict || err.Error() != "not now" {
		t.Error(err)
	}
	if _, err := c.Tell(t.Context(), "dance"); status(t, err) != http.StatusNotFound {
		t.Error(err)
	}
}

// TestWatch: the board comes at once and at each change; a watcher does not keep
// the proxy from ending.
func TestWatch(t *testing.T) {
	d, _ := desk(t)
	s, err := Listen(filepath.Join(folder(t), "s.sock"), d)
	if err != nil {
		t.Fatal(err)
	}
	c := dialed(t, s.Path())
	counts := make(chan int)
	ended := make(chan error)
	go func() { ended <- c.Watch(t.Context(), func(b client.Board) { counts <- len(b.Waiting) }) }()
	if n := <-counts; n != 0 {
		t.Errorf("%d at first", n)
	}
	ask(t, d, "k8s", "drop", `{}`)
	if n := <-counts; n != 1 {
		t.Errorf("%d then", n)
	}
	s.farewell = time.Hour // that would be noticed
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
