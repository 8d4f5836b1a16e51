// Package downstream speaks to one client: it reads what the client says and
// sets each request off in its place, writes what it is told in whole lines,
// and keeps apart the ids under which several servers ask the client things.
//
// # Why
//
// A request runs in a goroutine of its own. Requests still go on to a server in
// the order in which the client sent them: each holds a place in a queue which
// it leaves once it is sent, refused, or about to wait for something slow (a
// disk, a person). The client's answers to a server's questions, its
// cancellations and its progress wait for nothing: a server that asks before it
// answers must not block itself.
package downstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"sallyport/proxy/wire"
	"sallyport/proxy/wire/lines"
)

// drain is how long requests may still be answered once the client has closed
// its end.
const drain = 2 * time.Second

// ErrGone ends a session whose client cannot be written to.
var ErrGone = errors.New("the client has gone")

// Events is what a client's words lead to. All must be set.
type Events struct {
	Request  func(*Request)                          // in a goroutine of its own; must end in Reply or Skip
	Notify   func(wire.Message)                      // in its turn
	Progress func(Token, wire.Message, ...wire.Edit) // at once: of a request of a server's
	Answer   func(Asked, wire.Message)               // at once: to a request of a server's
	Refused  func(*wire.Fault)                       // what was no message, and is answered as such already
	Dropped  func(what string)                       // what was a message, and led to nothing
	Bug      func(what string)                       // a request of which the handling broke down; it has been refused
}

// Client is the connection to one client over a pair of streams. Its methods
// may be called from many goroutines; Serve once.
type Client struct {
	in        *lines.Reader
	stream    io.Writer
	out       *lines.Writer // on stream
	bounds    wire.Bounds
	on        Events
	questions *questions
	greeting  atomic.Pointer[Greeting] // of a legacy client

	ctx    context.Context
	cancel context.CancelCauseFunc
	queue  queue          // Serve's
	idlers chan *Request  // taken by workers without a request
	work   sync.WaitGroup // requests and notifications being worked on

	mu       sync.Mutex
	ended    bool
	inflight map[string]*Request // by the key of the client's id
	pending  int                 // of inflight, those whose answer is worth waiting for at the end
	idle     chan struct{}       // closed when pending falls to 0 after the client has gone; nil before
}

// New returns a client on the given streams. Its session ends with ctx.
func New(ctx context.Context, in io.Reader, out io.Writer, b wire.Bounds) *Client {
	c := &Client{in: lines.NewReader(in, b.Message), stream: out, out: lines.NewWriter(out), bounds: b,
		questions: newQuestions(), inflight: map[string]*Request{}, idlers: make(chan *Request)}
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	return c
}

// Greeting is what a legacy handshake has agreed on.
type Greeting struct {
	Version      string // the negotiated revision
	Agent        string // the client's name, as it says itself
	Capabilities []byte // that the client declares, raw JSON
}

// Greeted tells what a legacy handshake has agreed on.
func (c *Client) Greeted(g Greeting) { c.greeting.Store(&g) }

// Greeting is what the last handshake has agreed on; zero if there was none.
func (c *Client) Greeting() Greeting {
	if g := c.greeting.Load(); g != nil {
		return *g
	}
	return Greeting{}
}

// Serve reads what the client says and returns when the client has closed its
// end, when it cannot be written to, or when the context of New ends. In the
// latter two cases a read of the input is left behind that ends with it.
func (c *Client) Serve(on Events) error {
	c.on = on
	ended := make(chan error, 1)
	go func() { ended <- c.read() }()
	select {
	case err := <-ended:
		c.finish()
		return err
	case <-c.ctx.Done():
		return nil
	}
}

// ErrEnded is the cause of the contexts of requests that are under way when the
// session ends.
var ErrEnded = errors.New("the session has ended")

// End gives up what is under way, and takes on nothing more. A client that does
// not take what is written to it holds nothing up for longer than two seconds,
// if its stream knows deadlines.
func (c *Client) End() {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.cancel(ErrEnded)
	if out, ok := c.stream.(interface{ SetWriteDeadline(time.Time) error }); ok {
		_ = out.SetWriteDeadline(time.Now().Add(drain))
	}
}

// Close returns when all that was under way has ended. End comes before it.
func (c *Client) Close() { c.work.Wait() }

// begin takes on one piece of work, unless the session has ended. Whoever does
// it says work.Done.
func (c *Client) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.work.Add(1)
	}
	return !c.ended
}

// finish lets requests that are under way come to their end, for a while.
func (c *Client) finish() {
	c.mu.Lock()
	idle := make(chan struct{})
	c.idle = idle
	if c.pending == 0 {
		close(idle)
		c.idle = nil
	}
	c.mu.Unlock()
	late := time.NewTimer(drain)
	defer late.Stop()
	select {
	case <-idle:
	case <-late.C:
	case <-c.ctx.Done():
	}
}

func (c *Client) read() error {
	for {
		line, err := c.in.Next()
		switch e := err.(type) {
		case nil:
			c.receive(line)
		case *lines.TooLong:
			c.refuse(&wire.Fault{Code: wire.InvalidRequest, Reason: wire.MessageTooLong, ID: wire.Salvage(e.Head, e.Tail),
				Detail: fmt.Sprintf("the message has %d bytes, more than the %d that are accepted", e.Bytes, c.bounds.Message)}, c.sink())
		case *lines.Unfinished:
			c.on.Dropped(fmt.Sprintf("the client stopped in the middle of a message (%d bytes)", e.Bytes))
		default:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("reading from the client: %w", err)
		}
	}
}

// Write appends one line, written by f, to what goes to the client. A client
// that cannot be written to is gone, which ends the session.
func (c *Client) Write(f func(dst []byte) []byte) {
	if err := c.out.Append(f); err != nil {
		c.cancel(ErrGone)
	}
}

// receive deals with one line.
func (c *Client) receive(line []byte) {
	m, fault := wire.ParseStrict(line, c.bounds)
	switch {
	case fault == nil:
		c.dispatch(m, c.sink())
	case fault.Reason == wire.Batch && c.batches():
		c.receiveBatch(line)
	default:
		c.refuse(fault, c.sink())
		if id, ok := wire.SalvageAnswer(line); ok {
			c.questions.garbled(id)
		}
	}
}

func (c *Client) dispatch(m wire.Message, to sink) {
	switch m.Kind {
	case wire.Request:
		c.request(m.Clone(), to)
	case wire.Notification:
		c.notification(m)
	case wire.Result, wire.Error:
		switch asked, ok := c.questions.answered(m.ID); {
		case !ok:
			c.on.Dropped("an answer that nobody waits for")
		case asked.own != nil:
			asked.own(m)
		default:
			c.on.Answer(asked, m)
		}
	}
}

// refuse answers what is not a message.
func (c *Client) refuse(f *wire.Fault, to sink) {
	c.on.Refused(f)
	to.write(func(dst []byte) []byte {
		return AppendError(dst, f.ID, f.Code, f.Detail, Refusal{Code: "malformed", Rule: string(f.Reason)}.data())
	})
}

// notification sees to what concerns a request, and passes on the rest in its
// turn.
func (c *Client) notification(m wire.Message) {
	switch mcp.MCPMethod(m.Method) {
	case mcp.MethodNotificationCancelled:
		c.cancelled(m)
		return
	case mcp.MethodNotificationProgress:
		c.progress(m)
		return
	}
	if !c.begin() {
		return
	}
	t := c.queue.next()
	if t.free() {
		c.on.Notify(m)
		t.leave()
		c.work.Done()
		return
	}
	own := m.Clone()
	go func() {
		defer c.work.Done()
		t.wait()
		c.on.Notify(own)
		t.leave()
	}()
}

// cancelled ends a request of the client's; whoever works on it tells its
// server.
func (c *Client) cancelled(m wire.Message) {
	id, ok := wire.ParseID(m.Param("requestId"))
	c.mu.Lock()
	r := c.inflight[id.Key()]
	c.mu.Unlock()
	if r == nil || !ok {
		c.on.Dropped("the cancellation of a request that is not under way")
		return
	}
	r.cancel(&Cancelled{m.Clone()})
}

// progress is what the client says of a server's request.
func (c *Client) progress(m wire.Message) {
	shown, _ := wire.ParseID(m.Param("progressToken"))
	token, ok := c.questions.owner(shown)
	if !ok {
		c.on.Dropped("progress for a token that no server gave")
		return
	}
	if span, found := m.ParamSpan("progressToken"); found && token.Own.Key() != shown.Key() {
		c.on.Progress(token, m, wire.Edit{Span: span, With: token.Own.Append(nil)})
		return
	}
	c.on.Progress(token, m)
}

// MayAsk is [ErrTooMany] while too many of a server's requests wait.
func (c *Client) MayAsk(server string) error { return c.questions.room(server) }

// Ask passes a server's request on to the client, under an id of its own.
func (c *Client) Ask(server string, m wire.Message) error {
	edits, err := c.questions.put(server, m)
	if err != nil {
		return err
	}
	c.Write(func(dst []byte) []byte { return wire.Splice(dst, m.Raw, edits...) })
	return nil
}

// Withdrawn returns the client's id for a request that its server has
// cancelled. The request stays known: the client may answer all the same.
func (c *Client) Withdrawn(server string, id wire.ID) (wire.ID, bool) {
	return c.questions.withdrawn(server, id)
}

// ServerGone withdraws what a server that has ended was asking.
func (c *Client) ServerGone(server string) {
	for _, id := range c.questions.gone(server) {
		c.Write(func(dst []byte) []byte {
			dst = append(dst, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":`...)
			return append(id.Append(dst), `,"reason":"the server that asked has ended"}}`...)
		})
	}
}
