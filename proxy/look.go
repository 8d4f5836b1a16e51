package proxy

import (
	"context"
	"time"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/policy/handling"
	"sallyport/policy/reason"
	"sallyport/proxy/catalogue"
	"sallyport/proxy/downstream"
	"sallyport/proxy/guard"
	"sallyport/proxy/method"
	"sallyport/proxy/roundtrip"
	"sallyport/proxy/show"
	"sallyport/proxy/wire"
)

// lookAtArguments screens a call's arguments. What is filtered is so in the request.
func (s *Session) lookAtArguments(r *downstream.Request, c *call, pc *policy.Call) {
	args := guard.Args{Raw: r.Msg.Param("arguments"), Decoded: pc.Args, Plan: c.server.shelf.Plan(r.Ctx, tool(c.name, c.def))}
	c.seen = s.p.Guard.Arguments(r.Ctx, c.policy.Screen(s.role), handling.Subject{Server: c.serverName(), Tool: c.name}, args)
	pc.Found = c.seen.Found
	if m, changed := c.seen.Rewritten(&r.Msg, "arguments"); changed {
		r.Msg = m
		c.settleArgs()
		pc.Args, pc.Opaque = roundtrip.Arguments(&r.Msg)
	}
}

func tool(name string, def *catalogue.Definition) guard.Tool {
	return guard.Tool{Name: name, Raw: def.Raw(), Digest: def.Digest()}
}

// lookAtAnswer screens what comes back, but for lists, which learn reads.
func (s *Session) lookAtAnswer(r *downstream.Request, c *call, a *wire.Message, out *audit.Outcome) (edits []wire.Edit, code reason.Code, why string) {
	if method.Lists(r.Msg.Method) {
		return nil, "", ""
	}
	subject := handling.Subject{Place: method.Place(r.Msg.Method), Server: c.serverName()}
	if c.wants {
		subject.Place = handling.Elicitations
	} else if c.kind == policy.ToolCall {
		subject.Tool = c.name
	}
	edits, seen, ok := s.p.Guard.Part(r.Ctx, c.policy.Screen(s.role), subject, a)
	if out.Findings = seen.Record(); !ok {
		return nil, reason.Screened, "the answer was withheld: " + seen.Refusal(subject.Place, seen.Found)
	}
	code, why = c.def.Fits(a, edits)
	return edits, code, why
}

// lookAtSaid screens what a server says unasked or asks, and whether it may pass.
func (s *Session) lookAtSaid(srv *server, p handling.Place, m *wire.Message) ([]wire.Edit, []audit.Finding, bool) {
	edits, seen, ok := s.p.Guard.Part(context.Background(), s.p.policy.Load().Screen(s.role), handling.Subject{Place: p, Server: srv.Name()}, m)
	return edits, seen.Record(), ok
}

// introduced is what the screen leaves of one server's word on itself, or nil.
func (s *Session) introduced(srv *server, r *downstream.Request, a wire.Message) []byte {
	var out audit.Outcome
	edits, _, why := s.lookAtAnswer(r, &call{server: srv, policy: s.p.policy.Load()}, &a, &out)
	if len(out.Findings) > 0 {
		s.note(audit.Event{Type: audit.TypeError, Code: string(reason.Screened), Method: r.Msg.Method, Server: srv.Name(), Message: why, Findings: out.Findings})
	}
	if why != "" {
		return nil
	}
	raw := wire.Splice(nil, a.Raw, edits...)
	m, _ := wire.ParseFaithful(raw, wire.Bounds{Message: len(raw)})
	return m.Result()
}

// shown is an element of a list as the client may see it, or nil.
func (s *Session) shown(srv *server, kind policy.Kind, name string, raw []byte, def *catalogue.Definition) []byte {
	t := s.p.policy.Load().Screen(s.role)
	first, seen := true, (*guard.Seen)(nil)
	if kind == policy.ToolCall {
		seen, first = srv.shelf.Tool(context.Background(), t, tool(name, def)), srv.shelf.First(tool(name, def))
	} else {
		seen = s.p.Guard.Look(context.Background(), t, handling.Subject{Place: handling.Definitions, Server: srv.Name()}, raw)
	}
	out := seen.Shown(raw)
	if len(seen.Found) > 0 && first && srv.trouble.Pass("screened", time.Now()) {
		s.log.Warn("the screen found something in a definition", "server", srv.Name(), "name", show.Plain(name), "sign", seen.Found[0].Rule, "done", seen.Action)
		s.note(audit.Event{Type: audit.TypeError, Code: string(reason.Screened), Server: srv.Name(), Tool: name, Message: seen.Refusal(handling.Definitions, seen.Found), Findings: seen.Record()})
	}
	return out
}
