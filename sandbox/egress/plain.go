package egress

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httputil"
	"os"
	"strings"
	"time"
)

const (
	maxAnswer  = 64 << 10 // bytes of an answer's head, with those before it
	maxInterim = 8        // answers of 1xx

	moment = 250 * time.Millisecond
)

// exchange sends one request, and brings its answer. It tells whether the client may
// send another.
func (x *client) exchange(q request, up *line) (again bool, refused *refusal) {
	if err := q.send(up); err != nil {
		return false, x.fail(q, broken("the host did not take the request"))
	}
	if q.waits {
		if _, err := io.WriteString(x.Conn, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return false, broken("the client's connection broke")
		}
	}
	s := &sending{sent: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		x.sendBody(q, up, s)
	}()
	a, err := readAnswer(q, up)
	if err == nil {
		defer a.Body.Close()
		again, err = x.bring(q, a, s.whole())
	}
	x.interrupt(up) // a host that has answered wants no more of the body
	<-s.done
	switch {
	case a == nil && s.refused != nil:
		return false, x.fail(q, s.refused)
	case a == nil:
		return false, x.fail(q, broken("the host gave no answer that can be read"))
	case err != nil:
		return false, broken("the connection broke in the middle of the answer")
	}
	return again, nil
}

// sending is a request's body on its way.
type sending struct {
	sent    chan struct{} // closed when all of it is
	done    chan struct{}
	refused *refusal // the client's fault; may be read once it is done
}

// whole tells whether the host has got all of it. An answer may come a moment before
// we know that.
func (s *sending) whole() bool {
	select {
	case <-s.sent:
		return true
	case <-time.After(moment):
		return false
	}
}

// interrupt ends the sending of a body.
func (x *client) interrupt(up *line) {
	_ = x.SetReadDeadline(time.Unix(1, 0))
	up.Close()
}

// fail answers in place of a host that did not.
func (x *client) fail(q request, refused *refusal) *refusal {
	_ = x.SetReadDeadline(time.Time{})
	x.say(q, refused)
	return refused
}

// send writes the request's head anew.
func (q *request) send(up *line) error {
	w := bufio.NewWriter(up)
	host := q.to.String()
	if q.to.Port() == 80 { // as clients write it
		host = strings.TrimSuffix(host, ":80")
	}
	fmt.Fprintf(w, "%s %s HTTP/1.1\r\nHost: %s\r\n", q.method, q.path, host)
	for _, f := range q.fields {
		if q.goesOn(f.name) {
			fmt.Fprintf(w, "%s: %s\r\n", f.name, f.value)
		}
	}
	if q.length < 0 {
		fmt.Fprint(w, "Transfer-Encoding: chunked\r\n")
	} else if q.framed {
		fmt.Fprintf(w, "Content-Length: %d\r\n", q.length)
	}
	fmt.Fprint(w, "Connection: close\r\n\r\n")
	return w.Flush()
}

// sendBody copies the body, and then watches whether the client is still there: one
// that has left must not keep its place until the host answers.
func (x *client) sendBody(q request, up *line, s *sending) {
	err := x.copyBody(q, up)
	sent := err == nil
	if sent {
		close(s.sent)
		if _, err = x.r.Peek(1); err == nil {
			return // the next request
		}
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), up.deaf.Load():
		return // it was interrupted, or the host wants no more and may have said why
	case closedHere(err):
		s.refused = broken("the connection broke")
	case sent:
		s.refused = broken("the client left before there was an answer")
	default:
		s.refused = malformed("the body ended in the middle, or is not chunked as it should be")
	}
	up.Close()
}

// copyBody copies exactly the body: what follows is the next request.
func (x *client) copyBody(q request, up *line) error {
	if q.length >= 0 {
		_, err := io.CopyN(up, x.r, q.length)
		return err
	}
	if err := chunks(bufio.NewWriter(up), httputil.NewChunkedReader(x.r)); err != nil {
		return err
	}
	lines := lines{r: x.r, left: maxHead}
	for { // trailers end here
		if line, err := lines.next(); line == "" {
			return err
		}
	}
}

// chunks writes each piece as it comes.
func chunks(w *bufio.Writer, r io.Reader) error {
	b := make([]byte, chunk)
	for {
		n, err := r.Read(b)
		if n > 0 {
			fmt.Fprintf(w, "%x\r\n", n)
			_, _ = w.Write(b[:n])
			_, _ = w.WriteString("\r\n")
			if err := w.Flush(); err != nil {
				return err
			}
		}
		if err == io.EOF {
			_, _ = w.WriteString("0\r\n\r\n")
			return w.Flush()
		}
		if err != nil {
			return err
		}
	}
}

// readAnswer reads the head of the answer proper.
func readAnswer(q request, up *line) (*http.Response, error) {
	bound := &io.LimitedReader{R: up, N: maxAnswer}
	r := bufio.NewReader(bound)
	for range maxInterim {
		a, err := http.ReadResponse(r, &http.Request{Method: q.method})
		switch {
		case err != nil:
			return nil, err
		case a.StatusCode == http.StatusSwitchingProtocols:
			return nil, errors.New("switches protocols")
		case a.StatusCode >= 200 && a.StatusCode < 600:
			bound.N = math.MaxInt64
			return a, nil
		}
	}
	return nil, errors.New("no end of interim answers")
}

// bring writes the answer to the client. Its length is stated anew.
func (x *client) bring(q request, a *http.Response, sent bool) (again bool, err error) {
	empty := q.method == http.MethodHead || a.StatusCode == http.StatusNoContent || a.StatusCode == http.StatusNotModified
	chunked := !empty && a.ContentLength < 0 && q.minor > 0
	again = !q.close && (empty || chunked || a.ContentLength >= 0) && sent
	// Of a Connection that says close, net/http forgets what else it says: then what it
	// names is brought along, which harms nobody.
	for _, name := range append(options(a.Header.Values("Connection")), hopByHop...) {
		a.Header.Del(name)
	}
	w := bufio.NewWriter(x.Conn)
	fmt.Fprintf(w, "HTTP/1.1 %d %s\r\n", a.StatusCode, http.StatusText(a.StatusCode))
	if err := a.Header.Write(w); err != nil {
		return false, err
	}
	switch {
	case chunked:
		fmt.Fprint(w, "Transfer-Encoding: chunked\r\n")
	case a.ContentLength >= 0 && (!empty || q.method == http.MethodHead):
		fmt.Fprintf(w, "Content-Length: %d\r\n", a.ContentLength)
	}
	if !again {
		fmt.Fprint(w, "Connection: close\r\n")
	}
	fmt.Fprint(w, "\r\n")
	if err := w.Flush(); err != nil || empty {
		return again, err
	}
	if chunked {
		return again, chunks(w, a.Body)
	}
	return again, relay(x.Conn, a.Body)
}
