package egress

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"sallyport/sandbox/egress/hello"
	"sallyport/sandbox/egress/place"
)

// alert tells a TLS client that it was refused: fatal, access denied.
const alert = "\x15\x03\x01\x00\x02\x02\x31"

// look reads how a tunnel begins, and leaves it to be read again. A client may wait
// with its first byte, but not in the middle of a ClientHello.
func (x *client) look(to place.Target) *refusal {
	if _, err := x.r.Peek(1); err != nil {
		return nil // there is nothing to look at; who copies will find the same end
	}
	_ = x.SetReadDeadline(time.Now().Add(x.p.opt.HelloTimeout))
	name, err := x.hello()
	_ = x.SetReadDeadline(time.Time{})
	refused := &refusal{reason: SNI}
	switch {
	case errors.Is(err, hello.ErrNotTLS) && to.Port() == 443:
		return &refusal{reason: NotTLS, detail: "port 443 is for TLS, and the tunnel begins with something else"}
	case errors.Is(err, hello.ErrNotTLS), err == nil && (name == "" || strings.ToLower(strings.TrimSuffix(name, ".")) == to.Host()):
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		refused.reason, refused.detail = TooSlow, "the ClientHello did not come in time"
	case closedHere(err):
		return broken("the connection broke")
	case err != nil:
		refused.detail = err.Error()
	default:
		refused.detail = fmt.Sprintf("the TLS server name is %.100q", name)
	}
	_ = x.SetWriteDeadline(time.Now().Add(farewell))
	_, _ = io.WriteString(x.Conn, alert)
	return refused
}

// hello waits until the ClientHello is there.
func (x *client) hello() (name string, err error) {
	for need := 1; ; {
		b, err := x.r.Peek(need)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return "", errors.New("the ClientHello is larger than 16 KiB")
		case err != nil:
			return "", fmt.Errorf("the ClientHello ended in the middle: %w", err)
		}
		b, _ = x.r.Peek(x.r.Buffered()) // all that is there, so that it is not read once for each piece
		if name, need, err = hello.ServerName(b); err != nil || need == 0 {
			return name, err
		}
	}
}
