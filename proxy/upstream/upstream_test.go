package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/audit"
	"sallyport/proxy/wire"
)

// pipes is a server's process on pipes; heard is what was written to it.
type pipes struct {
	mu    sync.Mutex
	heard []string
	out   *io.PipeWriter
}

func (p *pipes) launch() (Process, error) {
	hisIn, in := io.Pipe()
	out, hisOut := io.Pipe()
	p.out = hisOut
	exited := make(chan struct{})
	go func() {
		lines := bufio.NewScanner(hisIn)
		for lines.Scan() {
			p.mu.Lock()
			p.heard = append(p.heard, lines.Text())
			p.mu.Unlock()
		}
	}()
	var once sync.Once
	return Process{In: in, Out: out, Exited: exited, Reason: func() string { return "stopped" }, Stop: func() {
		once.Do(func() {
			hisOut.Close()
			hisIn.Close()
			close(exited)
		})
	}}, nil
}

func (p *pipes) lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard
}

func nobody() Peer {
	return Peer{Request: func(*Server, wire.Message) {}, Notify: func(*Server, wire.Message) {}, Trouble: func(*Server, Trouble) {}}
}

func message(t *testing.T, text string) wire.Message {
	t.Helper()
	m, fault := wire.ParseStrict([]byte(text), wire.Bounds{})
	if fault != nil {
		t.Fatal(fault)
	}
	return m
}

// TestNothingWithoutTicket tries every way to send without the right ticket: the
// server must hear nothing.
func TestNothingWithoutTicket(t *testing.T) {
	call := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"x":1}}}`
	right := audit.Event{Server: "s", Method: "tools/call", Tool: "a", Params: []byte(`{"x":1}`), Verdict: audit.VerdictAllow, Risk: audit.RiskRead}
	tests := []struct {
		why    string
		change func(e *audit.Event)
		spent  bool
		want   error
	}{
		{"no ticket at all", nil, false, audit.ErrNoTicket},
		{"one for a refusal is none", func(e *audit.Event) { e.Verdict = audit.VerdictRefuse }, false, audit.ErrNoTicket},
		{"one for a question is none", func(e *audit.Event) { e.Verdict = audit.VerdictAsk }, false, audit.ErrNoTicket},
		{"one that nobody has decided on is none", func(e *audit.Event) { e.Verdict = "" }, false, audit.ErrNoTicket},
		{"another server's", func(e *audit.Event) { e.Server = "t" }, false, audit.ErrMismatch},
		{"another method's", func(e *audit.Event) { e.Method = "tools/list" }, false, audit.ErrMismatch},
		{"another tool's", func(e *audit.Event) { e.Tool = "b" }, false, audit.ErrMismatch},
		{"other arguments'", func(e *audit.Event) { e.Params = []byte(`{"x":2}`) }, false, audit.ErrMismatch},
		{"one that was used", func(*audit.Event) {}, true, audit.ErrSpent},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log, err := audit.Open(filepath.Join(t.TempDir(), "log"), audit.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer log.Close()
				var ticket *audit.Ticket
				if tt.change != nil {
					e := right
					tt.change(&e)
					if ticket, err = log.Decided(audit.Record{Event: e}); err != nil {
						t.Fatal(err)
					}
				}
				if tt.spent {
					ticket.Spend(audit.Binding{Server: "s", Method: "tools/call", Name: "a", Digest: audit.Digest(right.Params)})
				}
				p := &pipes{}
				s := New("s", p.launch, nobody(), Options{})
				if err := s.Start(); err != nil {
					t.Fatal(err)
				}
				m := message(t, call)
				_, err = s.Call(context.Background(), ticket, Request{Msg: m, Name: "a", Args: m.Param("arguments")})
				if !errors.Is(err, tt.want) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				ticket.Abandon()
				s.Stop()
				synctest.Wait()
				if got := p.lines(); len(got) != 0 {
					t.Errorf("the server heard %q", got)
				}
			})
		})
	}
}

// TestEdits replaces the id, the name and what else is asked for, in any order
// in which they stand, and nothing besides.
func TestEdits(t *testing.T) {
	tests := []struct{ why, in, want string }{
		{"the id in front", `{"jsonrpc":"2.0","id":"x","method":"m","params":{"name":"a__b","ref":{"name":"R"}}}`,
			`{"jsonrpc":"2.0","id":7,"method":"m","params":{"name":"b","ref":{"name":"r"}}}`},
		{"the id at the end", ` {"params" : {"ref":{"name":"R"}, "name":"a__b" },"method":"m","jsonrpc":"2.0","id":1.50}`,
			`{"params" : {"ref":{"name":"r"}, "name":"b" },"method":"m","jsonrpc":"2.0","id":7}`},
		{"an escaped key", `{"jsonrpc":"2.0","\u0069d":1,"method":"m","params":{"n\u0061me":"a__b","ref":{"name":"R"}}}`,
			`{"jsonrpc":"2.0","\u0069d":7,"method":"m","params":{"n\u0061me":"b","ref":{"name":"r"}}}`},
	}
	for _, tt := range tests {
		m := message(t, tt.in)
		span, ok := wire.Find(m.Raw, "params", "ref", "name")
		if !ok {
			t.Fatal("no ref")
		}
		r := Request{Msg: m, Name: "b", Rename: true, Edits: []wire.Edit{{Span: span, With: []byte(`"r"`)}}}
		if got := string(wire.Splice(nil, m.Raw, r.edits(7)...)); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.why, got, tt.want)
		}
	}
}

// TestDeaf has a server that does not take what is written to it, and gives up
// in the end, as a launcher's pipe does: the call fails, and the process is ended,
// for it may have got half of a message.
func TestDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, err := audit.Open(filepath.Join(t.TempDir(), "log"), audit.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		p := &pipes{}
		starts := 0
		s := New("s", func() (Process, error) {
			proc, err := p.launch()
			if starts++; starts == 1 {
				proc.In = deaf{proc.In}
			}
			return proc, err
		}, nobody(), Options{})
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		ask := func() error {
			m := message(t, `{"jsonrpc":"2.0","id":1,"method":"ping"}`)
			ticket, err := log.Decided(audit.Record{Event: audit.Event{Server: "s", Method: "ping", Verdict: audit.VerdictAllow, Risk: audit.RiskRead}})
			if err != nil {
				t.Fatal(err)
			}
			defer ticket.Abandon()
			_, err = s.Call(context.Background(), ticket, Request{Msg: m, Timeout: time.Minute})
			return err
		}
		if err := ask(); !errors.Is(err, ErrDown) || !strings.Contains(err.Error(), "does not read") {
			t.Errorf("a call that cannot be written: %v", err)
		}
		time.Sleep(2 * time.Second)
		if err := ask(); !errors.As(err, new(*TimeoutError)) {
			t.Errorf("a call to the process after it: %v", err)
		}
		if starts != 2 {
			t.Errorf("%d starts", starts)
		}
		s.Stop()
	})
}

type deaf struct{ io.WriteCloser }

func (deaf) Write([]byte) (int, error) { return 3, errors.New("it does not read") }
