package approval_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/proxy/approval"
	"sallyport/proxy/approval/seal"
)

// newDesk opens a desk, and a question about a call under the given terms.
func newDesk(t *testing.T, terms string) (*approval.Desk, approval.Subject) {
	t.Helper()
	p, err := policy.Parse([]byte(`
server "fs" {
  sandbox "none" {}
  tool "drop" { risk = "delete" }
}
role "r" { allow = ["fs/*"] }
approval {
  web {
    listen = "127.0.0.1:0"
    approver "alice" { token = secret_env("A") }
    approver "bob" { token = secret_env("B") }
  }
  via = ["command_line", "web"]
`+terms+"}\n"), "policy.hcl")
	if err != nil {
		t.Fatal(err)
	}
	log, err := audit.Open(filepath.Join(t.TempDir(), "log"), audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	keys, err := seal.New()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	d := approval.New(approval.Options{Log: log, Waiting: 10, Keys: keys, Spent: seal.NewSpent(), Owner: "owner",
		NewID: func() string { n++; return fmt.Sprintf("q%d", n) }})
	decision := p.Decide(policy.Call{Role: "r", Server: "fs", Kind: policy.ToolCall, Name: "drop", Tool: &policy.ToolFacts{}})
	if !decision.NeedsPerson() {
		t.Fatalf("the policy says %s", decision.Code())
	}
	key := approval.Key{Principal: "alice", Role: "r", Server: "fs", Method: "tools/call", Tool: "drop", Policy: "p", Arguments: [32]byte{1}, Definition: [32]byte{2}}
	return d, approval.Subject{Key: key, Decision: decision, Params: []byte(`{"path":"/x"}`)}
}

func put(t *testing.T, d *approval.Desk, s approval.Subject) string {
	t.Helper()
	w, err := d.Put(s)
	if err != nil {
		t.Fatal(err)
	}
	return w.ID
}

func approve(t *testing.T, d *approval.Desk, id string, a approval.Answer) {
	t.Helper()
	a.Word = approval.Approve
	if a.Channel == "" {
		a.Channel = approval.CommandLine
	}
	if err := d.Answer(id, a); err != nil {
		t.Fatal(err)
	}
}

// TestSpend: a grant is good once, for exactly its call, within its life, while
// it is not revoked.
func TestSpend(t *testing.T) {
	changed := func(change func(*approval.Key)) func(*approval.Desk, approval.Key) approval.Key {
		return func(_ *approval.Desk, k approval.Key) approval.Key { change(&k); return k }
	}
	for _, tt := range []struct {
		why  string
		then func(*approval.Desk, approval.Key) approval.Key // what happens after it was taken
		want string
	}{
		{"nothing", changed(func(*approval.Key) {}), ""},
		{"other arguments", changed(func(k *approval.Key) { k.Arguments[0]++ }), "the arguments changed"},
		{"another definition", changed(func(k *approval.Key) { k.Definition[0]++ }), "the tool's definition changed"},
		{"another policy", changed(func(k *approval.Key) { k.Policy = "q" }), "the policy changed"},
		{"another caller", changed(func(k *approval.Key) { k.Principal = "bob" }), "the caller changed"},
		{"another role", changed(func(k *approval.Key) { k.Role = "admin" }), "the caller changed"},
		{"another server", changed(func(k *approval.Key) { k.Server = "x" }), "the call changed"},
		{"another tool", changed(func(k *approval.Key) { k.Tool = "x" }), "the call changed"},
		{"another method", changed(func(k *approval.Key) { k.Method = "x" }), "the call changed"},
		{"another rule asks", changed(func(k *approval.Key) { k.Asker = "x" }), "the call changed"},
		{"its life is over", func(_ *approval.Desk, k approval.Key) approval.Key { time.Sleep(121 * time.Second); return k }, "has run out"},
		{"it was revoked", func(d *approval.Desk, k approval.Key) approval.Key {
			if err := d.Revoke("q1", "owner", approval.CommandLine); err != nil {
				t.Error(err)
			}
			return k
		}, "has run out"},
	} {
		synctest.Test(t, func(t *testing.T) {
			d, s := newDesk(t, "")
			approve(t, d, put(t, d, s), approval.Answer{Approver: "owner"})
			g := d.Take(s)
			now := tt.then(d, s.Key)
			err := g.Spend(now)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%s: %v, want %q", tt.why, err, tt.want)
			}
			if again := g.Spend(s.Key); again == nil {
				t.Errorf("%s: it was good a second time", tt.why)
			} else if tt.want == "" && !errors.Is(again, approval.ErrSpent) {
				t.Errorf("%s: a second time: %v", tt.why, again)
			}
		})
	}
}

// TestNoGrant: without a grant, or with one that nobody gave, nothing is sent.
func TestNoGrant(t *testing.T) {
	var none *approval.Grant
	if err := none.Spend(approval.Key{}); !errors.Is(err, approval.ErrNoGrant) {
		t.Errorf("no grant: %v", err)
	}
	if err := new(approval.Grant).Spend(approval.Key{}); !errors.Is(err, approval.ErrNoGrant) {
		t.Errorf("a zero grant: %v", err)
	}
	if _, err := none.Pass(nil); err == nil {
		t.Error("a server's state was sealed for a call that nobody approved")
	}
	none.Release()
	new(approval.Grant).Release()
	synctest.Test(t, func(t *testing.T) {
		d, s := newDesk(t, "")
		if d.Take(s) != nil {
			t.Error("there is a grant before anybody was asked")
		}
		approve(t, d, put(t, d, s), approval.Answer{Approver: "owner"})
		g := d.Take(s)
		if g == nil || d.Take(s) != nil {
			t.Error("one answer gave no grant, or two")
		}
		g.Release()
		if err := g.Spend(s.Key); !errors.Is(err, approval.ErrNotTaken) {
			t.Errorf("a grant that was given back: %v", err)
		}
		if d.Take(s) == nil {
			t.Error("a grant that was given back is lost")
		}
		g.Release()
		time.Sleep(121 * time.Second)
		if d.Take(s) != nil {
			t.Error("a grant outlives its life")
		}
	})
}

// TestRememberedRevoked: a wider approval that is revoked is no good to a call
// that has taken it already.
func TestRememberedRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := newDesk(t, `  remember = "10m"`+"\n")
		approve(t, d, put(t, d, s), approval.Answer{Approver: "owner", For: time.Minute})
		g := d.Take(s)
		if err := d.Revoke("q1", "owner", approval.CommandLine); err != nil {
			t.Fatal(err)
		}
		if err := g.Spend(s.Key); !errors.Is(err, approval.ErrRevoked) {
			t.Errorf("%v", err)
		}
		if err := d.Revoke("q1", "owner", approval.CommandLine); !errors.Is(err, approval.ErrGone) {
			t.Errorf("revoked twice: %v", err)
		}
	})
}

// TestWider: no channel can give more than the policy lets it, and two people
// give what the narrower of them gives.
func TestWider(t *testing.T) {
	for _, tt := range []struct {
		why, terms string
		a          approval.Answer
		want       error
	}{
		{"once", "", approval.Answer{}, nil},
		{"for a while where that is not offered", "", approval.Answer{For: time.Second}, approval.ErrWider},
		{"as long as is offered", `  remember = "10m"` + "\n", approval.Answer{For: 10 * time.Minute}, nil},
		{"longer", `  remember = "10m"` + "\n", approval.Answer{For: 10*time.Minute + 1}, approval.ErrWider},
		{"backwards", `  remember = "10m"` + "\n", approval.Answer{For: -1}, approval.ErrWider},
		{"any arguments where that is not offered", `  remember = "10m"` + "\n", approval.Answer{For: time.Minute, Any: true}, approval.ErrWider},
		{"any arguments", `  remember = "10m"` + "\n  widen = \"tool\"\n", approval.Answer{For: time.Minute, Any: true}, nil},
		{"any arguments, once", `  remember = "10m"` + "\n  widen = \"tool\"\n", approval.Answer{Any: true}, approval.ErrWider},
	} {
		synctest.Test(t, func(t *testing.T) {
			d, s := newDesk(t, tt.terms)
			tt.a.Word, tt.a.Channel, tt.a.Approver = approval.Approve, approval.CommandLine, "owner"
			if err := d.Answer(put(t, d, s), tt.a); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", tt.why, err, tt.want)
			}
		})
	}
	for _, tt := range []struct {
		why   string
		a, b  approval.Answer
		until time.Duration
		any   bool
	}{
		{"the shorter", approval.Answer{For: 5 * time.Minute}, approval.Answer{For: 2 * time.Minute}, 2 * time.Minute, false},
		{"in either order", approval.Answer{For: 2 * time.Minute}, approval.Answer{For: 5 * time.Minute}, 2 * time.Minute, false},
		{"once is the shortest", approval.Answer{For: 5 * time.Minute}, approval.Answer{}, 0, false},
		{"any arguments if both say so", approval.Answer{For: time.Minute, Any: true}, approval.Answer{For: time.Minute, Any: true}, time.Minute, true},
		{"not if one does", approval.Answer{For: time.Minute}, approval.Answer{For: time.Minute, Any: true}, time.Minute, false},
		{"nor the other", approval.Answer{For: time.Minute, Any: true}, approval.Answer{For: time.Minute}, time.Minute, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			d, s := newDesk(t, `  remember = "10m"`+"\n  widen = \"tool\"\n  quorum = 2\n")
			id := put(t, d, s)
			tt.a.Approver, tt.b.Approver, tt.a.Channel, tt.b.Channel = "alice", "bob", approval.Web, approval.Web
			approve(t, d, id, tt.a)
			if len(d.Board().Waiting) != 1 {
				t.Fatalf("%s: one of two was enough", tt.why)
			}
			approve(t, d, id, tt.b)
			all := d.Board().Remembered
			if tt.until == 0 {
				if len(all) != 0 || d.Take(s) == nil {
					t.Errorf("%s: %v is remembered", tt.why, all)
				}
				return
			}
			if len(all) != 1 || time.Until(all[0].Until) != tt.until || all[0].Any != tt.any {
				t.Errorf("%s: %+v", tt.why, all)
			}
		})
	}
}

// TestBoard: what can be seen of a desk, and that whoever watches is told.
func TestBoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := newDesk(t, `  remember = "10m"`+"\n")
		changed, stop := d.Watch()
		told := func() bool {
			select {
			case <-changed:
				return true
			default:
				return false
			}
		}
		first := put(t, d, s)
		if !told() || told() {
			t.Error("a new question is not told of, or twice")
		}
		approve(t, d, first, approval.Answer{Approver: "owner"})
		other := s
		other.Key.Arguments[0], other.Params = 9, []byte(`{"path":"/y"}`)
		time.Sleep(time.Second)
		second := put(t, d, other)
		b := d.Board()
		if len(b.Waiting) != 1 || b.Waiting[0].ID != second || string(b.Waiting[0].Before) != `{"path":"/x"}` || len(b.Unspent) != 1 || b.Unspent[0].ID != first || len(b.Settled) != 1 {
			t.Errorf("%+v", b)
		}
		if text := b.Waiting[0].Text(); !strings.Contains(text, `"path": "/y"`) || !strings.Contains(text, "delete, by tool \"drop\" at policy.hcl:4") {
			t.Errorf("the question reads %q", text)
		}
		stop()
		told()
		if err := d.Answer(second, approval.Answer{Channel: "anywhere", Approver: "x", Reason: "no"}); err != nil {
			t.Errorf("a no is welcome from everywhere: %v", err)
		}
		if told() {
			t.Error("whoever has stopped watching is told")
		}
		if w := d.Board(); len(w.Waiting) != 0 || w.Settled[0].Reason != "no" || w.Settled[0].Status != "declined" {
			t.Errorf("%+v", w)
		}
		if _, ok := d.Find(second); ok {
			t.Error("a settled question waits")
		}
		if err := d.Shown(second, approval.Web, "x", "text"); !errors.Is(err, approval.ErrGone) {
			t.Errorf("shown after its end: %v", err)
		}
	})
}

// TestTwoCallers: the same call of two callers is two questions, and what one of
// them is given the other does not find.
func TestTwoCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, alice := newDesk(t, `  remember = "10m"`+"\n  widen = \"tool\"\n")
		mallory := alice
		mallory.Principal = "mallory"
		first, second := put(t, d, alice), put(t, d, mallory)
		if first == second {
			t.Fatal("two callers share a question")
		}
		approve(t, d, first, approval.Answer{Approver: "owner", For: time.Minute, Any: true})
		if d.Take(mallory) != nil {
			t.Error("another caller finds the approval")
		}
		if g := d.Take(alice); g == nil || g.Spend(mallory.Key) == nil {
			t.Error("the caller's own grant is not there, or is good for another")
		}
	})
}
