package egress

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// forwarded is a proxy on a Unix socket with Forward before it, as in a box.
func forwarded(t testing.TB, o Options) (x *scene, stop func()) {
	t.Helper()
	x = newScene(t, o)
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	inside, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x.at = inside.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- x.p.Serve(l) }()
	go func() { done <- Forward(ctx, inside, path) }()
	t.Cleanup(func() {
		cancel()
		x.p.Close()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
	return x, func() { x.p.Close() }
}

func TestForward(t *testing.T) {
	x, stop := forwarded(t, Options{})
	x.host("1.1.1.1:8022", echo)
	c, r := x.tunnelTo("good.example:8022")
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	go func() { _, _ = c.Write(sent); _ = c.CloseWrite() }() // half-closed all the way
	if got, err := io.ReadAll(r); !bytes.Equal(got, append(sent, "bye"...)) || err != nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if got := x.send("GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 403 ") {
		t.Errorf("%q", got)
	}
	open, r := x.tunnelTo("good.example:8022")
	stop() // with the proxy ends what goes through it, and what comes is told so
	if _, err := io.ReadAll(r); err != nil && strings.Contains(err.Error(), "timeout") {
		t.Error(err)
	}
	open.Close()
	if b, _ := io.ReadAll(x.client()); string(b) != noProxy {
		t.Errorf("%q", b)
	}
}

func TestForwardEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	inside, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Forward(ctx, inside, path) }()
	c, err := net.Dial("tcp", inside.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := l.Accept(); err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("it goes on")
	}
	if b, err := io.ReadAll(c); len(b) > 0 || err != nil && strings.Contains(err.Error(), "timeout") {
		t.Errorf("%q, %v", b, err)
	}
	inside.Close()
	if err := Forward(context.Background(), inside, path); err == nil {
		t.Error("a listener that is closed is served")
	}
}

// BenchmarkCalls is a small request on a new tunnel, and on one that is open, direct
// and through it all.
func BenchmarkCalls(b *testing.B) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { fmt.Fprint(w, "ok") }))
	defer s.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { fmt.Fprint(w, "ok") }))
	defer plain.Close()
	unix, _ := forwarded(b, Options{})
	tcp := open(b, Options{})
	for _, x := range []*scene{unix, tcp} {
		x.hosts["1.1.1.1:443"] = s.Listener.Addr().String()
		x.hosts["1.1.1.1:80"] = plain.Listener.Addr().String()
	}
	for _, way := range []struct {
		name string
		x    *scene
	}{{"direct", nil}, {"proxy", tcp}, {"forward+proxy", unix}} {
		for _, kind := range []struct {
			name string
			url  string
			keep bool
		}{{"open-tunnel", "https://good.example/", true}, {"new-tunnel", "https://good.example/", false}, {"plain", "http://good.example/", true}} {
			b.Run(kind.name+"/"+way.name, func(b *testing.B) {
				tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: !kind.keep}
				defer tr.CloseIdleConnections()
				if way.x != nil {
					tr.Proxy = http.ProxyURL(parseURL(b, "http://"+way.x.at))
				} else {
					tr.DialContext = func(ctx context.Context, _, addr string) (net.Conn, error) {
						real := s.Listener.Addr().String()
						if strings.HasSuffix(addr, ":80") {
							real = plain.Listener.Addr().String()
						}
						return (&net.Dialer{}).DialContext(ctx, "tcp", real)
					}
				}
				for b.Loop() {
					a, err := (&http.Client{Transport: tr}).Get(kind.url)
					if err != nil {
						b.Fatal(err)
					}
					_, _ = io.Copy(io.Discard, a.Body)
					a.Body.Close()
				}
			})
		}
	}
}

// BenchmarkBytes is a large download through a tunnel.
func BenchmarkBytes(b *testing.B) {
	const size = 64 << 20
	serve := func(c *net.TCPConn) {
		piece := make([]byte, 256<<10)
		for range size / len(piece) {
			if _, err := c.Write(piece); err != nil {
				return
			}
		}
	}
	unix, _ := forwarded(b, Options{})
	tcp := open(b, Options{})
	unix.host("1.1.1.1:8022", serve)
	tcp.host("1.1.1.1:8022", serve)
	for name, get := range map[string]func() io.ReadCloser{
		"direct": func() io.ReadCloser {
			c, err := net.Dial("tcp", tcp.hosts["1.1.1.1:8022"])
			if err != nil {
				b.Fatal(err)
			}
			return c
		},
		"proxy":         func() io.ReadCloser { c, _ := tcp.tunnelTo("good.example:8022"); return c },
		"forward+proxy": func() io.ReadCloser { c, _ := unix.tunnelTo("good.example:8022"); return c },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				c := get()
				buf := make([]byte, 256<<10)
				if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{c}, buf); err != nil {
					b.Fatal(err)
				}
				c.Close()
			}
		})
	}
}
