package proxy_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/proxy/upstream"
)

const onePolicy = `
server "fs" {
  sandbox "none" {}
  tool "read" { risk = "read" }
  tool "write" { risk = "modify" }
}
role "r" {
  allow   = ["fs/*"]
  methods = ["fs/vendor/*"]
  prompts { allow = ["fs/*"] }
  resources { allow = ["fs/**"] }
}
`

const oneAnswers = `
tools/list {"tools":[{"name":"read"},{"name":"write"}]}
tools/call {"content":[]}
prompts/get {"messages":[]}
resources/read {"contents":[]}
resources/list {"resources":[]}
initialize {"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"s","version":"1"}}
vendor/x {}
ping {}
`

// TestDecisionOnDiskFirst reads the log at the moment at which the server
// receives a request: the decision that allowed exactly these arguments must
// stand there, and for a call above tier read also that it is being sent.
func TestDecisionOnDiskFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var x *session
		var mu sync.Mutex
		requests := 0
		ready := make(chan struct{})
		x = newSession(t, config{policy: onePolicy, answers: map[string]string{"fs": oneAnswers}, onCall: func(_ string, line []byte) {
			<-ready
			var m struct {
				ID     json.RawMessage
				Method string
				Params json.RawMessage
			}
			if err := json.Unmarshal(line, &m); err != nil {
				t.Errorf("the server heard %q: %v", line, err)
			}
			if m.ID == nil {
				return
			}
			mu.Lock()
			requests++
			mu.Unlock()
			args := m.Params
			if m.Method == "tools/call" || m.Method == "prompts/get" {
				var p struct{ Arguments json.RawMessage }
				json.Unmarshal(m.Params, &p)
				args = p.Arguments
			}
			checkDecided(t, x.logFile, m.Method, args)
		}})
		close(ready)
		for i, what := range []string{
			`"initialize","params":{"protocolVersion":"2025-06-18","clientInfo":{"name":"c"}}`,
			`"ping"`,
			`"tools/list"`,
			`"tools/call","params":{"name":"read","arguments":{"a":1}}`,
			`"tools/call","params":{"name":"read"}`,
			`"tools/call","params":{"name":"write","arguments":{"a":2}}`,
			`"prompts/get","params":{"name":"p","arguments":{"x":"y"}}`,
			`"resources/read","params":{"uri":"file:///x"}`,
			`"resources/list"`,
			`"vendor/x","params":{"y":[1]}`,
		} {
			x.client.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%s}`, i, what))
		}
		synctest.Wait()
		if requests < 10 {
			t.Errorf("the server heard %d requests, want 10 and perhaps a list", requests)
		}
		x.end()
	})
}

func checkDecided(t *testing.T, logFile, method string, args []byte) {
	log, err := os.ReadFile(logFile)
	if err != nil {
		t.Error(err)
		return
	}
	digest := sha256.Sum256(args)
	want := hex.EncodeToString(digest[:])
	if len(args) == 0 {
		want = ""
	}
	decided, risk, sent := false, "", false
	for line := range strings.Lines(string(log)) {
		if !strings.HasSuffix(line, "\n") {
			break // another request's, being written as we read: ours is whole, or it is missed below
		}
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Errorf("log: %v", err)
		}
		if e.Method != method || e.Digest != want {
			continue
		}
		switch e.Type {
		case "decision":
			decided, risk = e.Verdict == "allow", e.Risk
		case "tool_call":
			sent = true
		}
	}
	switch {
	case !decided:
		t.Errorf("the server heard %s with %s, and the log has no decision", method, args)
	case risk != "read" && !sent:
		t.Errorf("the server heard %s of tier %s, and the log does not say that it was sent", method, risk)
	}
}

// TestManyAtOnce sends more requests at once than are worked on: each is
// answered exactly once, those above the bound with a refusal, and the session
// goes on.
func TestManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The list is never answered, so that all calls wait.
		x := newSession(t, config{policy: onePolicy, answers: map[string]string{"fs": "ping {}"}})
		var all strings.Builder
		for i := range 2000 {
			fmt.Fprintf(&all, `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"read","arguments":{}}}`+"\n", i)
		}
		x.client.say(all.String())
		synctest.Wait()
		refused := x.client.heard()
		if len(refused) != 2000-1024 {
			t.Errorf("%d were refused at once, want %d", len(refused), 2000-1024)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		seen := map[string]int{}
		for _, line := range append(refused, x.client.heard()...) {
			var m struct{ ID json.RawMessage }
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatalf("not JSON: %q", line)
			}
			seen[string(m.ID)]++
		}
		for i := range 2000 {
			if n := seen[fmt.Sprint(i)]; n != 1 {
				t.Errorf("request %d was answered %d times", i, n)
			}
		}
		x.client.say(`{"jsonrpc":"2.0","id":"after","method":"ping"}`)
		synctest.Wait()
		if got := x.client.heard(); len(got) != 1 || !strings.Contains(got[0], `"after","result"`) {
			t.Errorf("after that: %q", got)
		}
		x.end()
	})
}

// TestOrderOfMany sends a mixture in a single write; the server must hear it in
// that order.
func TestOrderOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newSession(t, config{policy: onePolicy, answers: map[string]string{"fs": oneAnswers}})
		var all strings.Builder
		var want []string
		for i := range 800 {
			n := fmt.Sprintf(`"n":%d`, i)
			switch i % 5 {
			case 0:
				fmt.Fprintf(&all, `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"read","arguments":{%s}}}`+"\n", i, n)
			case 1:
				fmt.Fprintf(&all, `{"jsonrpc":"2.0","method":"notifications/roots/list_changed","params":{%s}}`+"\n", n)
			case 2:
				fmt.Fprintf(&all, `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"none","arguments":{%s}}}`+"\n", i, n)
				continue // refused: the server does not hear of it
			case 3:
				fmt.Fprintf(&all, `{"jsonrpc":"2.0","id":%d,"method":"ping","params":{%s}}`+"\n", i, n)
			case 4:
				fmt.Fprintf(&all, `{"jsonrpc":"2.0","id":%d,"method":"resources/read","params":{"uri":"x:y",%s}}`+"\n", i, n)
			}
			want = append(want, n)
		}
		x.client.say(all.String())
		synctest.Wait()
		var got []string
		for _, line := range x.fake("fs").heard() {
			if i := strings.Index(line, `"n":`); i >= 0 {
				got = append(got, strings.TrimRight(line[i:], "}"))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("the server heard %d in another order: %v …", len(got), got[:min(len(got), 20)])
		}
		x.end()
	})
}

// TestBatchOfMany gathers the answers to a batch into one array, whatever order
// they come in.
func TestBatchOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := strings.ReplaceAll(oneAnswers, "2025-06-18", "2025-03-26")
		x := newSession(t, config{policy: onePolicy, answers: map[string]string{"fs": answers}})
		x.client.say(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}`)
		synctest.Wait()
		x.client.heard()
		x.client.say(`[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/initialized"},` +
			`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"none","arguments":{}}},{"jsonrpc":"2.0","id":2,"method":"ping"},` +
			`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"read","arguments":{}}},{"jsonrpc":"2.0","id":9,"result":{}},{}]`)
		synctest.Wait()
		got := x.client.heard()
		if len(got) != 1 {
			t.Fatalf("the batch has %d answers: %q", len(got), got)
		}
		var list []struct {
			ID    json.RawMessage
			Error *struct{ Data struct{ Code string } }
		}
		if err := json.Unmarshal([]byte(got[0]), &list); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, a := range list {
			id := string(a.ID)
			if a.Error != nil {
				id += " " + a.Error.Data.Code
			}
			ids = append(ids, id)
		}
		slices.Sort(ids)
		if want := []string{"1", "2", "2 malformed", "3", "null malformed"}; !slices.Equal(ids, want) {
			t.Errorf("answers to %q, want %q", ids, want)
		}
		// However soon the first is answered, its id is taken until all are.
		const many = 100
		one := `{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"none","arguments":{}}}`
		x.client.say("[" + strings.Repeat(one+",", many-1) + one + "]")
		synctest.Wait()
		all := strings.Join(x.client.heard(), "")
		if n, refused := strings.Count(all, `"id":4`), strings.Count(all, underWay); n != many || refused != many-1 {
			t.Errorf("of %d answers %d say that the id is taken: %.300s", n, refused, all)
		}
		x.end()
	})
}

const underWay = "a request with this id is still under way"

// TestAnswerMeetsTimeout lets answers come at the very moment at which the call
// times out, or at which a late one is given up: whoever wins, each call is
// answered at most once and what the server says afterwards still gets through.
func TestAnswerMeetsTimeout(t *testing.T) {
	const policy = `
server "fs" {
  sandbox "none" {}
  tool "*" { risk = "read" }
}
role "r" {
  allow = ["fs/*"]
  limits { timeout = "10s" }
}
`
	for _, late := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			x := newSession(t, config{policy: policy, answers: map[string]string{"fs": `tools/list {"tools":[{"name":"a"}]}`}})
			x.client.say(`{"jsonrpc":"2.0","id":"l","method":"tools/list"}`)
			synctest.Wait()
			for i := range 200 {
				x.client.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"a","arguments":{}}}`, i))
				synctest.Wait()
				patience := 10 * time.Second
				if late {
					x.client.say(fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%d}}`, i))
					synctest.Wait()
					patience = 2 * time.Second
				}
				x.client.heard()
				time.Sleep(patience)
				x.fake("fs").say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":{}}`+"\n"+`{"jsonrpc":"2.0","method":"notifications/message","params":{"n":%d}}`, i+2, i))
				synctest.Wait()
				answers, notes := 0, 0
				for _, line := range x.client.heard() {
					if strings.Contains(line, "notifications/message") {
						notes++
					} else {
						answers++
					}
				}
				if notes != 1 || answers > 1 || answers == 0 && !late {
					t.Fatalf("round %d: %d answers and %d notifications reached the client", i, answers, notes)
				}
			}
			x.end()
		})
	}
}

// pace is a back-off of doubling waits, as a launcher's may be.
type pace struct{ next time.Duration }

func (p *pace) Lived(d time.Duration) {
	if d >= time.Minute {
		p.next = 0
	}
}

func (p *pace) Next() time.Duration {
	p.next = min(max(2*p.next, time.Second), 30*time.Second)
	return p.next
}

// TestCrashLoop lets a server die over and over: it is started again ever more
// slowly, and at once once it has lived for a while.
func TestCrashLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newSession(t, config{policy: onePolicy, answers: map[string]string{"fs": oneAnswers},
			backoff: func() upstream.Backoff { return new(pace) }})
		f := x.fake("fs")
		synctest.Wait()
		for range 600 {
			if f.alive() {
				f.exit("crashed")
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if n := f.started(); n < 20 || n > 30 {
			t.Errorf("%d starts within ten minutes of crashing at once", n)
		}
		for !f.alive() {
			time.Sleep(time.Second)
		}
		time.Sleep(2 * time.Minute)
		before := f.started()
		f.exit("crashed")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if f.started() != before+1 {
			t.Error("a server that had lived for two minutes was not started again after a second")
		}
		x.end()
	})
}

// TestStoppedWhileItWaits ends the session while a server waits to be started
// again, and while it is being greeted again.
func TestStoppedWhileItWaits(t *testing.T) {
	for _, wait := range []time.Duration{0, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			x := newSession(t, config{policy: onePolicy, answers: map[string]string{"fs": oneAnswers}})
			x.client.say(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}`)
			synctest.Wait()
			x.fake("fs").forget("initialize ")
			x.fake("fs").exit("crashed")
			time.Sleep(wait)
			synctest.Wait()
			x.end()
		})
	}
}

// TestSignal ends a session as a signal does, with a call under way and a client
// that neither speaks nor closes.
func TestSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newSession(t, config{policy: onePolicy})
		x.client.say(`{"jsonrpc":"2.0","id":1,"method":"ping"}`)
		synctest.Wait()
		began := time.Now()
		x.stop()
		if err := <-x.served; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("the session ended after %v", took)
		}
		x.served <- nil
		x.end()
	})
}

// TestClientDoesNotRead ends a session whose client has stopped reading in the
// middle of a flood, of answers or of notifications: nothing may wait for it
// without end.
func TestClientDoesNotRead(t *testing.T) {
	big := strings.Repeat("x", 1<<16)
	for name, flood := range map[string]func(x *session){
		"answers": func(x *session) {
			for i := range 50 {
				x.client.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"ping"}`, i))
			}
		},
		"notifications": func(x *session) {
			go func() {
				for range 100 {
					x.fake("fs").say(`{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"` + big + `"}}`)
				}
			}()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				defer theirs.Close()
				x := newSession(t, config{policy: onePolicy, answers: map[string]string{"fs": `ping {"x":"` + big + `"}`}, out: ours})
				synctest.Wait()
				flood(x)
				synctest.Wait()
				began := time.Now()
				x.stop()
				<-x.served
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("the session ended after %v", took)
				}
				x.served <- nil
				x.end()
			})
		})
	}
}

// TestFloodOfQuestions lets a server ask the client without end: a bounded
// number reaches it, the rest is answered in its place, and other things go on.
func TestFloodOfQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newSession(t, config{policy: onePolicy, answers: map[string]string{"fs": oneAnswers}})
		synctest.Wait()
		for i := range 1000 {
			x.fake("fs").say(fmt.Sprintf(`{"jsonrpc":"2.0","id":"q%d","method":"sampling/createMessage","params":{}}`, i))
		}
		synctest.Wait()
		if n := len(x.client.heard()); n != 256 {
			t.Errorf("the client was asked %d times, want 256", n)
		}
		if n := len(x.fake("fs").heard()); n != 1000-256 {
			t.Errorf("the server was refused %d times, want %d", n, 1000-256)
		}
		x.client.say(`{"jsonrpc":"2.0","id":1,"result":{}}`)
		synctest.Wait()
		x.fake("fs").say(`{"jsonrpc":"2.0","id":"more","method":"roots/list"}`)
		x.client.say(`{"jsonrpc":"2.0","id":"p","method":"ping"}`)
		synctest.Wait()
		if got := x.client.heard(); len(got) != 2 {
			t.Errorf("after one answer the client heard %q", got)
		}
		strays, asks := 0, 0
		for _, e := range x.events() {
			switch e.Code {
			case "upstream_stray":
				strays++
			case "server_asks":
				asks++
			}
		}
		if strays == 0 || strays > 100 || asks != 257 {
			t.Errorf("the log has %d records of the flood, and %d of what was asked", strays, asks)
		}
		x.end()
	})
}

// TestFloodOfNotifications passes all of them on, in order and before the answer
// that they lead to.
func TestFloodOfNotifications(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newSession(t, config{policy: onePolicy})
		x.client.say(`{"jsonrpc":"2.0","id":1,"method":"ping"}`)
		synctest.Wait()
		for i := range 5000 {
			x.fake("fs").say(fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/message","params":{"data":%d}}`, i))
		}
		x.fake("fs").say(`{"jsonrpc":"2.0","id":1,"result":{}}`)
		synctest.Wait()
		got := x.client.heard()
		if len(got) != 5001 || !strings.Contains(got[4999], `"data":4999`) || !strings.Contains(got[5000], `"result"`) {
			t.Errorf("%d lines reached the client, and not in order", len(got))
		}
		x.end()
	})
}

// TestSilentServerHoldsNobodyUp calls a server that does not list its tools, and
// then another one.
func TestSilentServerHoldsNobodyUp(t *testing.T) {
	const policy = `
server "mute" {
  sandbox "none" {}
  tool "*" { risk = "read" }
}
server "quick" {
  sandbox "none" {}
  tool "*" { risk = "read" }
}
role "r" { allow = ["*/*"] }
`
	synctest.Test(t, func(t *testing.T) {
		x := newSession(t, config{policy: policy, answers: map[string]string{"quick": "tools/list {\"tools\":[{\"name\":\"a\"}]}\ntools/call {}"}})
		x.client.say(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"mute__a","arguments":{}}}` + "\n" +
			`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"quick__a","arguments":{}}}`)
		synctest.Wait()
		if got := x.client.heard(); len(got) != 1 || got[0] != `{"jsonrpc":"2.0","id":2,"result":{}}` {
			t.Errorf("while a server is silent the client heard %q", got)
		}
		x.end()
	})
}

// TestOrderBehindAll has a call follow a request that goes to all servers: its
// server must hear the two in that order.
func TestOrderBehindAll(t *testing.T) {
	const policy = `
server "a" {
  sandbox "none" {}
  tool "*" { risk = "read" }
}
server "b" {
  sandbox "none" {}
  tool "*" { risk = "read" }
}
role "r" { allow = ["*/*"] }
`
	synctest.Test(t, func(t *testing.T) {
		answers := "tools/list {\"tools\":[{\"name\":\"x\"}]}\ntools/call {}\nlogging/setLevel {}"
		x := newSession(t, config{policy: policy, answers: map[string]string{"a": answers, "b": answers}})
		x.client.say(`{"jsonrpc":"2.0","id":"l","method":"tools/list"}`)
		synctest.Wait()
		for i := range 200 {
			x.fake("a").heard()
			x.client.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"logging/setLevel","params":{}}`+"\n"+
				`{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"a__x","arguments":{}}}`, i))
			synctest.Wait()
			if got := x.fake("a").heard(); len(got) != 2 || !strings.Contains(got[0], "setLevel") {
				t.Fatalf("round %d: a heard %q", i, got)
			}
		}
		x.end()
	})
}
