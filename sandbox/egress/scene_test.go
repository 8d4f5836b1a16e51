package egress

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/sandbox/egress/place"
)

// patience ends a test that hangs; nothing is timed by it.
const patience = time.Minute

// scene is a proxy with a world around it: names, and what is at each address.
type scene struct {
	t     testing.TB
	p     *Proxy
	at    string // where it listens
	names map[string][]string
	hosts map[string]string // "address:port" to where it really is

	mu       sync.Mutex
	events   []Event
	resolved []string
	dialled  []string
}

var usual = []place.Endpoint{
	{Host: "good.example", Port: 80}, {Host: "good.example", Port: 443}, {Host: "good.example", Port: 8022},
	{Host: "*.wild.example", Port: 80}, {Host: "inside.example", Port: 80, Private: true}, {Host: "93.184.215.14", Port: 80},
}

func newScene(t testing.TB, o Options) *scene {
	t.Helper()
	x := &scene{t: t, names: map[string][]string{"good.example": {"1.1.1.1"}, "evil.example": {"6.6.6.6"}, "a.wild.example": {"1.1.1.2"}, "inside.example": {"10.0.0.1"}}, hosts: map[string]string{}}
	if o.Allow == nil {
		o.Allow = usual
	}
	o.Report = func(e Event) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.events = append(x.events, e)
	}
	if o.Resolve == nil {
		o.Resolve = x.resolve
	}
	if o.Dial == nil {
		o.Dial = x.dial
	}
	var err error
	if x.p, err = New(o); err != nil {
		t.Fatal(err)
	}
	x.p.own = func() ([]netip.Addr, error) { return []netip.Addr{netip.MustParseAddr("8.8.8.8")}, nil }
	return x
}

// open lets it listen.
func open(t testing.TB, o Options) *scene {
	t.Helper()
	x := newScene(t, o)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x.at = l.Addr().String()
	done := make(chan error, 1)
	go func() { done <- x.p.Serve(l) }()
	t.Cleanup(func() {
		x.p.Close()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return x
}

func (x *scene) resolve(_ context.Context, host string) ([]netip.Addr, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.resolved = append(x.resolved, host)
	var out []netip.Addr
	for _, a := range x.names[host] {
		out = append(out, netip.MustParseAddr(a))
	}
	if out == nil {
		return nil, errors.New("no such name")
	}
	return out, nil
}

func (x *scene) dial(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	x.mu.Lock()
	x.dialled = append(x.dialled, addr.String())
	real, ok := x.hosts[addr.String()]
	x.mu.Unlock()
	if !ok {
		return nil, errors.New("nobody is there")
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", real)
}

// host puts a listener at an address, which serves each connection by itself.
func (x *scene) host(addr string, serve func(*net.TCPConn)) {
	x.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		x.t.Fatal(err)
	}
	x.hosts[addr] = l.Addr().String()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				serve(c.(*net.TCPConn))
			})
		}
	})
	x.t.Cleanup(func() { l.Close(); all.Wait() })
}

// client is a connection to the proxy.
func (x *scene) client() *net.TCPConn {
	x.t.Helper()
	c, err := net.Dial("tcp", x.at)
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn)
}

// send writes raw bytes and returns all that comes back.
func (x *scene) send(raw string) string {
	x.t.Helper()
	c := x.client()
	defer c.Close()
	if _, err := io.WriteString(c, raw); err != nil {
		x.t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	if err != nil {
		x.t.Fatalf("%q: %v after %q", raw, err, b)
	}
	return string(b)
}

// tunnelTo opens one.
func (x *scene) tunnelTo(authority string) (*net.TCPConn, *bufio.Reader) {
	x.t.Helper()
	c := x.client()
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", authority, authority)
	r := bufio.NewReader(c)
	a, err := http.ReadResponse(r, &http.Request{Method: "CONNECT"})
	if err != nil || a.StatusCode != 200 {
		x.t.Fatalf("CONNECT %s: %+v, %v", authority, a, err)
	}
	return c, r
}

// seen returns n events, once there are that many.
func (x *scene) seen(n int) []Event {
	x.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		x.mu.Lock()
		all := append([]Event(nil), x.events...)
		x.mu.Unlock()
		if len(all) >= n {
			if len(all) > n {
				x.t.Errorf("%d events, want %d: %+v", len(all), n, all)
			}
			return all
		}
	}
	x.t.Fatalf("%d events never came: %+v", n, x.events)
	return nil
}

// untouched checks that nobody was asked or called, and forgets the events.
func (x *scene) untouched(why string) {
	x.t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.resolved)+len(x.dialled) > 0 {
		x.t.Errorf("%s: asked for %q, dialled %q", why, x.resolved, x.dialled)
	}
	x.resolved, x.dialled, x.events = nil, nil, nil
}

// answering reads one request as it came, and answers.
func answering(answer string, got chan<- string) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		var b strings.Builder
		r := bufio.NewReader(io.TeeReader(c, &b))
		q, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, q.Body)
		if got != nil {
			got <- b.String()
		}
		_, _ = io.WriteString(c, answer)
	}
}

// parse reads a target that can be read.
func parse(t testing.TB, s string) place.Target {
	t.Helper()
	to, err := place.Parse(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func basic(userinfo string) string {
	return "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(userinfo)) + "\r\n"
}

func parseURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
