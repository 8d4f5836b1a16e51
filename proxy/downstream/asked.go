package downstream

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"sallyport/proxy/wire"
)

// maxAsked is how many requests of one server's may wait for the client at
// once; a server that asks more is answered with an error.
const maxAsked = 256

// ErrTooMany refuses a server's request when too many of its others wait.
var ErrTooMany = errors.New("too many requests of this server wait for the client")

// Asked is a request that a server has put to the client.
type Asked struct {
	Server string
	ID     wire.ID // the server's own id for it
	token  string  // the key of its progress token, as the client sees it
	own    func(wire.Message)
}

// Token is the progress token of a server's request.
type Token struct {
	Server string
	Own    wire.ID // the token as the server wrote it
	uses   int
}

type serverID struct{ server, key string }

// questions are what servers ask the client, and have not been told.
type questions struct {
	mu    sync.Mutex
	next  uint64
	asked map[uint64]Asked    // by the id that the client sees
	byID  map[serverID]uint64 // the same, by server and its own id
	count map[string]int      // of asked, by server
	token map[string]*Token   // progress tokens in asked requests, as the client sees them
}

func newQuestions() *questions {
	return &questions{asked: map[uint64]Asked{}, byID: map[serverID]uint64{}, count: map[string]int{}, token: map[string]*Token{}}
}

func (q *questions) room(server string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.count[server] >= maxAsked {
		return ErrTooMany
	}
	return nil
}

// put enters a server's request, and returns the changes with which the client
// is to see it: an id of its own, and a progress token of its own where another
// server uses the same.
func (q *questions) put(server string, m wire.Message) ([]wire.Edit, error) {
	a := Asked{Server: server, ID: m.ID}
	own, _ := wire.ParseID(m.Meta("progressToken"))
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.count[server] >= maxAsked {
		return nil, ErrTooMany
	}
	q.next++
	shown := own
	if !own.IsZero() {
		shown = q.lend(server, own)
		a.token = shown.Key()
	}
	q.asked[q.next] = a
	q.byID[serverID{server, a.ID.Key()}] = q.next
	q.count[server]++
	at, _ := m.IDSpan()
	edits := []wire.Edit{{Span: at, With: wire.IntID(q.next).Append(nil)}}
	if shown.Key() != own.Key() {
		if span, ok := wire.Find(m.Raw, "params", "_meta", "progressToken"); ok {
			edits = append(edits, wire.Edit{Span: span, With: shown.Append(nil)})
		}
	}
	slices.SortFunc(edits, func(x, y wire.Edit) int { return x.Span.Start - y.Span.Start })
	return edits, nil
}

// putOwn enters a request of the proxy's own, and returns the id under which the
// client sees it.
func (q *questions) putOwn(answer func(wire.Message)) wire.ID {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.next++
	q.asked[q.next] = Asked{own: answer}
	q.count[""]++
	return wire.IntID(q.next)
}

// lend enters a progress token, and returns it as the client is to see it: as
// it is, unless another server uses the same.
func (q *questions) lend(server string, own wire.ID) wire.ID {
	shown := own
	t := q.token[shown.Key()]
	for n := q.next; t != nil && t.Server != server; n++ {
		shown, _ = wire.ParseID(fmt.Appendf(nil, `"sallyport-%d"`, n))
		t = q.token[shown.Key()]
	}
	if t == nil {
		t = &Token{Server: server, Own: own}
		q.token[shown.Key()] = t
	}
	t.uses++
	return shown
}

// answered returns what the client has answered, once.
func (q *questions) answered(id wire.ID) (Asked, bool) {
	n, ok := id.Uint()
	if !ok {
		return Asked{}, false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	a, ok := q.asked[n]
	if ok {
		q.drop(n, a)
	}
	return a, ok
}

// garbled ends a request of the proxy's own to which the answer cannot be read:
// whoever waits is handed a message that is none.
func (q *questions) garbled(id wire.ID) {
	n, _ := id.Uint()
	q.mu.Lock()
	a := q.asked[n]
	if a.own != nil {
		q.drop(n, a)
	}
	q.mu.Unlock()
	if a.own != nil {
		a.own(wire.Message{})
	}
}

// withdrawn returns the client's id for a request that its server has
// cancelled. The request stays known: the client may answer all the same.
func (q *questions) withdrawn(server string, id wire.ID) (wire.ID, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, ok := q.byID[serverID{server, id.Key()}]
	return wire.IntID(n), ok
}

// gone forgets what a server that has ended was asking, and returns the ids
// under which the client knows the requests.
func (q *questions) gone(server string) []wire.ID {
	q.mu.Lock()
	defer q.mu.Unlock()
	var ids []wire.ID
	for n, a := range q.asked {
		if a.Server == server {
			ids = append(ids, wire.IntID(n))
			q.drop(n, a)
		}
	}
	return ids
}

// owner returns whose progress token the client has named.
func (q *questions) owner(shown wire.ID) (Token, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := q.token[shown.Key()]
	if t == nil {
		return Token{}, false
	}
	return *t, true
}

func (q *questions) drop(n uint64, a Asked) {
	delete(q.asked, n)
	if a.own == nil {
		delete(q.byID, serverID{a.Server, a.ID.Key()})
	}
	if q.count[a.Server]--; q.count[a.Server] == 0 {
		delete(q.count, a.Server)
	}
	if t := q.token[a.token]; t != nil {
		if t.uses--; t.uses == 0 {
			delete(q.token, a.token)
		}
	}
}
