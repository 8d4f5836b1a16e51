package audit

import (
	"crypto/sha256"
	"errors"
	"sync/atomic"
	"time"
)

// Record is a decision about one call, on its way into the log.
type Record struct {
	// Event says who asked for what, and why it was decided so. Verdict is
	// the decision; its zero value, and any unknown one, allows nothing.
	// Params holds the bytes that were judged and will be sent.
	Event
	// Digest is Digest(Params), for a caller that has it already. It is
	// trusted. Zero means that Decided computes it.
	Digest [sha256.Size]byte
}

// Binding is what a ticket is good for: one call, known by its arguments.
type Binding struct {
	Server, Method string
	Name           string // tool name, resource URI or prompt name: Event.Tool
	Digest         [sha256.Size]byte
}

// Outcome is how a call ended.
type Outcome struct {
	Result   []byte // as received
	Tokens   int
	IsError  bool   // the tool itself said so
	Code     string // why there is no proper result; empty if there is one
	Message  string
	Duration time.Duration
	Findings []Finding // in the result
	Critical bool
}

// Ticket is the right to send one call once. Only Log.Decided makes one. A nil
// or zero Ticket refuses. Its methods may be called from several goroutines.
type Ticket struct {
	log     *Log
	bound   Binding
	subject []byte
	prompt  bool // write the tool_call event at once
	params  body
	state   atomic.Uint32
}

// A ticket goes from issued to spent or void, and from any of the three to ended.
const (
	issued uint32 = iota
	spent
	void
	ended
)

// What a ticket refuses with, beside the *FailedError of its log.
var (
	ErrNoTicket = errors.New("no audit ticket: nothing can be sent without one")
	ErrSpent    = errors.New("audit ticket was spent already")
	ErrMismatch = errors.New("audit ticket is for another call")
	ErrNotSpent = errors.New("audit ticket was not spent, yet there is a result")
	ErrEnded    = errors.New("audit ticket has ended")
)

// Codes of the error events that a ticket writes of itself.
const (
	CodeAbandoned = "abandoned"       // nobody said how the call ended
	CodeMismatch  = "ticket_mismatch" // another call was about to be sent
	CodeNotSpent  = "ticket_not_spent"
)

// Spend is called by a transport immediately before it sends, with what it is
// about to send. It returns nil once, and only if that is exactly what was
// decided and the log still works; a transport must not send otherwise. It
// records a tool_call event, which for tier read may reach the file as late as
// the end of the call. A mismatch is recorded and voids the ticket.
func (t *Ticket) Spend(b Binding) error {
	switch {
	case t == nil || t.log == nil:
		return ErrNoTicket
	case b != t.bound:
		return t.mismatch(b)
	case !t.state.CompareAndSwap(issued, spent):
		return t.used()
	}
	need := inQueue
	if t.prompt {
		need = handedOver
	}
	return t.log.record(&entry{kind: TypeToolCall, subject: t.subject, detail: &Event{}, params: t.params}, need)
}

func (t *Ticket) used() error {
	if t.state.Load() == ended {
		return ErrEnded
	}
	return ErrSpent
}

func (t *Ticket) mismatch(b Binding) error {
	t.state.CompareAndSwap(issued, void)
	e := Event{Code: CodeMismatch, Message: t.bound.difference(b)}
	if err := t.error(&e); err != nil {
		return err
	}
	return ErrMismatch
}

// difference names the first part in which the call to be sent differs.
func (b Binding) difference(sent Binding) string {
	switch {
	case sent.Server != b.Server:
		return "about to send to server " + sent.Server
	case sent.Method != b.Method:
		return "about to send method " + sent.Method
	case sent.Name != b.Name:
		return "about to send to " + sent.Name
	}
	return "about to send other arguments"
}

// Done records how the call ended and returns once that is written. It works
// once. A ticket that was not spent takes only an outcome with a Code: a result
// that came without it did not come through the gate and must not be passed on.
func (t *Ticket) Done(o Outcome) error {
	if t == nil || t.log == nil {
		return ErrNoTicket
	}
	before := t.state.Swap(ended)
	if before == ended {
		return ErrEnded
	}
	if before != spent && o.Code == "" {
		e := Event{Code: CodeNotSpent, Message: "a result without a call: the transport did not spend its ticket"}
		if err := t.error(&e); err != nil {
			return err
		}
		return ErrNotSpent
	}
	kind := TypeToolResult
	if o.Code != "" {
		kind = TypeError
	}
	e := Event{
		Code: o.Code, Message: o.Message, IsError: o.IsError,
		Tokens: o.Tokens, DurationUS: microseconds(o.Duration), Findings: o.Findings, Critical: o.Critical,
	}
	return t.log.record(&entry{
		kind: kind, subject: t.subject, detail: &e,
		result: t.log.weigh(o.Result, [sha256.Size]byte{}),
	}, handedOver)
}

// Abandon ends a ticket that nobody ended and records that as an error. It is
// meant to be deferred, does nothing after Done and is safe on nil.
func (t *Ticket) Abandon() {
	if t == nil || t.log == nil {
		return
	}
	e := Event{Code: CodeAbandoned, Message: "the call was given up before it was sent"}
	switch t.state.Swap(ended) {
	case ended:
		return
	case spent:
		e.Message = "the call was sent; how it ended is not known"
	}
	// A failed log has announced itself, and there is nobody here to tell.
	_ = t.error(&e)
}

func (t *Ticket) error(e *Event) error {
	return t.log.record(&entry{kind: TypeError, subject: t.subject, detail: e}, handedOver)
}
