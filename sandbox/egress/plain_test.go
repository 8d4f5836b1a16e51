package egress

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestSent: what the host gets, to the byte.
func TestSent(t *testing.T) {
	for _, tt := range []struct{ why, raw, want string }{
		{"plain", "GET http://good.example/a?b=c HTTP/1.1\r\nHost: good.example\r\n\r\n",
			"GET /a?b=c HTTP/1.1\r\nHost: good.example\r\nConnection: close\r\n\r\n"},
		{"however it is written", "GET HTTP://GOOD.Example.:80/ HTTP/1.1\r\nHost: Good.example:80\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: good.example\r\nConnection: close\r\n\r\n"},
		{"HTTP/1.0 without a Host", "GET http://good.example/ HTTP/1.0\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: good.example\r\nConnection: close\r\n\r\n"},
		{"no path", "GET http://good.example HTTP/1.1\r\nHost: good.example\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: good.example\r\nConnection: close\r\n\r\n"},
		{"a query alone", "GET http://good.example?a HTTP/1.1\r\nHost: good.example\r\n\r\n",
			"GET /?a HTTP/1.1\r\nHost: good.example\r\nConnection: close\r\n\r\n"},
		{"a path like an authority", "GET http://good.example//evil.example/%2e%2e/\"x HTTP/1.1\r\nHost: good.example\r\n\r\n",
			"GET //evil.example/%2e%2e/\"x HTTP/1.1\r\nHost: good.example\r\nConnection: close\r\n\r\n"},
		{"a URL in the path", "GET http://good.example/http://evil.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n",
			"GET /http://evil.example/ HTTP/1.1\r\nHost: good.example\r\nConnection: close\r\n\r\n"},
		{"headers in their order and letters", "GET http://good.example/ HTTP/1.1\r\nx-A: 1\r\nHost: good.example\r\nAccept:\t*/*  \r\nX-a: 2\r\nuser-agent: x\r\nAuthorization: y\r\nEmpty:\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: good.example\r\nx-A: 1\r\nAccept: */*\r\nX-a: 2\r\nuser-agent: x\r\nAuthorization: y\r\nEmpty: \r\nConnection: close\r\n\r\n"},
		{"hop by hop", "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\nConnection: keep-alive, X-Mine , Host\r\nX-MINE: 1\r\nKeep-Alive: 5\r\nProxy-Connection: X-Too\r\nX-Too: 1\r\n" +
			basic("a:b") + "Proxy-Authenticate: x\r\nTE: trailers\r\nTrailer: x\r\nUpgrade: websocket\r\nX-Stays: 1\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: good.example\r\nX-Stays: 1\r\nConnection: close\r\n\r\n"},
		{"a length that is to be dropped", "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nConnection: Content-Length\r\nContent-Length: 5\r\n\r\nhello",
			"POST / HTTP/1.1\r\nHost: good.example\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"},
		{"a body", "POST http://good.example/ HTTP/1.1\r\ncontent-length: 05\r\nHost: good.example\r\n\r\nhello",
			"POST / HTTP/1.1\r\nHost: good.example\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"},
		{"an empty body", "POST http://good.example/ HTTP/1.1\r\nContent-Length: 0\r\nHost: good.example\r\n\r\n",
			"POST / HTTP/1.1\r\nHost: good.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
		{"a body of GET", "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\nContent-Length: 5\r\n\r\nhello",
			"GET / HTTP/1.1\r\nHost: good.example\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"},
		{"chunks", "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nTransfer-Encoding: Chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nTrailer: gone\r\n\r\n",
			"POST / HTTP/1.1\r\nHost: good.example\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
		{"an address", "GET http://93.184.215.14/ HTTP/1.1\r\nHost: 93.184.215.14\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: 93.184.215.14\r\nConnection: close\r\n\r\n"},
	} {
		x := open(t, Options{})
		got := make(chan string, 1)
		x.host("1.1.1.1:80", answering(ok, got))
		x.host("93.184.215.14:80", answering(ok, got))
		c := x.client()
		fmt.Fprint(c, tt.raw)
		if sent := <-got; sent != tt.want {
			t.Errorf("%s:\n%q, want\n%q", tt.why, sent, tt.want)
		}
		a, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || a.StatusCode != 200 {
			t.Errorf("%s: %+v, %v", tt.why, a, err)
		}
		if e := x.seen(2)[1]; e.Reason != "" || e.BytesUp != int64(len(tt.want)) || e.BytesDown != int64(len(ok)) || e.Method != strings.Fields(tt.raw)[0] {
			t.Errorf("%s: %+v", tt.why, e)
		}
	}
}

// TestBrought: what the client gets of an answer.
func TestBrought(t *testing.T) {
	for _, tt := range []struct{ why, method, answer, want string }{
		{"a length", "GET", "HTTP/1.1 200 Fine\r\nB: 1\r\nContent-Length: 2\r\nA: 1\r\nA: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nA: 1\r\nA: 2\r\nB: 1\r\nContent-Length: 2\r\n\r\nok"},
		{"chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
		{"until the end", "GET", "HTTP/1.0 200 OK\r\n\r\nok", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
		{"hop by hop", "GET", "HTTP/1.1 200 OK\r\nConnection: x-mine, Keep-Alive\r\nX-Mine: 1\r\nKeep-Alive: 1\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\nX-Stays: 1\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nX-Stays: 1\r\nContent-Length: 0\r\n\r\n"},
		{"HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"},
		{"304", "GET", "HTTP/1.1 304 Not Modified\r\nEtag: x\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nEtag: x\r\n\r\n"},
		{"204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"},
		{"a redirection is the client's", "GET", "HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n"},
		{"an answer before the answer", "GET", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
		{"two answers", "GET", ok + ok, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
	} {
		x := open(t, Options{})
		x.host("1.1.1.1:80", answering(tt.answer, nil))
		one := fmt.Sprintf("%s http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n", tt.method)
		// Another request on the same connection shows that both sides agree where it ends.
		if got := x.send(one + one + "BYE\r\n"); !strings.HasPrefix(got, tt.want+tt.want+"HTTP/1.1 400") {
			t.Errorf("%s:\n%q, want\n%q", tt.why, got, tt.want)
		}
		if e := x.seen(5); e[1].Reason != "" || e[3].Reason != "" {
			t.Errorf("%s: %+v", tt.why, e)
		}
	}
	// HTTP/1.0 knows no chunks.
	x := open(t, Options{})
	x.host("1.1.1.1:80", answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", nil))
	if got := x.send("GET http://good.example/ HTTP/1.0\r\n\r\n"); got != "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok" {
		t.Errorf("HTTP/1.0: %q", got)
	}
}

// TestOnce: HTTP/1.0 and a client that says so get one answer.
func TestOnce(t *testing.T) {
	x := open(t, Options{})
	x.host("1.1.1.1:80", answering(ok, nil))
	for _, raw := range []string{"GET http://good.example/ HTTP/1.0\r\n\r\n", "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\nConnection: Close\r\n\r\n", "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\nProxy-Connection: close\r\n\r\n"} {
		if got := x.send(raw + raw); got != "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok" {
			t.Errorf("%q: %q", raw, got)
		}
	}
}

// TestLargeBodies go both ways, in both framings.
func TestLargeBodies(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/length" {
			w.Header().Set("Content-Length", q.Header.Get("X-Length"))
		}
		_, _ = io.Copy(w, q.Body)
	}))
	defer s.Close()
	x := open(t, Options{})
	x.hosts["1.1.1.1:80"] = s.Listener.Addr().String()
	tr := &http.Transport{Proxy: http.ProxyURL(parseURL(t, "http://"+x.at))}
	defer tr.CloseIdleConnections()
	sent := strings.Repeat("0123456789abcdef", 1<<16)
	for _, path := range []string{"/length", "/chunks"} {
		for _, body := range []io.Reader{strings.NewReader(sent), struct{ io.Reader }{strings.NewReader(sent)}} {
			q, _ := http.NewRequest("POST", "http://good.example"+path, body)
			q.Header.Set("X-Length", fmt.Sprint(len(sent)))
			a, err := (&http.Client{Transport: tr}).Do(q)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(a.Body)
			if string(got) != sent || err != nil {
				t.Errorf("%s: %d bytes, %v", path, len(got), err)
			}
			a.Body.Close()
		}
	}
	for _, e := range x.seen(8) {
		if e.Reason != "" {
			t.Errorf("%+v", e)
		}
	}
}

// TestBadAnswers: a client is never told that a broken answer is whole.
func TestBadAnswers(t *testing.T) {
	const large = 200 << 10
	for _, tt := range []struct{ why, answer, want string }{
		{"nothing", "", "HTTP/1.1 502 "},
		{"nonsense", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 502 "},
		{"it switches protocols", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n" + ok, "HTTP/1.1 502 "},
		{"too large a head", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", large/1000) + "Content-Length: 0\r\n\r\n", "HTTP/1.1 502 "},
		{"too long a line", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", large) + "\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 502 "},
		{"endless hints", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100) + ok, "HTTP/1.1 502 "},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 502 "},
		{"a status that is none", "HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 502 "},
		{"shorter than it says", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok"},
		{"chunks without an end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"},
	} {
		x := open(t, Options{})
		x.host("1.1.1.1:80", answering(tt.answer, nil))
		one := "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n"
		got := x.send(one + one)
		if got != tt.want && (!strings.HasSuffix(tt.want, " ") || !strings.HasPrefix(got, tt.want) || strings.Count(got, "HTTP/1.1 ") != 1) {
			t.Errorf("%s: %.300q", tt.why, got)
		}
		if e := x.seen(2)[1]; e.Reason != Broken || !e.Allowed {
			t.Errorf("%s: %+v", tt.why, e)
		}
	}
}

// TestEachRequest: what was allowed once says nothing of the next request.
func TestEachRequest(t *testing.T) {
	x := open(t, Options{})
	x.host("1.1.1.1:80", answering(ok, nil))
	x.host("1.1.1.2:80", answering(strings.Replace(ok, "ok", "OK", 1), nil))
	got := x.send("GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n" +
		"POST http://a.wild.example/ HTTP/1.1\r\nHost: a.wild.example\r\nContent-Length: 4\r\n\r\nGET " +
		"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n" +
		"GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n")
	if strings.Count(got, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n") != 2 || !strings.Contains(got, "\r\n\r\nokHTTP/1.1 ") || !strings.Contains(got, "\r\n\r\nOKHTTP/1.1 403 ") || strings.Count(got, "HTTP/1.1 ") != 3 {
		t.Errorf("%q", got)
	}
	if got, want := strings.Join(x.dialled, " "), "1.1.1.1:80 1.1.1.2:80"; got != want {
		t.Errorf("dialled %s, want %s", got, want)
	}
	if e := x.seen(5)[4]; e.Reason != NotListed || e.Host != "evil.example" {
		t.Errorf("%+v", e)
	}
	// A request behind a chunked body, and one within.
	x = open(t, Options{})
	sent := make(chan string, 2)
	x.host("1.1.1.1:80", answering(ok, sent))
	within := "GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n"
	got = x.send("POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nTransfer-Encoding: chunked\r\n\r\n" +
		fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(within), within) + "GET http://good.example/2 HTTP/1.1\r\nHost: good.example\r\nConnection: close\r\n\r\n")
	if strings.Count(got, "HTTP/1.1 200 OK") != 2 || !strings.Contains(<-sent, within) || !strings.HasPrefix(<-sent, "GET /2 ") {
		t.Errorf("%q", got)
	}
}

// TestBodies: bodies that are broken, and answers that do not wait for them.
func TestBodies(t *testing.T) {
	post := "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\n"
	for _, tt := range []struct{ why, raw string }{
		{"ends early", post + "Content-Length: 9\r\n\r\nhello"},
		{"chunks end early", post + "Transfer-Encoding: chunked\r\n\r\n9\r\nhello"},
		{"no chunk", post + "Transfer-Encoding: chunked\r\n\r\nhello\r\n"},
		{"a chunk's size with a sign", post + "Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n"},
		{"a chunk's size too large", post + "Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n"},
		{"a line feed alone", post + "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n"},
		{"more than a chunk says", post + "Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n"},
		{"endless extensions", post + "Transfer-Encoding: chunked\r\n\r\n5;" + strings.Repeat("x", 20<<10) + "\r\nhello\r\n0\r\n\r\n"},
		{"endless trailers", post + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n" + strings.Repeat("X: y\r\n", 5000) + "\r\n"},
		{"an odd trailer", post + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\nZ: \r\n\r\n"},
	} {
		x := open(t, Options{})
		x.host("1.1.1.1:80", func(c *net.TCPConn) { // it waits for more than the body
			_, _ = io.Copy(io.Discard, c)
		})
		c := x.client()
		fmt.Fprint(c, tt.raw)
		_ = c.CloseWrite()
		b, _ := io.ReadAll(c)
		if !strings.HasPrefix(string(b), "HTTP/1.1 400 ") && !strings.HasPrefix(string(b), "HTTP/1.1 502 ") {
			t.Errorf("%s: %q", tt.why, b)
		}
		if e := x.seen(2)[1]; e.Reason != Malformed || e.Allowed {
			t.Errorf("%s: %+v", tt.why, e)
		}
	}
	// The host has heard enough.
	x := open(t, Options{})
	heard := make(chan bool)
	x.host("1.1.1.1:80", func(c *net.TCPConn) {
		_, _ = io.ReadFull(c, make([]byte, 100))
		fmt.Fprint(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
		<-heard
	})
	c := x.client()
	fmt.Fprint(c, post+"Content-Length: 1000000\r\n\r\n"+strings.Repeat("x", 1000))
	b, err := io.ReadAll(c)
	close(heard)
	if string(b) != "HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	x.seen(2)
}

// TestContinue: a client that waits for leave to send its body is given it, once the
// host is there.
func TestContinue(t *testing.T) {
	x := open(t, Options{})
	got := make(chan string, 1)
	x.host("1.1.1.1:80", answering(ok, got))
	c := x.client()
	fmt.Fprint(c, "POST http://good.example/ HTTP/1.1\r\nHost: good.example\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	r := bufio.NewReader(c)
	if line, err := r.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("%q, %v", line, err)
	}
	fmt.Fprint(c, "hello")
	if sent := <-got; !strings.HasSuffix(sent, "\r\n\r\nhello") || strings.Contains(sent, "Expect") {
		t.Errorf("%q", sent)
	}
	if got := x.send("POST http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 403") {
		t.Errorf("%q", got)
	}
}

// TestStream: pieces of an answer come when they are sent, and a client that leaves is
// noticed.
func TestStream(t *testing.T) {
	x := open(t, Options{})
	left := make(chan bool, 1)
	next := make(chan bool)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		for range 3 {
			fmt.Fprint(w, "data\n")
			w.(http.Flusher).Flush()
			<-next
		}
		<-q.Context().Done()
		left <- true
	}))
	defer s.Close()
	x.hosts["1.1.1.1:80"] = s.Listener.Addr().String()
	tr := &http.Transport{Proxy: http.ProxyURL(parseURL(t, "http://"+x.at))}
	a, err := (&http.Client{Transport: tr}).Get("http://good.example/")
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(a.Body)
	for range 3 {
		if line, err := r.ReadString('\n'); line != "data\n" {
			t.Fatalf("%q, %v", line, err)
		}
		next <- true
	}
	a.Body.Close()
	select {
	case <-left:
	case <-time.After(patience):
		t.Error("the host was not told")
	}
	x.seen(2)
}

// TestLeaves: a client that leaves before the answer does not keep its place.
func TestLeaves(t *testing.T) {
	x := open(t, Options{})
	told := make(chan bool, 1)
	x.host("1.1.1.1:80", func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c); told <- true })
	c := x.client()
	fmt.Fprint(c, "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n")
	x.seen(1)
	c.Close()
	<-told
	if e := x.seen(2)[1]; e.Reason != Broken || e.Detail != "the client left before there was an answer" {
		t.Errorf("%+v", e)
	}
}
