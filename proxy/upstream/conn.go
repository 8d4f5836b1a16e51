package upstream

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"syscall"
	"time"

	"sallyport/proxy/wire"
	"sallyport/proxy/wire/lines"
)

// lateAnswer is how long an answer may still come, and be passed on, after the
// client has cancelled: the two may have crossed.
const lateAnswer = 2 * time.Second

// conn is one life of a server's process.
type conn struct {
	server *Server
	proc   Process
	out    *lines.Writer

	mu      sync.Mutex
	next    uint64
	waiting map[uint64]waiter // by the id that we gave
	ended   error             // set once; no more entries after it

	answering sync.WaitGroup // answers handed out and not yet written
	greeting  sync.WaitGroup // the replay of a handshake, or an end by force
}

// waiter is a call that waits for its answer.
type waiter struct {
	id    wire.ID // the client's own
	reply chan<- reply
}

// reply is what a waiting call gets: an answer, or why there will be none.
type reply struct {
	answer Answer
	err    error
}

func newConn(s *Server, p Process) *conn {
	return &conn{server: s, proc: p, out: lines.NewWriter(p.In), waiting: map[uint64]waiter{}}
}

// expect allots an id and the channel on which its answer will come.
func (c *conn) expect(id wire.ID) (uint64, chan reply, error) {
	wait := make(chan reply, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil {
		return 0, nil, c.ended
	}
	c.next++
	c.waiting[c.next] = waiter{id, wait}
	return c.next, wait, nil
}

func (c *conn) send(r Request) (uint64, <-chan reply, error) {
	id, wait, err := c.expect(r.Msg.ID)
	if err != nil {
		return 0, nil, err
	}
	edits := r.edits(id)
	err = c.out.Append(func(dst []byte) []byte {
		dst = wire.Splice(dst, r.Msg.Raw, edits...)
		if r.Sent != nil {
			r.Sent() // now, and not when it is written: the next in turn goes into the same write
		}
		return dst
	})
	if err != nil {
		c.kill()
		if errors.Is(err, syscall.EPIPE) { // it has ended, and its end will say why
			return id, wait, nil
		}
		c.take(id)
		return 0, nil, &DownError{Reason: "writing to it: " + err.Error()}
	}
	return id, wait, nil
}

// kill ends a process that does not take what is written to it: a message may
// have been cut in the middle, so nothing more can be said to it.
func (c *conn) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == nil {
		c.greeting.Go(c.proc.Stop)
	}
}

// edits are the replacements in the order in which they stand in the message.
func (r *Request) edits(id uint64) []wire.Edit {
	all := make([]wire.Edit, 0, 4)
	at, _ := r.Msg.IDSpan()
	all = append(all, wire.Edit{Span: at, With: strconv.AppendUint(nil, id, 10)})
	if span, ok := r.Msg.ParamSpan("name"); ok && r.Rename {
		all = append(all, wire.Edit{Span: span, With: wire.Quote(nil, r.Name)})
	}
	all = append(all, r.Edits...)
	for i := 1; i < len(all); i++ { // a handful at most
		for j := i; j > 0 && all[j].Span.Start < all[j-1].Span.Start; j-- {
			all[j], all[j-1] = all[j-1], all[j]
		}
	}
	return all
}

// Told is the cause of a context that ended because the client cancelled its
// request: it has the client's own notification, which the server is to see.
type Told interface {
	error
	Notice() wire.Message
}

// abandon tells the server that nobody waits any more.
func (c *conn) abandon(cause error, id uint64, wait <-chan reply) (Answer, error) {
	ours := strconv.AppendUint(nil, id, 10)
	var byClient Told
	if !errors.As(cause, &byClient) {
		reason := wire.Quote(nil, cause.Error())
		_ = c.out.Append(func(dst []byte) []byte {
			return fmt.Appendf(dst, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%s,"reason":%s}}`, ours, reason)
		})
		return c.giveUp(cause, id, wait)
	}
	note := byClient.Notice()
	if span, ok := note.ParamSpan("requestId"); ok {
		_ = c.out.Append(func(dst []byte) []byte {
			return wire.Splice(dst, note.Raw, wire.Edit{Span: span, With: ours})
		})
	}
	late := time.NewTimer(lateAnswer)
	defer late.Stop()
	select {
	case got := <-wait:
		return got.answer, got.err
	case <-late.C:
		return c.giveUp(cause, id, wait)
	}
}

// giveUp stops waiting. An answer that has come at the last moment is taken:
// it must not lie about, what comes after it is held back until it is written.
func (c *conn) giveUp(cause error, id uint64, wait <-chan reply) (Answer, error) {
	if c.take(id) == nil {
		got := <-wait
		return got.answer, got.err
	}
	return Answer{}, cause
}

// read passes on what the server says until it falls silent for good.
func (c *conn) read() {
	in := lines.NewReader(c.proc.Out, c.server.opt.Bounds.Message)
	for {
		line, err := in.Next()
		switch e := err.(type) {
		case nil:
			c.hear(line)
		case *lines.TooLong:
			c.oversized(e)
		case *lines.Unfinished:
			c.trouble(Junk, fmt.Sprintf("the server stopped in the middle of a message (%d bytes)", e.Bytes))
		default:
			if !errors.Is(err, io.EOF) {
				c.trouble(Junk, "reading from the server: "+err.Error())
			}
			return
		}
	}
}

// hear deals with one line.
func (c *conn) hear(line []byte) {
	m, fault := wire.ParseFaithful(line, c.server.opt.Bounds)
	if fault != nil {
		c.trouble(Junk, fault.Error())
		if id, ok := fault.ID.Uint(); ok {
			c.fail(id, fmt.Errorf("its answer cannot be read: %w", fault))
		}
		return
	}
	switch m.Kind {
	case wire.Result, wire.Error:
		c.answer(m)
	case wire.Request:
		c.answering.Wait()
		c.server.peer.Request(c.server, m)
	case wire.Notification:
		c.answering.Wait()
		c.server.peer.Notify(c.server, m)
	}
}

// answer hands an answer to whoever waits for it.
func (c *conn) answer(m wire.Message) {
	id, ok := m.ID.Uint()
	var wait chan<- reply
	if ok {
		wait = c.take(id)
	}
	if wait == nil {
		c.trouble(Stray, "an answer to id "+m.ID.Lexeme()+", which nobody waits for")
		return
	}
	c.answering.Add(1)
	wait <- reply{answer: Answer{Message: m.Clone(), written: c.answering.Done}}
}

// fail ends one waiting call.
func (c *conn) fail(id uint64, err error) {
	if wait := c.take(id); wait != nil {
		wait <- reply{err: err}
	}
}

// take returns who waits for an answer, and forgets him.
func (c *conn) take(id uint64) chan<- reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait := c.waiting[id].reply
	delete(c.waiting, id)
	return wait
}

func (c *conn) oversized(e *lines.TooLong) {
	c.trouble(TooLarge, fmt.Sprintf("a message of %d bytes was dropped", e.Bytes))
	if id, ok := wire.Salvage(e.Head, e.Tail).Uint(); ok {
		c.fail(id, ErrTooLarge)
	}
}

// bury makes sure that the process of a server that has fallen silent is gone,
// and returns how it ended.
func (c *conn) bury() string {
	c.proc.Stop()
	<-c.proc.Exited
	return c.proc.Reason()
}

// end fails all that waits. It comes after the end was told of, so that the log
// has the cause before its effects.
func (c *conn) end(reason string) {
	down := &DownError{Reason: reason}
	c.mu.Lock()
	c.ended = down
	for id, wait := range c.waiting {
		wait.reply <- reply{err: down}
		delete(c.waiting, id)
	}
	c.mu.Unlock()
	c.greeting.Wait()
}

func (c *conn) trouble(k TroubleKind, detail string) {
	c.server.peer.Trouble(c.server, Trouble{k, detail})
}
