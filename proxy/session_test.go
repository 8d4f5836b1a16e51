package proxy_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"sallyport/audit"
	"sallyport/audit/chain"
	"sallyport/policy"
	"sallyport/proxy"
	"sallyport/proxy/approval"
	"sallyport/proxy/approval/seal"
	"sallyport/proxy/guard"
	"sallyport/proxy/redact"
	"sallyport/proxy/upstream"
)

// config is what a session of a test is made of.
type config struct {
	policy  string
	role    string            // default: the policy's
	answers map[string]string // by server: what it answers by itself
	broken  []string          // servers that do not start at first
	backoff func() upstream.Backoff
	onCall  func(server string, line []byte) // sees each line before the server does
	quiet   bool                             // servers do not keep what they heard
	out     io.Writer                        // stands in for what the client reads

	onRecord  func()   // runs while something is being recorded
	principal string   // default: "alice"
	open      []string // channels at which questions can be answered
	waiting   int      // default: 100
	deskless  bool     // nobody can be asked anything
	keys      *seal.Ring
	spent     *seal.Spent
}

// session is a proxy with a client and its servers, all in this process.
type session struct {
	t       testing.TB
	client  *line
	fakes   []*fake // in the policy's order
	served  chan error
	stop    context.CancelFunc // ends the session as a signal would
	log     *audit.Log
	logFile string
	logGone bool
	proxy   *proxy.Proxy
	desk    *approval.Desk
	read    int64 // of the log
	ended   bool
}

// newSession starts a session. Its end checks that everything has ended and
// that the log proves itself.
func newSession(t testing.TB, c config) *session {
	t.Helper()
	pol, err := policy.Parse([]byte(c.policy), "policy.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if c.role == "" {
		c.role, _ = pol.DefaultRole()
	}
	x := &session{t: t, served: make(chan error, 1), logFile: filepath.Join(t.TempDir(), "audit.jsonl")}
	conf := pol.Audit()
	x.log, err = audit.Open(x.logFile, audit.Options{Policy: pol.Digest(), MaxBody: conf.MaxBody, Redact: func(body []byte) []byte {
		if c.onRecord != nil {
			c.onRecord()
		}
		return redact.Func(conf)(body)
	}})
	if err != nil {
		t.Fatal(err)
	}
	x.events() // those of the opening are of no interest
	for _, s := range pol.Servers() {
		f := &fake{name: s.Name, onCall: c.onCall, quiet: c.quiet, answers: map[string]string{}}
		for line := range strings.Lines(c.answers[s.Name]) {
			f.learn(t, strings.TrimSpace(line))
		}
		if slices.Contains(c.broken, s.Name) {
			f.refuse("no such program")
		}
		x.fakes = append(x.fakes, f)
	}
	if !c.deskless {
		x.openDesk(c)
	}
	p := proxy.New(proxy.Config{Policy: pol, Servers: pol.Servers(), Audit: x.log, Logger: hclog.NewNullLogger(), Guard: guard.New(nil), Desk: x.desk,
		Launch:  func(s policy.Server) upstream.Launch { return x.fake(s.Name).launch },
		Backoff: c.backoff, Version: "test"})
	x.proxy = p
	in, toProxy := io.Pipe()
	fromProxy, out := io.Pipe()
	x.client = &line{in: toProxy, out: fromProxy}
	go x.client.listen()
	var client io.Writer = out
	if c.out != nil {
		client = c.out
	}
	ctx, stop := context.WithCancel(context.Background())
	x.stop = stop
	go func() {
		err := p.Serve(ctx, proxy.Caller{Role: c.role, Principal: cmp.Or(c.principal, "alice")}, in, client)
		in.Close() // the read that is left behind ends with it
		out.Close()
		x.served <- err
	}()
	t.Cleanup(func() {
		if !x.ended {
			x.end()
		}
	})
	return x
}

func (x *session) openDesk(c config) {
	if c.keys == nil {
		c.keys, _ = seal.New()
	}
	if c.spent == nil {
		c.spent = seal.NewSpent()
	}
	n := 0
	x.desk = approval.New(approval.Options{Log: x.log, Waiting: cmp.Or(c.waiting, 100), Keys: c.keys, Spent: c.spent, Owner: "owner",
		NewID: func() string { n++; return fmt.Sprintf("q%d", n) }})
	for _, name := range c.open {
		var at approval.Channel
		if name == approval.Web {
			at.Address = func(id string) string { return "http://127.0.0.1:1/q/" + id }
		}
		x.desk.Open(name, at)
	}
}

func (x *session) fake(name string) *fake {
	for _, f := range x.fakes {
		if f.name == name {
			return f
		}
	}
	x.t.Fatalf("no server %q", name)
	return nil
}

// end closes the client's end, waits for the session, and checks the log.
func (x *session) end() {
	x.t.Helper()
	x.ended = true
	x.client.in.Close()
	<-x.served
	x.stop()
	for _, f := range x.fakes {
		if f.alive() {
			x.t.Errorf("server %s was left running", f.name)
		}
	}
	if err := x.log.Close(); err != nil && !x.logGone {
		x.t.Errorf("closing the log: %v", err)
	}
	if x.logGone {
		return
	}
	file, err := os.Open(x.logFile)
	if err != nil {
		x.t.Error(err)
		return
	}
	defer file.Close()
	report, err := chain.Verify(file)
	if err != nil || report.Status() != chain.Intact || !report.Clean {
		x.t.Errorf("the log is not intact: %v, %v", report.Bad, err)
	}
}

// events returns what has been logged since it was last asked.
func (x *session) events() []event {
	x.t.Helper()
	file, err := os.Open(x.logFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		x.t.Error(err)
		return nil
	}
	defer file.Close()
	all, err := io.ReadAll(io.NewSectionReader(file, x.read, 1<<40))
	if err != nil {
		x.t.Error(err)
	}
	all = all[:bytes.LastIndexByte(all, '\n')+1]
	x.read += int64(len(all))
	var out []event
	for line := range bytes.Lines(all) {
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			x.t.Errorf("a line of the log: %v", err)
		}
		out = append(out, e)
	}
	return out
}

// line is one end of a pair of pipes on which lines are spoken.
type line struct {
	in  *io.PipeWriter
	out *io.PipeReader

	mu    sync.Mutex
	lines []string
}

func (l *line) say(text string) {
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	l.sayRaw(text)
}

func (l *line) sayRaw(text string) { _, _ = io.WriteString(l.in, text) }

// listen keeps every line until the other side closes.
func (l *line) listen() {
	in := bufio.NewReaderSize(l.out, 64<<10)
	for {
		text, err := in.ReadString('\n')
		if err != nil {
			return
		}
		l.mu.Lock()
		l.lines = append(l.lines, strings.TrimSuffix(text, "\n"))
		l.mu.Unlock()
	}
}

// heard returns the lines that came since it was last asked.
func (l *line) heard() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.lines
	l.lines = nil
	return out
}

// vanish closes both ends, as a client does that dies.
func (l *line) vanish() {
	l.out.CloseWithError(io.ErrClosedPipe)
	l.in.Close()
}

// fake is a tool server. It answers by itself what it was told to, and keeps
// all that it hears over all of its lives.
type fake struct {
	name   string
	onCall func(server string, line []byte)
	quiet  bool

	mu       sync.Mutex
	answers  map[string]string
	no       string // why it cannot start
	launches int
	life     *life
	lines    []string
}

// life is one run of a fake's process.
type life struct {
	in     *io.PipeReader
	out    *io.PipeWriter
	exited chan struct{}
	once   sync.Once
	reason string
}

func (f *fake) launch() (upstream.Process, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.launches++
	if f.no != "" {
		return upstream.Process{}, errors.New(f.no)
	}
	hisIn, in := io.Pipe()
	out, hisOut := io.Pipe()
	l := &life{in: hisIn, out: hisOut, exited: make(chan struct{})}
	f.life = l
	go f.serve(l)
	return upstream.Process{In: in, Out: out, Exited: l.exited, Reason: func() string { return l.reason },
		Stop: func() { l.end("stopped") }}, nil
}

func (l *life) end(reason string) {
	l.once.Do(func() {
		l.reason = reason
		l.out.Close()
		l.in.CloseWithError(io.ErrClosedPipe)
		close(l.exited)
	})
}

func (f *fake) serve(l *life) {
	in := bufio.NewReaderSize(l.in, 64<<10)
	for {
		text, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		if f.onCall != nil {
			f.onCall(f.name, text)
		}
		f.mu.Lock()
		if !f.quiet {
			f.lines = append(f.lines, strings.TrimSuffix(string(text), "\n"))
		}
		f.mu.Unlock()
		if answer := f.answer(text); answer != nil {
			if _, err := l.out.Write(answer); err != nil {
				return
			}
		}
	}
}

// answer is what the fake says to a request by itself, or nil.
func (f *fake) answer(line []byte) []byte {
	var m struct {
		ID     json.RawMessage
		Method string
		Params struct{ Name, URI string }
	}
	if json.Unmarshal(line, &m) != nil || m.ID == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	body, ok := f.answers[m.Method+" "+m.Params.Name+m.Params.URI]
	if !ok {
		body, ok = f.answers[m.Method+" "]
	}
	kind := "result"
	if failure, no := strings.CutPrefix(body, "!"); no {
		kind, body = "error", failure
	}
	if !ok {
		return nil
	}
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"%s":%s}`+"\n", m.ID, kind, body)
}

// learn takes METHOD [TARGET] RESULT.
func (f *fake) learn(t testing.TB, text string) {
	if text == "" {
		return
	}
	method, rest, _ := strings.Cut(text, " ")
	target := ""
	if i := strings.IndexAny(rest, "{!"); i > 0 {
		target, rest = strings.TrimSpace(rest[:i]), rest[i:]
	} else if i < 0 {
		t.Fatalf("not an answer: %q", text)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[method+" "+target] = rest
}

func (f *fake) forget(text string) {
	method, target, _ := strings.Cut(text, " ")
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.answers, method+" "+target)
}

// refuse makes later starts fail; with no reason they work again.
func (f *fake) refuse(why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.no = why
}

func (f *fake) silence() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.quiet = true
}

func (f *fake) now() *life {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.life
}

func (f *fake) say(text string) { f.sayRaw(strings.TrimSuffix(text, "\n") + "\n") }

func (f *fake) sayRaw(text string) { _, _ = io.WriteString(f.now().out, text) }

func (f *fake) exit(reason string) { f.now().end(reason) }

func (f *fake) started() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.launches
}

func (f *fake) alive() bool {
	l := f.now()
	if l == nil {
		return false
	}
	select {
	case <-l.exited:
		return false
	default:
		return true
	}
}

func (f *fake) heard() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.lines
	f.lines = nil
	return out
}
