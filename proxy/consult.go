package proxy

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"sallyport/policy"
	"sallyport/policy/reason"
	"sallyport/proxy/approval"
	"sallyport/proxy/approval/form"
	"sallyport/proxy/catalogue"
	"sallyport/proxy/downstream"
	"sallyport/proxy/limit"
	"sallyport/proxy/roundtrip"
)

// consult hears people on a call that needs one, and takes up a call that comes
// again with what the client was given. What the call may be is not widened by
// anything but a grant.
func (s *Session) consult(r *downstream.Request, c *call, d policy.Decision) policy.Decision {
	if !d.NeedsPerson() && !(d.Allowed() && r.Modern && approval.Sealed(r)) {
		return d
	}
	if s.p.Desk == nil {
		return s.heard(r, c, d, approval.Verdict{Code: reason.NeedsPerson, Status: approval.StatusNobody, Message: reason.NeedsPerson.Sentence()})
	}
	if c.asked = d.NeedsPerson(); c.asked {
		if err := s.budget.Check(s.p.tokens.Count(c.args)); err != nil {
			return limit.Refuse(d, err)
		}
	}
	of, fault := s.caseOf(r, c, d)
	switch {
	case r.Ctx.Err() != nil:
		return d.Refuse(reason.Cancelled, "")
	case fault != "":
		return d.Refuse(reason.UpstreamUnavailable, fault)
	case !c.asked:
		return s.heard(r, c, d, s.p.Desk.Stray(of))
	}
	return s.heard(r, c, d, s.p.Desk.Hear(of))
}

// heard applies what people said.
func (s *Session) heard(r *downstream.Request, c *call, d policy.Decision, v approval.Verdict) policy.Decision {
	c.status, c.attack = v.Status, v.Attack
	switch {
	case v.Grant != nil && c.asked:
		c.grant = v.Grant
		if v.Passing {
			c.msg = new(roundtrip.Next(r.Msg, v.State))
		} else if r.Modern {
			c.msg = new(roundtrip.First(r.Msg))
		}
		c.settleArgs()
		return d.Grant()
	case v.Pending != nil:
		c.pending = v.Pending
		return d
	}
	if v.Attack {
		s.log.Warn("refused a request state", "call", c.id, "tool", c.name, "reason", v.Code)
	}
	if v.Code == reason.NeedsPerson { // and why it does
		v.Message = d.Message() + strings.TrimPrefix(v.Message, "this needs a person")
	}
	return d.Refuse(v.Code, v.Message)
}

// caseOf says what a person has to know of a call.
func (s *Session) caseOf(r *downstream.Request, c *call, d policy.Decision) (of *approval.Case, fault string) {
	args, also, digest := roundtrip.Bound(&r.Msg, r.Modern)
	c.key = approval.Key{Principal: s.principal, Role: s.role, Server: c.serverName(), Method: r.Msg.Method, Tool: c.name,
		Arguments: digest, Policy: c.policy.Digest(), Asker: d.Rule() + " at " + d.At() + ", tier " + d.Tier().String()}
	if c.kind == policy.ToolCall {
		def, why := s.definition(r, c.server, c.name)
		if why != "" {
			return nil, why
		}
		c.key.Definition = def.Digest()
	}
	byForm, byURL := form.Abilities(r.Declared())
	return &approval.Case{Request: r, Client: s.client, Form: byForm, URL: byURL, Subject: approval.Subject{Key: c.key,
		Session: s.id, Call: c.id, Agent: r.Agent(), Trace: r.Trace(), Decision: d, Params: slices.Clone(args), Also: also}}, ""
}

// unsure is the digest of a definition that cannot be told now: no tool has it.
var unsure = sha256.Sum256([]byte("unsure"))

// present is the call's key by what is true at this moment.
func (s *Session) present(r *downstream.Request, c *call) approval.Key {
	k := c.key
	_, _, k.Arguments = roundtrip.Bound(c.msg, r.Modern)
	k.Policy = s.p.policy.Load().Digest()
	k.Definition = unsure
	if def, sure := c.server.tools.Find(c.name); sure {
		k.Definition = def.Digest()
	}
	return k
}

// Reload puts another policy in force, for all sessions and from the next
// decision on; questions that wait, and approvals that were given, are void.
// Budgets and running servers stay as they are, so a policy that describes other
// servers is refused.
func (p *Proxy) Reload(next *policy.Policy) error {
	if why := p.policy.Load().Restart(next); why != "" {
		return fmt.Errorf("%s; restart sallyport for that", why)
	}
	p.policy.Store(next)
	if p.Desk != nil {
		p.Desk.Void(next.Digest())
	}
	return nil
}

// definition finds a tool as its server has defined it; nil if it lists none of
// that name. A fault means that the server would not say.
func (s *Session) definition(r *downstream.Request, srv *server, name string) (def *catalogue.Definition, fault string) {
	def, sure := srv.tools.Find(name)
	for try := 0; !sure && try < listTries; try++ {
		if err := s.listTools(r, srv); err != nil {
			return nil, fmt.Sprintf("the server %q would not list its tools (%s); try again later", srv.Name(), err)
		}
		def, sure = srv.tools.Find(name)
	}
	if !sure {
		return nil, fmt.Sprintf("the tools of server %q change while they are read; try again later", srv.Name())
	}
	return def, ""
}
