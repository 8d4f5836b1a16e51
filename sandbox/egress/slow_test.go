package egress

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/sandbox/egress/place"
)

// pipes is a listener whose connections are made by hand.
type pipes struct {
	come chan net.Conn
	gone chan struct{}
	once sync.Once
}

func newPipes() *pipes { return &pipes{come: make(chan net.Conn), gone: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.come:
		return c, nil
	case <-p.gone:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { p.once.Do(func() { close(p.gone) }); return nil }
func (*pipes) Addr() net.Addr { return nil }

func (p *pipes) dial() net.Conn {
	near, far := net.Pipe()
	p.come <- far
	return near
}

// slow runs a proxy in a bubble, where time passes by itself.
func slow(t *testing.T, o Options, f func(t *testing.T, x *scene, l *pipes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		x, l := newScene(t, o), newPipes()
		done := make(chan error, 1)
		go func() { done <- x.p.Serve(l) }()
		f(t, x, l)
		x.p.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// mute is a host that takes all and says nothing.
func mute(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
	near, far := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, far); far.Close() }()
	return near, nil
}

// lasted reads to the end, and says what came and how long it took.
func lasted(c net.Conn, begun time.Time) (string, time.Duration) {
	b, _ := io.ReadAll(c)
	return string(b), time.Since(begun)
}

func TestSlowHead(t *testing.T) {
	for _, tt := range []struct{ why, raw string }{
		{"nothing", ""}, {"a beginning", "GET http://good.example/ HTT"}, {"all but the end", "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n"},
	} {
		slow(t, Options{}, func(t *testing.T, x *scene, l *pipes) {
			c, begun := l.dial(), time.Now()
			if tt.raw != "" {
				fmt.Fprint(c, tt.raw)
			}
			got, took := lasted(c, begun)
			if !strings.HasPrefix(got, "HTTP/1.1 408 ") || took != 10*time.Second {
				t.Errorf("%s: %q after %v", tt.why, got, took)
			}
			if e := x.seen(1)[0]; e.Reason != TooSlow || e.Allowed {
				t.Errorf("%s: %+v", tt.why, e)
			}
		})
	}
	// A byte now and then is no head either.
	slow(t, Options{}, func(t *testing.T, x *scene, l *pipes) {
		c, begun := l.dial(), time.Now()
		var drops sync.WaitGroup
		defer drops.Wait()
		drops.Go(func() {
			for _, b := range []byte("GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n") {
				time.Sleep(time.Second)
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
			}
		})
		if got, took := lasted(c, begun); !strings.HasPrefix(got, "HTTP/1.1 408 ") || took != 11*time.Second {
			t.Errorf("%q after %v", got, took)
		}
	})
}

func TestSlowHello(t *testing.T) {
	hello := greeting(t, "good.example")
	slow(t, Options{Dial: mute}, func(t *testing.T, x *scene, l *pipes) {
		c := l.dial()
		fmt.Fprint(c, "CONNECT good.example:443 HTTP/1.1\r\nHost: good.example\r\n\r\n")
		_, _ = io.ReadFull(c, make([]byte, len("HTTP/1.1 200 Connection established\r\n\r\n")))
		time.Sleep(time.Minute) // before its first byte a client may think
		begun := time.Now()
		_, _ = c.Write(hello[:len(hello)-1])
		if got, took := lasted(c, begun); got != alert || took != 5*time.Second {
			t.Errorf("%q after %v", got, took)
		}
		if e := x.seen(2)[1]; e.Reason != TooSlow || e.Allowed || e.BytesUp != 0 {
			t.Errorf("%+v", e)
		}
	})
}

func TestIdle(t *testing.T) {
	connect := "CONNECT good.example:8022 HTTP/1.1\r\nHost: good.example:8022\r\n\r\n"
	open := func(l *pipes) net.Conn {
		c := l.dial()
		fmt.Fprint(c, connect)
		_, _ = io.ReadFull(c, make([]byte, len("HTTP/1.1 200 Connection established\r\n\r\n")))
		return c
	}
	slow(t, Options{Dial: mute}, func(t *testing.T, x *scene, l *pipes) {
		c, begun := open(l), time.Now()
		for range 3 { // what moves is not idle
			time.Sleep(4 * time.Minute)
			fmt.Fprint(c, "x")
		}
		if _, took := lasted(c, begun); took != 17*time.Minute {
			t.Errorf("it lasted %v", took)
		}
		if e := x.seen(2)[1]; e.Reason != Idle || !e.Allowed || e.BytesUp != 3 || e.Duration != 17*time.Minute {
			t.Errorf("%+v", e)
		}
	})
	// A client that takes nothing is idle, whatever the host sends.
	slow(t, Options{Dial: func(context.Context, netip.AddrPort) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			for {
				if _, err := far.Write(make([]byte, 100)); err != nil {
					return
				}
			}
		}()
		return near, nil
	}}, func(t *testing.T, x *scene, l *pipes) {
		open(l)
		time.Sleep(6 * time.Minute)
		if e := x.seen(2)[1]; e.Reason != Idle || e.BytesDown > 1000 {
			t.Errorf("%+v", e)
		}
	})
	// A host that does not answer.
	slow(t, Options{Dial: mute}, func(t *testing.T, x *scene, l *pipes) {
		c, begun := l.dial(), time.Now()
		fmt.Fprint(c, "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n")
		if _, took := lasted(c, begun); took != 5*time.Minute {
			t.Errorf("it lasted %v", took)
		}
		if e := x.seen(2)[1]; e.Reason != Idle {
			t.Errorf("%+v", e)
		}
	})
	// Between requests a client may stay as long.
	slow(t, Options{Dial: func(context.Context, netip.AddrPort) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			_, _ = bufio.NewReader(far).ReadString('\n')
			fmt.Fprint(far, ok)
			_, _ = io.Copy(io.Discard, far)
		}()
		return near, nil
	}}, func(t *testing.T, x *scene, l *pipes) {
		c, begun := l.dial(), time.Now()
		fmt.Fprint(c, "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n")
		if got, took := lasted(c, begun); !strings.HasSuffix(got, "ok") || took != 5*time.Minute {
			t.Errorf("%q, %v", got, took)
		}
		x.seen(2)
	})
}

func TestSlowDial(t *testing.T) {
	never := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, tt := range []struct {
		why    string
		o      Options
		reason Reason
	}{
		{"a resolver", Options{Resolve: func(ctx context.Context, _ string) ([]netip.Addr, error) { return nil, never(ctx) }}, Unknown},
		{"a host", Options{Dial: func(ctx context.Context, _ netip.AddrPort) (net.Conn, error) { return nil, never(ctx) }}, NoAnswer},
	} {
		slow(t, tt.o, func(t *testing.T, x *scene, l *pipes) {
			c, begun := l.dial(), time.Now()
			go fmt.Fprint(c, "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n")
			if got, took := lasted(c, begun); !strings.HasPrefix(got, "HTTP/1.1 502 ") || took != 10*time.Second {
				t.Errorf("%s: %q after %v", tt.why, got, took)
			}
			if e := x.seen(1)[0]; e.Reason != tt.reason || !e.Allowed {
				t.Errorf("%s: %+v", tt.why, e)
			}
		})
	}
	// One address that does not answer leaves time for the next.
	slow(t, Options{Dial: func(ctx context.Context, a netip.AddrPort) (net.Conn, error) {
		if a.Addr().String() == "1.1.1.1" {
			return nil, never(ctx)
		}
		return mute(ctx, a)
	}}, func(t *testing.T, x *scene, l *pipes) {
		x.names["good.example"] = []string{"1.1.1.1", "1.1.1.2"}
		begun := time.Now()
		c, addr, refused := x.p.open(parse(t, "good.example:443"))
		c.Close()
		if took := time.Since(begun); refused != nil || addr.String() != "1.1.1.2" || took != 5*time.Second {
			t.Errorf("%v, %v after %v", addr, refused, took)
		}
	})
}

// TestStall: clients that stall, whatever they do, hold up nobody else.
func TestStall(t *testing.T) {
	slow(t, Options{Dial: mute, Connections: 4}, func(t *testing.T, x *scene, l *pipes) {
		l.dial()                                                                // says nothing
		fmt.Fprint(l.dial(), "GET http://")                                     // half a head
		fmt.Fprint(l.dial(), "GET http://evil.example/ HTTP/1.1\r\n")           // a refusal that nobody reads
		fmt.Fprint(l.dial(), "CONNECT good.example:8022 HTTP/1.1\r\nHost: g\r") // and that
		c := l.dial()
		go fmt.Fprint(c, "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n")
		got, took := lasted(c, time.Now())
		if !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.Contains(got, "4 connections are open already") || took != 0 {
			t.Errorf("the fifth: %q after %v", got, took)
		}
		if e := x.seen(1)[0]; e.Reason != TooMany || e.Allowed || e.Host != "good.example" {
			t.Errorf("%+v", e)
		}
		for range hall {
			l.dial()
		}
		if got, took := lasted(l.dial(), time.Now()); got != "" || took != 0 {
			t.Errorf("beyond the hall: %q after %v", got, took)
		}
		x.mu.Lock()
		if e := x.events[len(x.events)-1]; e.Reason != TooMany {
			t.Errorf("%+v", e)
		}
		x.mu.Unlock()
		time.Sleep(15 * time.Second) // all of them are gone
		c = l.dial()
		fmt.Fprint(c, "CONNECT good.example:8022 HTTP/1.1\r\nHost: good.example\r\n\r\n")
		if line, _ := bufio.NewReader(c).ReadString('\n'); line != "HTTP/1.1 200 Connection established\r\n" {
			t.Errorf("afterwards: %q", line)
		}
	})
}

// TestClose: all ends, whatever it is at, and nothing is left running.
func TestClose(t *testing.T) {
	slow(t, Options{Dial: mute, Resolve: func(ctx context.Context, host string) ([]netip.Addr, error) {
		if host == "a.wild.example" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return []netip.Addr{netip.MustParseAddr("1.1.1.1")}, nil
	}}, func(t *testing.T, x *scene, l *pipes) {
		var all sync.WaitGroup
		ends := make(chan time.Time, 10)
		for _, raw := range []string{
			"", "GET http://good", "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n",
			"GET http://a.wild.example/ HTTP/1.1\r\nHost: a.wild.example\r\n\r\n",
			"POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nContent-Length: 10\r\n\r\nhello",
			"CONNECT good.example:8022 HTTP/1.1\r\nHost: good.example\r\n\r\n",
			"CONNECT good.example:443 HTTP/1.1\r\nHost: good.example\r\n\r\n\x16\x03\x01",
			"CONNECT evil.example:8022 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
		} {
			c := l.dial()
			go fmt.Fprint(c, raw)
			all.Go(func() { _, _ = io.ReadAll(c); ends <- time.Now() })
		}
		synctest.Wait()
		begun := time.Now()
		if err := x.p.Close(); err != nil || time.Since(begun) != 0 {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		all.Wait()
		close(ends)
		for end := range ends {
			if end.After(begun) {
				t.Errorf("one lasted %v", end.Sub(begun))
			}
		}
		opened, closed := 0, 0
		for _, e := range x.events {
			if e.Phase == Opened {
				opened++
			} else if e.Reason == Stopped && e.Allowed {
				closed++
			}
		}
		if opened != 4 || closed != 6 { // half a request, and a name that was being resolved
			t.Errorf("%d opened, %d closed: %+v", opened, closed, x.events)
		}
	})
	// And with real connections.
	x := open(t, Options{})
	got := make(chan bool)
	x.host("1.1.1.1:8022", func(c *net.TCPConn) {
		_, _ = io.ReadFull(c, make([]byte, 1<<20))
		got <- true
		_, _ = io.Copy(io.Discard, c)
	})
	c, r := x.tunnelTo("good.example:8022")
	x.client() // one that says nothing
	go func() { _, _ = io.Copy(c, bytes.NewReader(make([]byte, 1<<30))) }()
	<-got
	x.p.Close()
	if _, err := io.ReadAll(r); errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the tunnel is open: %v", err)
	}
	if e := x.seen(2)[1]; e.Reason != Stopped || e.BytesUp < 1<<20 {
		t.Errorf("%+v", e)
	}
	b := make([]byte, 1<<20)
	if running := string(b[:runtime.Stack(b, true)]); strings.Contains(running, "egress.(*client)") || strings.Contains(running, "egress.(*Proxy).serve(") {
		t.Errorf("something is left running:\n%s", running)
	}
}

// TestEnough: a host that takes no more of a body may have said why.
func TestEnough(t *testing.T) {
	slow(t, Options{Dial: func(context.Context, netip.AddrPort) (net.Conn, error) { return &full{n: 1}, nil }}, func(t *testing.T, x *scene, l *pipes) {
		c := l.dial()
		go fmt.Fprint(c, "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nContent-Length: 9\r\n\r\nhello")
		if got, _ := lasted(c, time.Now()); got != "HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno" {
			t.Errorf("%q", got)
		}
		if e := x.seen(2)[1]; e.Reason != "" {
			t.Errorf("%+v", e)
		}
	})
}

// full takes n writes, and answers a while after that.
type full struct {
	script
	n      int
	closed bool
}

func (f *full) Write(b []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, errors.New("I have heard enough")
	}
	return len(b), nil
}

func (f *full) Read(b []byte) (int, error) {
	if f.Reader == nil {
		time.Sleep(time.Second)
		f.Reader = bytes.NewReader([]byte("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"))
	}
	if f.closed {
		return 0, net.ErrClosed
	}
	return f.Reader.Read(b)
}

func (f *full) Close() error { f.closed = true; return nil }

// TestCloseWaits: for a host that takes nothing any more it does not wait, but it does
// for what is being reported.
func TestCloseWaits(t *testing.T) {
	stuck := func(context.Context, netip.AddrPort) (net.Conn, error) { near, _ := net.Pipe(); return near, nil }
	for _, raw := range []string{
		"CONNECT good.example:8022 HTTP/1.1\r\nHost: good.example\r\n\r\nSSH", "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			told := 0
			p, err := New(Options{Allow: usual, Dial: stuck, Resolve: func(context.Context, string) ([]netip.Addr, error) {
				return []netip.Addr{netip.MustParseAddr("1.1.1.1")}, nil
			}, Report: func(e Event) {
				if e.Phase == Closed {
					time.Sleep(time.Second)
					told++
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			p.own = func() ([]netip.Addr, error) { return nil, nil }
			l := newPipes()
			go func() { _ = p.Serve(l) }()
			c := l.dial()
			go func() { _, _ = io.Copy(io.Discard, c) }()
			fmt.Fprint(c, raw)
			synctest.Wait()
			begun := time.Now()
			p.Close()
			if took := time.Since(begun); took != time.Second || told != 1 {
				t.Errorf("%.10q: closed after %v, told %d", raw, took, told)
			}
		})
	}
}

// TestPanic: a fault of ours costs one connection.
func TestPanic(t *testing.T) {
	slow(t, Options{Resolve: func(_ context.Context, host string) ([]netip.Addr, error) { panic("at the " + host) }}, func(t *testing.T, x *scene, l *pipes) {
		for range 2 {
			c := l.dial()
			go fmt.Fprint(c, "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n")
			if got, took := lasted(c, time.Now()); got != "" || took != 0 {
				t.Errorf("%q after %v", got, took)
			}
		}
		if e := x.seen(2)[1]; e.Reason != Internal || e.Detail != "panic: at the good.example" {
			t.Errorf("%+v", e)
		}
	})
}

// TestAccept: a shortage that passes does not end the proxy, and a listener that is
// broken does.
func TestAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := New(Options{Allow: []place.Endpoint{}})
		if err != nil {
			t.Fatal(err)
		}
		fails := &failing{}
		if err := p.Serve(fails); err == nil || !strings.Contains(err.Error(), "broken for good") || fails.n != 4 {
			t.Errorf("%v after %d", err, fails.n)
		}
		p.Close()
	})
}

type failing struct{ n int }

type passing struct{ error }

func (passing) Temporary() bool { return true }

func (f *failing) Accept() (net.Conn, error) {
	if f.n++; f.n < 4 {
		return nil, passing{errors.New("too many files")}
	}
	return nil, errors.New("broken for good")
}
func (*failing) Close() error   { return nil }
func (*failing) Addr() net.Addr { return nil }
