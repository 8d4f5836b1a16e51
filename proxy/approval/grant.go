package approval

import (
	"errors"
	"time"
)

// Grant is an approval that one call has taken. It is good for that call alone,
// and is spent once.
type Grant struct {
	desk     *Desk
	key      Key
	subject  Subject
	question string
	by       string
	until    time.Time
	memory   *memory // the wider approval that it comes from; nil: given for this call
	passing  bool    // a call that was sent already, and whose server wanted more

	// Guarded by the desk.
	taken, spent bool
}

// memory is a wider approval.
type memory struct {
	Remembered
	revoked bool
}

// covers says whether a call needs no question of its own.
func (m *memory) covers(k Key) bool {
	if m.Any {
		k.Arguments = [32]byte{}
	}
	return m.Key == k && time.Now().Before(m.Until)
}

// VoidError says that what was approved is not what would be done now.
type VoidError struct{ What string }

func (e *VoidError) Error() string { return e.What + " changed after it was approved" }

// Why a grant is not good any more, beside a [*VoidError].
var (
	ErrNoGrant  = errors.New("no approval: nothing that needs a person can be sent without one")
	ErrSpent    = errors.New("the approval was spent already")
	ErrLapsed   = errors.New("the approval has run out")
	ErrRevoked  = errors.New("the approval was revoked")
	ErrNotTaken = errors.New("the approval was not taken by this call")
)

// standing is the word that stands on a call: a grant, which the caller has
// taken then, or a refusal. Both are nil if nobody has said anything.
func (d *Desk) standing(s *Subject) (*Grant, *outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	if r, ok := d.refusals[s.Key]; ok && now.Before(r.until) {
		return nil, &r.outcome
	}
	if g := d.grants[s.Key]; g != nil && !g.taken && now.Before(g.until) {
		g.taken = true
		return g, nil
	}
	for _, m := range d.remembered {
		if m.covers(s.Key) {
			return &Grant{desk: d, key: s.Key, subject: *s, question: m.ID, until: m.Until, by: names(m.By), memory: m, taken: true}, nil
		}
	}
	return nil, nil
}

// Take takes the grant that stands for a call, if there is one.
func (d *Desk) Take(s Subject) *Grant {
	g, _ := d.standing(&s)
	return g
}

// Status is what the log says of the call.
func (g *Grant) Status() string {
	if g.memory != nil {
		return StatusRemembered
	}
	return StatusApproved
}

// Spend is called immediately before the call is sent, with what it is now. It
// returns nil once, and only if nothing that was approved has changed since, and
// that it was spent is in the log.
func (g *Grant) Spend(now Key) error {
	if g == nil || g.desk == nil {
		return ErrNoGrant
	}
	d := g.desk
	d.mu.Lock()
	defer d.mu.Unlock()
	switch what := g.key.differs(now); {
	case !g.taken:
		return ErrNotTaken
	case g.spent:
		return ErrSpent
	case what != "":
		g.until = time.Time{}
		delete(d.grants, g.key)
		return &VoidError{what}
	case !time.Now().Before(g.until):
		return ErrLapsed
	case g.memory != nil && g.memory.revoked:
		return ErrRevoked
	}
	if !g.passing {
		e := g.subject.event("approval_spent", g.Status())
		e.Question, e.Approver = g.question, g.by
		if err := d.log.Note(e); err != nil {
			return err
		}
	}
	g.spent = true
	if d.grants[g.key] == g {
		delete(d.grants, g.key)
	}
	if g.memory != nil {
		g.memory.Uses++
	}
	d.changed()
	return nil
}

// Release gives back a grant that was not spent: it stands for the rest of its
// life. It is meant to be deferred, and is safe on nil.
func (g *Grant) Release() {
	if g == nil || g.desk == nil {
		return
	}
	g.desk.mu.Lock()
	defer g.desk.mu.Unlock()
	g.taken = false
}

// Revoke ends a wider approval, or one that no call has spent yet.
func (d *Desk) Revoke(id, by, channel string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var s *Subject
	m := d.remembered[id]
	var g *Grant
	for _, one := range d.grants {
		if one.question == id && !one.spent {
			g = one
		}
	}
	switch {
	case m != nil:
		s = &m.Subject
	case g != nil:
		s = &g.subject
	default:
		return ErrGone
	}
	e := s.event("approval_revoked", StatusRevoked)
	e.Question, e.Approver, e.Channel = id, by, channel
	if m != nil { // even if it cannot be written: this only takes away
		m.revoked = true
		delete(d.remembered, id)
	} else {
		g.until = time.Time{}
		delete(d.grants, g.key)
	}
	d.changed()
	return d.log.Note(e)
}
