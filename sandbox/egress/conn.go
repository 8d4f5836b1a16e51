package egress

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// client is one connection from within the box.
type client struct {
	net.Conn
	p     *Proxy
	r     *bufio.Reader // of Conn
	known bool          // it has shown the token, if there is one
}

// serve answers one request after the other.
func (p *Proxy) serve(c net.Conn, full bool) {
	x := &client{Conn: c, p: p, r: bufio.NewReaderSize(c, maxHead), known: p.opt.Token == ""}
	defer c.Close()
	defer closeWith(p.ctx, c)()
	defer func() {
		if what := recover(); what != nil { // a fault of ours costs this connection, and no more
			p.opt.Report(Event{Reason: Internal, Detail: fmt.Sprintf("panic: %.200v", what)})
		}
	}()
	for first := true; ; first = false {
		q, err := x.next(first)
		if err == nil && full {
			err = p.tooMany()
		}
		switch {
		case errors.Is(err, errGone):
			return
		case err != nil:
			x.refuse(q, err)
			return
		}
		if !x.answer(q) {
			return
		}
	}
}

// next reads a request, and checks what can be checked without looking further.
// Between requests a client may take its time.
func (x *client) next(first bool) (request, error) {
	wait := x.p.opt.IdleTimeout
	if first {
		wait = x.p.opt.HeadTimeout
	}
	_ = x.SetReadDeadline(time.Now().Add(wait))
	if _, err := x.r.Peek(1); err != nil {
		if first && errors.Is(err, os.ErrDeadlineExceeded) {
			return request{}, ended(err)
		}
		return request{}, errGone
	}
	_ = x.SetReadDeadline(time.Now().Add(x.p.opt.HeadTimeout))
	h, err := readHead(x.r)
	if err != nil {
		return request{head: h}, err
	}
	_ = x.SetReadDeadline(time.Time{})
	if x.p.opt.Token != "" && !h.shows(x.p.opt.Token) {
		return request{head: h}, &refusal{status: 407, reason: BadToken, detail: "the proxy's password is missing or wrong"}
	}
	x.known = true
	q, err := understand(h)
	if err == nil && q.method != connect && q.to.Port() == 443 && !x.p.opt.AnySNI {
		err = &refusal{status: 400, reason: NotTLS, detail: "port 443 is for TLS. " + how}
	}
	return q, err
}

// answer carries out a request, and tells whether another may follow.
func (x *client) answer(q request) bool {
	begun := time.Now()
	c, addr, refused := x.p.open(q.to)
	if refused != nil {
		refused.at = addr
		x.refuse(q, refused)
		return false
	}
	up := newLine(c, x.Conn, x.p.opt.IdleTimeout)
	defer up.end()
	defer closeWith(x.p.ctx, c)()
	e := q.event()
	e.Phase, e.Allowed, e.Address = Opened, true, addr
	x.p.opt.Report(e)
	again := false
	if q.method == connect {
		refused = x.tunnel(q, up)
	} else {
		again, refused = x.exchange(q, up)
	}
	e.Phase = Closed
	e.BytesUp, e.BytesDown, e.Duration = up.up.Load(), up.down.Load(), time.Since(begun)
	if refused != nil {
		x.p.why(refused, up.expired.Load())
		e.Allowed, e.Reason, e.Detail = !refused.ours(), refused.reason, refused.detail
	}
	x.p.opt.Report(e)
	return again && refused == nil
}

// why puts what we did ourselves before what came of it.
func (p *Proxy) why(r *refusal, expired bool) {
	switch {
	case r.ours():
	case p.ctx.Err() != nil:
		r.reason, r.detail = Stopped, "the proxy was closed"
	case expired:
		r.reason, r.detail = Idle, fmt.Sprintf("nothing was sent either way for %v", p.opt.IdleTimeout)
	}
}

// event is what is known of a request before it is answered.
func (q request) event() Event {
	return Event{Method: q.method, Host: q.to.Host(), Port: q.to.Port(), Address: q.to.Addr()}
}

// refuse reports, and answers in place of the host. The connection ends with it,
// since nobody knows what the client would send next.
func (x *client) refuse(q request, err error) {
	var refused *refusal
	if !errors.As(err, &refused) {
		refused = &refusal{status: 500, reason: Internal, detail: err.Error()}
	}
	x.p.why(refused, false)
	e := q.event()
	e.Allowed, e.Reason, e.Detail = !refused.ours(), refused.reason, refused.detail
	if refused.at.IsValid() {
		e.Address = refused.at
	}
	if q.to.Port() == 0 && q.target != "" {
		e.Detail += fmt.Sprintf(" (%.100q)", q.target)
	}
	x.p.opt.Report(e)
	x.say(q, refused)
}

const (
	farewell = 2 * time.Second // for a client to take the answer
	leftover = 64 << 10        // bytes of what it still sends that are thrown away
)

func (x *client) say(q request, refused *refusal) {
	what := "the request"
	if q.target != "" {
		what = fmt.Sprintf("%.100q", q.target)
	}
	text := fmt.Sprintf("sallyport: %s was refused: %s.\n", what, refused.detail)
	if x.known { // the list is nobody else's business
		text += fmt.Sprintf("What may be connected to: %s.\n", x.p.list)
	}
	ask := ""
	if refused.status == http.StatusProxyAuthRequired {
		ask = "Proxy-Authenticate: Basic realm=\"egress\"\r\n"
	}
	_ = x.SetDeadline(time.Now().Add(farewell))
	_, err := fmt.Fprintf(x.Conn, "HTTP/1.1 %d %s\r\n%sContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		refused.status, http.StatusText(refused.status), ask, len(text), text)
	if err != nil {
		return
	}
	// Closed with bytes unread, the kernel would take the answer back.
	halfClose(x.Conn)
	_, _ = io.CopyN(io.Discard, x.r, leftover)
}
