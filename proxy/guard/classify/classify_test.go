package classify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		io.WriteString(w, `{"score":0.5}`)
	}
}

// raw writes what need not be HTTP.
func raw(bytes string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			io.WriteString(c, bytes)
			c.Close()
		}
	}
}

// hang sends the beginning of an answer, and then nothing.
func hang(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, `{"score":`)
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

func endless(w http.ResponseWriter, _ *http.Request) {
	for {
		if _, err := io.WriteString(w, strings.Repeat(" ", 1<<10)); err != nil {
			return
		}
	}
}

// padded is a good answer of n bytes.
func padded(n int) string { return `{"score":0.5` + strings.Repeat(" ", n-len(`{"score":0.5}`)) + "}" }

var behaviours = []struct {
	why, format string
	serve       http.HandlerFunc
	value       float64
	says        string // why it failed
}{
	{"a score", "", say(`{"score":0.97}`), 0.97, ""},
	{"spaces", "", say(" { \"score\" : 1e-1 } \n"), 0.1, ""},
	{"certain that not", "", say(`{"score":0}`), 0, ""},
	{"certain that so", "", say(`{"score":1}`), 1, ""},
	{"the largest answer", "", say(padded(maxAnswer)), 0.5, ""},
	{"oversized by a byte", "", say(padded(maxAnswer + 1)), 0, "larger than 64 KiB"},
	{"endless", "", endless, 0, "larger than 64 KiB"},
	{"in the last moment", "", after(299*time.Millisecond, say(`{"score":0.97}`)), 0.97, ""},
	{"slow", "", after(301*time.Millisecond, say(`{"score":0.97}`)), 0, "no answer within 300ms"},
	{"hang in the body", "", hang, 0, "no answer within 300ms"},
	{"an error", "", status(500), 0, "answers 500"},
	{"overloaded", "tei", status(429), 0, "answers 429"},
	{"another kind of success", "", status(201), 0, "answers 201"},
	{"redirect", "", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			say(`{"score":0.97}`)(w, r)
			return
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}, 0, "redirect (307), which is not followed"},
	{"not HTTP, and the text in it", "", raw(attack + "\r\n\r\n"), 0, "not HTTP"},
	{"nothing", "", raw(""), 0, "connection fails"},
	{"broken off", "", raw("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n" + `{"score":0.5`), 0, "breaks off"},
	{"large headers", "", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X", strings.Repeat("x", 2*maxHeader))
		say(`{"score":0.97}`)(w, r)
	}, 0, "connection fails"},

	{"not JSON", "", say("0.97, sorry"), 0, "not JSON"},
	{"empty", "", say(""), 0, "not JSON"},
	{"NaN", "", say(`{"score":NaN}`), 0, "not JSON"},
	{"a text, which ParseFloat would take without its quotes", "", say(`{"score":"0.97"}`), 0, "not a number from 0 to 1"},
	{"null", "", say(`{"score":null}`), 0, "not a number from 0 to 1"},
	{"above 1", "", say(`{"score":1.7}`), 0, "not a number from 0 to 1"},
	{"just above 1", "", say(`{"score":1.0000001}`), 0, "not a number from 0 to 1"},
	{"below 0", "", say(`{"score":-0.1}`), 0, "not a number from 0 to 1"},
	{"too large for a float", "", say(`{"score":1e999}`), 0, "not a number from 0 to 1"},
	{"two scores", "", say(`{"score":0.1,"score":0.97}`), 0, "one way only"},
	{"a second value", "", say(`{"score":0.97}{"score":0.1}`), 0, "one way only"},
	{"no score", "", say(`{}`), 0, `not {"score": NUMBER}`},
	{"a number alone", "", say(`0.97`), 0, `not {"score": NUMBER}`},
	{"an error that repeats the text", "", say(`{"score":0,"error":"` + attack + `"}`), 0, `not {"score": NUMBER}`},
	{"the other format", "", say(`[{"score":0.97,"label":"INJECTION"}]`), 0, `not {"score": NUMBER}`},

	{"predictions", "tei", say(`[{"score":0.97,"label":"INJECTION"},{"score":0.03,"label":"SAFE"}]`), 0.97, ""},
	{"predictions of a batch", "tei", say(`[[{"score":0.75,"label":"SAFE"},{"score":0.25,"label":"INJECTION"}]]`), 0.25, ""},
	{"another order", "tei", say("[ { \"label\" : \"LABEL_1\" , \"score\" : 0.5 } ]"), 0.5, ""},
	{"two labels count", "tei", say(`[{"score":0.5,"label":"JAILBREAK"},{"score":0.25,"label":"INJECTION"},{"score":0.25,"label":"BENIGN"}]`), 0.75, ""},
	{"rounded up", "tei", say(`[{"score":0.7000001,"label":"JAILBREAK"},{"score":0.3,"label":"INJECTION"}]`), 1, ""},
	{"labels of another model", "tei", say(`[{"score":0.9,"label":"joy"},{"score":0.1,"label":"anger"}]`), 0, "none of the labels"},
	{"a label twice", "tei", say(`[{"score":0.1,"label":"INJECTION"},{"score":0.9,"label":"INJECTION"}]`), 0, "label twice"},
	{"two texts", "tei", say(`[[{"score":0.1,"label":"INJECTION"}],[{"score":0.9,"label":"INJECTION"}]]`), 0, "not a list of"},
	{"no predictions", "tei", say(`[]`), 0, "not a list of"},
	{"no predictions of a batch", "tei", say(`[[]]`), 0, "not a list of"},
	{"an object", "tei", say(`{"score":0.97,"label":"INJECTION"}`), 0, "not a list of"},
	{"no label", "tei", say(`[{"score":0.97}]`), 0, "not a list of"},
	{"no score", "tei", say(`[{"label":"INJECTION"}]`), 0, "not a list of"},
	{"a label that is no text", "tei", say(`[{"score":0.97,"label":1}]`), 0, "not a list of"},
	{"another member", "tei", say(`[{"score":0.97,"label":"INJECTION","error":"x"}]`), 0, "not a list of"},
	{"a bad score of a label that does not count", "tei", say(`[{"score":0.5,"label":"INJECTION"},{"score":1.7,"label":"SAFE"}]`), 0, "not a number from 0 to 1"},
	{"deep", "tei", say(strings.Repeat("[", 100) + strings.Repeat("]", 100)), 0, "one way only"},
}

// TestBehaviours: what a server may do, under both fail modes. A failure says
// nothing of the text, the token or the URL, and takes no longer than it may.
func TestBehaviours(t *testing.T) {
	for _, b := range behaviours {
		for _, suspect := range []bool{false, true} {
			t.Run(b.why, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					x := newWorld(t, Options{Format: b.format, Suspect: suspect, Secret: func() (string, error) { return token, nil }}, b.serve)
					value, begun := b.value, time.Now()
					if suspect && b.says != "" {
						value = 1
					}
					got := x.score(attack)
					want(t, got, value, b.says)
					told(t, got)
					if len(x.requests()) != 1 {
						t.Errorf("%d requests", len(x.requests()))
					}
					if took := time.Since(begun); took > 300*time.Millisecond {
						t.Errorf("it took %v", took)
					}
				})
			})
		}
	}
}

func told(t *testing.T, s Score) {
	t.Helper()
	for _, never := range []string{"Ignore", "keys", token, "capability", "127.0.0.1", "predict"} {
		if strings.Contains(s.Reason, never) || len(s.Reason) > 160 {
			t.Errorf("told: %q", s.Reason)
		}
	}
}

// TestUnreachable: what keeps a request from being made at all is told, in words of
// ours.
func TestUnreachable(t *testing.T) {
	for says, err := range map[string]error{
		"cannot be reached: connection refused": &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
		"cannot be reached":                     &net.OpError{Op: "dial", Err: errors.New(attack)},
		"host is not found":                     &net.OpError{Op: "dial", Err: &net.DNSError{Name: attack}},
		"connection fails":                      errors.New(attack),
	} {
		synctest.Test(t, func(t *testing.T) {
			x := newWorld(t, Options{}, say(`{"score":0.97}`))
			x.refuse = err
			got := x.score(attack)
			want(t, got, 0, says)
			told(t, got)
			for i := range mostInRow {
				got = x.score(text(i))
			}
			want(t, got, 0, "left alone")
			told(t, got)
		})
	}
}

// TestSecretMissing: that the token cannot be read is not the classifier's fault.
func TestSecretMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var missing error
		x := newWorld(t, Options{Secret: func() (string, error) { return token, missing }}, say(`{"score":0.97}`))
		missing = errors.New(token + " is not it")
		for range 2 * mostInRow {
			got := x.score(attack)
			want(t, got, 0, "secret cannot be used")
			told(t, got)
		}
		missing = nil
		want(t, x.score(attack), 0.97, "")
		if n := len(x.requests()); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestNew: what cannot work, or would show texts to others, is refused with a
// remedy.
func TestNew(t *testing.T) {
	secret := func(token string, err error) func() (string, error) {
		return func() (string, error) { return token, err }
	}
	for _, c := range []struct {
		why  string
		o    Options
		says string // "" is good
	}{
		{"loopback", Options{URL: "http://127.0.0.1:8080/predict"}, ""},
		{"loopback, version 6", Options{URL: "http://[::1]:8080/"}, ""},
		{"loopback by name", Options{URL: "http://localhost:8080/"}, ""},
		{"encrypted", Options{URL: "https://classifier.example.com/", Format: "tei", Labels: []string{"INJECTION"}, Secret: secret(token, nil)}, ""},
		{"not encrypted", Options{URL: "http://classifier.example.com/"}, "Use https; http is for loopback addresses only"},
		{"a neighbour", Options{URL: "http://10.0.0.7/"}, "Use https"},
		{"no URL", Options{}, "is not a URL such as"},
		{"a file", Options{URL: "file:///etc/passwd"}, "is not a URL such as"},
		{"a password in the URL", Options{URL: "https://u:" + token + "@classifier.example.com/"}, "secret_env or secret_file"},
		{"no such format", Options{URL: endpoint, Format: "openai"}, `Write "sallyport" or "tei"`},
		{"labels without a use", Options{URL: endpoint, Labels: []string{"INJECTION"}}, `write format = "tei"`},
		{"no labels", Options{URL: endpoint, Format: "tei", Labels: []string{}}, "Leave them out for the usual ones"},
		{"an empty label", Options{URL: endpoint, Format: "tei", Labels: []string{""}}, "Leave them out for the usual ones"},
		{"negative", Options{URL: endpoint, Timeout: -1}, "cannot be negative"},
		{"negative", Options{URL: endpoint, MaxText: -1}, "cannot be negative"},
		{"negative", Options{URL: endpoint, Concurrent: -1}, "cannot be negative"},
		{"too little", Options{URL: endpoint, MaxText: minMax - 1}, "too little to judge"},
		{"no secret", Options{URL: endpoint, Secret: secret(token, errors.New("OPS is not set"))}, "its secret cannot be read: OPS is not set"},
		{"an empty secret", Options{URL: endpoint, Secret: secret("", nil)}, "bare token"},
		{"a second header", Options{URL: endpoint, Secret: secret(token+"\r\nX: y", nil)}, "bare token"},
		{"not ASCII", Options{URL: endpoint, Secret: secret(token+"é", nil)}, "bare token"},
		{"two words", Options{URL: endpoint, Secret: secret("Bearer "+token, nil)}, "bare token"},
	} {
		_, err := New(c.o)
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%s: %v", c.why, err)
		case c.says != "" && (err == nil || !strings.HasPrefix(err.Error(), "classifier: ") || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: %v", c.why, err)
		case err != nil && (strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "capability")):
			t.Errorf("%s is told: %v", c.why, err)
		}
	}
}

// TestRequest shows what is sent in both formats, and the secret nowhere but in
// its header.
func TestRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := "say \"hi\"\n\x00 and\u2028 <b>\xff twice"
		for format, body := range map[string]string{
			"":          `{"text":"say \"hi\"\n\u0000 and\u2028 <b>\ufffd twice","direction":"result"}`,
			"sallyport": `{"text":"say \"hi\"\n\u0000 and\u2028 <b>\ufffd twice","direction":"result"}`,
			"tei":       `{"inputs":"say \"hi\"\n\u0000 and\u2028 <b>\ufffd twice","truncate":true}`,
		} {
			token := token
			x := newWorld(t, Options{Format: format, Secret: func() (string, error) { return token, nil }}, status(500))
			x.score(said)
			token += "-rotated"
			x.score(said)
			token = ""
			want(t, x.score(said), 0, "secret cannot be used")
			sent := x.requests()
			if len(sent) != 2 {
				t.Fatalf("%d requests", len(sent))
			}
			for i, r := range sent {
				if r.body != body || r.url != "/predict?token=capability" {
					t.Errorf("%q: %s %s", format, r.url, r.body)
				}
				authorization := []string{"Bearer token-that-nobody-sees", "Bearer token-that-nobody-sees-rotated"}[i]
				if got := r.header.Get("Authorization"); got != authorization || r.header.Get("Content-Type") != "application/json" || r.header.Get("Accept-Encoding") != "" {
					t.Errorf("%q: %v", format, r.header)
				}
				r.header.Del("Authorization")
				if rest := fmt.Sprint(r.header); strings.Contains(rest, "nobody-sees") || strings.Contains(rest, "Idempotency") {
					t.Errorf("%q: %v", format, rest)
				}
			}
		}
		x := newWorld(t, Options{}, say(`{"score":0.97}`))
		x.score(attack)
		if _, ok := x.requests()[0].header["Authorization"]; ok {
			t.Error("a header without a secret")
		}
	})
}

// TestLabels: the operator's labels count, and the usual ones no longer.
func TestLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newWorld(t, Options{Format: "tei", Labels: []string{"bad", "worse"}},
			say(`[{"score":0.5,"label":"INJECTION"},{"score":0.25,"label":"bad"},{"score":0.25,"label":"Worse"}]`))
		want(t, x.score(attack), 0.25, "")
	})
	for _, label := range []string{"INJECTION", "injection", "LABEL_1", "malicious", "jailbreak", "JAILBREAK"} {
		synctest.Test(t, func(t *testing.T) {
			x := newWorld(t, Options{Format: "tei"}, say(`[{"score":0.5,"label":"`+label+`"}]`))
			want(t, x.score(attack), 0.5, "")
		})
	}
}

// TestShort: what is too short to say anything is not sent.
func TestShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newWorld(t, Options{Suspect: true}, say(`{"score":0.97}`))
		want(t, x.score(strings.Repeat("x", minText-1)), 0, "")
		if len(x.requests()) != 0 {
			t.Error("a short text is sent")
		}
		want(t, x.score(strings.Repeat("x", minText)), 0.97, "")
	})
}

// TestLong: both ends of a long text are sent, within the bound, and no rune is cut.
func TestLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newWorld(t, Options{}, say(`{"score":0.97}`))
		ends := func(r string) string { return "begin" + strings.Repeat(r, 16<<10) + "end" }
		for _, one := range []string{"x", "é", "語", "😀"} {
			x.score(ends(one))
		}
		for _, r := range x.requests() {
			var sent struct{ Text string }
			if err := json.Unmarshal([]byte(r.body), &sent); err != nil {
				t.Fatal(err)
			}
			if n := len(sent.Text); n > 16<<10 || n < 16<<10-8 || !strings.HasPrefix(sent.Text, "begin") || !strings.HasSuffix(sent.Text, "end") ||
				strings.Count(sent.Text, gap) != 1 || strings.ContainsRune(sent.Text, utf8.RuneError) {
				t.Errorf("%d bytes: %.40q", n, sent.Text)
			}
		}
	})
}

func FuzzCut(f *testing.F) {
	f.Add(strings.Repeat("語", 200), 300)
	f.Add(strings.Repeat("\x80", 1000), minMax)
	f.Add("short", minMax)
	f.Fuzz(func(t *testing.T, text string, most int) {
		most = minMax + max(most, 0)%4096
		got := cut(text, most)
		if len(text) <= most {
			if got != text {
				t.Errorf("%q was cut", text)
			}
			return
		}
		if len(got) > most || len(got) < most-7 {
			t.Errorf("%d bytes of %d", len(got), most)
		}
		if utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Errorf("a rune was cut in %q", got)
		}
		head, tail := got[:(most-len(gap))/2-3], got[len(got)-(most-len(gap))/2+3:]
		if !strings.HasPrefix(text, head) || !strings.HasSuffix(text, tail) || !strings.Contains(got, gap) {
			t.Errorf("%q is not the ends of %q", got, text)
		}
	})
}

// TestMemory: a text is asked about once in each direction, a failure does not stay,
// and the texts that are remembered are the 1024 that were asked about last.
func TestMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fails := true
		x := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
			if fails {
				w.WriteHeader(500)
			}
			io.WriteString(w, `{"score":0.97}`)
		})
		asks := func(n int, text, direction string) {
			t.Helper()
			before := len(x.requests())
			got := x.c.Score(t.Context(), text, direction)
			if got.Failed != fails || len(x.requests())-before != n {
				t.Errorf("%+v after %d requests, want %d", got, len(x.requests())-before, n)
			}
		}
		asks(1, attack, "result")
		fails = false
		asks(1, attack, "result")
		asks(0, attack, "result")
		asks(1, attack, "description")
		for i := range maxKnown - 2 {
			asks(1, text(i), "result")
		}
		asks(0, attack, "result")
		asks(1, "and one more than fits", "result")
		asks(0, attack, "result")
		asks(1, attack, "description") // it was used longest ago
		if n := len(x.c.memory.known); n != maxKnown || x.c.memory.order.Len() != n {
			t.Errorf("%d remembered, %d in order", n, x.c.memory.order.Len())
		}
	})
}

// TestConcurrent: no more texts are asked about at once than there are places, a
// text waits for one no longer than it may, and that is not the classifier's fault.
func TestConcurrent(t *testing.T) {
	for _, c := range []struct {
		each              time.Duration
		answered, waiting int // of 20; at least so many wait to the end
	}{{40 * time.Millisecond, 20, 0}, {200 * time.Millisecond, 3, 1}} {
		synctest.Test(t, func(t *testing.T) {
			x := newWorld(t, Options{Concurrent: 3}, after(c.each, say(`{"score":0.97}`)))
			var mu sync.Mutex
			answered, waiting := 0, 0
			var all sync.WaitGroup
			begun := time.Now()
			for i := range 20 {
				all.Go(func() {
					s := x.score(text(i))
					mu.Lock()
					defer mu.Unlock()
					if !s.Failed {
						answered++
					} else if strings.Contains(s.Reason, "all 3 places were busy for 300ms") {
						waiting++
					}
				})
			}
			time.Sleep(299 * time.Millisecond) // then some are given up, which the server hears of later
			most := x.peak()
			all.Wait()
			took := time.Since(begun)
			if answered != c.answered || waiting < c.waiting || most != 3 || took > 300*time.Millisecond {
				t.Errorf("%d answered, %d waited, %d at most at once, in %v", answered, waiting, most, took)
			}
			for i := range 9 {
				want(t, x.score(text(100+i)), 0.97, "") // the places are free again
			}
		})
	}
}

// TestCrowd: running out of what was left after waiting does not shut out a
// classifier that answers.
func TestCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newWorld(t, Options{}, after(140*time.Millisecond, say(`{"score":0.97}`)))
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() { x.score(text(i)) })
		}
		all.Wait()
		want(t, x.score(text(200)), 0.97, "")
	})
}

// TestBreaker: a classifier that fails five times in a row costs nothing for five
// seconds, then one request finds out whether it is back.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newWorld(t, Options{}, after(time.Hour, nil))
		n := 0
		asks := func(asked int, value float64, says string) {
			t.Helper()
			before := len(x.requests())
			n++
			want(t, x.score(text(n)), value, says)
			if got := len(x.requests()) - before; got != asked {
				t.Errorf("asked %d times, want %d", got, asked)
			}
		}
		for range mostInRow {
			asks(1, 0, "no answer")
		}
		begun := time.Now()
		asks(0, 0, "left alone for 5s after 5 failures in a row, the last: no answer within 300ms")
		time.Sleep(leftAlone - 1)
		asks(0, 0, "left alone")
		if took := time.Since(begun); took != leftAlone-1 {
			t.Errorf("being left alone took %v", took)
		}
		time.Sleep(1)

		var all sync.WaitGroup
		before := len(x.requests())
		for i := range 10 {
			all.Go(func() { x.score(text(100 + i)) })
		}
		all.Wait()
		if got := len(x.requests()) - before; got != 1 {
			t.Errorf("%d probes at once", got)
		}
		asks(0, 0, "after 6 failures")

		time.Sleep(leftAlone)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		want(t, x.c.Score(ctx, attack, "result"), 0, "the call ended") // a probe that finds out nothing
		x.turn(say(`{"score":0.97}`))
		asks(1, 0.97, "")
		x.turn(status(500))
		for range mostInRow - 1 {
			asks(1, 0, "answers 500")
		}
		x.turn(say(`{"score":0.97}`))
		asks(1, 0.97, "") // the row begins anew
		x.turn(status(500))
		for range mostInRow {
			asks(1, 0, "answers 500")
		}
		asks(0, 0, "left alone")
	})
}

// TestShutWhileWaiting: who waits for a place when the classifier is given up does
// not ask either.
func TestShutWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newWorld(t, Options{Concurrent: 1}, after(10*time.Millisecond, status(500)))
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() { x.score(text(i)) })
		}
		all.Wait()
		if n := len(x.requests()); n != mostInRow {
			t.Errorf("%d requests", n)
		}
	})
}

// TestCancelled: a call that ends waits no longer, and does not count against the
// classifier, be it in the queue or half way through an answer.
func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newWorld(t, Options{Concurrent: 1}, after(250*time.Millisecond, say(`{"score":0.97}`)))
		for i := range 2 * mostInRow {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(200*time.Millisecond, cancel)
			begun := time.Now()
			want(t, x.c.Score(ctx, text(i), "result"), 0, "the call ended")
			if took := time.Since(begun); took != 200*time.Millisecond {
				t.Errorf("it took %v", took)
			}
		}
		want(t, x.score(attack), 0.97, "")
		go x.score(text(100))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		want(t, x.c.Score(ctx, text(101), "result"), 0, "the call ended")
		time.Sleep(time.Second)
	})
}

// TestConnections: as many are kept as there are places, and one that the server
// has closed costs no failure.
func TestConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newWorld(t, Options{}, after(10*time.Millisecond, say(`{"score":0.97}`)))
		for round := range 3 {
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() { want(t, x.score(text(10*round+i)), 0.97, "") })
			}
			all.Wait()
		}
		if n := x.dials.Load(); n != 8 {
			t.Errorf("%d connections", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		n := 0
		x := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
			if n++; n == 2 {
				raw("")(w, r)
				return
			}
			say(`{"score":0.97}`)(w, r)
		})
		want(t, x.score(text(1)), 0.97, "")
		want(t, x.score(text(2)), 0.97, "")
		if d := x.dials.Load(); d != 2 || n != 3 {
			t.Errorf("%d connections, %d requests", d, n)
		}
	})
}

// TestNoProxy: texts go where the policy says, whatever the environment says.
func TestNoProxy(t *testing.T) {
	var dialed string
	c, err := newHTTP(Options{URL: "https://classifier.example.com/"}, func(_ context.Context, _, address string) (net.Conn, error) {
		dialed = address
		return nil, errors.New("not today")
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Score(t.Context(), attack, "result")
	if dialed != "classifier.example.com:443" {
		t.Errorf("dialed %s", dialed)
	}
}

// TestOverTCP goes over real connections: an answer, a port that is closed, and a
// certificate that nobody vouches for.
func TestOverTCP(t *testing.T) {
	patient := func(url string) *HTTP {
		c, err := New(Options{URL: url, Timeout: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.client.CloseIdleConnections)
		return c
	}
	s := httptest.NewServer(say(`{"score":0.97}`))
	want(t, patient(s.URL).Score(t.Context(), attack, "result"), 0.97, "")
	s.Close()
	want(t, patient(s.URL).Score(t.Context(), attack, "result"), 0, "cannot be reached: connection refused")

	s = httptest.NewUnstartedServer(say(`{"score":0.97}`))
	s.Config.ErrorLog = quiet
	s.StartTLS()
	defer s.Close()
	want(t, patient(s.URL).Score(t.Context(), attack, "result"), 0, "certificate is not accepted")
}

// FuzzAnswer: whatever a server says, a score is a number from 0 to 1, and that
// which encoding/json reads.
func FuzzAnswer(f *testing.F) {
	for _, b := range []string{`{"score":0.97}`, `[{"score":0.97,"label":"INJECTION"},{"score":0.03,"label":"SAFE"}]`, `[[{"score":1,"label":"INJECTION"}]]`,
		`{"Score":1}`, `{"score":-0}`, `{"score":1e-400}`, `[{"score":0.6,"label":"INJECTION"},{"score":0.6,"label":"LABEL_1"}]`} {
		f.Add([]byte(b))
	}
	tei, _ := newFormat("tei", []string{"INJECTION"})
	f.Fuzz(func(t *testing.T, body []byte) {
		if v, err := plainValue(body); err == nil {
			var is struct{ Score float64 }
			d := json.NewDecoder(bytes.NewReader(body))
			d.DisallowUnknownFields()
			if err := d.Decode(&is); err != nil || is.Score != v || !(v >= 0 && v <= 1) {
				t.Errorf("%q: %v, but %v %v", body, v, is, err)
			}
		}
		if v, err := tei.value(body); err == nil {
			var one []struct {
				Score float64
				Label string
			}
			if json.Unmarshal(body, &one) != nil {
				more := [][]struct {
					Score float64
					Label string
				}{}
				if err := json.Unmarshal(body, &more); err != nil || len(more) != 1 {
					t.Fatalf("%q: %v", body, err)
				}
				one = more[0]
			}
			for _, p := range one {
				if p.Label == "INJECTION" && p.Score != v {
					t.Errorf("%q: %v", body, v)
				}
			}
			if !(v >= 0 && v <= 1) {
				t.Errorf("%q: %v", body, v)
			}
		}
	})
}

func BenchmarkScore(b *testing.B) {
	s := httptest.NewServer(say(`{"score":0.97}`))
	defer s.Close()
	for _, n := range []int{100, 16 << 10, 1 << 20} {
		c, err := New(Options{URL: s.URL, Timeout: time.Minute})
		if err != nil {
			b.Fatal(err)
		}
		body := strings.Repeat("x", n)
		b.Run(fmt.Sprintf("remembered/%d", n), func(b *testing.B) {
			for b.Loop() {
				c.Score(b.Context(), body, "result")
			}
		})
		i := 0
		b.Run(fmt.Sprintf("asked/%d", n), func(b *testing.B) {
			for b.Loop() {
				i++
				if s := c.Score(b.Context(), fmt.Sprint(i)+body, "result"); s.Failed {
					b.Fatal(s)
				}
			}
		})
	}
}
