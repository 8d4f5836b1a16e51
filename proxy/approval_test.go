package proxy_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/policy"
	"sallyport/proxy/approval"
	"sallyport/proxy/approval/seal"
)

const askPolicy = `
server "fs" {
  sandbox "none" {}
  tool "read" { risk = "read" }
  tool "drop" { risk = "delete" }
}
role "r" { allow = ["fs/*"] }
`

const askAnswers = `
initialize {"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}
tools/list {"resultType":"complete","tools":[{"name":"read"},{"name":"drop"}]}
tools/call {"resultType":"complete","content":[]}
`

const greeting = `{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"elicitation":{}},"clientInfo":{"name":"c","version":"1"}}}` + "\n"

func asking(t *testing.T, c config) *session {
	c.policy, c.answers = askPolicy, map[string]string{"fs": askAnswers}
	return newSession(t, c)
}

func drop(id, more string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"drop","arguments":{"path":"/x"}%s}}`+"\n", id, more)
}

func modern(id, more string) string {
	return drop(id, `,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}`+more)
}

func accept(state string) string {
	return `,"requestState":"` + state + `","inputResponses":{"sallyport/approval":{"action":"accept"}}`
}

// calls counts the tools/call that a server has heard.
func calls(f *fake) (n int) {
	for _, line := range f.heard() {
		if strings.Contains(line, `"tools/call"`) {
			n++
		}
	}
	return n
}

// one is the single line that the client has heard, decoded.
func one(t *testing.T, x *session) (m struct {
	ID     json.RawMessage
	Result struct {
		ResultType, RequestState string
		IsError                  bool
		Meta                     struct {
			Refusal struct{ Code string } `json:"sallyport/refusal"`
		} `json:"_meta"`
	}
}) {
	t.Helper()
	lines := x.client.heard()
	if len(lines) != 1 {
		t.Fatalf("the client heard %q", lines)
	}
	if err := json.Unmarshal([]byte(lines[0]), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestSameCallTwice has two equal calls wait at once: one question is put, its
// answer is for one of them, and the other gets a question of its own.
func TestSameCallTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := asking(t, config{open: []string{approval.CommandLine}})
		x.client.say(drop("1", "") + drop("2", ""))
		for want := 1; want <= 2; want++ {
			synctest.Wait()
			waiting := x.desk.Board().Waiting
			if len(waiting) != 1 {
				t.Fatalf("%d questions wait before answer %d, want 1", len(waiting), want)
			}
			if err := x.desk.Answer(waiting[0].ID, yes()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if n := calls(x.fake("fs")); n != 1 {
				t.Errorf("answer %d let %d calls through, want 1", want, n)
			}
		}
		if n := len(x.client.heard()); n != 2 {
			t.Errorf("the client heard %d answers, want 2", n)
		}
		x.end()
	})
}

// TestAnotherPrincipal: a state is good for him alone who was given it, though
// both speak to the same keys in the same role.
func TestAnotherPrincipal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys, _ := seal.New()
		spent := seal.NewSpent()
		alice := asking(t, config{keys: keys, spent: spent})
		mallory := asking(t, config{keys: keys, spent: spent, principal: "mallory"})
		alice.client.say(modern("1", ""))
		synctest.Wait()
		state := one(t, alice).Result.RequestState
		mallory.client.say(modern("1", accept(state)))
		synctest.Wait()
		if code := one(t, mallory).Result.Meta.Refusal.Code; code != "approval_mismatch" {
			t.Errorf("another principal's state: %q", code)
		}
		alice.client.say(modern("2", accept(state)))
		synctest.Wait()
		if m := one(t, alice); m.Result.IsError || calls(alice.fake("fs")) != 1 || calls(mallory.fake("fs")) != 0 {
			t.Errorf("the state's own principal: %+v", m)
		}
		alice.end()
		mallory.end()
	})
}

// TestReplicas: what one replica has asked another one takes, once.
func TestReplicas(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spent")
	synctest.Test(t, func(t *testing.T) {
		keys, _ := seal.New()
		open := func() *seal.Spent {
			s, err := seal.OpenSpent(dir)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		a, b := asking(t, config{keys: keys, spent: open()}), asking(t, config{keys: keys, spent: open()})
		a.client.say(modern("1", ""))
		synctest.Wait()
		state := one(t, a).Result.RequestState
		b.client.say(modern("1", accept(state)))
		synctest.Wait()
		if m := one(t, b); m.Result.IsError || calls(b.fake("fs")) != 1 {
			t.Errorf("at the other replica: %+v", m)
		}
		a.client.say(modern("2", accept(state)))
		synctest.Wait()
		if code := one(t, a).Result.Meta.Refusal.Code; code != "approval_replayed" || calls(a.fake("fs")) != 0 {
			t.Errorf("again at the first: %q", code)
		}
		a.end()
		b.end()
	})
}

// TestLastLook changes the policy after a person has approved and before the call
// is sent, while its decision is being written: the call must not go out.
func TestLastLook(t *testing.T) {
	for _, change := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var armed atomic.Bool
			var x *session
			next, err := policy.Parse([]byte(askPolicy+"\n# another policy\n"), "policy.hcl")
			if err != nil {
				t.Fatal(err)
			}
			x = asking(t, config{open: []string{approval.CommandLine}, onRecord: func() {
				if armed.CompareAndSwap(true, false) && change {
					if err := x.proxy.Reload(next); err != nil {
						t.Error(err)
					}
				}
			}})
			x.client.say(drop("1", ""))
			synctest.Wait()
			armed.Store(true)
			if err := x.desk.Answer(x.desk.Board().Waiting[0].ID, yes()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			m := one(t, x)
			if got := calls(x.fake("fs")); change && (got != 0 || m.Result.Meta.Refusal.Code != "approval_void") || !change && got != 1 {
				t.Errorf("policy changed %v: the server heard %d calls, the client %+v", change, got, m)
			}
			if armed.Load() {
				t.Error("nothing was recorded after the answer")
			}
			x.end()
		})
	}
}

// TestManyQuestions has a hundred calls wait for people while others go on; then
// all are answered, each once.
func TestManyQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := asking(t, config{open: []string{approval.CommandLine}, quiet: true})
		x.client.say(greeting)
		synctest.Wait()
		x.client.heard()
		for i := range 100 {
			x.client.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"drop","arguments":{"n":%d}}}`+"\n", i, i))
		}
		synctest.Wait()
		if n := len(x.client.heard()); n != 100 {
			t.Fatalf("%d forms were shown, want 100", n)
		}
		began := time.Now()
		for i := range 300 {
			x.client.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":"r%d","method":"tools/call","params":{"name":"read","arguments":{}}}`+"\n", i))
		}
		synctest.Wait()
		if n := len(x.client.heard()); n != 300 || time.Since(began) > 0 {
			t.Errorf("%d of 300 other calls were answered, after %s", n, time.Since(began))
		}
		x.client.say(drop(`"one too many"`, ""))
		synctest.Wait()
		if code := one(t, x).Result.Meta.Refusal.Code; code != "approval_desk_full" {
			t.Errorf("the question above the bound: %q", code)
		}
		for _, w := range x.desk.Board().Waiting {
			if err := x.desk.Answer(w.ID, yes()); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		answers := 0
		for _, line := range x.client.heard() {
			if strings.Contains(line, `"result"`) {
				answers++
			}
		}
		if answers != 100 {
			t.Errorf("%d of 100 calls were answered", answers)
		}
		x.end()
	})
}

// TestUnrecordedQuestion: what cannot be written down is not asked, and an answer
// that cannot be is none.
func TestUnrecordedQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := asking(t, config{open: []string{approval.CommandLine}})
		x.client.say(drop("1", ""))
		synctest.Wait()
		x.log.Close()
		x.logGone = true
		if err := x.desk.Answer(x.desk.Board().Waiting[0].ID, yes()); err == nil {
			t.Error("an answer counted that is not on record")
		}
		x.client.say(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"drop","arguments":{"n":2}}}` + "\n")
		synctest.Wait()
		if code := one(t, x).Result.Meta.Refusal.Code; code != "audit_failed" {
			t.Errorf("a question that cannot be recorded: %q", code)
		}
		if len(x.desk.Board().Waiting) != 1 || calls(x.fake("fs")) != 0 {
			t.Error("something was asked, or sent, all the same")
		}
		x.end()
	})
}

func yes() approval.Answer {
	return approval.Answer{Word: approval.Approve, Channel: approval.CommandLine, Approver: "owner"}
}

// TestNoDesk: a proxy that was given no desk asks nobody, and so refuses.
func TestNoDesk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := asking(t, config{deskless: true})
		x.client.say(greeting)
		synctest.Wait()
		x.client.heard()
		x.client.say(drop("1", ""))
		synctest.Wait()
		if code := one(t, x).Result.Meta.Refusal.Code; code != "needs_person" || calls(x.fake("fs")) != 0 {
			t.Errorf("%q", code)
		}
		x.end()
	})
}
