package egress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/sandbox/egress/place"
)

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// refusals are told by status and reason, and reach nobody.
var refusals = []struct {
	why, raw string
	status   int
	reason   Reason
}{
	{"a name that is not listed", "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", 403, NotListed},
	{"a port that is not", "CONNECT good.example:22 HTTP/1.1\r\nHost: good.example:22\r\n\r\n", 403, NotListed},
	{"by plain HTTP", "GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403, NotListed},
	{"another port by plain HTTP", "GET http://good.example:8080/ HTTP/1.1\r\nHost: good.example:8080\r\n\r\n", 403, NotListed},
	{"an address whose name is listed", "CONNECT 1.1.1.1:443 HTTP/1.1\r\nHost: 1.1.1.1:443\r\n\r\n", 403, NotListed},
	{"the apex of a wildcard", "GET http://wild.example/ HTTP/1.1\r\nHost: wild.example\r\n\r\n", 403, NotListed},
	{"localhost", "GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 403, NotListed},
	{"metadata", "GET http://169.254.169.254/latest/ HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n", 403, NotListed},

	{"127.1", "CONNECT 127.1:443 HTTP/1.1\r\nHost: 127.1:443\r\n\r\n", 400, BadTarget},
	{"one number", "GET http://2130706433/ HTTP/1.1\r\nHost: 2130706433\r\n\r\n", 400, BadTarget},
	{"hexadecimal", "CONNECT 0x7f.1:443 HTTP/1.1\r\nHost: 0x7f.1:443\r\n\r\n", 400, BadTarget},
	{"mapped", "CONNECT [::ffff:127.0.0.1]:443 HTTP/1.1\r\nHost: [::ffff:127.0.0.1]:443\r\n\r\n", 400, BadTarget},
	{"a user", "GET http://good.example@evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", 400, BadTarget},
	{"a backslash", "GET http://good.example\\@evil.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n", 400, BadTarget},
	{"a zone", "CONNECT [fe80::1%25eth0]:443 HTTP/1.1\r\nHost: [fe80::1%25eth0]:443\r\n\r\n", 400, BadTarget},
	{"percent-encoding", "GET http://good%2eexample/ HTTP/1.1\r\nHost: good.example\r\n\r\n", 400, BadTarget},
	{"a fragment", "GET http://good.example#@evil.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n", 400, BadTarget},
	{"no port", "CONNECT good.example HTTP/1.1\r\nHost: good.example\r\n\r\n", 400, BadTarget},
	{"port 0", "CONNECT good.example:0 HTTP/1.1\r\nHost: good.example:0\r\n\r\n", 400, BadTarget},
	{"a zero before the port", "CONNECT good.example:0443 HTTP/1.1\r\nHost: good.example:443\r\n\r\n", 400, BadTarget},
	{"a null", "CONNECT good.example\x00.evil.example:443 HTTP/1.1\r\nHost: good.example\r\n\r\n", 400, Malformed},
	{"beyond ASCII", "CONNECT g\xc3\xb6\xc3\xb6d.example:443 HTTP/1.1\r\nHost: good.example\r\n\r\n", 400, BadTarget},
	{"beyond ASCII in the path", "GET http://good.example/\xc3\xb6 HTTP/1.1\r\nHost: good.example\r\n\r\n", 400, BadTarget},
	{"CONNECT to a URL", "CONNECT https://good.example:443/ HTTP/1.1\r\nHost: good.example\r\n\r\n", 400, BadTarget},
	{"https in absolute form", "GET https://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n", 400, BadTarget},
	{"another scheme", "GET ftp://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n", 400, BadTarget},
	{"origin form", "GET / HTTP/1.1\r\nHost: good.example\r\n\r\n", 400, BadTarget},
	{"a URL in the query", "GET /?http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n", 400, BadTarget},
	{"the star", "OPTIONS * HTTP/1.1\r\nHost: good.example\r\n\r\n", 400, BadTarget},
	{"connect in small letters", "connect good.example:443 HTTP/1.1\r\nHost: good.example\r\n\r\n", 400, BadTarget},
	{"TRACE", "TRACE http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n", 405, Malformed},
	{"plain HTTP to 443", "GET http://good.example:443/ HTTP/1.1\r\nHost: good.example:443\r\n\r\n", 400, NotTLS},

	{"no Host", "GET http://good.example/ HTTP/1.1\r\n\r\n", 400, Malformed},
	{"an empty Host", "GET http://good.example/ HTTP/1.1\r\nHost:\r\n\r\n", 400, Malformed},
	{"another Host", "GET http://good.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", 400, Malformed},
	{"another port in it", "GET http://good.example/ HTTP/1.1\r\nHost: good.example:81\r\n\r\n", 400, Malformed},
	{"another Host of CONNECT", "CONNECT good.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", 400, Malformed},
	{"another port of CONNECT", "CONNECT good.example:443 HTTP/1.1\r\nHost: good.example:80\r\n\r\n", 400, Malformed},
	{"two Hosts", "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\nHost: evil.example\r\n\r\n", 400, Malformed},
	{"the same Host twice", "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\nhOST: good.example\r\n\r\n", 400, Malformed},
	{"another Host in HTTP/1.0", "GET http://good.example/ HTTP/1.0\r\nHost: evil.example\r\n\r\n", 400, Malformed},
	{"two in one Host", "GET http://good.example/ HTTP/1.1\r\nHost: good.example, evil.example\r\n\r\n", 400, Malformed},

	{"two lengths", "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, Malformed},
	{"the same length twice", "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400, Malformed},
	{"two in one", "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nContent-Length: 1, 1\r\n\r\na", 400, Malformed},
	{"a length and chunks", "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, Malformed},
	{"chunks and a length", "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400, Malformed},
	{"chunks twice", "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, Malformed},
	{"another coding", "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, Malformed},
	{"hardly chunked", "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400, Malformed},
	{"identity", "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nTransfer-Encoding: identity\r\n\r\n", 400, Malformed},
	{"chunks in HTTP/1.0", "POST http://good.example/ HTTP/1.0\r\nHost: good.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, Malformed},
	{"a sign", "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nContent-Length: +1\r\n\r\na", 400, Malformed},
	{"less than nothing", "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nContent-Length: -1\r\n\r\n", 400, Malformed},
	{"hexadecimal length", "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nContent-Length: 0x1\r\n\r\na", 400, Malformed},
	{"no number", "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nContent-Length:\r\n\r\n", 400, Malformed},
	{"too large a number", "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nContent-Length: 18446744073709551617\r\n\r\na", 400, Malformed},
	{"a body of CONNECT", "CONNECT good.example:443 HTTP/1.1\r\nHost: good.example\r\nContent-Length: 1\r\n\r\na", 400, Malformed},
	{"chunks of CONNECT", "CONNECT good.example:443 HTTP/1.1\r\nHost: good.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, Malformed},
	{"another expectation", "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nExpect: the unexpected\r\nContent-Length: 1\r\n\r\na", 417, Malformed},

	{"a blank before the colon", "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nContent-Length : 1\r\n\r\na", 400, Malformed},
	{"a blank before the name", "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n X: y\r\n\r\n", 400, Malformed},
	{"a folded line", "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\nX: y\r\n\tz\r\n\r\n", 400, Malformed},
	{"no colon", "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\nX\r\n\r\n", 400, Malformed},
	{"no name", "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n: x\r\n\r\n", 400, Malformed},
	{"a line feed alone", "GET http://good.example/ HTTP/1.1\nHost: good.example\n\n", 400, Malformed},
	{"one line feed alone", "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\nX: y\nHost: evil.example\r\n\r\n", 400, Malformed},
	{"a carriage return alone", "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\nX: y\rHost: evil.example\r\n\r\n", 400, Malformed},
	{"a null in a header", "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\nX: \x00\r\n\r\n", 400, Malformed},
	{"a carriage return in the target", "GET http://good.example/\rX HTTP/1.1\r\nHost: good.example\r\n\r\n", 400, Malformed},
	{"a tab in the request line", "GET\thttp://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n", 400, Malformed},
	{"two blanks in it", "GET  http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n", 400, Malformed},
	{"a blank in the target", "GET http://good.example/a b HTTP/1.1\r\nHost: good.example\r\n\r\n", 400, Malformed},
	{"a blank at the end", "GET http://good.example/ HTTP/1.1 \r\nHost: good.example\r\n\r\n", 400, Malformed},
	{"HTTP/0.9", "GET http://good.example/\r\n\r\n", 400, Malformed},
	{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, Malformed},
	{"HTTP/1.2", "GET http://good.example/ HTTP/1.2\r\nHost: good.example\r\n\r\n", 400, Malformed},
	{"an empty line first", "\r\nGET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n", 400, Malformed},
	{"SOCKS", "\x05\x01\x00\n", 400, Malformed},
	{"too large a head", "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 17) + "\r\n", 431, TooLarge},
	{"too long a line", "GET http://good.example/" + strings.Repeat("x", 17<<10) + " HTTP/1.1\r\nHost: good.example\r\n\r\n", 431, TooLarge},
}

func TestRefused(t *testing.T) {
	x := open(t, Options{})
	for _, tt := range refusals {
		got := x.send(tt.raw)
		if !strings.HasPrefix(got, fmt.Sprintf("HTTP/1.1 %d ", tt.status)) || !strings.Contains(got, "Connection: close") || !strings.Contains(got, "\r\n\r\nsallyport: ") ||
			!strings.Contains(got, "*.wild.example:80, 93.184.215.14:80, good.example:443") {
			t.Errorf("%s: %q, want %d", tt.why, got, tt.status)
		}
		if e := x.seen(1)[0]; e.Phase != Closed || e.Allowed || e.Reason != tt.reason || e.Detail == "" || len(e.Detail) > 300 {
			t.Errorf("%s: %+v, want %s", tt.why, e, tt.reason)
		}
		x.untouched(tt.why)
	}
	none := open(t, Options{Allow: []place.Endpoint{}})
	if got := none.send("CONNECT good.example:443 HTTP/1.1\r\nHost: good.example\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 403 ") || !strings.Contains(got, "connected to: nothing.") {
		t.Errorf("an empty list: %q", got)
	}
	none.untouched("an empty list")
}

// TestTold: what the operator and the client are told of a refusal.
func TestTold(t *testing.T) {
	x := open(t, Options{})
	x.names["good.example"] = []string{"10.1.2.3"}
	got := x.send("CONNECT good.example:443 HTTP/1.1\r\nHost: good.example\r\n\r\n")
	if !strings.Contains(got, `sallyport: "good.example:443" was refused: it is at a private address, and the endpoint is not marked private.`) || strings.Contains(got, "10.1.2.3") {
		t.Errorf("%q", got)
	}
	want := Event{Reason: Address, Detail: "it is at a private address, and the endpoint is not marked private", Method: "CONNECT", Host: "good.example", Port: 443, Address: netip.MustParseAddr("10.1.2.3")}
	if e := x.seen(1)[0]; e != want {
		t.Errorf("%+v, want %+v", e, want)
	}
}

func TestAddresses(t *testing.T) {
	for _, tt := range []struct {
		why, host string
		at        []string
		dialled   string
		reason    Reason
	}{
		{"public", "good.example", []string{"1.1.1.1"}, "1.1.1.1:80", ""},
		{"two public", "good.example", []string{"1.1.1.1", "2606:2800::1"}, "1.1.1.1:80", ""},
		{"the second answers", "good.example", []string{"2606:2800::1", "1.1.1.1"}, "[2606:2800::1]:80 1.1.1.1:80", ""},
		{"mapped", "good.example", []string{"::ffff:1.1.1.1"}, "1.1.1.1:80", ""},
		{"an address", "93.184.215.14", nil, "93.184.215.14:80", ""},
		{"private where that is allowed", "inside.example", []string{"10.0.0.1"}, "10.0.0.1:80", ""},
		{"public where private is allowed", "inside.example", []string{"1.1.1.1"}, "1.1.1.1:80", ""},
		{"nobody there", "good.example", []string{"1.1.1.9"}, "1.1.1.9:80", NoAnswer},

		{"private", "good.example", []string{"10.0.0.1"}, "", Address},
		{"private below a wildcard", "a.wild.example", []string{"192.168.0.1"}, "", Address},
		{"loopback", "good.example", []string{"127.0.0.1"}, "", Address},
		{"mapped loopback", "good.example", []string{"::ffff:127.0.0.1"}, "", Address},
		{"mixed", "good.example", []string{"1.1.1.1", "10.0.0.1"}, "", Address},
		{"mixed, the other way", "good.example", []string{"10.0.0.1", "1.1.1.1"}, "", Address},
		{"the last of many", "good.example", []string{"1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4", "1.1.1.5", "::1"}, "", Address},
		{"metadata where private is allowed", "inside.example", []string{"169.254.169.254"}, "", Address},
		{"metadata among private", "inside.example", []string{"10.0.0.1", "fd00:ec2::254"}, "", Address},
		{"unspecified where private is allowed", "inside.example", []string{"0.0.0.0"}, "", Address},
		{"the host's own", "good.example", []string{"8.8.8.8"}, "", Address},
		{"a zone", "inside.example", []string{"fe80::1%lo"}, "", Address},
		{"no address", "good.example", nil, "", Unknown},
	} {
		x := open(t, Options{})
		x.names[tt.host] = tt.at
		for _, a := range []string{"1.1.1.1:80", "93.184.215.14:80", "10.0.0.1:80"} {
			x.host(a, answering(ok, nil))
		}
		got := x.send("GET http://" + tt.host + "/ HTTP/1.1\r\nHost: " + tt.host + "\r\nConnection: close\r\n\r\n")
		if strings.HasSuffix(got, "\r\n\r\nok") != (tt.reason == "") {
			t.Errorf("%s: %q", tt.why, got)
		}
		if dialled := strings.Join(x.dialled, " "); dialled != tt.dialled {
			t.Errorf("%s: dialled %s, want %s", tt.why, dialled, tt.dialled)
		}
		n := 1
		if tt.reason == "" {
			n = 2
		}
		events := x.seen(n)
		if e := events[n-1]; e.Reason != tt.reason || e.Allowed != (tt.reason != Address) || e.Phase != Closed || n == 2 && events[0].Phase != Opened {
			t.Errorf("%s: %+v", tt.why, events)
		}
	}
	x := open(t, Options{})
	x.p.own = func() ([]netip.Addr, error) { return nil, errors.New("no netlink") }
	if got := x.send("GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 502 ") || len(x.dialled) > 0 || x.seen(1)[0].Reason != Internal {
		t.Errorf("where the host's own addresses are not known: %q", got)
	}
}

// TestRebinding: a resolver that answers otherwise the second time is not asked a
// second time, for one connection.
func TestRebinding(t *testing.T) {
	asked := 0
	var dialled []string
	l, far := net.Pipe()
	defer far.Close()
	x := newScene(t, Options{
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			asked++
			if asked == 1 {
				return []netip.Addr{netip.MustParseAddr("1.1.1.1")}, nil
			}
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		},
		Dial: func(_ context.Context, a netip.AddrPort) (net.Conn, error) {
			dialled = append(dialled, a.String())
			return l, nil
		},
	})
	c, addr, refused := x.p.open(parse(t, "good.example:443"))
	if refused != nil || c != l || addr.String() != "1.1.1.1" || asked != 1 || !slices.Equal(dialled, []string{"1.1.1.1:443"}) {
		t.Errorf("%v, %v, asked %d times, dialled %v", addr, refused, asked, dialled)
	}
	if _, _, refused := x.p.open(parse(t, "good.example:443")); refused == nil || refused.reason != Address || asked != 2 || len(dialled) != 1 {
		t.Errorf("the next connection: %v, dialled %v", refused, dialled)
	}
}

// TestSystem: the resolver and the dialler that are there by default.
func TestSystem(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			answering(ok, nil)(c.(*net.TCPConn))
			c.Close()
		}
	}()
	port := netip.MustParseAddrPort(l.Addr().String()).Port()
	p, err := New(Options{Allow: []place.Endpoint{{Host: "localhost", Port: port, Private: true}}})
	if err != nil {
		t.Fatal(err)
	}
	c, addr, refused := p.open(parse(t, fmt.Sprintf("localhost:%d", port)))
	if refused != nil || !addr.IsLoopback() {
		t.Fatalf("%v, %v", addr, refused)
	}
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if b, err := io.ReadAll(c); string(b) != ok || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	c.Close()
	own, err := interfaces()
	if err != nil || !slices.Contains(own, netip.MustParseAddr("127.0.0.1")) {
		t.Errorf("%v, %v", own, err)
	}
}

func TestToken(t *testing.T) {
	x := open(t, Options{Token: "s3cret:with a colon"})
	x.host("1.1.1.1:80", answering(ok, nil))
	ask := func(auth string) string {
		return x.send("GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\nConnection: close\r\n" + auth + "\r\n")
	}
	for why, auth := range map[string]string{
		"none": "", "another": basic("a:guess"), "none but a user": basic("s3cret:with a colon"), "empty": basic("a:"), "its beginning": basic("a:s3cret"), "no colon": basic("s3cret"),
		"twice":           basic("a:s3cret:with a colon") + basic("a:s3cret:with a colon"),
		"another scheme":  strings.Replace(basic("a:s3cret:with a colon"), "Basic", "Bearer", 1),
		"not base64":      "Proxy-Authorization: Basic !!!\r\n",
		"for the host":    strings.Replace(basic("a:s3cret:with a colon"), "Proxy-", "", 1),
		"with an odd end": strings.Replace(basic("a:s3cret:with a colon"), "\r\n", "AA\r\n", 1),
	} {
		got := ask(auth)
		if !strings.HasPrefix(got, "HTTP/1.1 407 ") || !strings.Contains(got, "\r\nProxy-Authenticate: Basic ") || strings.Contains(got, "wild.example") {
			t.Errorf("%s: %q", why, got)
		}
		if e := x.seen(1)[0]; e.Reason != BadToken || e.Allowed {
			t.Errorf("%s: %+v", why, e)
		}
		x.untouched(why)
	}
	if got := x.send("nonsense\r\n\r\n"); strings.Contains(got, "wild.example") {
		t.Errorf("the list is told to a stranger: %q", got)
	}
	for _, auth := range []string{basic("a:s3cret:with a colon"), basic(":s3cret:with a colon"), strings.Replace(basic("b:s3cret:with a colon"), "Basic ", "bAsIc  ", 1)} {
		if got := ask(auth); !strings.HasSuffix(got, "\r\n\r\nok") {
			t.Errorf("%q: %q", auth, got)
		}
	}
	// Each request on a connection has to show it.
	if got := x.send("GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n" + basic("a:s3cret:with a colon") + "\r\nGET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n"); !strings.Contains(got, "okHTTP/1.1 407 ") {
		t.Errorf("the second without: %q", got)
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{{Allow: []place.Endpoint{{Host: "a"}}}, {Connections: -1}, {HeadTimeout: -1}, {HelloTimeout: -1}, {DialTimeout: -1}, {IdleTimeout: -time.Second}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
	p, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if o := p.opt; o.Connections != 64 || o.HeadTimeout != 10*time.Second || o.HelloTimeout != 5*time.Second || o.DialTimeout != 10*time.Second || o.IdleTimeout != 5*time.Minute {
		t.Errorf("%+v", o)
	}
	p.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Serve(l); err != nil {
		t.Errorf("after Close: %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is open: %v", err)
	}
}
