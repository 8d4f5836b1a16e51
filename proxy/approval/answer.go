package approval

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sallyport/policy/reason"
	"sallyport/proxy/approval/form"
)

// An Answer is one person's word on a question.
type Answer = form.Answer

// What can be said; see package form.
const (
	Decline = form.Decline
	Dismiss = form.Dismiss
	Garble  = form.Garble
	Approve = form.Approve
)

// Why an answer is not taken.
var (
	ErrGone    = errors.New("no such question waits: it has been answered, withdrawn or has run out")
	ErrChannel = errors.New("the policy does not let this question be answered here")
	ErrWider   = errors.New("the policy does not let this approval be that wide")
	ErrAgain   = errors.New("the same person has approved this already; another one has to")
)

// Approval is who has approved, and where.
type Approval struct {
	Approver, Channel string
	At                time.Time
}

// Answer takes a person's word. It returns once that is in the log, and an error
// if it does not count.
func (d *Desk) Answer(id string, a Answer) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.waiting[id]
	if q == nil {
		return ErrGone
	}
	return d.answer(q, a)
}

func (d *Desk) answer(q *Question, a Answer) error {
	terms := q.Terms()
	switch {
	case a.Word == form.Approve && !slices.Contains(terms.Via, a.Channel):
		return ErrChannel
	case a.Word != form.Approve:
		return d.no(q, a)
	case a.For < 0 || a.For > terms.Remember || a.Any && (a.For == 0 || terms.Widen != "tool"):
		return ErrWider
	case slices.ContainsFunc(q.approvals, func(b Approval) bool { return b.Approver == a.Approver }):
		return ErrAgain
	}
	e := q.event("approval_answered", StatusApproved)
	e.Question, e.Channel, e.Approver, e.Message = q.ID, a.Channel, a.Approver, "yes"
	if a.For > 0 {
		e.Message = "yes, " + form.Wider(a.For, a.Any)
	}
	if err := d.log.Note(e); err != nil {
		return err
	}
	if len(q.approvals) == 0 || a.For < q.span {
		q.span = a.For
	}
	q.any = a.Any && (len(q.approvals) == 0 || q.any)
	q.approvals = append(q.approvals, Approval{a.Approver, a.Channel, time.Now()})
	if len(q.approvals) < terms.Quorum {
		d.changed()
		return nil
	}
	return d.yes(q)
}

// yes settles a question that enough people have approved.
func (d *Desk) yes(q *Question) error {
	by := names(q.approvals)
	if q.span > 0 {
		m := &memory{Remembered: Remembered{ID: q.ID, Subject: q.Subject, Any: q.any, Until: time.Now().Add(q.span), By: slices.Clone(q.approvals)}}
		if m.Any {
			m.Key.Arguments = [32]byte{}
		}
		e := q.event("approval_remembered", StatusRemembered)
		e.Question, e.Approver, e.Until, e.Message = q.ID, by, stamp(m.Until), form.Wider(q.span, q.any)
		if err := d.log.Note(e); err != nil {
			return err
		}
		d.remembered[q.ID] = m
	} else {
		d.grants[q.Key] = &Grant{desk: d, key: q.Key, subject: q.Subject, question: q.ID, until: time.Now().Add(q.Terms().Life), by: by}
	}
	d.before.put(&q.Subject)
	d.settle(q, outcome{yes: true, status: StatusApproved, by: by})
	return nil
}

func names(all []Approval) string {
	var out []string
	for _, a := range all {
		out = append(out, a.Approver)
	}
	return strings.Join(out, ", ")
}

// no settles a question that somebody has not approved, and lets that stand.
func (d *Desk) no(q *Question, a Answer) error {
	o := outcome{status: StatusDeclined, code: reason.ApprovalDeclined, by: a.Approver, reason: a.Reason}
	switch a.Word {
	case form.Dismiss:
		o.status, o.code = StatusCancelled, reason.ApprovalCancelled
	case form.Garble:
		o.status, o.code = StatusInvalid, reason.ApprovalInvalid
	}
	e := q.event("approval_answered", o.status)
	e.Question, e.Channel, e.Approver, e.Message = q.ID, a.Channel, a.Approver, "no"
	if a.Reason != "" {
		e.Message = "no: " + a.Reason
	}
	if err := d.log.Note(e); err != nil {
		return err
	}
	d.refusals[q.Key] = refusal{outcome: o, until: time.Now().Add(q.Terms().Life)}
	d.settle(q, o)
	return nil
}

// message is what the agent is told of a question that did not end in a yes.
func (o *outcome) message() string {
	text := o.code.Sentence()
	if o.reason != "" {
		text = fmt.Sprintf("%s (reason given: %s)", text, o.reason)
	}
	return text
}
