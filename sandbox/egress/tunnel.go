package egress

import (
	"errors"
	"io"
	"sync"
	"time"
)

func broken(detail string) *refusal {
	return &refusal{status: 502, reason: Broken, detail: detail}
}

// tunnel copies both ways until both have ended, or one has broken.
func (x *client) tunnel(q request, up *line) *refusal {
	_ = x.SetWriteDeadline(time.Now().Add(x.p.opt.HeadTimeout))
	if _, err := io.WriteString(x.Conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return broken("the client did not take the answer")
	}
	_ = x.SetWriteDeadline(time.Time{})
	var down error
	var wait sync.WaitGroup
	wait.Go(func() {
		if down = relay(x.Conn, up); down != nil {
			up.Close()
			x.Close()
			return
		}
		halfClose(x.Conn)
	})
	refused := x.upward(q, up)
	if refused != nil {
		up.Close()
		x.Close()
	}
	wait.Wait()
	if refused == nil && down != nil {
		refused = broken("the connection broke")
	}
	return refused
}

// upward copies what the client sends, after a look at how it begins.
func (x *client) upward(q request, up *line) *refusal {
	if !x.p.opt.AnySNI {
		if refused := x.look(q.to); refused != nil {
			return refused
		}
	}
	// What was read ahead comes first; beyond it the buffer is in the way.
	if ahead, _ := x.r.Peek(x.r.Buffered()); len(ahead) > 0 {
		if _, err := up.Write(ahead); err != nil {
			return broken("the connection broke")
		}
	}
	if err := relay(up, x.Conn); err != nil {
		return broken("the connection broke")
	}
	halfClose(up)
	return nil
}

const chunk = 32 << 10

// relay copies to the end. It neither reads nor writes by way of the other's own
// means, so that each piece is counted when it moves.
func relay(to io.Writer, from io.Reader) error {
	b := make([]byte, chunk)
	for {
		n, err := from.Read(b)
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
