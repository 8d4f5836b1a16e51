package upstream

import (
	"errors"
	"fmt"
	"time"

	"sallyport/proxy/wire"
)

// hello is the handshake as the client spoke it.
type hello struct {
	initialize  []byte // whole message, id and all
	initialized []byte
}

// remember keeps the legacy handshake for a restart.
func (s *Server) remember(m wire.Message) {
	if m.Method != "initialize" {
		return
	}
	s.mu.Lock()
	s.hello.initialize = append([]byte(nil), m.Raw...)
	s.mu.Unlock()
}

// Missed keeps a handshake that the server did not take part in, because it was
// down, for its next start.
func (s *Server) Missed(initialize wire.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil && s.hello.initialize == nil {
		s.hello.initialize = append([]byte(nil), initialize.Raw...)
	}
}

// greet replays the handshake to a new process, and then counts it as up.
func (s *Server) greet(c *conn, h hello) {
	if err := c.greet(h, s.opt.StartTimeout); err != nil {
		s.peer.Trouble(s, Trouble{Failed, err.Error()})
		c.proc.Stop()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped() {
		return
	}
	if line := s.hello.initialized; line != nil { // the client may have said it meanwhile
		_ = c.out.Post(func(dst []byte) []byte { return append(dst, line...) })
	}
	s.conn = c
}

// greet replays the client's handshake and drops the answer.
func (c *conn) greet(h hello, patience time.Duration) error {
	m, fault := wire.ParseFaithful(h.initialize, c.server.opt.Bounds)
	if fault != nil {
		return fault
	}
	id, wait, err := c.send(Request{Msg: m})
	if err != nil {
		return err
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var answer Answer
	select {
	case got := <-wait:
		answer, err = got.answer, got.err
	case <-timer.C:
		late := fmt.Errorf("it did not answer the handshake within %s when it was started again", patience)
		answer, err = c.giveUp(late, id, wait)
	}
	answer.Written()
	if err == nil && answer.Kind != wire.Result {
		err = errors.New("it refused the handshake when it was started again")
	}
	return err
}
