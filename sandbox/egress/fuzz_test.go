package egress

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"sallyport/sandbox/egress/place"
)

// FuzzProxy sends any bytes. Whatever they are: only listed names are resolved, only
// addresses that the endpoint may have are dialled, and what a host gets is either a
// tunnel's bytes as they are or exactly one request that is for that host and holds
// nothing of the next.
func FuzzProxy(f *testing.F) {
	for _, tt := range refusals {
		f.Add([]byte(tt.raw))
		f.Add([]byte("GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n" + tt.raw))
	}
	f.Add([]byte("POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\nX: y\r\n\r\nGET http://a.wild.example/ HTTP/1.1\r\nHost: a.wild.example\r\n\r\n"))
	f.Add([]byte("POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhelloGET http://inside.example/ HTTP/1.0\r\n\r\n"))
	f.Add([]byte("CONNECT good.example:8022 HTTP/1.1\r\nHost: good.example:8022\r\n\r\nSSH-2.0"))
	f.Add(append([]byte("CONNECT good.example:443 HTTP/1.1\r\nHost: good.example:443\r\n\r\n"), greeting(f, "good.example")...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		w := &world{t: t, raw: raw}
		p, err := New(Options{Allow: usual, Resolve: w.resolve, Dial: w.dial, Report: w.report})
		if err != nil {
			t.Fatal(err)
		}
		p.own = func() ([]netip.Addr, error) { return nil, nil }
		client := &script{Reader: bytes.NewReader(raw)}
		p.serve(client, false)
		p.Close()
		if len(w.opened) != len(w.lines) || w.closed < len(w.opened) {
			t.Fatalf("%d lines, %d opened, %d closed", len(w.lines), len(w.opened), w.closed)
		}
		for i, e := range w.opened {
			w.check(e, w.lines[i].said.Bytes())
		}
	})
}

type world struct {
	t      *testing.T
	raw    []byte
	name   string // resolved last
	lines  []*script
	opened []Event
	closed int
}

func (w *world) resolve(_ context.Context, host string) ([]netip.Addr, error) {
	if w.name = host; host == "inside.example" {
		return []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil
	}
	if host != "good.example" && (!strings.HasSuffix(host, ".wild.example") || host == ".wild.example") {
		w.t.Fatalf("%q is resolved", host)
	}
	return []netip.Addr{netip.MustParseAddr("1.1.1.1")}, nil
}

func (w *world) dial(_ context.Context, a netip.AddrPort) (net.Conn, error) {
	switch a.String() {
	case "93.184.215.14:80", "1.1.1.1:80", "1.1.1.1:443", "1.1.1.1:8022":
	case "10.0.0.1:80":
		if w.name != "inside.example" {
			w.t.Fatalf("%v is dialled for %q", a, w.name)
		}
	default:
		w.t.Fatalf("%v is dialled", a)
	}
	l := &script{Reader: bytes.NewReader([]byte(ok))}
	w.lines = append(w.lines, l)
	return l, nil
}

func (w *world) report(e Event) {
	if e.Phase == Closed {
		w.closed++
		return
	}
	w.opened = append(w.opened, e)
	matches := 0
	for _, l := range []place.Endpoint{{Host: "good.example", Port: 80}, {Host: "good.example", Port: 443}, {Host: "good.example", Port: 8022}, {Host: "inside.example", Port: 80}, {Host: "93.184.215.14", Port: 80}} {
		if l.Host == e.Host && l.Port == e.Port {
			matches++
		}
	}
	if strings.HasSuffix(e.Host, ".wild.example") && e.Port == 80 {
		matches++
	}
	if matches != 1 {
		w.t.Fatalf("%d endpoints are %s:%d", matches, e.Host, e.Port)
	}
}

func (w *world) check(e Event, said []byte) {
	if e.Method == "CONNECT" {
		if !bytes.HasSuffix(w.raw, said) {
			w.t.Fatalf("the tunnel's bytes were changed: %q", said)
		}
		return
	}
	line, rest, _ := strings.Cut(string(said), "\r\n")
	words := strings.Split(line, " ")
	if len(words) != 3 || words[0] != e.Method || words[1][:1] != "/" || words[2] != "HTTP/1.1" {
		w.t.Fatalf("%q", line)
	}
	// The path is the host's business, and net/http would not take every one.
	r := bufio.NewReader(strings.NewReader(words[0] + " / HTTP/1.1\r\n" + rest))
	q, err := http.ReadRequest(r)
	if err != nil {
		w.t.Fatalf("%q: %v", said, err)
	}
	if q.Host != e.Host && q.Host != e.Host+":8022" || q.Header.Get("Proxy-Authorization") != "" || !q.Close {
		w.t.Fatalf("%s:%d got %q", e.Host, e.Port, said)
	}
	if _, err := io.Copy(io.Discard, q.Body); err != nil {
		return // the client ended in the middle of the body, and so did we
	}
	if rest, _ := io.ReadAll(r); len(rest) > 0 {
		w.t.Fatalf("%q is behind the request: %q", rest, said)
	}
}
