package approval

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"sallyport/policy"
	"sallyport/policy/reason"
	"sallyport/proxy/approval/form"
	"sallyport/proxy/downstream"
	"sallyport/proxy/wire"
)

// Case is one call that needs a person.
type Case struct {
	Subject
	Request *downstream.Request
	Client  *downstream.Client
	Form    bool // this client declared that it can show a form,
	URL     bool // or open an address
}

// Verdict is how a case stands. Exactly one of Grant, Pending and Code is set.
type Verdict struct {
	Grant   *Grant      // taken, and not spent yet
	Pending []byte      // the result that puts the question to the client: the call ends here, and comes again
	Code    policy.Code // why it is refused
	Message string
	Status  string
	Attack  bool // what no mistake explains
	// Passing says that the call has been approved and sent before, and that
	// its server wanted to know more: State is the server's own request state,
	// raw JSON, or nil if it gave none.
	Passing bool
	State   []byte
}

func refuse(code policy.Code, status string) Verdict {
	return Verdict{Code: code, Status: status, Message: code.Sentence()}
}

// maxAsked bounds the arguments that anybody is asked about: a yes to what nobody
// can read is none.
const maxAsked = 1 << 20

// Hear finds out what people say of a call. It may take as long as a question
// waits; it holds no lock meanwhile.
func (d *Desk) Hear(c *Case) Verdict {
	if n := len(c.Params) + len(c.Also); n > maxAsked {
		v := refuse(reason.NeedsPerson, StatusNobody)
		v.Message = fmt.Sprintf("this needs a person, and nobody can read %d bytes of arguments; ask for less at a time, at most %d", n, maxAsked)
		return v
	}
	if c.Request.Modern {
		if v, settled := d.resume(c); settled {
			return v
		}
	}
	return d.ask(c)
}

// ask looks for a word that stands, and puts the question if there is none.
func (d *Desk) ask(c *Case) Verdict {
	for {
		g, no := d.standing(&c.Subject)
		switch {
		case g != nil:
			return Verdict{Grant: g, Status: g.Status()}
		case no != nil:
			return Verdict{Code: no.code, Status: no.status, Message: no.message()}
		}
		lead := d.lead(c)
		if lead == nobody {
			return refuse(reason.NeedsPerson, StatusNobody)
		}
		q, err := d.put(&c.Subject, "")
		if err != nil {
			return notAsked(err)
		}
		if c.Request.Modern && (lead == byForm || lead == byAddress) {
			return d.pend(c, q, lead)
		}
		c.Request.LeaveTurn() // what the client says next need not wait for a person
		if v, settled := d.wait(c, q, lead); settled {
			return v
		}
	}
}

func notAsked(err error) Verdict {
	if errors.Is(err, errFull) {
		return refuse(reason.ApprovalDeskFull, StatusDeskFull)
	}
	return refuse(reason.AuditFailed, StatusUnrecorded)
}

// lead is how the client leads its user to a question.
type lead uint8

const (
	nobody    lead = iota // nobody can be asked
	elsewhere             // by nothing: people look at the page or the list, or are called by a webhook
	byAddress             // by the address of the page
	byForm                // by a form
)

// lead is the first way of the policy's that this client can take.
func (d *Desk) lead(c *Case) lead {
	d.mu.Lock()
	defer d.mu.Unlock()
	best := nobody
	for _, name := range c.Terms().Via {
		at, open := d.open[name]
		switch {
		case name == Elicitation && c.Form:
			return byForm
		case name == Web && open && c.URL && at.Address != nil:
			return byAddress
		case name != Elicitation && open:
			best = elsewhere
		}
	}
	return best
}

// progressEvery is how often a client is told that its call is not forgotten.
const progressEvery = 9 * time.Second

// wait waits for a question with the call's request open. Settled is false when
// another call has taken the approval, so that this one needs its own.
func (d *Desk) wait(c *Case, q *Question, by lead) (v Verdict, settled bool) {
	d.attend(q, +1)
	defer d.attend(q, -1)
	switch by {
	case byForm:
		d.openForm(c, q)
	case byAddress:
		d.openAddress(c, q)
	}
	beat := time.NewTicker(progressEvery)
	defer beat.Stop()
	for n := 0; ; n++ {
		c.Request.Waiting(n, "waiting for a person to approve this call")
		select {
		case <-q.done:
			return d.outcome(c, q)
		case <-c.Request.Ctx.Done():
			return refuse(reason.Cancelled, d.abandoned(c, q)), true
		case <-beat.C:
		}
	}
}

// outcome is what has become of a question, for one of the calls that waited.
func (d *Desk) outcome(c *Case, q *Question) (Verdict, bool) {
	if !q.outcome.yes {
		return Verdict{Code: q.outcome.code, Status: q.outcome.status, Message: q.outcome.message()}, true
	}
	g, no := d.standing(&c.Subject)
	switch {
	case g != nil:
		return Verdict{Grant: g, Status: g.Status()}, true
	case no != nil:
		return Verdict{Code: no.code, Status: no.status, Message: no.message()}, true
	}
	return Verdict{}, false
}

func (d *Desk) attend(q *Question, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q.attended += n
	d.changed()
}

// impatient is what clients write when it was not their user who gave up.
var impatient = regexp.MustCompile(`(?i)tim(ed|e)?[ -]?out|deadline`)

// abandoned sees to a question whose caller waits no longer, and returns what has
// become of it.
func (d *Desk) abandoned(c *Case, q *Question) (status string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if q.attended > 1 {
		return StatusAsked // another call waits for it too
	}
	var told *downstream.Cancelled
	if errors.As(context.Cause(c.Request.Ctx), &told) {
		note := told.Notice()
		if reason, _ := wire.Text(note.Param("reason")); impatient.MatchString(reason) {
			return StatusAsked // it will call again
		}
	}
	d.withdraw(q, "the client cancelled the call")
	return StatusWithdrawn
}

// openForm puts a question to the client's user, once.
func (d *Desk) openForm(c *Case, q *Question) {
	if !d.once(q) {
		return
	}
	text := d.text(q)
	if err := d.Shown(q.ID, Elicitation, d.opt.Owner, text); err != nil {
		return // it has been settled, or nothing can be written, which ends it too
	}
	id := c.Client.AskOwn(string(mcp.MethodElicitationCreate), form.Append(nil, text, q.offer()), func(m wire.Message) {
		d.formAnswered(q, m.Clone())
	})
	d.atEnd(q, func() { c.Client.Recall(id, "the question has been settled") })
}

// openAddress leads the client's user to the page, once.
func (d *Desk) openAddress(c *Case, q *Question) {
	if !d.once(q) {
		return
	}
	id := c.Client.AskOwn(string(mcp.MethodElicitationCreate), form.AppendAddress(nil, q.ID, d.address(q.ID)), func(m wire.Message) {
		if action, _ := wire.Text(wire.Get(m.Result(), "action")); action == "decline" {
			_ = d.Answer(q.ID, Answer{Channel: Elicitation, Approver: d.opt.Owner})
		}
	})
	d.atEnd(q, func() {
		c.Client.Recall(id, "the question has been settled")
		c.Client.Tell(string(mcp.MethodNotificationElicitationComplete), append(wire.Quote([]byte(`{"elicitationId":`), q.ID), '}'))
	})
}

// formAnswered takes what a client says to its form. A client that cannot show
// it after all leaves the question to the other channels, if there are any.
func (d *Desk) formAnswered(q *Question, m wire.Message) {
	a := Answer{Word: form.Garble}
	if m.Kind == wire.Result {
		a = form.Read(m.Result(), q.offer())
	} else if d.elsewhere(q) {
		return
	}
	a.Channel, a.Approver = Elicitation, d.opt.Owner
	_ = d.Answer(q.ID, a) // what does not count leaves the question as it is
}

// elsewhere says whether a question can be answered at another channel than the
// client's form.
func (d *Desk) elsewhere(q *Question) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range q.Terms().Via {
		if _, open := d.open[name]; open && name != Elicitation {
			return true
		}
	}
	return false
}

// once says whether the client has yet to be asked.
func (d *Desk) once(q *Question) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	first := !q.form && d.waiting[q.ID] == q
	q.form = true
	return first
}

// atEnd has f run when the question is settled, or now if it is.
func (d *Desk) atEnd(q *Question, f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting[q.ID] != q {
		go f()
		return
	}
	q.ends = append(q.ends, f)
}

func (d *Desk) text(q *Question) string {
	d.mu.Lock()
	w := d.view(q)
	d.mu.Unlock()
	return w.Text()
}

func (d *Desk) address(id string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at := d.open[Web].Address; at != nil {
		return at(id)
	}
	return ""
}
