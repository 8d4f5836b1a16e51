package approval

import (
	"slices"
	"strings"
	"time"

	"sallyport/proxy/show"
)

const (
	maxSettled = 50       // questions that were settled, kept to look at
	maxBefore  = 256      // tools of which the last approved arguments are kept
	maxKept    = 64 << 10 // bytes of such arguments
)

// Waiting is a question as it stands.
type Waiting struct {
	ID string
	Subject
	Asked, Expires time.Time
	Approvals      []Approval
	Attended       bool   // its caller still waits
	Before         []byte // arguments that were approved for the same tool the last time; nil if none were
}

// Question is what is to be shown of it.
func (w *Waiting) Question() show.Question { return w.question(len(w.Approvals)) }

// Text is the question in plain text, within the usual limits.
func (w *Waiting) Text() string { return w.Question().Text(show.Limits{}) }

// Remembered is an approval for more than one call.
type Remembered struct {
	ID string
	Subject
	Any   bool // whatever the arguments
	Until time.Time
	By    []Approval
	Uses  int
}

// Unspent is an approval for one call that has not come yet, or not come again.
type Unspent struct {
	ID string
	Subject
	Until time.Time
	By    string
}

// Settled is a question that was answered, or never will be.
type Settled struct {
	ID string
	Subject
	At         time.Time
	Status, By string
	Reason     string
}

// Board is all that lies on a desk.
type Board struct {
	Waiting    []Waiting    // the oldest first
	Remembered []Remembered // that ends first, first
	Unspent    []Unspent
	Settled    []Settled // the newest first
}

// Board is what lies on the desk now.
func (d *Desk) Board() Board {
	d.mu.Lock()
	defer d.mu.Unlock()
	var b Board
	now := time.Now()
	for _, q := range d.waiting {
		b.Waiting = append(b.Waiting, d.view(q))
	}
	for _, m := range d.remembered {
		if now.Before(m.Until) {
			b.Remembered = append(b.Remembered, m.Remembered)
		}
	}
	for _, g := range d.grants {
		if !g.taken && now.Before(g.until) {
			b.Unspent = append(b.Unspent, Unspent{ID: g.question, Subject: g.subject, Until: g.until, By: g.by})
		}
	}
	slices.SortFunc(b.Waiting, func(x, y Waiting) int {
		if c := x.Asked.Compare(y.Asked); c != 0 {
			return c
		}
		return strings.Compare(x.ID, y.ID)
	})
	slices.SortFunc(b.Remembered, func(x, y Remembered) int { return x.Until.Compare(y.Until) })
	slices.SortFunc(b.Unspent, func(x, y Unspent) int { return x.Until.Compare(y.Until) })
	b.Settled = slices.Clone(d.settled)
	slices.Reverse(b.Settled)
	return b
}

// Put lays a question on the desk for which no call waits yet: a call of the same
// key will find the answer. It joins a question of the same key that waits.
func (d *Desk) Put(s Subject) (Waiting, error) {
	q, err := d.put(&s, "")
	if err != nil {
		return Waiting{}, err
	}
	w, _ := d.Find(q.ID)
	return w, nil
}

// Find returns a question that waits.
func (d *Desk) Find(id string) (Waiting, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.waiting[id]
	if q == nil {
		return Waiting{}, false
	}
	return d.view(q), true
}

func (d *Desk) view(q *Question) Waiting {
	return Waiting{ID: q.ID, Subject: q.Subject, Asked: q.asked, Expires: q.expires, Approvals: slices.Clone(q.approvals),
		Attended: q.attended > 0, Before: d.before.of(&q.Subject)}
}

// Shown notes what a person was shown of a question, the first time that this
// text is shown to this person there. What cannot be noted must not be shown.
func (d *Desk) Shown(id, channel, person, text string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.waiting[id]
	if q == nil {
		return ErrGone
	}
	digest := show.Digest(text)
	key := channel + "\x00" + person + "\x00" + digest
	if q.shown[key] {
		return nil
	}
	e := q.event("approval_shown", StatusAsked)
	e.Question, e.Channel, e.Approver, e.Shown = id, channel, person, digest
	if err := d.log.Note(e); err != nil {
		return err
	}
	q.shown[key] = true
	return nil
}

// Watch returns a channel that has a value when the board has changed since the
// last value was taken. Stop ends that.
func (d *Desk) Watch() (changed <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watchers[c] = struct{}{}
	return c, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.watchers, c)
	}
}

func (d *Desk) changed() {
	for c := range d.watchers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Owner is who the local person is taken to be.
func (d *Desk) Owner() string { return d.opt.Owner }

// before keeps the arguments that were approved last, by tool.
type before struct {
	args  map[string][]byte
	order []string
}

func (b *before) name(s *Subject) string {
	return s.Principal + "\x00" + s.Role + "\x00" + s.Server + "\x00" + s.Tool
}

func (b *before) of(s *Subject) []byte { return b.args[b.name(s)] }

func (b *before) put(s *Subject) {
	if s.Params == nil || len(s.Params) > maxKept {
		return
	}
	name := b.name(s)
	if b.args == nil {
		b.args = map[string][]byte{}
	}
	if b.args[name] == nil {
		b.order = append(b.order, name)
	}
	b.args[name] = slices.Clone(s.Params)
	if len(b.order) > maxBefore {
		delete(b.args, b.order[0])
		b.order = b.order[1:]
	}
}
