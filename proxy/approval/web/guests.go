package web

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	stay       = 12 * time.Hour   // how long somebody who was let in may stay
	invitation = 10 * time.Minute // how long a link is good
	maxGuests  = 64
	maxInvited = 32
)

// guest is somebody who was let in.
type guest struct {
	person string
	csrf   string
	until  time.Time
}

// guests knows who was let in, and who may be. Tokens are kept and compared by
// their digests, so that how long it takes tells nothing of them.
type guests struct {
	named    []named
	attempts *rate.Limiter

	mu      sync.Mutex
	invited map[[32]byte]time.Time // links, until they run out
	inside  map[[32]byte]*guest    // by cookie
}

type named struct {
	name  string
	token [32]byte
}

func newGuests(approvers []Approver) *guests {
	g := &guests{attempts: rate.NewLimiter(rate.Every(2*time.Second), 5), invited: map[[32]byte]time.Time{}, inside: map[[32]byte]*guest{}}
	for _, a := range approvers {
		g.named = append(g.named, named{a.Name, sha256.Sum256([]byte(a.Token))})
	}
	return g
}

// invite draws the token of a link; empty where people have their own.
func (g *guests) invite() string {
	if len(g.named) > 0 {
		return ""
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	var oldest [32]byte
	for key, until := range g.invited {
		if now.After(until) {
			delete(g.invited, key)
		} else if g.invited[oldest].IsZero() || until.Before(g.invited[oldest]) {
			oldest = key
		}
	}
	if len(g.invited) >= maxInvited {
		delete(g.invited, oldest)
	}
	token := rand.Text()
	g.invited[sha256.Sum256([]byte(token))] = now.Add(invitation)
	return token
}

// admit lets in whoever has a link's token, once.
func (g *guests) admit(token, person string) (cookie string, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := sha256.Sum256([]byte(token))
	until, ok := g.invited[key]
	delete(g.invited, key)
	if !ok || time.Now().After(until) {
		return "", false
	}
	return g.enter(person), true
}

// login lets in whoever has a token of his own.
func (g *guests) login(token string) (cookie string, ok bool) {
	if !g.attempts.Allow() {
		return "", false
	}
	given := sha256.Sum256([]byte(token))
	person := ""
	for _, n := range g.named {
		if subtle.ConstantTimeCompare(given[:], n.token[:]) == 1 {
			person = n.name
		}
	}
	if person == "" {
		return "", false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.enter(person), true
}

func (g *guests) enter(person string) string {
	now := time.Now()
	var oldest [32]byte
	var first time.Time
	for key, in := range g.inside {
		if now.After(in.until) {
			delete(g.inside, key)
		} else if first.IsZero() || in.until.Before(first) {
			oldest, first = key, in.until
		}
	}
	if len(g.inside) >= maxGuests {
		delete(g.inside, oldest)
	}
	cookie := rand.Text()
	g.inside[sha256.Sum256([]byte(cookie))] = &guest{person: person, csrf: rand.Text(), until: now.Add(stay)}
	return cookie
}

// find returns who has a cookie; nil if nobody was let in with it.
func (g *guests) find(cookie string) *guest {
	g.mu.Lock()
	defer g.mu.Unlock()
	in := g.inside[sha256.Sum256([]byte(cookie))]
	if in == nil || time.Now().After(in.until) {
		return nil
	}
	return in
}

// guest is who a request comes from; nil if that is nobody who was let in.
func (s *Server) guest(r *http.Request) *guest {
	c, err := r.Cookie(s.cookie)
	if err != nil {
		return nil
	}
	return s.guests.find(c.Value)
}

func (s *Server) letIn(w http.ResponseWriter, cookie string) {
	http.SetCookie(w, &http.Cookie{Name: s.cookie, Value: cookie, Path: "/", MaxAge: int(stay / time.Second),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: len(s.o.URL) > 6 && s.o.URL[:6] == "https:"})
}
