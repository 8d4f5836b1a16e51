package downstream

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"sallyport/proxy/wire"
)

// maxInFlight bounds the client's requests that are being worked on.
const maxInFlight = 1024

// Request is one request of the client's. It is used by one goroutine.
type Request struct {
	Msg    wire.Message
	Ctx    context.Context // ends with the session, or when the client cancels: then its cause is a *Cancelled
	Modern bool            // spoken in revision 2026-07-28 or later

	client *Client
	key    string // of the client's id
	listen bool   // stays open by design: not worth waiting for at the end
	to     sink
	turn   *turn
	cancel context.CancelCauseFunc
}

// Cancelled is the cause of a request's context when the client has cancelled
// it.
type Cancelled struct{ note wire.Message }

func (*Cancelled) Error() string { return "the client cancelled the request" }

// Notice is the client's own notification.
func (c *Cancelled) Notice() wire.Message { return c.note }

// request admits a request and sets it off.
func (c *Client) request(m wire.Message, to sink) {
	r := &Request{Msg: m, client: c, key: m.ID.Key(), to: to, Modern: m.Meta(mcp.MetaKeyProtocolVersion) != nil,
		listen: m.Method == string(mcp.MethodSubscriptionsListen)}
	r.Ctx, r.cancel = context.WithCancelCause(c.ctx)
	if why := c.enter(r); why != "" {
		r.cancel(nil)
		c.refuse(badID(m.ID, why), to)
		return
	}
	r.turn = c.queue.next()
	select {
	case c.idlers <- r:
	default:
		c.work.Go(func() { c.worker(r) })
	}
}

const underWay = "a request with this id is still under way"

func badID(id wire.ID, why string) *wire.Fault {
	return &wire.Fault{Code: wire.InvalidRequest, Reason: wire.BadID, ID: id, Detail: why}
}

// idleWorker is how long a goroutine without a request is kept. To keep it
// saves growing a new one's stack, which costs more than a small call's parsing.
const idleWorker = 5 * time.Second

// worker takes one request after the other.
func (c *Client) worker(r *Request) {
	rest := time.NewTimer(idleWorker)
	defer rest.Stop()
	for {
		c.handle(r)
		rest.Reset(idleWorker)
		select {
		case r = <-c.idlers:
		case <-rest.C:
			return
		case <-c.ctx.Done():
			return
		}
	}
}

func (c *Client) enter(r *Request) (why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inflight[r.key] != nil {
		return underWay
	}
	if len(c.inflight) >= maxInFlight {
		return "too many requests are under way; wait for some to be answered"
	}
	if c.ended {
		return "the session has ended"
	}
	c.work.Add(1)
	c.inflight[r.key] = r
	if !r.listen {
		c.pending++
	}
	return ""
}

func (c *Client) leave(r *Request) {
	defer c.work.Done()
	r.turn.leave()
	r.cancel(nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.inflight, r.key)
	if r.listen {
		return
	}
	if c.pending--; c.pending == 0 && c.idle != nil {
		close(c.idle)
		c.idle = nil
	}
}

// handle sees to one request. A mistake of ours in the middle of it refuses this
// request, and no other.
func (c *Client) handle(r *Request) {
	defer c.leave(r)
	defer func() {
		if what := recover(); what != nil {
			c.on.Bug(fmt.Sprintf("%v\n%s", what, debug.Stack()))
			r.Reply(func(dst []byte) []byte {
				return r.Refuse(dst, mcp.INTERNAL_ERROR, Refusal{Code: "internal", Text: "an internal error; the request is refused"})
			})
		}
	}()
	c.on.Request(r)
}

// WaitTurn returns when all that the client said before has gone, or at once if
// the place was left.
func (r *Request) WaitTurn() { r.turn.wait() }

// LeaveTurn lets the next one go. It may be called again.
func (r *Request) LeaveTurn() { r.turn.leave() }

// Reply answers the request with one line that f appends.
func (r *Request) Reply(f func(dst []byte) []byte) { r.to.write(f) }

// Skip says that the request will not be answered.
func (r *Request) Skip() { r.to.skip() }

// sink is where the answer to a request goes.
type sink interface {
	write(func(dst []byte) []byte)
	skip()
}

// straight is the sink of a request that stands alone.
type straight struct{ c *Client }

func (s straight) write(f func(dst []byte) []byte) { s.c.Write(f) }
func (straight) skip()                             {}

func (c *Client) sink() sink { return straight{c} }
