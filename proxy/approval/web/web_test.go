package web

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/proxy/approval"
	"sallyport/proxy/approval/seal"
)

// scene is a page with its desk.
type scene struct {
	t    *testing.T
	desk *approval.Desk
	page *Server
	log  string
}

const terms = `
  remember = "10m"
  widen    = "tool"
  timeout  = "1h"
`

func newScene(t *testing.T, terms string, people ...Approver) *scene {
	t.Helper()
	x := &scene{t: t, log: filepath.Join(t.TempDir(), "log")}
	log, err := audit.Open(x.log, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := seal.New()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	x.desk = approval.New(approval.Options{Log: log, Waiting: 50, Keys: keys, Spent: seal.NewSpent(), Owner: "owner",
		NewID: func() string { n++; return fmt.Sprintf("q%d", n) }})
	if x.page, err = Start(Options{Desk: x.desk, Listen: "127.0.0.1:0", Approvers: people}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.page.Close(); log.Close() })
	return x
}

// ask lays a question on the desk.
func (x *scene) ask(terms, args string) string {
	x.t.Helper()
	return x.askOf(terms, "kubernetes", "kubectl_delete", args)
}

func (x *scene) askOf(terms, server, tool, args string) string {
	x.t.Helper()
	p, err := policy.Parse([]byte(fmt.Sprintf(`
server %q {
  sandbox "none" {}
  tool %q { risk = "delete" }
}
role "infrastructure_agent" {
  allow = ["*/*"]
}
approval {
  web {
    listen = "127.0.0.1:0"
    approver "alice" { token = secret_env("A") }
    approver "bob" { token = secret_env("B") }
  }
%s}
`, server, tool, via(terms))), "policy.hcl")
	if err != nil {
		x.t.Fatal(err)
	}
	d := p.Decide(policy.Call{Role: "infrastructure_agent", Server: server, Kind: policy.ToolCall, Name: tool, Tool: &policy.ToolFacts{}})
	s := approval.Subject{Key: approval.Key{Principal: "p", Role: "infrastructure_agent", Server: server, Method: "tools/call", Tool: tool, Policy: p.Digest()},
		Agent: "claude-code", Decision: d, Params: []byte(args)}
	s.Arguments = audit.Digest(s.Params)
	w, err := x.desk.Put(s)
	if err != nil {
		x.t.Fatal(err)
	}
	return w.ID
}

// via names the page and the command line, unless the terms name something else.
func via(terms string) string {
	if strings.Contains(terms, "via") {
		return terms
	}
	return "  via = [\"web\", \"command_line\"]\n" + terms
}

// patience ends a test that hangs; nothing is timed by it.
const patience = time.Minute

// visitor is a browser without scripts.
type visitor struct {
	*http.Client
	x *scene
}

func (x *scene) visitor() *visitor {
	jar, _ := cookiejar.New(nil)
	return &visitor{&http.Client{Jar: jar, Timeout: patience}, x}
}

// inside is one who has followed the link.
func (x *scene) inside() *visitor {
	v := x.visitor()
	if status, _ := v.get(x.page.Link()); status != http.StatusOK {
		x.t.Fatalf("the link answers %d", status)
	}
	return v
}

func (v *visitor) get(address string) (int, string) {
	v.x.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = v.x.page.Origin() + address
	}
	r, err := v.Get(address)
	if err != nil {
		v.x.t.Fatal(err)
	}
	defer r.Body.Close()
	b, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(b)
}

var hidden = regexp.MustCompile(`name="(csrf|shown)" value="([^"]*)"`)

// form is the form of a question, filled in.
func (v *visitor) form(id, decision string) url.Values {
	v.x.t.Helper()
	_, page := v.get("/q/" + id)
	f := url.Values{"decision": {decision}, "reason": {""}}
	for _, m := range hidden.FindAllStringSubmatch(page, -1) {
		f.Set(m[1], m[2])
	}
	return f
}

// post sends a form as a browser would from the page, but for the changes.
func (v *visitor) post(path string, f url.Values, change func(*http.Request)) (int, string) {
	v.x.t.Helper()
	r, _ := http.NewRequest("POST", v.x.page.Origin()+path, strings.NewReader(f.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", v.x.page.Origin())
	if change != nil {
		change(r)
	}
	res, err := v.Do(r)
	if err != nil {
		v.x.t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}

func (x *scene) waits(id string) bool {
	_, ok := x.desk.Find(id)
	return ok
}

// TestAnswers goes through the answers without a script.
func TestAnswers(t *testing.T) {
	x := newScene(t, terms)
	v := x.inside()
	for _, tt := range []struct{ decision, notice, status string }{
		{"once", "Approved.", "approved"}, {"remember", "Approved.", "approved"}, {"any", "Approved.", "approved"}, {"refuse", "Refused.", "declined"},
	} {
		id := x.ask(terms, fmt.Sprintf(`{"n":%q}`, tt.decision))
		f := v.form(id, tt.decision)
		if tt.decision == "refuse" {
			f.Set("reason", "not <b>today</b>")
		}
		if status, body := v.post("/q/"+id+"/answer", f, nil); status != http.StatusOK || !strings.Contains(body, tt.notice) {
			t.Errorf("%s: %d, %.200s", tt.decision, status, body)
		}
		if done := x.desk.Board().Settled[0]; done.ID != id || done.Status != tt.status || done.By != "owner" {
			t.Errorf("%s: %+v", tt.decision, done)
		}
	}
	b := x.desk.Board()
	if len(b.Unspent) != 1 || len(b.Remembered) != 2 || b.Remembered[0].Any == b.Remembered[1].Any || b.Settled[0].Reason != "not <b>today</b>" {
		t.Errorf("%+v", b)
	}
	if _, page := v.get("/"); !strings.Contains(page, "not &lt;b&gt;today&lt;/b&gt;") || !strings.Contains(page, "any arguments, used 0 times") {
		t.Errorf("the page does not show what stands: %s", page)
	}
	for _, id := range []string{b.Unspent[0].ID, b.Remembered[0].ID} {
		f := url.Values{"csrf": v.form(id, "")["csrf"]}
		_, page := v.get("/")
		f.Set("csrf", hidden.FindStringSubmatch(page)[2])
		if _, body := v.post("/approvals/"+id+"/revoke", f, nil); !strings.Contains(body, "Revoked.") {
			t.Errorf("revoking %s: %.300s", id, body)
		}
	}
	if b := x.desk.Board(); len(b.Unspent) != 0 || len(b.Remembered) != 1 {
		t.Errorf("after revoking two of three: %+v", b)
	}
}

// TestNotAnswered: whatever does not come from the page, from somebody who was let
// in, about what was shown, answers nothing.
func TestNotAnswered(t *testing.T) {
	x := newScene(t, terms)
	v := x.inside()
	id := x.ask(terms, `{"path":"/x"}`)
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) {
			if r.Header.Del(name); value != "" {
				r.Header.Set(name, value)
			}
		}
	}
	for _, tt := range []struct {
		why    string
		who    *visitor
		form   func(url.Values)
		change func(*http.Request)
		want   int
	}{
		{"nobody was let in", x.visitor(), nil, nil, 401},
		{"a cookie that nobody was given", x.visitor(), nil, header("Cookie", x.page.cookie+"=AAAAAAAAAAAAAAAAAAAAAAAAAA"), 401},
		{"from another site", v, nil, header("Origin", "http://evil.example"), 403},
		{"from another port", v, nil, header("Origin", "http://127.0.0.1:1"), 403},
		{"from a sandboxed frame", v, nil, header("Origin", "null"), 403},
		{"from two origins", v, nil, func(r *http.Request) { r.Header.Add("Origin", "http://evil.example") }, 403},
		{"from nowhere", v, nil, header("Origin", ""), 403},
		{"from a site beside it", v, nil, func(r *http.Request) { r.Header.Del("Origin"); r.Header.Set("Sec-Fetch-Site", "same-site") }, 403},
		{"a name that was rebound", v, nil, func(r *http.Request) { r.Host = "evil.example" }, 421},
		{"another port in the name", v, nil, func(r *http.Request) { r.Host = "127.0.0.1:1" }, 421},
		{"no token of the visit", v, func(f url.Values) { f.Del("csrf") }, nil, 400},
		{"an empty one", v, func(f url.Values) { f.Set("csrf", "") }, nil, 403},
		{"of another visit", v, func(f url.Values) { f.Set("csrf", x.inside().form(id, "once").Get("csrf")) }, nil, 403},
		{"a field twice", v, func(f url.Values) { f.Add("decision", "refuse") }, nil, 400},
		{"a field more", v, func(f url.Values) { f.Set("x", "y") }, nil, 400},
		{"a field less", v, func(f url.Values) { f.Del("reason") }, nil, 400},
		{"a field in the address", v, nil, func(r *http.Request) { r.URL.RawQuery = "x=y" }, 400},
		{"another answer", v, func(f url.Values) { f.Set("decision", "always") }, nil, 400},
		{"no answer", v, func(f url.Values) { f.Set("decision", "") }, nil, 400},
		{"too large", v, func(f url.Values) { f.Set("reason", strings.Repeat("x", maxBody)) }, nil, 400},
		{"a yes with a reason against it", v, func(f url.Values) { f.Set("reason", "no") }, nil, 403},
		{"not a form", v, nil, header("Content-Type", "text/plain"), 400},
		{"another question was shown", v, func(f url.Values) { f.Set("shown", strings.Repeat("0", 64)) }, nil, 200},
	} {
		f := v.form(id, "once")
		if tt.form != nil {
			tt.form(f)
		}
		if status, body := tt.who.post("/q/"+id+"/answer", f, tt.change); status != tt.want {
			t.Errorf("%s: %d, want %d: %.200s", tt.why, status, tt.want, body)
		}
		if !x.waits(id) {
			t.Fatalf("%s: the question was answered", tt.why)
		}
	}
	if status, _ := v.get("/q/" + id + "/answer"); status != http.StatusMethodNotAllowed {
		t.Errorf("an answer by GET: %d", status)
	}
	// From the page itself, and with nothing but what newer browsers say of it.
	f := v.form(id, "once")
	if _, body := v.post("/q/"+id+"/answer", f, func(r *http.Request) { r.Header.Del("Origin"); r.Header.Set("Sec-Fetch-Site", "same-origin") }); !strings.Contains(body, "Approved.") || x.waits(id) {
		t.Errorf("from the page itself: %.300s", body)
	}
	if _, body := v.post("/q/"+id+"/answer", f, nil); !strings.Contains(body, "settled meanwhile") {
		t.Errorf("a second time: %.300s", body)
	}
	// Wider than the policy lets it, where that is not offered.
	id = x.ask("", `{"path":"/y"}`)
	for _, decision := range []string{"any", "remember"} {
		if status, _ := v.post("/q/"+id+"/answer", v.form(id, decision), nil); status != http.StatusForbidden || !x.waits(id) {
			t.Errorf("%s where it is not offered: %d", decision, status)
		}
	}
	// Where the policy names other places.
	id = x.ask("  via = [\"command_line\"]\n", `{"path":"/z"}`)
	if _, page := v.get("/q/" + id); !strings.Contains(page, "does not let this be answered here, but at: command_line") || strings.Contains(page, "Approve once") {
		t.Errorf("a question that is not for the page: %s", page)
	}
}

// TestChanged: an approval of a question that reads differently by now, because
// somebody else has approved it meanwhile, does not count.
func TestChanged(t *testing.T) {
	x := newScene(t, terms, Approver{"alice", "alice's own token"}, Approver{"bob", "bob's own token"})
	id := x.ask("  quorum = 2\n", `{"path":"/x"}`)
	enter := func(token string) *visitor {
		v := x.visitor()
		if status, _ := v.post("/login", url.Values{"token": {token}}, nil); status != http.StatusOK {
			t.Fatalf("login: %d", status)
		}
		return v
	}
	alice, bob := enter("alice's own token"), enter("bob's own token")
	before := bob.form(id, "once")
	alice.post("/q/"+id+"/answer", alice.form(id, "once"), nil)
	if _, body := alice.post("/q/"+id+"/answer", alice.form(id, "once"), nil); !strings.Contains(body, "another person has to") {
		t.Errorf("the same person twice: %.300s", body)
	}
	if _, body := bob.post("/q/"+id+"/answer", before, nil); !strings.Contains(body, "has changed since") || !x.waits(id) {
		t.Errorf("what was shown before: %.300s", body)
	}
	if bob.post("/q/"+id+"/answer", bob.form(id, "once"), nil); x.waits(id) {
		t.Error("two people were not enough")
	}
	if by := x.desk.Board().Settled[0].By; by != "alice, bob" {
		t.Errorf("approved by %q", by)
	}
}

// TestDoor: a link lets in once and for a while; the address of a question lets in
// nobody; people with tokens of their own need those.
func TestDoor(t *testing.T) {
	x := newScene(t, "")
	id := x.ask("", `{"secret":"of the question"}`)
	if strings.Contains(x.page.Address(id), "token") {
		t.Errorf("%s", x.page.Address(id))
	}
	for _, path := range []string{"/", "/q/" + id, x.page.Address(id), "/?token=", "/?token=guess", "/events"} {
		if status, body := x.visitor().get(path); status != http.StatusUnauthorized || strings.Contains(body, "of the question") {
			t.Errorf("%s: %d, %s", path, status, body)
		}
	}
	link := x.page.Link()
	v := x.visitor()
	if status, body := v.get(link); status != http.StatusOK || !strings.Contains(body, "of the question") {
		t.Errorf("the link: %d", status)
	}
	if status, body := x.visitor().get(link); status != http.StatusUnauthorized || !strings.Contains(body, "used before") {
		t.Errorf("the link a second time: %d", status)
	}
	old := x.page.Link()
	for key := range x.page.guests.invited {
		x.page.guests.invited[key] = time.Now().Add(-time.Second)
	}
	if status, _ := x.visitor().get(old); status != http.StatusUnauthorized {
		t.Errorf("an old link: %d", status)
	}
	for key := range x.page.guests.inside {
		x.page.guests.inside[key].until = time.Now().Add(-time.Second)
	}
	if status, _ := v.get("/"); status != http.StatusUnauthorized {
		t.Errorf("after the visit's end: %d", status)
	}
	first := x.page.Link()
	for range maxInvited {
		x.page.Link()
	}
	if len(x.page.guests.invited) > maxInvited {
		t.Errorf("%d links are open", len(x.page.guests.invited))
	}
	if status, _ := x.visitor().get(first); status != http.StatusUnauthorized {
		t.Errorf("the oldest of too many links: %d", status)
	}

	named := newScene(t, "", Approver{"alice", "alice's own token"})
	if link := named.page.Link(); link != "" {
		t.Errorf("a link where people have tokens: %s", link)
	}
	login := func(token, origin string) int {
		status, _ := named.visitor().post("/login", url.Values{"token": {token}}, func(r *http.Request) { r.Header.Set("Origin", origin) })
		return status
	}
	if got := login("alice's own token", "http://evil.example"); got != http.StatusForbidden {
		t.Errorf("from another site: %d", got)
	}
	if got := login("wrong", named.page.Origin()); got != http.StatusUnauthorized {
		t.Errorf("a wrong token: %d", got)
	}
	if got := login("alice's own token", named.page.Origin()); got != http.StatusOK {
		t.Errorf("the right one: %d", got)
	}
	for range 10 {
		login("wrong", named.page.Origin())
	}
	if got := login("alice's own token", named.page.Origin()); got != http.StatusUnauthorized {
		t.Errorf("after many attempts: %d", got)
	}
}

// TestHeaders: what every response says, and the cookie.
func TestHeaders(t *testing.T) {
	x := newScene(t, "")
	for _, path := range []string{"/", "/app.js", "/app.css", "/nothing", "/events"} {
		r, err := http.Get(x.page.Origin() + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		csp := r.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy %q lacks %q", path, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") || r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: %v", path, r.Header)
		}
	}
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := c.Get(x.page.Link())
	if err != nil {
		t.Fatal(err)
	}
	set := r.Header.Get("Set-Cookie")
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/" || !strings.Contains(set, "HttpOnly") || !strings.Contains(set, "SameSite=Strict") || !strings.Contains(set, "Path=/") {
		t.Errorf("%d to %q, cookie %q", r.StatusCode, r.Header.Get("Location"), set)
	}
	page, err := files.ReadFile("page.html")
	if err != nil {
		t.Fatal(err)
	}
	if s := string(page); strings.Contains(s, "<style") || strings.Contains(s, "onclick") || strings.Contains(s, "style=") || strings.Contains(s, "<script>") {
		t.Error("the page holds a script or a style that its own policy forbids")
	}
}

// TestHostile: what comes from outside is text on the page, however it is written.
func TestHostile(t *testing.T) {
	x := newScene(t, "")
	v := x.inside()
	id := x.ask("", `{"a":"</pre><script>alert(1)</script>","b":"\u202egnp\u001b[2J","<img src=x onerror=alert(1)>":"</dd></dl>","c":"p\u0430ypal"}`)
	_, page := v.get("/q/" + id)
	for _, bad := range []string{"<script>alert", "<img", "\u202e", "\x1b", "</dd></dl>&#34;"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	for _, want := range []string{"&lt;/pre&gt;&lt;script&gt;", "⟨U&#43;202E⟩", "p⟨U&#43;0430 like a⟩ypal", "claude-code (its own words, unverified)", "delete, by tool &#34;kubectl_delete&#34; at policy.hcl:4"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q: %s", want, page)
		}
	}
	if status, _ := v.get("/q/" + url.PathEscape("<script>")); status != http.StatusNotFound {
		t.Errorf("a question that there is not: %d", status)
	}
}

// TestUnshown: what cannot be put on record as shown is not shown.
func TestUnshown(t *testing.T) {
	x := newScene(t, "")
	v := x.inside()
	x.ask("", `{"a":"seen"}`)
	if _, page := v.get("/"); !strings.Contains(page, "seen") {
		t.Fatal("the question is not shown")
	}
	log, err := io.ReadAll(open(t, x.log))
	if err != nil || !regexp.MustCompile(`"code":"approval_shown".*"question":"q1","channel":"web","approver":"owner","shown_sha256":"`).Match(log) {
		t.Errorf("the log does not say what was shown (%v)", err)
	}
}

// TestEvents: whoever listens hears of each change, as long as the page is there.
func TestEvents(t *testing.T) {
	x := newScene(t, "")
	v := x.inside()
	v.Timeout = 0
	r, err := v.Get(x.page.Origin() + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	lines := bufio.NewScanner(r.Body)
	lines.Scan()
	if r.Header.Get("Content-Type") != "text/event-stream" || lines.Text() != "event: changed" {
		t.Errorf("%s, %q", r.Header.Get("Content-Type"), lines.Text())
	}
	lines.Scan()
	x.ask("", `{}`)
	for lines.Scan() && lines.Text() != "event: changed" {
	}
	if lines.Text() != "event: changed" {
		t.Error("nothing was heard of a new question")
	}
	closed := make(chan error, 1)
	go func() { closed <- x.page.Close() }()
	for lines.Scan() {
	}
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("an open stream keeps the page from closing")
	}
}

// TestCallback: answers of webhooks come without a cookie, and only where one is.
func TestCallback(t *testing.T) {
	x := newScene(t, "")
	x.page.Mount("ops", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); errors.As(err, new(*http.MaxBytesError)) {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	for path, want := range map[string]int{x.page.Callback("ops"): 204, x.page.Callback("other"): 404} {
		r, err := http.Post(path, "application/json", strings.NewReader("{}"))
		if err != nil || r.StatusCode != want {
			t.Errorf("%s: %v %v", path, r.StatusCode, err)
		}
	}
	r, err := http.Post(x.page.Callback("ops"), "application/json", strings.NewReader(strings.Repeat("x", maxAnswer+1)))
	if err != nil || r.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("too large: %v %v", r, err)
	}
}
