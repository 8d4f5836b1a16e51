package route

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"sallyport/proxy/wire"
)

func TestNames(t *testing.T) {
	long := strings.Repeat("n", 100)
	several := []string{"a", "b", "with.dot"}
	tests := []struct {
		why     string
		servers []string
		server  string
		name    string
		outer   string // "" means: whatever it is, it must be short and plain
	}{
		{"one server: nothing is renamed", []string{"a"}, "a", "any name, " + long, "any name, " + long},
		{"the plain case", several, "a", "get", "a__get"},
		{"a separator within the name", several, "a", "b__get", "a__b__get"},
		{"a name that is empty", several, "a", "", "a__"},
		{"white space", several, "a", "do it", ""},
		{"letters of another script", several, "a", "größe", ""},
		{"longer than clients accept", several, "b", long, ""},
		{"a server whose name clients would not accept", several, "with.dot", "get", ""},
		{"a name that looks as if it had been shortened", several, "a", "do_it_0123abcd", ""},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			x := New(tt.servers, "__")
			outer := x.Outer(tt.server, tt.name)
			if tt.outer != "" && outer != tt.outer {
				t.Errorf("Outer: got %q, want %q", outer, tt.outer)
			}
			if tt.outer == "" && (len(outer) > maxOuter || strings.ContainsFunc(outer, func(r rune) bool { return !accepted(r) })) {
				t.Errorf("Outer: %q (%d) is not what clients accept", outer, len(outer))
			}
			if server, inner := x.Named(outer); server != tt.server || inner != tt.name {
				t.Errorf("Named(%q) = %q, %q", outer, server, inner)
			}
		})
	}
}

func TestNamesOfNobody(t *testing.T) {
	x := New([]string{"a", "b"}, "__")
	for _, name := range []string{"", "get", "c__get", "__get", "a_get", "a__do it", "a__" + strings.Repeat("n", 100), "a__x_0123abcd", "A__get", " a__get"} {
		if server, _ := x.Named(name); server != "" {
			t.Errorf("%q is said to be of server %q", name, server)
		}
	}
}

// TestLongServers has two servers whose names differ only at an end that is cut
// off: their tools must not get one name.
func TestLongServers(t *testing.T) {
	one, two := strings.Repeat("s", 60)+"1", strings.Repeat("s", 60)+"2"
	x := New([]string{one, two}, "__")
	a, b := x.Outer(one, "get"), x.Outer(two, "get")
	if a == b {
		t.Fatalf("both are called %q", a)
	}
	for outer, want := range map[string]string{a: one, b: two} {
		if server, _ := x.Named(outer); server != want {
			t.Errorf("%q is of %q, want %q", outer, server, want)
		}
	}
}

// FuzzNames: what the client is shown leads back to where it came from, also
// when another name has been shown in between, and two things never share one.
func FuzzNames(f *testing.F) {
	f.Add("get", "get")
	f.Add("do it", "do_it_cf92b18c")
	f.Add("a__x", "x_00000000")
	f.Add(strings.Repeat("x", 70), strings.Repeat("x", 71))
	f.Fuzz(func(t *testing.T, one, two string) {
		x := New([]string{"a", "b"}, "__")
		a, b, c := x.Outer("a", one), x.Outer("a", two), x.Outer("b", one)
		if one != two && a == b || a == c || b == c {
			t.Fatalf("one name for two: %q %q %q", a, b, c)
		}
		for _, want := range []struct{ outer, server, name string }{{a, "a", one}, {b, "a", two}, {c, "b", one}} {
			if server, name := x.Named(want.outer); server != want.server || name != want.name {
				t.Errorf("%q leads to %q %q, want %q %q", want.outer, server, name, want.server, want.name)
			}
			if len(want.outer) > maxOuter {
				t.Errorf("%q is too long", want.outer)
			}
		}
	})
}

func TestOwnership(t *testing.T) {
	x := New([]string{"a", "b"}, "__")
	for name, learn := range map[string]func(server, thing string) bool{"resource": x.LearnResource, "task": x.LearnTask} {
		for range 2 {
			if !learn("a", "1") {
				t.Errorf("%s: a server cannot keep what is its own", name)
			}
		}
		if learn("b", "1") {
			t.Errorf("%s: a server may take what is another's", name)
		}
	}
	if got := x.Task("1"); got != "a" {
		t.Errorf("the task is of %q", got)
	}
	if got := x.Task("2"); got != "" {
		t.Errorf("a task of nobody's is of %q", got)
	}
}

func TestResources(t *testing.T) {
	x := New([]string{"a", "b"}, "__")
	x.LearnResource("a", "file:///one")
	x.LearnResource("a", "file:///t/{p}")
	x.LearnResource("b", "file:///t/deep/{p}")
	x.LearnResource("b", "{+any}")
	admits := func(servers string) func(string) bool {
		return func(s string) bool { return strings.Contains(servers, s) }
	}
	tests := []struct{ why, uri, admits, want string }{
		{"who listed it, whatever the policy says: it is judged there", "file:///one", "b", "a"},
		{"whose template begins like it", "file:///t/x", "", "a"},
		{"the longer template", "file:///t/deep/x", "", "b"},
		{"a template that fixes nothing claims nothing", "mem:x", "", ""},
		{"the only one that may be asked", "mem:x", "b", "b"},
		{"two that may be asked are none", "mem:x", "ab", ""},
	}
	for _, tt := range tests {
		if got := x.Resource(tt.uri, admits(tt.admits)); got != tt.want {
			t.Errorf("%s: %q is of %q, want %q", tt.why, tt.uri, got, tt.want)
		}
	}
}

// TestBounds keeps a server from filling memory with what it lists.
func TestBounds(t *testing.T) {
	x := New([]string{"a", "b"}, "__")
	for i := range 3 * maxRoutes {
		x.LearnResource("a", fmt.Sprint(i))
		x.LearnTask("a", fmt.Sprint(i))
		x.Outer("a", fmt.Sprintf("name %d", i))
	}
	if n := max(len(x.uris), len(x.tasks), len(x.names)); n > maxRoutes {
		t.Errorf("a table has %d entries, at most %d", n, maxRoutes)
	}
}

func TestTokens(t *testing.T) {
	x := New([]string{"a", "b"}, "__")
	id := func(raw string) wire.ID { i, _ := wire.ParseID([]byte(raw)); return i }
	first, second := x.LendToken("a", id("7")), x.LendToken("a", id("7.0"))
	x.LendToken("a", wire.ID{})()
	if !x.OwnsToken("a", id("7")) || x.OwnsToken("b", id("7")) || x.OwnsToken("a", id(`"7"`)) || x.OwnsToken("a", wire.ID{}) {
		t.Error("a token is lent to the wrong server, or not at all")
	}
	first()
	if !x.OwnsToken("a", id("7e0")) {
		t.Error("a token ended while another request still has it")
	}
	second()
	if x.OwnsToken("a", id("7")) || len(x.tokens) != 0 {
		t.Error("a token outlives its requests")
	}
}

func TestFirstAck(t *testing.T) {
	x := New([]string{"a", "b"}, "__")
	id := wire.IntID(1)
	var mu sync.Mutex
	var wait sync.WaitGroup
	first := 0
	for range 10 {
		wait.Go(func() {
			if x.FirstAck(id) {
				mu.Lock()
				first++
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	if first != 1 {
		t.Errorf("%d were first", first)
	}
	x.Unsubscribed(id)
	if !x.FirstAck(id) {
		t.Error("an id cannot be used again")
	}
}
