package egress

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// echo says all that it hears, and then its own goodbye.
func echo(c *net.TCPConn) {
	_, _ = io.Copy(c, c)
	_, _ = io.WriteString(c, "bye")
}

// TestTunnel: bytes go both ways as they are, an end in one direction leaves the other
// open, and both are counted.
func TestTunnel(t *testing.T) {
	x := open(t, Options{})
	x.host("1.1.1.1:8022", echo)
	c, began := x.client(), time.Now()
	// What is sent with the request itself is part of the tunnel.
	fmt.Fprint(c, "CONNECT good.example:8022 HTTP/1.1\r\nHost: good.example:8022\r\nContent-Length: 0\r\n\r\nearly ")
	r := bufio.NewReader(c)
	if a, err := http.ReadResponse(r, &http.Request{Method: "CONNECT"}); err != nil || a.StatusCode != 200 || len(a.Header) > 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	fmt.Fprint(c, "and late")
	if e := x.seen(1)[0]; e != (Event{Phase: Opened, Allowed: true, Method: "CONNECT", Host: "good.example", Port: 8022, Address: netip.MustParseAddr("1.1.1.1")}) {
		t.Errorf("%+v", e)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); string(b) != "early and latebye" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	e := x.seen(2)[1]
	if e.Duration <= 0 || e.Duration > time.Since(began) {
		t.Errorf("it took %v", e.Duration)
	}
	e.Duration = 0
	if e != (Event{Phase: Closed, Allowed: true, Method: "CONNECT", Host: "good.example", Port: 8022, Address: netip.MustParseAddr("1.1.1.1"), BytesUp: 14, BytesDown: 17}) {
		t.Errorf("%+v", e)
	}
}

// TestOtherHalf: the host ends first, and the client goes on.
func TestOtherHalf(t *testing.T) {
	x := open(t, Options{})
	heard := make(chan string, 1)
	x.host("1.1.1.1:8022", func(c *net.TCPConn) {
		fmt.Fprint(c, "that is all")
		_ = c.CloseWrite()
		b, _ := io.ReadAll(c)
		heard <- string(b)
	})
	c, r := x.tunnelTo("good.example:8022")
	if b, err := io.ReadAll(r); string(b) != "that is all" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	fmt.Fprint(c, "not for me")
	_ = c.CloseWrite()
	if got := <-heard; got != "not for me" {
		t.Errorf("%q", got)
	}
	if e := x.seen(2)[1]; e.Reason != "" || e.BytesUp != 10 || e.BytesDown != 11 {
		t.Errorf("%+v", e)
	}
}

// TestBreaks: a side that is gone takes the other with it.
func TestBreaks(t *testing.T) {
	x := open(t, Options{})
	came, ended := make(chan string, 2), make(chan error, 1)
	x.host("1.1.1.1:8022", func(c *net.TCPConn) {
		b := make([]byte, 4)
		_, _ = io.ReadFull(c, b)
		came <- string(b)
		if string(b) == "kill" {
			_ = c.SetLinger(0)
			return
		}
		_, err := io.Copy(io.Discard, c)
		ended <- err
	})
	c, r := x.tunnelTo("good.example:8022")
	fmt.Fprint(c, "kill")
	if b, err := io.ReadAll(r); len(b) > 0 {
		t.Errorf("%q, %v", b, err)
	}
	if e := x.seen(2)[1]; e.Reason != Broken || !e.Allowed {
		t.Errorf("%+v", e)
	}
	c, _ = x.tunnelTo("good.example:8022")
	fmt.Fprint(c, "stay")
	x.seen(3)
	if a, b := <-came, <-came; a != "kill" || b != "stay" {
		t.Errorf("%q %q", a, b)
	}
	_ = c.SetLinger(0)
	c.Close()
	<-ended
	if e := x.seen(4)[3]; e.Reason != Broken || e.BytesUp != 4 {
		t.Errorf("%+v", e)
	}
}

func TestLarge(t *testing.T) {
	x := open(t, Options{})
	x.host("1.1.1.1:8022", func(c *net.TCPConn) { _, _ = io.Copy(c, c) })
	c, r := x.tunnelTo("good.example:8022")
	const size = 64 << 20
	sent := make(chan [32]byte, 1)
	go func() {
		h, b := sha256.New(), make([]byte, 1<<20)
		for range size >> 20 {
			_, _ = rand.Read(b)
			b[0] = 0 // it does not look like TLS
			h.Write(b)
			if _, err := c.Write(b); err != nil {
				break
			}
		}
		_ = c.CloseWrite()
		sent <- [32]byte(h.Sum(nil))
	}()
	h := sha256.New()
	n, err := io.Copy(h, r)
	if n != size || err != nil || [32]byte(h.Sum(nil)) != <-sent {
		t.Errorf("%d bytes, %v", n, err)
	}
	if e := x.seen(2)[1]; e.BytesUp != size || e.BytesDown != size || e.Reason != "" {
		t.Errorf("%+v", e)
	}
}

// TestHTTPS is what clients do: net/http through the proxy to a TLS server.
func TestHTTPS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { fmt.Fprint(w, q.Proto, " ", q.Host) }))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	x := open(t, Options{Token: "s3cret"})
	x.hosts["1.1.1.1:443"] = s.Listener.Addr().String()
	tr := s.Client().Transport.(*http.Transport).Clone()
	tr.Proxy = http.ProxyURL(parseURL(t, "http://box:s3cret@"+x.at))
	tr.TLSClientConfig.InsecureSkipVerify = true // the server is example.com
	tr.ForceAttemptHTTP2 = true
	defer tr.CloseIdleConnections()
	a, err := (&http.Client{Transport: tr}).Get("https://good.example/")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(a.Body)
	a.Body.Close()
	if string(b) != "HTTP/2.0 good.example" {
		t.Errorf("%q", b)
	}
	_, err = (&http.Client{Transport: tr}).Get("https://evil.example/")
	if err == nil || !strings.Contains(err.Error(), "Forbidden") {
		t.Errorf("%v", err)
	}
}

// TestSNI: what a tunnel may begin with.
func TestSNI(t *testing.T) {
	hello := greeting(t, "good.example")
	large := bytes.Clone(hello)
	large[3], large[4], large[6], large[7], large[8] = 0x40, 0, 1, 0, 0 // 64 KiB of ClientHello
	for _, tt := range []struct {
		why, to string
		begins  []byte
		any     bool
		reason  Reason
	}{
		{"the host's name", "good.example:443", hello, false, ""},
		{"in capitals", "good.example:443", greeting(t, "Good.Example"), false, ""},
		{"no name", "good.example:443", greeting(t, ""), false, ""},
		{"nothing", "good.example:443", nil, false, ""},
		{"another name", "good.example:443", greeting(t, "evil.example"), false, SNI},
		{"a name below", "good.example:443", greeting(t, "x.good.example"), false, SNI},
		{"another name on another port", "good.example:8022", greeting(t, "evil.example"), false, SNI},
		{"the name on another port", "good.example:8022", hello, false, ""},
		{"something else on another port", "good.example:8022", []byte("SSH-2.0-OpenSSH\r\n"), false, ""},
		{"something else on 443", "good.example:443", []byte("GET / HTTP/1.1\r\n\r\n"), false, NotTLS},
		{"SSH on 443", "good.example:443", []byte("SSH-2.0-OpenSSH\r\n"), false, NotTLS},
		{"half a hello", "good.example:443", hello[:50], false, SNI},
		{"an alert first", "good.example:8022", append([]byte{21, 3, 1, 0, 2, 1, 0}, greeting(t, "evil.example")...), false, SNI},
		{"too large", "good.example:443", append(large, make([]byte, 20<<10)...), false, SNI},
		{"another name where that is allowed", "good.example:443", greeting(t, "evil.example"), true, ""},
		{"something else where that is allowed", "good.example:443", []byte("SSH-2.0-OpenSSH\r\n"), true, ""},
	} {
		x := open(t, Options{AnySNI: tt.any})
		got := make(chan []byte, 1)
		hear := func(c *net.TCPConn) { b, _ := io.ReadAll(c); got <- b }
		x.host("1.1.1.1:443", hear)
		x.host("1.1.1.1:8022", hear)
		c, r := x.tunnelTo(tt.to)
		_, _ = c.Write(tt.begins)
		_ = c.CloseWrite()
		answer, _ := io.ReadAll(r)
		want := tt.begins
		if tt.reason != "" {
			want = nil
		}
		if b := <-got; !bytes.Equal(b, want) {
			t.Errorf("%s: the host got %d bytes, want %d", tt.why, len(b), len(want))
		}
		if (string(answer) == alert) != (tt.reason == SNI) {
			t.Errorf("%s: the client was answered %q", tt.why, answer)
		}
		if e := x.seen(2)[1]; e.Reason != tt.reason || e.Allowed != (tt.reason == "") || e.BytesUp != int64(len(want)) {
			t.Errorf("%s: %+v", tt.why, e)
		}
	}
}

// TestSpeaksFirst: a server's first words do not wait for the client's.
func TestSpeaksFirst(t *testing.T) {
	x := open(t, Options{})
	x.host("1.1.1.1:8022", func(c *net.TCPConn) {
		fmt.Fprint(c, "220 ready\r\n")
		_, _ = io.Copy(io.Discard, c)
	})
	c, r := x.tunnelTo("good.example:8022")
	if got, err := r.ReadString('\n'); got != "220 ready\r\n" {
		t.Errorf("%q, %v", got, err)
	}
	c.Close()
	x.seen(2)
}

// FuzzLook: a look at the beginning of a tunnel consumes nothing, and lets through a
// ClientHello only with the host's name or none.
func FuzzLook(f *testing.F) {
	f.Add(greeting(f, "good.example"), true)
	f.Add(greeting(f, "evil.example"), true)
	f.Add(greeting(f, "evil.example"), false)
	f.Add([]byte("SSH-2.0"), false)
	p, err := New(Options{Allow: usual})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte, tlsPort bool) {
		to := parse(t, "good.example:8022")
		if tlsPort {
			to = parse(t, "good.example:443")
		}
		near := &script{Reader: bytes.NewReader(b)}
		x := &client{Conn: near, p: p, r: bufio.NewReaderSize(near, maxHead)}
		refused := x.look(to)
		ahead, _ := x.r.Peek(x.r.Buffered())
		rest, _ := io.ReadAll(near)
		if !bytes.Equal(append(bytes.Clone(ahead), rest...), b) {
			t.Fatal("bytes are missing")
		}
		if name, ok := heard(b); ok && refused == nil && name != "" && !strings.EqualFold(name, "good.example") {
			t.Fatalf("let through with %q", name)
		}
		if tlsPort && refused == nil && len(b) > 0 && b[0] != 22 {
			t.Fatalf("%q is let through on 443", b)
		}
	})
}

// greeting is what crypto/tls sends first.
func greeting(t testing.TB, name string) []byte {
	t.Helper()
	near, far := net.Pipe()
	defer far.Close()
	go func() {
		_ = tls.Client(near, &tls.Config{ServerName: name, InsecureSkipVerify: true}).Handshake()
		near.Close()
	}()
	b := make([]byte, 16<<10)
	n, err := far.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

// heard is the server name that crypto/tls reads, if it accepts the hello.
func heard(b []byte) (name string, ok bool) {
	c := tls.Server(&script{Reader: bytes.NewReader(b)}, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		name, ok = h.ServerName, true
		return nil, io.EOF
	}})
	_ = c.Handshake()
	return name, ok
}

// script is a connection whose other side has said it all.
type script struct {
	*bytes.Reader
	said bytes.Buffer
}

func (s *script) Write(b []byte) (int, error)    { return s.said.Write(b) }
func (*script) Close() error                     { return nil }
func (*script) CloseWrite() error                { return nil }
func (*script) LocalAddr() net.Addr              { return nil }
func (*script) RemoteAddr() net.Addr             { return nil }
func (*script) SetDeadline(time.Time) error      { return nil }
func (*script) SetReadDeadline(time.Time) error  { return nil }
func (*script) SetWriteDeadline(time.Time) error { return nil }
