package audit

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func ticketFor(t *testing.T, l *Log, r Record) *Ticket {
	t.Helper()
	ticket, err := l.Decided(r)
	must(t, err)
	if ticket == nil {
		t.Fatal("no ticket")
	}
	return ticket
}

// kinds are the types, and codes of errors, that a log holds behind its genesis.
func kinds(t *testing.T, l *Log) (all []string) {
	t.Helper()
	must(t, l.Close())
	for _, e := range read(t, l.path)[1:] {
		s := string(e.Type)
		if e.Type == TypeError {
			s += " " + e.Code
		}
		all = append(all, s)
	}
	return all
}

// Each life of a ticket, and what the log tells of it.
func TestTicketLives(t *testing.T) {
	good := testRecord().binding()
	wrong := func(change func(*Binding)) Binding {
		b := good
		change(&b)
		return b
	}
	spend := func(b Binding) func(*Ticket) error { return func(t *Ticket) error { return t.Spend(b) } }
	done := func(o Outcome) func(*Ticket) error { return func(t *Ticket) error { return t.Done(o) } }
	abandon := func(t *Ticket) error { t.Abandon(); return nil }
	type step struct {
		do   func(*Ticket) error
		want error
	}
	mismatch := []string{"decision", "error ticket_mismatch", "error abandoned", "close"}
	for _, c := range []struct {
		why   string
		steps []step
		want  []string
	}{
		{"the straight line", []step{{spend(good), nil}, {done(Outcome{}), nil}}, []string{"decision", "tool_call", "tool_result", "close"}},
		{"the tool failed", []step{{spend(good), nil}, {done(Outcome{IsError: true}), nil}}, []string{"decision", "tool_call", "tool_result", "close"}},
		{"the upstream failed", []step{{spend(good), nil}, {done(Outcome{Code: "timeout"}), nil}}, []string{"decision", "tool_call", "error timeout", "close"}},
		{"the upstream was not reached", []step{{done(Outcome{Code: "unreachable"}), nil}}, []string{"decision", "error unreachable", "close"}},
		{"given up before sending", nil, []string{"decision", "error abandoned", "close"}},
		{"given up after sending", []step{{spend(good), nil}}, []string{"decision", "tool_call", "error abandoned", "close"}},
		{"given up twice", []step{{abandon, nil}, {abandon, nil}, {spend(good), ErrEnded}, {done(Outcome{}), ErrEnded}}, []string{"decision", "error abandoned", "close"}},
		{"spent twice", []step{{spend(good), nil}, {spend(good), ErrSpent}, {done(Outcome{}), nil}}, []string{"decision", "tool_call", "tool_result", "close"}},
		{"done twice", []step{{spend(good), nil}, {done(Outcome{}), nil}, {done(Outcome{}), ErrEnded}, {spend(good), ErrEnded}}, []string{"decision", "tool_call", "tool_result", "close"}},
		{"a result without a call", []step{{done(Outcome{}), ErrNotSpent}}, []string{"decision", "error ticket_not_spent", "close"}},
		{"another server", []step{{spend(wrong(func(b *Binding) { b.Server = "x" })), ErrMismatch}}, mismatch},
		{"another method", []step{{spend(wrong(func(b *Binding) { b.Method = "x" })), ErrMismatch}}, mismatch},
		{"another tool", []step{{spend(wrong(func(b *Binding) { b.Name = "x" })), ErrMismatch}}, mismatch},
		{"other arguments", []step{{spend(wrong(func(b *Binding) { b.Digest[31]++ })), ErrMismatch}}, mismatch},
		{"void after a mismatch", []step{{spend(Binding{}), ErrMismatch}, {spend(good), ErrSpent}, {done(Outcome{}), ErrNotSpent}}, []string{"decision", "error ticket_mismatch", "error ticket_not_spent", "close"}},
	} {
		t.Run(c.why, func(t *testing.T) {
			l := newLog(t, Options{})
			ticket := ticketFor(t, l, testRecord())
			for i, s := range c.steps {
				if err := s.do(ticket); !errors.Is(err, s.want) {
					t.Errorf("step %d: %v, want %v", i, err, s.want)
				}
			}
			ticket.Abandon()
			if d := cmp.Diff(c.want, kinds(t, l)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestNoTicketRefuses(t *testing.T) {
	for name, ticket := range map[string]*Ticket{"nil": nil, "zero": {}} {
		if err := ticket.Spend(Binding{}); !errors.Is(err, ErrNoTicket) {
			t.Errorf("%s ticket: spend: %v", name, err)
		}
		if err := ticket.Done(Outcome{}); !errors.Is(err, ErrNoTicket) {
			t.Errorf("%s ticket: done: %v", name, err)
		}
		ticket.Abandon()
	}
}

// However many try, one sends.
func TestSpentOnceByMany(t *testing.T) {
	l := newLog(t, Options{})
	ticket := ticketFor(t, l, testRecord())
	var wg sync.WaitGroup
	var sent, ended atomic.Int32
	for range 20 {
		wg.Go(func() {
			if ticket.Spend(testRecord().binding()) == nil {
				sent.Add(1)
			}
		})
	}
	wg.Wait()
	for range 20 {
		wg.Go(func() {
			if ticket.Done(Outcome{}) == nil {
				ended.Add(1)
			}
		})
	}
	wg.Wait()
	if sent.Load() != 1 || ended.Load() != 1 {
		t.Errorf("spent %d times, done %d times", sent.Load(), ended.Load())
	}
}

// A call that can change something is in the file before it is sent; one that
// only reads goes there with the next write.
func TestCallIsWrittenBeforeItIsSent(t *testing.T) {
	for _, c := range []struct {
		risk Risk
		want int
	}{{RiskRead, 0}, {RiskModify, 1}, {"", 1}} {
		l := newLog(t, Options{})
		r := testRecord()
		r.Risk = c.risk
		must(t, ticketFor(t, l, r).Spend(r.binding()))
		calls := 0
		for _, e := range read(t, l.path) {
			if e.Type == TypeToolCall {
				calls++
			}
		}
		if calls != c.want {
			t.Errorf("tier %q: %d calls in the file, want %d", c.risk, calls, c.want)
		}
	}
}

// No arguments are arguments, too.
func TestTicketWithoutArguments(t *testing.T) {
	l := newLog(t, Options{})
	r := testRecord()
	r.Params = nil
	must(t, ticketFor(t, l, r).Spend(Binding{Server: r.Server, Method: r.Method, Name: r.Tool, Digest: Digest(nil)}))
}
