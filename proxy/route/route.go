// Package route says which of a session's servers a request is for.
//
// With one server that is plain and nothing is renamed. With several, tools and
// prompts carry their server's name in front; a resource belongs to the server
// that listed it, or whose template begins like it, or else to the only one on
// whose allow list it is; a task to the server that made it.
package route

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"sallyport/proxy/wire"
)

// Table is the routing of one session. Its methods may be called from several
// goroutines. A server is known by its name; "" is none.
type Table struct {
	servers []string
	sep     string

	mu     sync.Mutex
	names  map[string]target         // what the client calls it → what it is, where the two are not simply related
	uris   map[string]string         // resources, and templates, that were listed → server
	tasks  map[string]string         // tasks that were made → server
	tokens map[string]map[string]int // progress tokens of the client's requests under way → server → uses
	acks   map[string]bool           // subscriptions of which the client has heard
}

type target struct{ server, name string }

// maxRoutes bounds each of the learned tables; half of the entries, in no
// order, make room.
const maxRoutes = 20_000

// New returns a table for these servers. No name may contain the separator.
func New(servers []string, sep string) *Table {
	return &Table{servers: servers, sep: sep, names: map[string]target{}, uris: map[string]string{},
		tasks: map[string]string{}, tokens: map[string]map[string]int{}, acks: map[string]bool{}}
}

// Several says whether there is more than one server.
func (t *Table) Several() bool { return len(t.servers) > 1 }

// Named returns the server of a tool or prompt, and the name that this server
// knows it by.
func (t *Table) Named(name string) (server, inner string) {
	if !t.Several() {
		return t.servers[0], name
	}
	t.mu.Lock()
	found, ok := t.names[name]
	t.mu.Unlock()
	if ok {
		return found.server, found.name
	}
	server, inner, cut := strings.Cut(name, t.sep)
	if !cut || !slices.Contains(t.servers, server) || !t.plain(server, inner) {
		return "", name
	}
	return server, inner
}

const (
	// maxOuter is the longest name that the strictest known clients accept.
	maxOuter = 64
	hashed   = 8 // hexadecimal digits that stand for the end of a long name
)

// Outer is the name by which the client knows a server's tool or prompt:
// server, separator, name. Where that would be too long, hold characters that
// clients do not accept, or look like a name so made, a digest of it is put in
// the place of its end.
func (t *Table) Outer(server, name string) string {
	if !t.Several() {
		return name
	}
	whole := server + t.sep + name
	if t.plain(server, name) {
		return whole
	}
	sum := sha256.Sum256([]byte(whole))
	short := strings.Map(func(r rune) rune {
		if accepted(r) {
			return r
		}
		return '_'
	}, whole)
	short = short[:min(len(short), maxOuter-hashed-1)] + "_" + hex.EncodeToString(sum[:hashed/2])
	t.mu.Lock()
	defer t.mu.Unlock()
	bound(t.names)
	t.names[short] = target{server, name}
	return short
}

// plain says whether a name can be shown as it is, behind its server's.
func (t *Table) plain(server, name string) bool {
	odd := func(r rune) bool { return !accepted(r) }
	return len(server)+len(t.sep)+len(name) <= maxOuter && !strings.ContainsFunc(server+name, odd) && !digested(name)
}

// digested says whether a name ends as those do that hold a digest: shown as it
// is, it could be taken for another.
func digested(name string) bool {
	i := len(name) - hashed
	return i > 0 && name[i-1] == '_' && strings.Trim(name[i:], "0123456789abcdef") == ""
}

func accepted(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-'
}

// Resource returns whose resource a URI is: the server that listed it, the one
// whose template begins like it for longest, or the only one that admits it.
func (t *Table) Resource(uri string, admits func(server string) bool) string {
	if !t.Several() {
		return t.servers[0]
	}
	if found := t.listed(uri); found != "" {
		return found
	}
	found := ""
	for _, server := range t.servers {
		if !admits(server) {
			continue
		}
		if found != "" {
			return ""
		}
		found = server
	}
	return found
}

func (t *Table) listed(uri string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	found, longest := t.uris[uri], 0
	if found != "" {
		return found
	}
	for template, server := range t.uris {
		fixed, _, ok := strings.Cut(template, "{")
		if ok && len(fixed) > longest && strings.HasPrefix(uri, fixed) {
			found, longest = server, len(fixed)
		}
	}
	return found
}

// LearnResource enters a listed resource or template. It returns false if it
// is another server's already: who listed it first keeps it.
func (t *Table) LearnResource(server, uri string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return claim(t.uris, server, uri)
}

// claim enters a thing as a server's, unless it is another's: who was first
// keeps it.
func claim(m map[string]string, server, thing string) bool {
	if owner := m[thing]; owner != "" {
		return owner == server
	}
	bound(m)
	m[thing] = server
	return true
}

// LearnTask enters a task that a server has made. It returns false if it is
// another server's already.
func (t *Table) LearnTask(server, id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return claim(t.tasks, server, id)
}

// Task returns the server that made a task.
func (t *Table) Task(id string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tasks[id]
}

// LendToken notes that a request with a progress token goes to a server, and
// returns what ends that. A request without one has a zero token.
func (t *Table) LendToken(server string, token wire.ID) (end func()) {
	if token.IsZero() {
		return func() {}
	}
	key := token.Key()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tokens[key] == nil {
		t.tokens[key] = map[string]int{}
	}
	t.tokens[key][server]++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.tokens[key][server]--; t.tokens[key][server] <= 0 {
			delete(t.tokens[key], server)
		}
		if len(t.tokens[key]) == 0 {
			delete(t.tokens, key)
		}
	}
}

// OwnsToken says whether a server may speak of this progress token.
func (t *Table) OwnsToken(server string, token wire.ID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tokens[token.Key()][server] > 0
}

// FirstAck says whether a subscription is acknowledged for the first time: of
// several servers' words the client hears one.
func (t *Table) FirstAck(id wire.ID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := !t.acks[id.Key()]
	t.acks[id.Key()] = true
	return first
}

// Unsubscribed forgets a subscription.
func (t *Table) Unsubscribed(id wire.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.acks, id.Key())
}

func bound[V any](m map[string]V) {
	if len(m) < maxRoutes {
		return
	}
	for key := range m {
		delete(m, key)
		if len(m) <= maxRoutes/2 {
			return
		}
	}
}

// Created is the id of the task that a result says a call has become.
func Created(result []byte) (id string, ok bool) {
	span, ok := wire.Find(result, "task", "taskId")
	if !ok {
		span, ok = wire.Find(result, "taskId")
	}
	if !ok {
		return "", false
	}
	return wire.Text(span.Of(result))
}
