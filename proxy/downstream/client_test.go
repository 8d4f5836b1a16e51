package downstream

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"sallyport/proxy/wire"
)

// TestBrokenHandling lets the handling of one request break down: it is refused,
// its place in the queue is left, and all others go on.
func TestBrokenHandling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, say := io.Pipe()
		hear, out := io.Pipe()
		c := New(context.Background(), in, out, wire.Bounds{})
		bugs := make(chan string, 1)
		served := make(chan error, 1)
		go func() {
			served <- c.Serve(Events{
				Request: func(r *Request) {
					r.WaitTurn()
					if r.Msg.Method == "broken" {
						panic("a mistake of ours")
					}
					r.Reply(func(dst []byte) []byte { return AppendResult(dst, r.Msg.ID, []byte(`{}`)) })
				},
				Notify: func(wire.Message) {}, Progress: func(Token, wire.Message, ...wire.Edit) {}, Answer: func(Asked, wire.Message) {},
				Refused: func(*wire.Fault) {}, Dropped: func(string) {}, Bug: func(what string) { bugs <- what },
			})
			c.End()
			c.Close()
			out.Close()
		}()
		go io.WriteString(say, `{"jsonrpc":"2.0","id":1,"method":"broken"}`+"\n"+`{"jsonrpc":"2.0","id":2,"method":"ok"}`+"\n")
		lines := bufio.NewScanner(hear)
		got := map[string]bool{}
		for range 2 {
			lines.Scan()
			got[lines.Text()] = true
		}
		if !got[`{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"sallyport: an internal error; the request is refused","data":{"code":"internal"}}}`] ||
			!got[`{"jsonrpc":"2.0","id":2,"result":{}}`] {
			t.Errorf("the client heard %v", got)
		}
		if what := <-bugs; !strings.HasPrefix(what, "a mistake of ours\n") {
			t.Errorf("the operator is told %.60q", what)
		}
		say.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// TestNothingAfterTheEnd has a client that goes on speaking once the session has
// ended: nothing is taken on any more.
func TestNothingAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, say := io.Pipe()
		ctx, stop := context.WithCancel(context.Background())
		c := New(ctx, in, io.Discard, wire.Bounds{})
		taken := 0
		go func() {
			_ = c.Serve(Events{
				Request: func(r *Request) { taken++; r.Skip() }, Notify: func(wire.Message) { taken++ },
				Progress: func(Token, wire.Message, ...wire.Edit) {}, Answer: func(Asked, wire.Message) {},
				Refused: func(*wire.Fault) {}, Dropped: func(string) {}, Bug: func(string) {},
			})
		}()
		io.WriteString(say, `{"jsonrpc":"2.0","id":1,"method":"ping"}`+"\n")
		synctest.Wait()
		stop()
		c.End()
		c.Close()
		io.WriteString(say, `{"jsonrpc":"2.0","id":2,"method":"ping"}`+"\n"+`{"jsonrpc":"2.0","method":"x"}`+"\n")
		synctest.Wait()
		if taken != 1 {
			t.Errorf("%d messages were taken on, want 1", taken)
		}
		say.Close()
	})
}
