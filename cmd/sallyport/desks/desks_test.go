//go:build linux || darwin || freebsd

package desks

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"sallyport/audit"
	"sallyport/cmd/sallyport/words"
	"sallyport/policy"
	"sallyport/proxy/approval"
	"sallyport/proxy/approval/seal"
	"sallyport/proxy/approval/socket"
	"sallyport/proxy/approval/socket/place"
	"sallyport/proxy/show"
)

var update = flag.Bool("update", false, "write the golden files anew")

const somePolicy = `
audit { file = "log.jsonl" }
server "k8s" {
  sandbox "none" {}
  tool "drop" { risk = "delete" }
  tool "send" { risk = "external" }
}
role "ops" { allow = ["k8s/*"] }
approval {
  web {
    approver "bob" { token = secret_env("BOB") }
  }
}
approval "delete" {
  via      = ["command_line", "elicitation"]
  timeout  = "2m"
  remember = "10m"
  widen    = "tool"
}
approval "external" {
  via    = ["web", "command_line"]
  quorum = 2
}
`

// proxy is a running one, as far as these commands know.
type proxy struct {
	t      *testing.T
	desk   *approval.Desk
	server *socket.Server
	path   string
	log    string
}

// newProxy makes a desk whose ids begin with a letter. It listens when told to: as
// soon as it does, the clock of the bubble stands still.
func newProxy(t *testing.T, dir, letter string) *proxy {
	t.Helper()
	p := &proxy{t: t, log: filepath.Join(t.TempDir(), "log.jsonl"), path: filepath.Join(dir, letter+".sock")}
	log, err := audit.Open(p.log, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	keys, err := seal.New()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	p.desk = approval.New(approval.Options{Log: log, Waiting: 10, Keys: keys, Spent: seal.NewSpent(), Owner: "alice",
		NewID: func() string { n++; return letter + strconv.Itoa(n) + "xyz" }})
	return p
}

func (p *proxy) ask(tool, args string) approval.Waiting {
	p.t.Helper()
	pol, err := policy.Parse([]byte(somePolicy), "p.hcl")
	if err != nil {
		p.t.Fatal(err)
	}
	d := pol.Decide(policy.Call{Role: "ops", Server: "k8s", Kind: policy.ToolCall, Name: tool, Tool: &policy.ToolFacts{}, Validate: func() error { return nil }})
	w, err := p.desk.Put(approval.Subject{Key: approval.Key{Principal: "p", Role: "ops", Server: "k8s", Method: "tools/call", Tool: tool,
		Arguments: sha256.Sum256([]byte(args)), Policy: pol.Digest()}, Agent: "agent\u202e", Decision: d, Params: []byte(args)})
	if err != nil {
		p.t.Fatal(err)
	}
	return w
}

func (p *proxy) listen() {
	p.t.Helper()
	s, err := socket.Listen(p.path, p.desk)
	if err != nil {
		p.t.Fatal(err)
	}
	p.server = s
}

// done ends all that runs in the bubble.
func (p *proxy) done() {
	if err := p.server.Close(); err != nil {
		p.t.Error(err)
	}
	p.desk.Void("another policy")
}

// folder has XDG_RUNTIME_DIR/sallyport, where the sockets are looked for.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sallyport")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("XDG_STATE_HOME", "")
	t.Setenv("HOME", "/none")
	dir = filepath.Join(dir, "sallyport")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// do runs a command as the program would.
func do(in io.Reader, args ...string) (out, errs string, code int) {
	root := words.Group(newRoot(), Approvals(), Approve(), Deny(), Reload())
	var stdout, stderr bytes.Buffer
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	err := root.ExecuteContext(context.Background())
	var exit *words.Exit
	switch {
	case err == nil:
		return stdout.String(), stderr.String(), 0
	case errors.As(err, &exit):
		code = exit.Code
	case words.IsUsage(err):
		code = 2
	default:
		code = 1
	}
	return stdout.String(), stderr.String() + err.Error() + "\n", code
}

// golden holds what a run of commands wrote against testdata/golden.
func golden(t *testing.T, name string, runs [][]string) {
	t.Helper()
	file := filepath.Join("..", "..", "..", "testdata", "golden", name)
	var got txtar.Archive
	for _, args := range runs {
		out, errs, code := do(strings.NewReader(""), args...)
		data := out
		if errs != "" {
			data += "stderr: " + errs
		}
		got.Files = append(got.Files, txtar.File{Name: fmt.Sprintf("%s = %d", strings.Join(args, " "), code), Data: []byte(data)})
	}
	text := string(txtar.Format(&got))
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestCommands runs one command after the other against the desks of two proxies.
func TestCommands(t *testing.T) {
	dir := folder(t)
	synctest.Test(t, func(t *testing.T) {
		a, b := newProxy(t, dir, "a"), newProxy(t, dir, "b")
		a.ask("drop", `{"name":"x\u202ey","n":1}`)
		time.Sleep(12 * time.Second)
		b.ask("send", `{"to":"\u001b[31m"}`)
		time.Sleep(31 * time.Second)
		for i := range 8 {
			a.ask("drop", fmt.Sprintf(`{"i":%d}`, i))
		}
		a.listen()
		b.listen()
		defer a.done()
		defer b.done()
		b.server.Handle("open", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"message":"http://127.0.0.1:9/\u202e"}`)
		}))
		a.server.Handle("reload", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"message":"reloaded for `+r.RemoteAddr+`"}`)
		}))
		b.server.Handle("reload", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusConflict)
			fmt.Fprint(w, `{"error":"p.hcl:3:\n\u001b[31mmistake"}`)
		}))
		golden(t, "approvals.txtar", [][]string{
			{"approvals"},
			{"approvals", "show", "a1"},
			{"approvals", "show", "a"},
			{"approvals", "show", "zz"},
			{"approve", "a1xyz"},
			{"approve", "a1xyz"},
			{"approve", "a2", "--for", "5m", "--any-arguments", "--yes"},
			{"approve", "a3", "--for", "11m"},
			{"approve", "a3", "--for", "0s"},
			{"approve", "a3", "--any-arguments"},
			{"approve"},
			{"deny", "a3", "--reason", "not today"},
			{"deny", "a3"},
			{"approve", "b1"},
			{"approve", "b1"},
			{"approvals"},
			{"approvals", "revoke", "a2"},
			{"approvals", "revoke", "a2"},
			{"approvals", "revoke", "a1"},
		})
		// What has paths in it is not for a golden.
		if out, _, code := do(nil, "approvals", "--socket", b.path); code != 0 || strings.Contains(out, "a4xyz") || !strings.Contains(out, "b1xyz") {
			t.Errorf("%d %s", code, out)
		}
		if _, errs, code := do(nil, "approvals", "--socket", "/none/s.sock"); code != 1 || errs != "no sallyport answers at /none/s.sock: no such file or directory\n" {
			t.Errorf("%d %q", code, errs)
		}
		if _, errs, code := do(nil, "approvals", "bogus"); code != 2 || !strings.Contains(errs, "no command") {
			t.Errorf("%d %q", code, errs)
		}
		if out, errs, code := do(nil, "approvals", "open"); code != 0 || out != "b: http://127.0.0.1:9/⟨U+202E⟩\n" || errs != "" {
			t.Errorf("%d %q %q", code, out, errs)
		}
		if out, errs, code := do(nil, "approvals", "open", "--socket", a.path); code != 1 || out != "" || !strings.Contains(errs, "no running sallyport has a web page") {
			t.Errorf("%d %q %q", code, out, errs)
		}
		if out, errs, code := do(nil, "reload"); code != 1 || out != "a: reloaded for alice\n" || errs != "b: p.hcl:3:⟨U+000A⟩⟨U+001B⟩[31mmistake\n" {
			t.Errorf("%d %q %q", code, out, errs)
		}
		if _, errs, code := do(nil, "approvals", "open", "now"); code != 2 {
			t.Errorf("%d %q", code, errs)
		}
	})
}

// TestJSON: what machines read is whole, and yet fit for a terminal.
func TestJSON(t *testing.T) {
	dir := folder(t)
	synctest.Test(t, func(t *testing.T) {
		a := newProxy(t, dir, "a")
		a.ask("drop", `{"n":1}`)
		a.listen()
		defer a.done()
		out, _, code := do(nil, "approvals", "--json")
		if code != 0 || strings.Contains(out, "\u202e") {
			t.Errorf("%d\n%s", code, out)
		}
		var v struct {
			Proxies []struct {
				PID     int
				Socket  string
				Waiting []struct {
					ID, Client, Tier string
					Via              []string
					Expires          time.Time
					Digest           string `json:"arguments_sha256"`
				}
				Remembered, Unspent []any
			}
		}
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			t.Fatal(err)
		}
		p := v.Proxies[0]
		w := p.Waiting[0]
		if p.PID != os.Getpid() || p.Socket != a.path || w.ID != "a1xyz" || w.Client != "agent\u202e" || w.Tier != "delete" || len(w.Via) != 2 ||
			!w.Expires.Equal(time.Now().Add(2*time.Minute)) || w.Digest != show.Digest(`{"n":1}`) || p.Remembered == nil || p.Unspent == nil {
			t.Errorf("%s", out)
		}
	})
	if out, _, code := do(nil, "approvals", "--json"); code != 0 || out != "{\n  \"proxies\": []\n}\n" {
		t.Errorf("with none: %d %s", code, out)
	}
}

// TestApproveShows: the approval names the text that was written, which stands in
// the log as shown to this person.
func TestApproveShows(t *testing.T) {
	dir := folder(t)
	synctest.Test(t, func(t *testing.T) {
		a := newProxy(t, dir, "a")
		long := `{"text":"` + strings.Repeat("long ", 1000) + `"}`
		w := a.ask("drop", long)
		a.listen()
		defer a.done()
		out, _, code := do(nil, "approve", w.ID)
		question := w.Question()
		whole := question.Text(show.All)
		if code != 0 || !strings.HasPrefix(out, whole+"\n\nSHA-256 of this text: "+show.Digest(whole)+"\nApproved once: k8s/drop for role ops.\n") {
			t.Errorf("%d\n%s", code, out)
		}
		log, err := os.ReadFile(a.log)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(log, []byte(`"channel":"command_line","approver":"alice","shown_sha256":"`+show.Digest(whole)+`"`)) {
			t.Errorf("%s", log)
		}
	})
}

// TestSameID: replicas may have asked the same question; which is meant must be said.
func TestSameID(t *testing.T) {
	dir := folder(t)
	a, b := newProxy(t, dir, "a"), newProxy(t, dir, "a")
	b.path = filepath.Join(dir, "b.sock")
	for _, p := range []*proxy{a, b} {
		p.ask("drop", `{}`)
		p.listen()
		defer p.done()
	}
	if _, errs, code := do(nil, "approve", "a1xyz"); code != 2 || !strings.Contains(errs, "say --socket with one of: "+a.path+", "+b.path) {
		t.Errorf("%d %s", code, errs)
	}
	if _, errs, code := do(nil, "approve", "a1xyz", "--socket", b.path); code != 0 {
		t.Errorf("%d %s", code, errs)
	}
	if len(a.desk.Board().Waiting) != 1 || len(b.desk.Board().Waiting) != 0 {
		t.Error("the wrong one was approved")
	}
}

// TestWatch lists at once, and again at a change, until the last proxy is gone.
func TestWatch(t *testing.T) {
	dir := folder(t)
	a := newProxy(t, dir, "a")
	a.listen()
	r, w := io.Pipe()
	root := words.Group(newRoot(), Approvals())
	root.SetArgs([]string{"approvals", "watch"})
	root.SetOut(w)
	ended := make(chan error, 1)
	go func() {
		err := root.ExecuteContext(t.Context())
		w.Close()
		ended <- err
	}()
	lines := bufio.NewScanner(r)
	until := func(text string) {
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return
			}
		}
		t.Errorf("no %q", text)
	}
	until("Nothing waits.")
	a.ask("drop", `{}`)
	until("a1xyz")
	go a.done()
	for lines.Scan() {
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestScreen: what a proxy says cannot take a terminal over, and what it has made
// fit stays as it is.
func TestScreen(t *testing.T) {
	fit := show.Question{Tool: "a\x1b", Arguments: []byte(`{"a":"\u202e⟨│ עברית"}`)}.Text(show.All)
	if got := screen(fit); got != fit {
		t.Errorf("%s became %s", fit, got)
	}
	if got := screen("a\x1b[2J\r\u202e\u0085\nb"); got != "a⟨U+001B⟩[2J⟨U+000D⟩⟨U+202E⟩⟨U+0085⟩\nb" {
		t.Error(got)
	}
}

// TestForeignText has a server that makes nothing fit: no byte of it may reach the
// terminal as it is.
func TestForeignText(t *testing.T) {
	dir := folder(t)
	l, err := place.Bind(filepath.Join(dir, "x.sock"))
	if err != nil {
		t.Fatal(err)
	}
	const bad = `\u001b[2J\u202e\r`
	about := `"role":"` + bad + `","server":"` + bad + `","tool":"` + bad + `","tier":"` + bad + `"`
	mux := http.NewServeMux()
	mux.HandleFunc("/list", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"waiting":[{"id":"q1",%s,"via":["%s"]}],"remembered":[{"id":"q2",%s,"by":["%s"]}],"unspent":[{"id":"q3",%s,"by":"%s"}]}`, about, bad, about, bad, about, bad)
	})
	mux.HandleFunc("/question", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{%s,"text":"%s"}`, about, bad) })
	mux.HandleFunc("/answer", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		fmt.Fprintf(w, `{"error":"%s"}`, bad)
	})
	s := &http.Server{Handler: mux}
	defer s.Close()
	go s.Serve(l)
	for _, args := range [][]string{{"approvals"}, {"approvals", "--json"}, {"approvals", "show", "q1"}, {"approve", "q1"}, {"deny", "q1"},
		{"approvals", "revoke", "q2"}, {"approvals", "open"}, {"reload"}} {
		out, errs, _ := do(nil, args...)
		if all := out + errs; strings.ContainsAny(all, "\x1b\r\u202e") || !strings.Contains(all, "[2J") {
			t.Errorf("%v: %q", args, all)
		}
	}
}

// TestNobody: nothing runs, and that is said.
func TestNobody(t *testing.T) {
	folder(t)
	if out, errs, code := do(nil, "approvals"); code != 0 || out != "Nothing waits.\n" || errs != "sallyport: no sallyport of this user is running\n" {
		t.Errorf("%d %q %q", code, out, errs)
	}
	for _, args := range [][]string{{"approve", "a1"}, {"deny", "a1"}, {"approvals", "show", "a1"}, {"approvals", "open"}, {"approvals", "watch"}, {"reload"}} {
		if out, errs, code := do(nil, args...); code != 1 || out != "" || !strings.Contains(errs, "no sallyport of this user is running") {
			t.Errorf("%v: %d %q %q", args, code, out, errs)
		}
	}
	out, _, code := do(nil, "approvals", "key")
	if code != 0 {
		t.Error(code)
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Load(file); err != nil {
		t.Error(err)
	}
}
