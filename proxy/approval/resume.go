package approval

import (
	"errors"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"sallyport/policy"
	"sallyport/policy/reason"
	"sallyport/proxy/approval/form"
	"sallyport/proxy/approval/seal"
	"sallyport/proxy/downstream"
	"sallyport/proxy/wire"
)

// ReservedKey is the key of the proxy's own question among the input requests of
// revision 2026-07-28. No server may use it.
const ReservedKey = "sallyport/approval"

// Sealed says whether a request carries a state that claims to be ours, or an
// answer to a question of ours. Either concerns the desk, whatever the policy
// says of the call.
func Sealed(r *downstream.Request) bool {
	state, _ := wire.Text(r.Msg.Param("requestState"))
	return seal.IsSealed(state) || wire.Get(r.Msg.Param("inputResponses"), ReservedKey) != nil
}

// resume takes up a call that comes with a request state. Settled is false for
// one that comes for the first time.
func (d *Desk) resume(c *Case) (v Verdict, settled bool) {
	raw := c.Request.Msg.Param("requestState")
	answer := wire.Get(c.Request.Msg.Param("inputResponses"), ReservedKey)
	if raw == nil && c.Request.Msg.Param("inputResponses") == nil {
		return Verdict{}, false
	}
	text, _ := wire.Text(raw)
	st, v, ok := d.opened(c, text)
	if !ok {
		return v, true
	}
	switch err := d.opt.Spent.Spend(st.Nonce, st.Expires, time.Now()); {
	case errors.Is(err, seal.ErrReplayed):
		return attack(reason.ApprovalReplayed, StatusReplayed), true
	case err != nil:
		return refuse(reason.Internal, StatusUnrecorded), true
	}
	if st.Purpose == seal.Passing {
		if answer != nil {
			return attack(reason.ApprovalForged, StatusForged), true
		}
		g := &Grant{desk: d, key: c.Key, subject: c.Subject, question: st.Question, until: st.Expires, passing: true, taken: true}
		return Verdict{Grant: g, Status: StatusApproved, Passing: true, State: st.Upstream}, true
	}
	return d.answered(c, &st, answer), true
}

// opened reads a request state, and compares it with the call that it came with.
func (d *Desk) opened(c *Case, text string) (st seal.State, v Verdict, ok bool) {
	st, err := d.keys().Open(text, time.Now())
	switch {
	case errors.Is(err, seal.ErrExpired):
		return st, attack(reason.ApprovalExpired, StatusExpired), false
	case err != nil:
		return st, attack(reason.ApprovalForged, StatusForged), false
	}
	switch seal.Compare(d.state(c, nil), st) {
	case "":
		return st, v, true
	case "policy", "definition":
		return st, refuse(reason.ApprovalVoid, StatusVoid), false
	}
	return st, attack(reason.ApprovalMismatch, StatusMismatch), false
}

// Stray judges a call that needs no person, but comes with what [Sealed] found:
// it belongs to another call.
func (d *Desk) Stray(c *Case) Verdict {
	text, _ := wire.Text(c.Request.Msg.Param("requestState"))
	if _, v, ok := d.opened(c, text); !ok {
		return v
	}
	return attack(reason.ApprovalMismatch, StatusMismatch)
}

func attack(code policy.Code, status string) Verdict {
	v := refuse(code, status)
	v.Attack = true
	return v
}

// answered takes the client's answer to a question that was put to it.
func (d *Desk) answered(c *Case, st *seal.State, answer []byte) Verdict {
	d.mu.Lock()
	q := d.waiting[st.Question]
	_, ended := d.ended[st.Question]
	d.mu.Unlock()
	var a Answer
	switch byURL := len(st.Options) > 0 && st.Options[0] == optionURL; {
	case answer == nil:
		return d.ask(c) // it joins the question, if that still waits
	case byURL && !saysDecline(answer):
		if q == nil { // answered on the page by now, or never
			return d.ask(c)
		}
		return d.hold(c, q)
	default:
		a = form.Read(answer, c.offer())
		a.Channel, a.Approver = Elicitation, d.opt.Owner
	}
	if q == nil && ended {
		return d.late(c, a)
	}
	if q == nil { // another replica has asked
		var err error
		if q, err = d.put(&c.Subject, st.Question); err != nil {
			return notAsked(err)
		}
	}
	if err := d.Answer(q.ID, a); err != nil && !errors.Is(err, ErrGone) && !errors.Is(err, ErrAgain) {
		return notTaken(err)
	}
	return d.hold(c, q)
}

func saysDecline(answer []byte) bool {
	action, _ := wire.Text(wire.Get(answer, "action"))
	return action == "decline"
}

func notTaken(err error) Verdict {
	if errors.Is(err, ErrChannel) || errors.Is(err, ErrWider) {
		return refuse(reason.ApprovalInvalid, StatusInvalid)
	}
	return refuse(reason.AuditFailed, StatusUnrecorded)
}

// late sees to an answer to a question that was settled meanwhile. A no takes
// back an approval that was given elsewhere; a yes adds nothing.
func (d *Desk) late(c *Case, a Answer) Verdict {
	g, no := d.standing(&c.Subject)
	switch {
	case no != nil:
		return Verdict{Code: no.code, Status: no.status, Message: no.message()}
	case g == nil:
		return attack(reason.ApprovalReplayed, StatusReplayed)
	case a.Word == form.Approve:
		return Verdict{Grant: g, Status: g.Status()}
	}
	g.Release()
	if err := d.Revoke(g.question, a.Approver, a.Channel); err != nil {
		return refuse(reason.AuditFailed, StatusUnrecorded)
	}
	return refuse(reason.ApprovalDeclined, StatusDeclined)
}

// hold waits for what is still missing, with the call's request open.
func (d *Desk) hold(c *Case, q *Question) Verdict {
	c.Request.LeaveTurn()
	if v, settled := d.wait(c, q, elsewhere); settled {
		return v
	}
	return d.ask(c)
}

// optionURL marks the state of a question that the client's user was led to by
// the address of the page.
const optionURL = "url"

// pend puts a question to a client of revision 2026-07-28: the call ends with
// it, and comes again with the answer.
func (d *Desk) pend(c *Case, q *Question, by lead) Verdict {
	text := d.text(q)
	params := form.Append(nil, text, q.offer())
	st := d.state(c, q)
	if by == byAddress {
		params = form.AppendAddress(nil, q.ID, d.address(q.ID))
		st.Options = []string{optionURL}
	} else if err := d.Shown(q.ID, Elicitation, d.opt.Owner, text); err != nil {
		return notAsked(err)
	}
	state, err := d.keys().Seal(st)
	if err != nil {
		return refuse(reason.Internal, StatusUnrecorded)
	}
	b := wire.Quote([]byte(`{"resultType":"input_required","inputRequests":{`), ReservedKey)
	b = wire.Quote(append(b, `:{"method":`...), string(mcp.MethodElicitationCreate))
	b = append(append(b, `,"params":`...), params...)
	b = wire.Quote(append(b, `}},"requestState":`...), state)
	return Verdict{Pending: append(b, '}'), Status: StatusAsked}
}

// state is what a request state of this call says; q is nil for comparing.
func (d *Desk) state(c *Case, q *Question) seal.State {
	st := seal.State{Purpose: seal.Asking, Principal: c.Principal, Role: c.Role, Server: c.Server, Method: c.Method, Tool: c.Tool,
		Arguments: c.Arguments, Definition: c.Definition, Policy: c.Policy}
	if q != nil {
		st.Question, st.Issued, st.Expires = q.ID, time.Now(), q.expires
	}
	return st
}

// keys are those that are good now.
func (d *Desk) keys() *seal.Ring {
	if err := d.opt.Keys.Refresh(time.Now()); err != nil && d.opt.Trouble != nil {
		d.opt.Trouble(err)
	}
	return d.opt.Keys
}

// Pass seals a server's own request state (raw JSON, or nil if it gave none) for
// a call that was approved, so that what comes back with it goes on without
// another question.
func (g *Grant) Pass(upstream []byte) (string, error) {
	if g == nil || g.desk == nil {
		return "", ErrNoGrant
	}
	k, terms := g.key, g.subject.Terms()
	now := time.Now()
	return g.desk.keys().Seal(seal.State{Purpose: seal.Passing, Question: g.question, Principal: k.Principal, Role: k.Role, Server: k.Server,
		Method: k.Method, Tool: k.Tool, Arguments: k.Arguments, Definition: k.Definition, Policy: k.Policy,
		Issued: now, Expires: now.Add(terms.Timeout + terms.Life), Upstream: upstream})
}
