package proxy

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/policy/reason"
	"sallyport/proxy/downstream"
	"sallyport/proxy/limit"
	"sallyport/proxy/reply"
	"sallyport/proxy/roundtrip"
	"sallyport/proxy/upstream"
	"sallyport/proxy/wire"
)

// line is the way of one request: decide, record, act, screen, record.
func (s *Session) line(r *downstream.Request) {
	if s.fansOut(r) {
		s.fan(r)
		return
	}
	c := s.readCall(r)
	d, lease := s.decide(r, c)
	defer lease.Release()
	defer c.grant.Release() // unless it was spent
	ticket, err := s.record(r, c, d)
	switch {
	case err != nil:
		r.Reply(reply.Refuse(r, d.Refuse(reason.AuditFailed, "")))
		return
	case d.Code() == reason.Cancelled:
		r.Skip()
		return
	case c.pending != nil:
		r.Reply(func(dst []byte) []byte { return downstream.AppendResult(dst, r.Msg.ID, c.pending) })
		return
	case ticket == nil:
		r.Reply(reply.Refuse(r, d))
		return
	}
	defer ticket.Abandon()
	began := time.Now()
	answer, err := s.act(r, c, d, ticket)
	defer answer.Written()
	out, outcome := s.screen(r, c, d, answer, err)
	s.budget.Charge(outcome.Tokens)
	outcome.Duration = time.Since(began)
	if err := ticket.Done(outcome); err != nil {
		out = reply.Refuse(r, d.Refuse(reason.AuditFailed, ""))
	}
	if out == nil {
		r.Skip()
		return
	}
	r.Reply(out)
}

// decide judges the call: what it is and whose, the rules, the tool's
// definition and schema, the tier, what people say if they have to, and then
// what is left of the budget. The lease is nil, and good to release, where
// nothing was taken.
func (s *Session) decide(r *downstream.Request, c *call) (policy.Decision, *limit.Lease) {
	d := s.consult(r, c, s.judge(r, c))
	if !d.Allowed() || c.kind == policy.Protocol {
		return d, nil
	}
	c.tokens = s.p.tokens.Count(c.args)
	lease, err := s.budget.Take(c.tokens)
	if err != nil {
		return limit.Refuse(d, err), nil
	}
	return d, lease
}

// record writes the decision down. A request that will wait for the disk
// leaves its place in the queue first.
func (s *Session) record(r *downstream.Request, c *call, d policy.Decision) (*audit.Ticket, error) {
	verdict := audit.VerdictRefuse
	switch {
	case d.Allowed():
		verdict = audit.VerdictAllow
	case c.pending != nil:
		verdict = audit.VerdictAsk
	}
	if d.Tier() != policy.Read {
		r.LeaveTurn()
	}
	return s.p.Audit.Decided(audit.Record{
		Event: audit.Event{
			Agent: r.Agent(), Session: s.id, Call: c.id, Method: r.Msg.Method, Server: c.serverName(), Tool: c.name,
			Role: s.role, Risk: audit.Risk(d.Tier().String()), Verdict: verdict, ApprovalStatus: c.status,
			Critical: c.attack || c.seen.Critical(), Findings: c.seen.Record(),
			Rule: d.Rule(), RuleAt: d.At(), Policy: c.policy.Digest(), Trace: r.Trace(),
			Code: string(d.Code()), Message: d.Message(), Tokens: c.tokens, Params: c.args,
		},
		Digest: c.digest,
	})
}

// act sends the request in its turn and waits for the answer.
func (s *Session) act(r *downstream.Request, c *call, d policy.Decision, t *audit.Ticket) (upstream.Answer, error) {
	req := upstream.Request{Msg: *c.msg, Name: c.name, Rename: c.rename, Args: c.args, Edits: c.edits, Sent: r.LeaveTurn}
	if c.kind != policy.Protocol {
		req.Timeout = d.Limits().Timeout
	}
	if s.routes.Several() {
		token, _ := wire.ParseID(r.Msg.Meta("progressToken"))
		defer s.routes.LendToken(c.server.Name(), token)()
	}
	r.WaitTurn()
	defer r.LeaveTurn()
	if err := context.Cause(r.Ctx); err != nil { // cancelled before it was sent
		return upstream.Answer{}, err
	}
	if c.asked { // the last look: what is approved must be what is sent
		if err := c.grant.Spend(s.present(r, c)); err != nil {
			return upstream.Answer{}, &lapsed{err}
		}
	}
	return c.server.Call(r.Ctx, t, req)
}

// lapsed says that an approval was not good any more when the call was about to
// be sent.
type lapsed struct{ error }

// screen judges what came back. A nil reply means that the client must not be
// answered.
func (s *Session) screen(r *downstream.Request, c *call, d policy.Decision, a upstream.Answer, err error) (func(dst []byte) []byte, audit.Outcome) {
	if err != nil {
		return s.failed(r, c, d, err)
	}
	body := a.Result()
	if a.Kind == wire.Error {
		body = a.Error()
	}
	out := audit.Outcome{Result: body, IsError: a.Kind == wire.Error}
	if c.metered {
		if limits := d.Limits(); limits.ResultSize > 0 && int64(len(body)) > limits.ResultSize {
			d = d.Refuse(reason.ResultTooLarge, fmt.Sprintf("the result has %d bytes, more than the %d that the role may receive; ask for less at a time", len(body), limits.ResultSize))
			out.Code, out.Message = string(d.Code()), d.Message()
			return reply.Refuse(r, d), out
		}
		out.Tokens = s.p.tokens.Count(body)
		out.IsError = out.IsError || c.kind == policy.ToolCall && reply.SaysError(body)
	}
	c.wants = r.Modern && roundtrip.WantsInput(a.Result())
	edits, fault := s.learn(r, c, a.Message)
	if fault != "" {
		d = d.Refuse(reason.UpstreamBadAnswer, fault)
		out.Code, out.Message = string(d.Code()), d.Message()
		return reply.Refuse(r, d), out
	}
	more, code, why := s.lookAtAnswer(r, c, &a.Message, &out)
	if why != "" {
		d = d.Refuse(code, why)
		out.Code, out.Message = string(d.Code()), d.Message()
		return reply.Refuse(r, d), out
	}
	edits = append(edits, more...)
	return func(dst []byte) []byte { return reply.Server(r, dst, a.Message, edits) }, out
}

// failed is the outcome of a request that has no answer.
func (s *Session) failed(r *downstream.Request, c *call, d policy.Decision, err error) (func(dst []byte) []byte, audit.Outcome) {
	code, text := upstream.Failure(c.serverName(), err)
	switch {
	case r.Ctx.Err() != nil: // by the client, or because the session ends
		return nil, audit.Outcome{Code: string(reason.Cancelled), Message: "the request was cancelled; no answer is passed on"}
	case errors.As(err, new(*lapsed)):
		code, text = reason.ApprovalVoid, err.Error()+"; call again to be asked anew"
	case code == reason.Internal:
		s.log.Error("a request could not be sent", "call", c.id, "error", err)
	}
	d = d.Refuse(code, text)
	return reply.Refuse(r, d), audit.Outcome{Code: string(d.Code()), Message: d.Message()}
}

// ask sends a server a request of the proxy's own, or one of several made from
// one of the client's, by the same steps as the line. Sent is as in
// [upstream.Request].
func (s *Session) ask(ctx context.Context, srv *server, m wire.Message, sent func()) (wire.Message, error) {
	pol := s.p.policy.Load()
	d := pol.Decide(policy.Call{Role: s.role, Server: srv.Name(), Kind: policy.Protocol, Name: m.Method})
	if !d.Allowed() {
		return wire.Message{}, errors.New(d.Message())
	}
	args := m.Params()
	ticket, err := s.p.Audit.Decided(audit.Record{
		Event: audit.Event{Agent: "sallyport", Session: s.id, Call: s.nextCall(), Method: m.Method, Server: srv.Name(), Role: s.role,
			Risk: audit.RiskRead, Verdict: audit.VerdictAllow, Code: string(d.Code()), Policy: pol.Digest(), Params: args},
		Digest: audit.Digest(args),
	})
	if err != nil {
		return wire.Message{}, err
	}
	defer ticket.Abandon()
	began := time.Now()
	a, err := srv.Call(ctx, ticket, upstream.Request{Msg: m, Args: args, Sent: sent})
	a.Written()
	out := upstream.Outcome(ctx, a, err)
	out.Duration = time.Since(began)
	if e := ticket.Done(out); e != nil {
		return wire.Message{}, e
	}
	return a.Message, err
}

// asks is ask, for what asks one server several times.
func (s *Session) asks(ctx context.Context, srv *server) func(wire.Message) (wire.Message, error) {
	return func(m wire.Message) (wire.Message, error) { return s.ask(ctx, srv, m, nil) }
}

func (s *Session) nextCall() string {
	return s.id + "-" + strconv.FormatUint(s.calls.Add(1), 10)
}
