// Package upstream speaks to one tool server, and sends it no request without
// an audit ticket.
//
// # Why
//
// A [Server] outlives its process: when the process dies, everything that was
// waiting fails at once with the reason, and a new process is started after a
// back-off. A legacy server has been through a handshake that its client will
// not repeat, so the handshake is replayed to the new process, with the
// client's own words.
//
// Bytes are forwarded, not values: of a request only the id, and where asked
// the name and the progress token, are replaced; of an answer nothing.
package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"sallyport/audit"
	"sallyport/proxy/wire"
)

// Process is a started tool server, as the launcher hands it over. Reading Out
// must end once Stop has returned.
type Process struct {
	In     io.WriteCloser // requests; Write must give up by itself on a stuck reader
	Out    io.Reader      // answers
	Exited <-chan struct{}
	Reason func() string // after Exited: how it ended, and its last words
	Stop   func()        // orderly, then by force; idempotent; returns when nothing is left
}

// Launch starts the tool server's process.
type Launch func() (Process, error)

// Peer receives what a server says unasked. All of it is called from the one
// goroutine that reads the server: a Peer that blocks holds up this server and
// no other.
type Peer struct {
	Request func(*Server, wire.Message) // a request for the client; valid until it returns
	Notify  func(*Server, wire.Message) // a notification for the client; valid until it returns
	Trouble func(*Server, Trouble)      // something an operator should know
}

// Trouble is what went wrong between the proxy and a server.
type Trouble struct {
	Kind   TroubleKind
	Detail string
}

// TroubleKind is one of a closed set.
type TroubleKind string

// The kinds of trouble.
const (
	Junk     TroubleKind = "upstream_junk"      // not a JSON-RPC message
	Stray    TroubleKind = "upstream_stray"     // an answer that nobody waits for
	TooLarge TroubleKind = "upstream_too_large" // a message over the bound
	Exited   TroubleKind = "upstream_exited"    // the process has ended
	Failed   TroubleKind = "upstream_failed"    // the process could not be started
	Started  TroubleKind = "upstream_started"   // the process runs (not a fault)
)

// Backoff spaces out restarts. It is used by one goroutine.
type Backoff interface {
	Lived(time.Duration) // told how long a process ran
	Next() time.Duration // how long to wait before the next start
}

type everySecond struct{}

func (everySecond) Lived(time.Duration) {}
func (everySecond) Next() time.Duration { return time.Second }

// Options of a [Server]. Zero fields mean the defaults.
type Options struct {
	Bounds       wire.Bounds
	StartTimeout time.Duration // for a replayed handshake; default 30 s
	Backoff      Backoff       // nil: always one second
}

// Sentinel errors of [Server.Call]. A [*DownError] is ErrDown.
var (
	ErrDown     = errors.New("the server is not running")
	ErrTooLarge = errors.New("the answer is larger than the proxy accepts")
)

// TimeoutError says that an answer took too long.
type TimeoutError struct{ After time.Duration }

func (e *TimeoutError) Error() string { return fmt.Sprintf("no answer within %s", e.After) }

// DownError says why a server cannot be called.
type DownError struct{ Reason string }

func (e *DownError) Error() string { return "the server is not running: " + e.Reason }

// Is makes errors.Is(err, ErrDown) true.
func (e *DownError) Is(target error) bool { return target == ErrDown }

// Server is one tool server for one session. Its methods may be called from
// many goroutines.
type Server struct {
	name   string
	launch Launch
	peer   Peer
	opt    Options

	stop chan struct{} // closed by Stop
	done chan struct{} // closed when run has returned

	mu      sync.Mutex
	started bool
	proc    Process // the newest process, ready or not
	conn    *conn   // nil while down
	reason  string  // why it is down
	hello   hello   // the legacy handshake, for a restart
}

// New returns a server that is not yet started.
func New(name string, launch Launch, peer Peer, opt Options) *Server {
	if opt.StartTimeout == 0 {
		opt.StartTimeout = 30 * time.Second
	}
	if opt.Backoff == nil {
		opt.Backoff = everySecond{}
	}
	return &Server{name: name, launch: launch, peer: peer, opt: opt, reason: "not started",
		stop: make(chan struct{}), done: make(chan struct{})}
}

// Name is the server's name in the policy.
func (s *Server) Name() string { return s.name }

// Start launches the process and begins to read it. An error means that the
// first launch failed; nothing is left running then.
func (s *Server) Start() error {
	p, err := s.launch()
	if err != nil {
		s.mu.Lock()
		s.reason = err.Error()
		s.mu.Unlock()
		return fmt.Errorf("starting server %q: %w", s.name, err)
	}
	s.mu.Lock()
	s.started = true
	s.proc = p
	s.conn = newConn(s, p)
	c := s.conn
	s.mu.Unlock()
	go s.run(c)
	return nil
}

// Stop ends the process and returns when nothing of it is left. Calls that are
// still waiting fail.
func (s *Server) Stop() {
	s.mu.Lock()
	started := s.started
	if !s.stopped() {
		close(s.stop)
	}
	p := s.proc
	s.mu.Unlock()
	if !started {
		return
	}
	p.Stop()
	<-s.done
}

// run owns the process: it reads it to its end, and starts the next.
func (s *Server) run(c *conn) {
	defer close(s.done)
	for {
		if c != nil {
			s.peer.Trouble(s, Trouble{Started, ""})
			born := time.Now()
			c.read()
			reason := c.bury()
			s.down(reason)
			c.end(reason)
			s.opt.Backoff.Lived(time.Since(born))
		}
		select {
		case <-s.stop:
			return
		case <-time.After(s.opt.Backoff.Next()):
		}
		c = s.relaunch()
	}
}

// relaunch starts a new process and, for a legacy session, sends it the
// handshake; the server counts as up once that is answered.
func (s *Server) relaunch() *conn {
	p, err := s.launch()
	if err != nil {
		s.mu.Lock()
		s.reason = err.Error()
		s.mu.Unlock()
		s.peer.Trouble(s, Trouble{Failed, err.Error()})
		return nil
	}
	c := newConn(s, p)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proc = p
	switch {
	case s.stopped():
		c.greeting.Go(p.Stop) // reading it ends at once
	case s.hello.initialize == nil:
		s.conn = c
		return c
	default:
		s.reason = "starting again"
		h := s.hello
		c.greeting.Go(func() { s.greet(c, h) })
	}
	return c
}

func (s *Server) stopped() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

func (s *Server) down(reason string) {
	s.mu.Lock()
	s.conn = nil
	s.reason = reason
	stopped := s.stopped()
	s.mu.Unlock()
	if !stopped {
		s.peer.Trouble(s, Trouble{Exited, reason})
	}
}

// live returns the connection, or why there is none.
func (s *Server) live() (*conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return nil, &DownError{Reason: s.reason}
	}
	return s.conn, nil
}

// Request is what [Server.Call] sends: a message of the client's with the
// changes that routing needs, and no others.
type Request struct {
	Msg     wire.Message
	Name    string        // the tool, prompt or URI that was decided on; written over the client's where Rename is set
	Rename  bool          // the client's name for it differs
	Edits   []wire.Edit   // further replacements inside Msg, in order, after which nothing else changes
	Timeout time.Duration // how long the answer may take; 0: no bound
	Args    []byte        // the bytes whose digest was decided on, as they stand in Msg
	Sent    func()        // called once the request has its place among those sent; must not block; may be nil
}

// Answer is a server's answer to one request: a result or an error object.
// Written must be called once it has been passed on (or dropped): what the
// server said after it is held back until then, so that the client sees
// things in the order in which they were said.
type Answer struct {
	wire.Message
	written func()
}

// Written releases what waits behind the answer. It may be called twice.
func (a *Answer) Written() {
	if a.written != nil {
		a.written()
		a.written = nil
	}
}

// Call spends the ticket, sends the request and waits for its answer. The
// ticket must have been made for exactly this server, method, name and
// arguments. When ctx ends first, the server is told that the request is
// cancelled (with the cause's text as the reason, or the client's own words if
// the cause is [Told]), and ctx's cause is returned.
func (s *Server) Call(ctx context.Context, t *audit.Ticket, r Request) (Answer, error) {
	c, err := s.live()
	if err != nil {
		return Answer{}, err
	}
	if err := t.Spend(audit.Binding{Server: s.name, Method: r.Msg.Method, Name: r.Name, Digest: audit.Digest(r.Args)}); err != nil {
		return Answer{}, fmt.Errorf("spending the ticket: %w", err)
	}
	id, wait, err := c.send(r)
	if err != nil {
		return Answer{}, err
	}
	var late <-chan time.Time
	if r.Timeout > 0 {
		timer := time.NewTimer(r.Timeout)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case got := <-wait:
		if got.err == nil && got.answer.Kind == wire.Result {
			s.remember(r.Msg)
		}
		return got.answer, got.err
	case <-ctx.Done():
		return c.abandon(context.Cause(ctx), id, wait)
	case <-late:
		return c.abandon(&TimeoutError{r.Timeout}, id, wait)
	}
}

// Notify passes on a notification of the client's, byte for byte. Like Respond
// and Send it never waits for the server: whoever reads the client may call it.
func (s *Server) Notify(m wire.Message, edits ...wire.Edit) error {
	if m.Method == "notifications/initialized" { // also while it is down: the next process is to hear it
		s.mu.Lock()
		s.hello.initialized = append([]byte(nil), m.Raw...)
		s.mu.Unlock()
	}
	c, err := s.live()
	if err != nil {
		return err
	}
	return c.out.Post(func(dst []byte) []byte { return wire.Splice(dst, m.Raw, edits...) })
}

// Respond passes on the client's answer to a request of the server's, under
// the server's own id.
func (s *Server) Respond(m wire.Message, id wire.ID) error {
	c, err := s.live()
	if err != nil {
		return err
	}
	return c.out.Post(func(dst []byte) []byte { return m.WithID(dst, id) })
}

// Send writes a line of the proxy's own, such as an error for a request that
// the client is not asked.
func (s *Server) Send(f func(dst []byte) []byte) error {
	c, err := s.live()
	if err != nil {
		return err
	}
	return c.out.Post(f)
}

// ClientID returns the client's id for a request that this server knows by the
// given id and has not yet answered.
func (s *Server) ClientID(own wire.ID) (wire.ID, bool) {
	n, ok := own.Uint()
	c, err := s.live()
	if err != nil || !ok {
		return wire.ID{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w, ok := c.waiting[n]
	return w.id, ok
}
