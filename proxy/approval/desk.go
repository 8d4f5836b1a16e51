package approval

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/policy/reason"
	"sallyport/proxy/approval/seal"
)

// Options are what a [Desk] is made of. All are required but
// Trouble, Tell and NewID.
type Options struct {
	Log     *audit.Log
	Waiting int         // questions that may wait for one role at a time
	Keys    *seal.Ring  // seals request states
	Spent   *seal.Spent // request states that have been used
	Owner   string      // who the local person is: at the client, the page and the command line
	// Trouble is called with what the operator should know, such as a key file
	// that cannot be read again. May be nil.
	Trouble func(error)
	// Tell is called when a question begins to wait, for the operator. It must
	// not block. May be nil.
	Tell func(Waiting)
	// NewID makes ids where a test needs the same ones again.
	NewID func() string
}

// Desk holds the questions that wait, the approvals that were given, and the
// refusals that stand. Its methods may be called from many goroutines.
type Desk struct {
	log *audit.Log
	opt Options

	mu         sync.Mutex
	waiting    map[string]*Question // by id
	byKey      map[Key]*Question
	perRole    map[string]int
	grants     map[Key]*Grant
	refusals   map[Key]refusal
	remembered map[string]*memory
	ended      map[string]time.Time // ids of questions that were settled, until their request states run out
	before     before
	settled    []Settled // the last ones, oldest first
	open       map[string]Channel
	watchers   map[chan struct{}]struct{}
	swept      time.Time
}

// Channel is a place where questions can be answered.
type Channel struct {
	// Push is called for each question that may be answered there, in a
	// goroutine of its own; ctx ends when the question no longer waits. May be
	// nil where people come and look.
	Push func(ctx context.Context, w Waiting)
	// Address is where a person finds a question; it must not let in whoever
	// knows it. May be nil.
	Address func(id string) string
}

// Question is one that waits, or has waited.
type Question struct {
	ID string
	Subject
	asked, expires time.Time

	// Guarded by the desk.
	approvals []Approval
	span      time.Duration // the shortest that was granted
	any       bool
	shown     map[string]bool // by channel, person and text
	attended  int             // calls that wait for it with their request open
	form      bool            // a form is open in the client
	ends      []func()        // run once, when it is settled
	cancel    context.CancelFunc
	done      chan struct{} // closed when outcome is set, and ends have run
	outcome   outcome
}

// outcome is how a question ended.
type outcome struct {
	yes    bool
	code   policy.Code
	status string
	by     string
	reason string
}

type refusal struct {
	outcome
	until time.Time
}

// New returns a desk at which no channel is open but the client's own form.
func New(o Options) *Desk {
	if o.NewID == nil {
		o.NewID = newID
	}
	return &Desk{log: o.Log, opt: o, waiting: map[string]*Question{}, byKey: map[Key]*Question{}, perRole: map[string]int{},
		grants: map[Key]*Grant{}, refusals: map[Key]refusal{}, remembered: map[string]*memory{}, ended: map[string]time.Time{},
		open: map[string]Channel{}, watchers: map[chan struct{}]struct{}{}}
}

// newID is 50 random bits in letters that people can tell apart.
func newID() string {
	const letters = "abcdefghjkmnpqrstvwxyz0123456789"
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails
	for i := range b {
		b[i] = letters[b[i]%32]
	}
	return string(b[:])
}

// Open says that questions can be answered at a channel.
func (d *Desk) Open(name string, c Channel) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[name] = c
}

// errFull refuses a question when too many of its role wait.
var errFull = errors.New("too many questions wait")

// put lays a question on the desk, or joins the one that waits for the very same
// call. With an id it takes up one that another replica has asked.
func (d *Desk) put(s *Subject, id string) (*Question, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweep()
	if q := d.byKey[s.Key]; q != nil {
		q.Session, q.Call = s.Session, s.Call
		return q, nil
	}
	if d.perRole[s.Role] >= d.opt.Waiting {
		return nil, errFull
	}
	terms := s.Terms()
	now := time.Now()
	if id == "" {
		id = d.opt.NewID()
	}
	q := &Question{ID: id, Subject: *s, asked: now, expires: now.Add(terms.Timeout), shown: map[string]bool{}, done: make(chan struct{})}
	e := q.event("approval_asked", StatusAsked)
	e.Question, e.Until, e.Params = q.ID, stamp(q.expires), s.Params
	if err := d.log.Note(e); err != nil {
		return nil, err
	}
	d.waiting[q.ID], d.byKey[q.Key] = q, q
	d.perRole[q.Role]++
	late := time.AfterFunc(terms.Timeout, func() { d.expire(q) })
	ctx, cancel := context.WithCancel(context.Background())
	q.cancel = func() { late.Stop(); cancel() }
	w := d.view(q)
	for _, name := range terms.Via {
		if push := d.open[name].Push; push != nil {
			go push(ctx, w)
		}
	}
	if d.opt.Tell != nil {
		d.opt.Tell(w)
	}
	d.changed()
	return q, nil
}

// settle ends a question, once. What writes to the client is not done under the
// lock.
func (d *Desk) settle(q *Question, o outcome) {
	if d.waiting[q.ID] != q {
		return
	}
	delete(d.waiting, q.ID)
	delete(d.byKey, q.Key)
	if d.perRole[q.Role]--; d.perRole[q.Role] == 0 {
		delete(d.perRole, q.Role)
	}
	d.ended[q.ID] = q.expires
	q.outcome = o
	q.cancel()
	go func() {
		for _, f := range q.ends {
			f()
		}
		close(q.done) // after what the client is told of it
	}()
	about := q.Subject
	about.Params, about.Also = nil, nil // they may be large, and are in the log
	d.settled = append(d.settled, Settled{Subject: about, ID: q.ID, At: time.Now(), Status: o.status, By: o.by, Reason: o.reason})
	if len(d.settled) > maxSettled {
		d.settled = d.settled[1:]
	}
	d.changed()
}

// end settles a question that nobody answered, and says so in the log. That it
// cannot be written changes nothing: the answer is no either way.
func (d *Desk) end(q *Question, code, why string, o outcome) {
	if d.waiting[q.ID] != q {
		return
	}
	e := q.event(code, o.status)
	e.Question, e.Message = q.ID, why
	_ = d.log.Note(e)
	d.settle(q, o)
}

func (d *Desk) expire(q *Question) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.end(q, "approval_expired", "nobody answered in time", outcome{code: reason.ApprovalUnanswered, status: StatusUnanswered})
}

func (d *Desk) withdraw(q *Question, why string) {
	d.end(q, "approval_withdrawn", why, outcome{code: reason.Cancelled, status: StatusWithdrawn})
}

// Leave withdraws what a session that has ended was asking.
func (d *Desk) Leave(session string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, q := range d.waiting {
		if q.Session == session {
			d.withdraw(q, "the client has gone")
		}
	}
}

// Void ends all questions, and forgets all answers, that belong to another
// policy than the one that is in force now.
func (d *Desk) Void(policyDigest string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, q := range d.waiting {
		if q.Policy != policyDigest {
			d.end(q, "approval_withdrawn", "the policy has changed", outcome{code: reason.ApprovalVoid, status: StatusVoid})
		}
	}
	for id, m := range d.remembered {
		if m.Policy != policyDigest {
			delete(d.remembered, id)
		}
	}
	d.changed()
}

// sweep forgets what has run out.
func (d *Desk) sweep() {
	now := time.Now()
	if now.Sub(d.swept) < time.Second {
		return
	}
	d.swept = now
	for k, r := range d.refusals {
		if now.After(r.until) {
			delete(d.refusals, k)
		}
	}
	for k, g := range d.grants {
		if now.After(g.until) {
			delete(d.grants, k)
		}
	}
	for id, m := range d.remembered {
		if now.After(m.Until) {
			delete(d.remembered, id)
		}
	}
	for id, until := range d.ended {
		if now.After(until) {
			delete(d.ended, id)
		}
	}
}
