package hook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/proxy/approval"
	"sallyport/proxy/approval/form"
	"sallyport/proxy/approval/seal"
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
approval {
  webhook "ops" {
    url    = "https://ops.example.com/ask"
    secret = secret_env("OPS_SECRET")
  }
}
approval "delete" {
  via      = ["webhook/ops", "command_line"]
  timeout  = "10m"
  remember = "5m"
}
approval "external" { via = ["command_line"] }
`

const (
	textSecret = "a secret of both ends"
	endpoint   = "https://ops.example.com/ask?token=capability"
)

// world is a desk with a hook that sends into the test.
type world struct {
	t    *testing.T
	desk *approval.Desk
	hook *Hook
	log  string // file

	mu   sync.Mutex
	sent []request
	told []string
}

// request is one that was sent, and when.
type request struct {
	at     time.Time
	header http.Header
	url    string
	body   []byte
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// newWorld has serve answer each request; nil answers with an empty 200.
func newWorld(t *testing.T, o Options, serve func(n int, r request, ctx context.Context) (*http.Response, error)) *world {
	t.Helper()
	x := &world{t: t, log: filepath.Join(t.TempDir(), "log.jsonl")}
	l, err := audit.Open(x.log, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	keys, err := seal.New()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	x.desk = approval.New(approval.Options{Log: l, Waiting: 10, Keys: keys, Spent: seal.NewSpent(), Owner: "alice",
		NewID: func() string { n++; return "q" + strconv.Itoa(n) }})
	o.Name, o.URL, o.Desk = "ops", endpoint, x.desk
	if o.Secret == "" {
		o.Secret = textSecret
	}
	if o.Arguments == "" {
		o.Arguments = full
	}
	o.Logf = func(format string, a ...any) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.told = append(x.told, fmt.Sprintf(format, a...))
	}
	x.hook, err = newHook(o, transport(func(r *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(r.Body)
		one := request{time.Now(), r.Header, r.URL.String(), body}
		x.mu.Lock()
		x.sent = append(x.sent, one)
		n := len(x.sent)
		x.mu.Unlock()
		if serve == nil {
			return respond(200, nil, ""), nil
		}
		return serve(n, one, r.Context())
	}))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func respond(status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}
}

// ask lays a question on the desk and waits until nothing moves any more.
func (x *world) ask(server, tool, args string) approval.Waiting {
	x.t.Helper()
	p, err := policy.Parse([]byte(somePolicy), "p.hcl")
	if err != nil {
		x.t.Fatal(err)
	}
	decision := p.Decide(policy.Call{Role: "ops", Server: server, Kind: policy.ToolCall, Name: tool, Tool: &policy.ToolFacts{},
		Validate: func() error { return nil }})
	s := approval.Subject{Key: approval.Key{Principal: "p", Role: "ops", Server: server, Method: "tools/call", Tool: tool,
		Arguments: sha256.Sum256([]byte(args)), Policy: p.Digest()}, Agent: "agent", Decision: decision}
	if args != "" {
		s.Params = []byte(args)
	}
	w, err := x.desk.Put(s)
	if err != nil {
		x.t.Fatal(err)
	}
	synctest.Wait()
	return w
}

func (x *world) requests() []request {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.sent)
}

func (x *world) waits(id string) bool {
	_, ok := x.desk.Find(id)
	return ok
}

// end settles what waits, so that nothing is left running in the bubble.
func (x *world) end() {
	for _, w := range x.desk.Board().Waiting {
		if err := x.desk.Answer(w.ID, form.Answer{}); err != nil {
			x.t.Error(err)
		}
	}
	synctest.Wait()
}

// TestQuestion shows what is sent, that it is signed, and that what the person is
// shown stands in the log by then.
func TestQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged string
		var x *world
		x = newWorld(t, Options{Callback: "https://proxy.example.com/hook/ops"}, func(int, request, context.Context) (*http.Response, error) {
			b, err := os.ReadFile(x.log)
			logged = string(b)
			return respond(204, nil, ""), err
		})
		args := `{"name": "a<b>\u202e", "n": 12345678901234567890}`
		w := x.ask("k8s", "drop", args)
		defer x.end()
		sent := x.requests()
		if len(sent) != 1 {
			t.Fatalf("%d requests", len(sent))
		}
		r := sent[0]
		if id, err := x.hook.secret.verify(r.header, time.Now(), r.body); err != nil || id != "ask_"+w.ID || r.url != endpoint {
			t.Errorf("%q %v %s", id, err, r.url)
		}
		var got map[string]any
		if err := json.Unmarshal(r.body, &got); err != nil {
			t.Fatalf("%v\n%s", err, r.body)
		}
		text := w.Text()
		for name, want := range map[string]any{
			"type": "approval.asked", "question": "q1", "asked": "2000-01-01T00:00:00Z", "expires": "2000-01-01T00:10:00Z", "role": "ops",
			"client": "agent", "server": "k8s", "tool": "drop", "tier": "delete", "text": text, "callback": "https://proxy.example.com/hook/ops",
			"arguments_sha256": show.Digest(args), "quorum": 1.0, "approvals": 0.0,
		} {
			if got[name] != want {
				t.Errorf("%s is %v, not %v", name, got[name], want)
			}
		}
		if choices := fmt.Sprint(got["choices"]); choices != "[once for 5m, these arguments refuse]" {
			t.Error(choices)
		}
		if !bytes.Contains(r.body, []byte(`"arguments":`+args)) {
			t.Errorf("the arguments are not as they were sent: %s", r.body)
		}
		if !strings.Contains(logged, `"channel":"webhook/ops"`) || !strings.Contains(logged, `"shown_sha256":"`+show.Digest(text)+`"`) {
			t.Errorf("it was sent before it was noted that it is shown:\n%s", logged)
		}
		// A question that cannot be noted is not sent.
		w.ID = "gone"
		x.hook.push(t.Context(), w)
		if n := len(x.requests()); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestArguments: what the policy keeps back is neither in the arguments nor in the
// text.
func TestArguments(t *testing.T) {
	for _, tt := range []struct {
		arguments string
		redact    func([]byte) []byte
		args      string
		has, not  string
	}{
		{full, nil, `{"password":"hunter2"}`, "hunter2", "NOT SENT"},
		{redacted, func(raw []byte) []byte { return bytes.ReplaceAll(raw, []byte("hunter2"), []byte("[REDACTED]")) }, `{"password":"hunter2"}`, "[REDACTED]", "hunter2"},
		{redacted, nil, `{"password":"hunter2"}`, "hunter2", "NOT SENT"},
		{none, nil, `{"password":"hunter2"}`, "NOT SENT", "hunter2"},
		{none, nil, ``, "Arguments   none", "NOT SENT"},
	} {
		synctest.Test(t, func(t *testing.T) {
			x := newWorld(t, Options{Arguments: tt.arguments, Redact: tt.redact}, nil)
			x.ask("k8s", "drop", tt.args)
			defer x.end()
			body := string(x.requests()[0].body)
			if !strings.Contains(body, tt.has) || strings.Contains(body, tt.not) || tt.arguments == none && strings.Contains(body, `"arguments":`) {
				t.Errorf("%s of %s: %s", tt.arguments, tt.args, body)
			}
		})
	}
}

// TestResponse: a response answers only if its own bytes are signed for this very
// message.
func TestResponse(t *testing.T) {
	yes := `{"question":"q1","decision":"once","approver":"bob"}`
	for _, tt := range []struct {
		why, body string
		sign      func(x *world, h http.Header, r request, body []byte)
		status    int
		counts    bool
		says      string
	}{
		{why: "signed", body: yes, counts: true},
		{why: "not signed", body: yes, sign: func(*world, http.Header, request, []byte) {}},
		{why: "signed with another secret", body: yes, says: "does not fit", sign: func(_ *world, h http.Header, r request, b []byte) {
			secret("another secret, as long").sign(h, "ask_q1", time.Now(), b)
		}},
		{why: "with the signature of the question", body: yes, says: "does not fit", sign: func(_ *world, h http.Header, r request, _ []byte) {
			h[headerID], h[headerTimestamp], h[headerSignature] = r.header[headerID], r.header[headerTimestamp], r.header[headerSignature]
		}},
		{why: "signed long ago", body: yes, says: "5 minutes", sign: func(x *world, h http.Header, r request, b []byte) {
			x.hook.secret.sign(h, "ask_q1", time.Now().Add(-6*time.Minute), b)
		}},
		{why: "signed for another message", body: yes, says: "not that of the question", sign: func(x *world, h http.Header, r request, b []byte) {
			x.hook.secret.sign(h, "ask_q2", time.Now(), b)
		}},
		{why: "about another question", body: `{"question":"q2","decision":"once","approver":"bob"}`, says: "another question"},
		{why: "not strict", body: `{"question":"q1","decision":"once","approver":"bob","force":true}`, says: "is no member"},
		{why: "signed but an error", body: yes, status: 400, says: "answers 400"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var x *world
			x = newWorld(t, Options{}, func(_ int, r request, _ context.Context) (*http.Response, error) {
				h := http.Header{}
				if tt.sign != nil {
					tt.sign(x, h, r, []byte(tt.body))
				} else {
					x.hook.secret.sign(h, r.header.Get(headerID), time.Now(), []byte(tt.body))
				}
				return respond(max(tt.status, 200), h, tt.body), nil
			})
			w := x.ask("k8s", "drop", `{}`)
			defer x.end()
			if x.waits(w.ID) == tt.counts {
				t.Errorf("%s: counts is %v", tt.why, !tt.counts)
			}
			if told := strings.Join(x.told, "\n"); !strings.Contains(told, tt.says) || tt.says == "" && told != "" {
				t.Errorf("%s: the operator is told %q", tt.why, told)
			}
			if u := x.desk.Board().Unspent; tt.counts && (len(u) != 1 || u[0].By != "ops:bob") {
				t.Errorf("%+v", u)
			}
		})
	}
}

// TestReflected: our own signed question, sent back to us, is no answer.
func TestReflected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newWorld(t, Options{}, func(_ int, r request, _ context.Context) (*http.Response, error) {
			return respond(200, r.header, string(r.body)), nil
		})
		w := x.ask("k8s", "drop", `{}`)
		defer x.end()
		r := x.requests()[0]
		if status, _ := x.hook.called(r.header, r.body); status != http.StatusBadRequest || !x.waits(w.ID) {
			t.Error(status)
		}
	})
}

// TestCallback holds each callback against the control that it must meet.
func TestCallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newWorld(t, Options{}, nil)
		x.ask("k8s", "drop", `{}`)
		x.ask("far", "send", `{}`)
		defer x.end()
		n := 0
		call := func(body string, change func(h http.Header)) (int, string) {
			n++
			r := httptest.NewRequest("POST", "/hook/ops", strings.NewReader(body))
			x.hook.secret.sign(r.Header, "msg_"+strconv.Itoa(n), time.Now(), []byte(body))
			if change != nil {
				change(r.Header)
			}
			w := httptest.NewRecorder()
			x.hook.Handler().ServeHTTP(w, r)
			return w.Code, w.Body.String()
		}
		yes := `{"question":"q1","decision":"once","approver":"bob"}`
		at := func(d time.Duration) func(http.Header) {
			return func(h http.Header) { x.hook.secret.sign(h, "msg_x", time.Now().Add(d), []byte(yes)) }
		}
		id := func(id string) func(http.Header) {
			return func(h http.Header) { x.hook.secret.sign(h, id, time.Now(), []byte(yes)) }
		}
		for _, tt := range []struct {
			why, body string
			change    func(http.Header)
			want      int
		}{
			{"no signature", yes, func(h http.Header) { h.Del(headerSignature) }, 401},
			{"no id", yes, func(h http.Header) { h.Del(headerID) }, 401},
			{"two ids", yes, func(h http.Header) { h.Add(headerID, "msg_2") }, 401},
			{"another id than the one that is signed", yes, func(h http.Header) { h.Set(headerID, "msg_other") }, 401},
			{"another time than the one that is signed", yes, func(h http.Header) { h.Set(headerTimestamp, strconv.FormatInt(time.Now().Unix()+1, 10)) }, 401},
			{"other bytes than those that are signed", `{"question":"q1","decision":"refuse","approver":"bob"}`, func(h http.Header) { x.hook.secret.sign(h, "m", time.Now(), []byte(yes)) }, 401},
			{"a signature of another version", yes, func(h http.Header) { h.Set(headerSignature, "v2"+h.Get(headerSignature)[2:]) }, 401},
			{"an empty signature", yes, func(h http.Header) { h.Set(headerSignature, "v1,") }, 401},
			{"too old", yes, at(-tolerance - time.Second), 401},
			{"from the future", yes, at(tolerance + time.Second), 401},
			{"an id with a full stop", yes, id("msg.1"), 401},
			{"an id without end", yes, id(strings.Repeat("x", maxID+1)), 401},
			{"an unknown member", `{"question":"q1","decision":"once","approver":"bob","any":true}`, nil, 400},
			{"a repeated member", `{"question":"q1","decision":"refuse","decision":"once","approver":"bob"}`, nil, 400},
			{"a member in another case", `{"question":"q1","Decision":"once","approver":"bob"}`, nil, 400},
			{"a member of another type", `{"question":"q1","decision":["once"],"approver":"bob"}`, nil, 400},
			{"nobody's", `{"question":"q1","decision":"once"}`, nil, 400},
			{"of somebody without end", `{"question":"q1","decision":"once","approver":"` + strings.Repeat("b", 201) + `"}`, nil, 400},
			{"of somebody who cannot be seen", `{"question":"q1","decision":"once","approver":"b\u202eob"}`, nil, 400},
			{"of somebody with room around", `{"question":"q1","decision":"once","approver":"bob "}`, nil, 400},
			{"a reason without end", `{"question":"q1","decision":"refuse","approver":"bob","reason":"` + strings.Repeat("b", 501) + `"}`, nil, 400},
			{"a choice that is none", `{"question":"q1","decision":"approve","approver":"bob"}`, nil, 400},
			{"a choice that was not offered", `{"question":"q1","decision":"for 5m, any arguments","approver":"bob"}`, nil, 400},
			{"no object", `[]`, nil, 400},
			{"no JSON", `yes`, nil, 400},
			{"too large", yes + strings.Repeat(" ", maxBody), nil, 413},
			{"no such question", `{"question":"q9","decision":"once","approver":"bob"}`, nil, 410},
			{"a question that is not asked here", `{"question":"q2","decision":"once","approver":"bob"}`, nil, 403},
		} {
			if got, says := call(tt.body, tt.change); got != tt.want || strings.Count(says, "\n") != 1 {
				t.Errorf("%s: %d %q", tt.why, got, says)
			}
		}
		if len(x.desk.Board().Waiting) != 2 {
			t.Fatal("one of them has counted")
		}
		w := httptest.NewRecorder()
		x.hook.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("GET: %d", w.Code)
		}

		// One that comes again, even if it meant something else by then, does nothing.
		first := `{"question":"q2","decision":"refuse","approver":"bob","reason":"later"}`
		same := func(h http.Header) { x.hook.secret.sign(h, "msg_same", time.Now(), []byte(first)) }
		if got, says := call(first, same); got != 204 || says != "" {
			t.Errorf("%d %q", got, says)
		}
		if got, says := call(first, same); got != 409 || !strings.Contains(says, "has come before") {
			t.Errorf("again: %d %q", got, says)
		}
		// A new secret may be announced beside the old one.
		two := func(h http.Header) { h.Set(headerSignature, "v1a,AAAA v1,AAAA "+h.Get(headerSignature)) }
		if got, says := call(`{"question":"q1","decision":"for 5m, these arguments","approver":"bob"}`, two); got != 204 {
			t.Errorf("%d %q", got, says)
		}
		m := x.desk.Board().Remembered
		if len(m) != 1 || m[0].By[0].Approver != "ops:bob" || m[0].By[0].Channel != "webhook/ops" || m[0].Any || m[0].Until.Sub(time.Now()) != 5*time.Minute {
			t.Errorf("%+v", m)
		}
	})
}

// TestSeen: ids are forgotten when they can do no harm any more, and bounded.
func TestSeen(t *testing.T) {
	var s seen
	now := time.Unix(1e9, 0)
	for i := range maxSeen {
		if err := s.once(strconv.Itoa(i), now); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.once("more", now); !errors.Is(err, errCrowd) {
		t.Error(err)
	}
	if err := s.once("0", now.Add(seenFor-1)); !errors.Is(err, errReplayed) {
		t.Error(err)
	}
	if err := s.once("more", now.Add(seenFor)); err != nil || len(s.until) != 1 {
		t.Error(err, len(s.until))
	}
}

// TestRetries: a question is sent again, ever more rarely, until it is taken.
func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		serve := func(n int, _ request, _ context.Context) (*http.Response, error) {
			switch n {
			case 1:
				return nil, errors.New("connection refused")
			case 2, 3, 4:
				return respond([]int{408, 425, 500}[n-2], nil, ""), nil
			case 5:
				return respond(429, http.Header{"Retry-After": {"90"}}, ""), nil
			case 6:
				return respond(503, http.Header{"Retry-After": {time.Now().Add(70 * time.Second).UTC().Format(http.TimeFormat)}}, ""), nil
			case 7, 8:
				return respond(503, http.Header{"Retry-After": {"soon"}}, ""), nil
			}
			return respond(202, nil, ""), nil
		}
		x := newWorld(t, Options{}, serve)
		x.ask("k8s", "drop", `{}`)
		time.Sleep(9*time.Minute + 59*time.Second)
		synctest.Wait()
		sent := x.requests()
		if len(sent) != 9 {
			t.Fatalf("%d requests", len(sent))
		}
		for i, most := range []time.Duration{1, 2, 4, 8, 90, 70, 60, 60} {
			most *= time.Second
			least := most / 2
			if i == 4 || i == 5 {
				least = most - time.Second // as it was told; a date has no fractions
			}
			if gap := sent[i+1].at.Sub(sent[i].at); gap < least || gap > most {
				t.Errorf("try %d came after %v, not %v to %v", i+2, gap, least, most)
			}
		}
		for i, r := range sent {
			if id, err := x.hook.secret.verify(r.header, r.at, r.body); err != nil || id != "ask_q1" {
				t.Errorf("try %d: %s %v", i+1, id, err)
			}
		}
		told := strings.Join(x.told, "\n")
		if len(x.told) != 8 || !strings.Contains(told, "connection refused") || strings.Contains(told, "capability") || strings.Contains(told, textSecret) {
			t.Errorf("the operator is told:\n%s", told)
		}
		x.end()
	})
}

// TestNotAgain: what trying again does not help ends it, and the operator is told.
// A redirect is not followed.
func TestNotAgain(t *testing.T) {
	for status, says := range map[int]string{400: "answers 400", 401: "answers 401", 404: "answers 404", 410: "answers 410",
		301: "redirect (301), which is not followed", 307: "redirect (307), which is not followed"} {
		synctest.Test(t, func(t *testing.T) {
			x := newWorld(t, Options{}, func(int, request, context.Context) (*http.Response, error) {
				return respond(status, http.Header{"Location": {"https://elsewhere.example.com/"}}, ""), nil
			})
			x.ask("k8s", "drop", `{}`)
			time.Sleep(9 * time.Minute)
			if n := len(x.requests()); n != 1 || len(x.told) != 1 || !strings.Contains(x.told[0], says) {
				t.Errorf("%d: %d requests, %q", status, n, x.told)
			}
			x.end()
		})
	}
}

// TestStops: a question that was settled, or has run out, is not sent again.
func TestStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newWorld(t, Options{}, func(int, request, context.Context) (*http.Response, error) { return respond(503, nil, ""), nil })
		w := x.ask("k8s", "drop", `{}`)
		time.Sleep(30 * time.Second)
		if err := x.desk.Answer(w.ID, form.Answer{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		n := len(x.requests())
		x.ask("k8s", "drop", `{"other":1}`)
		time.Sleep(time.Hour)
		for _, r := range x.requests()[n:] {
			if !bytes.Contains(r.body, []byte(`"question":"q2"`)) || r.at.After(w.Expires.Add(30*time.Second)) {
				t.Errorf("%v: %s", r.at, r.body)
			}
		}
	})
}

// TestSilentService: a service that never answers holds up neither another
// channel nor another question, and is let go of after ten seconds.
func TestSilentService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newWorld(t, Options{}, func(_ int, _ request, ctx context.Context) (*http.Response, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		x.desk.Open(approval.CommandLine, approval.Channel{})
		begun := time.Now()
		w := x.ask("k8s", "drop", `{}`)
		other := x.ask("k8s", "drop", `{"other":1}`)
		if n := len(x.requests()); n != 2 {
			t.Errorf("%d requests", n)
		}
		if err := x.desk.Answer(w.ID, form.Answer{Word: form.Approve, Channel: approval.CommandLine, Approver: "alice"}); err != nil || !time.Now().Equal(begun) {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		time.Sleep(attempt + firstWait)
		synctest.Wait()
		sent := x.requests()
		if len(sent) != 3 || !bytes.Contains(sent[2].body, []byte(`"question":"`+other.ID+`"`)) {
			t.Errorf("%d requests", len(sent))
		}
		x.end()
	})
}

// TestSecrets: both forms are taken, weak ones are not, and none is told.
func TestSecrets(t *testing.T) {
	for text, ok := range map[string]bool{
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": true,
		"whsec_" + strings.Repeat("AAAA", 7):     false, // 21 bytes
		"whsec_" + strings.Repeat("AAAA", 8):     true,
		"whsec_" + strings.Repeat("AAAA", 22):    false, // 66 bytes
		"whsec_not base64, but long enough":      false, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n": false,
		"sixteen bytes ok": true, "fifteen bytes..": false, "": false,
	} {
		_, err := newSecret(text)
		if (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && len(text) > 6 && strings.Contains(err.Error(), text[6:]) {
			t.Errorf("told: %v", err)
		}
	}
	d := approval.New(approval.Options{})
	good := Options{Name: "ops", URL: endpoint, Secret: textSecret, Arguments: full, Desk: d}
	for why, o := range map[string]func(*Options){
		"no arguments word": func(o *Options) { o.Arguments = "" }, "no name": func(o *Options) { o.Name = "" }, "no desk": func(o *Options) { o.Desk = nil },
		"not encrypted": func(o *Options) { o.URL = "http://ops.example.com/" }, "a weak secret": func(o *Options) { o.Secret = "weak" },
		"a relative callback": func(o *Options) { o.Callback = "/hook" },
	} {
		bad := good
		o(&bad)
		if _, err := New(bad); err == nil || !strings.HasPrefix(err.Error(), `webhook "`) {
			t.Errorf("%s: %v", why, err)
		}
	}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
}

// TestSpecification holds the signature against the example of the reference
// libraries.
func TestSpecification(t *testing.T) {
	s, err := newSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	body := []byte(`{"test": 2432232314}`)
	at := time.Unix(1614265330, 0)
	s.sign(h, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body)
	if got := h.Get("webhook-signature"); got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Error(got)
	}
	if id, err := s.verify(h, at, body); err != nil || id != "msg_p5jXN8AQM9LWM0D4loKWxJek" {
		t.Error(id, err)
	}
}

// TestOverHTTP goes over a real connection: a redirect ends it, and a proxy in the
// environment is not asked.
func TestOverHTTP(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:9")
	followed := false
	arrived := make(chan struct{}, 2)
	mux := http.NewServeMux()
	mux.HandleFunc("/ask", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		arrived <- struct{}{}
	})
	mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { followed = true })
	s := httptest.NewServer(mux)
	defer s.Close()
	h, err := New(Options{Name: "ops", URL: s.URL + "/ask", Secret: textSecret, Arguments: full, Desk: approval.New(approval.Options{})})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.send(t.Context(), "q1", []byte("{}"))
	var final *finalError
	if !errors.As(err, &final) || followed || len(arrived) != 1 {
		t.Errorf("%v %v", err, followed)
	}
	if proxy := h.http.Transport.(*http.Transport).Proxy; proxy != nil {
		t.Error("a proxy may be taken from the environment")
	}
}

// FuzzAnswer: what is read as an answer reads the same in encoding/json.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"question":"q1","decision":"once","approver":"bob","reason":"x"}`))
	f.Add([]byte(`{"question":"q1","decision":"once","approver":"bob","Approver":"eve"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := readAnswer(body)
		if err != nil {
			return
		}
		var v struct{ Question, Decision, Reason, Approver string }
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		if err := d.Decode(&v); err != nil || v != (struct{ Question, Decision, Reason, Approver string }{s.question, s.decision, s.reason, s.approver}) {
			t.Errorf("%q: %+v, but %+v %v", body, s, v, err)
		}
	})
}
