package proxy

import (
	"errors"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/policy/handling"
	"sallyport/policy/reason"
	"sallyport/proxy/downstream"
	"sallyport/proxy/method"
	"sallyport/proxy/redact"
	"sallyport/proxy/reply"
	"sallyport/proxy/show"
	"sallyport/proxy/upstream"
	"sallyport/proxy/wire"
)

// peer is how a session hears what a server says unasked.
func (s *Session) peer(srv *server) upstream.Peer {
	return upstream.Peer{
		Request: func(_ *upstream.Server, m wire.Message) { s.serverAsks(srv, m) },
		Notify:  func(_ *upstream.Server, m wire.Message) { s.serverSays(srv, m) },
		Trouble: func(_ *upstream.Server, t upstream.Trouble) { s.trouble(srv, t) },
	}
}

// errUnrecorded keeps back what could not be written down.
var errUnrecorded = errors.New("the audit log cannot be written, so nothing is let through")

// serverAsks puts a server's request to the client, once that is recorded.
func (s *Session) serverAsks(srv *server, m wire.Message) {
	err := s.client.MayAsk(srv.Name()) // or else a flood would fill the log
	var edits []wire.Edit
	if err == nil {
		var found []audit.Finding
		var ok bool
		if edits, found, ok = s.lookAtSaid(srv, handling.Elicitations, &m); !ok {
			err = errors.New("the screen found something in this request that is not let through")
		}
		if !s.note(audit.Event{Type: audit.TypeNotice, Code: "server_asks", Method: m.Method, Server: srv.Name(), Params: m.Params(), Findings: found}) {
			err = errUnrecorded
		}
	}
	if err == nil && len(edits) > 0 {
		raw := wire.Splice(nil, m.Raw, edits...)
		m, _ = wire.ParseFaithful(raw, wire.Bounds{Message: len(raw)})
	}
	if err == nil {
		err = s.client.Ask(srv.Name(), m)
	}
	if err == nil {
		return
	}
	s.trouble(srv, upstream.Trouble{Kind: upstream.Stray, Detail: err.Error()})
	_ = srv.Send(func(dst []byte) []byte {
		return downstream.AppendError(dst, m.ID, mcp.INTERNAL_ERROR, "sallyport: "+err.Error(), nil)
	})
}

// serverSays passes a server's notification on to the client.
func (s *Session) serverSays(srv *server, m wire.Message) {
	var edits []wire.Edit
	switch mcp.MCPMethod(m.Method) {
	case mcp.MethodNotificationCancelled:
		own, _ := wire.ParseID(m.Param("requestId"))
		shown, ok := s.client.Withdrawn(srv.Name(), own)
		span, found := m.ParamSpan("requestId")
		if !ok || !found {
			return // it names a request that the client never saw, or has answered
		}
		edits = append(edits, wire.Edit{Span: span, With: shown.Append(nil)})
	case mcp.MethodNotificationToolsListChanged:
		srv.tools.Changed()
	case mcp.MethodNotificationResourceUpdated:
		uri, _ := wire.Text(m.Param("uri"))
		if !s.p.policy.Load().Admits(s.role, policy.ResourceRead, srv.Name(), uri) {
			return
		}
	case mcp.MethodNotificationProgress:
		token, _ := wire.ParseID(m.Param("progressToken"))
		if s.routes.Several() && !s.routes.OwnsToken(srv.Name(), token) {
			return
		}
	}
	if raw := m.Meta(mcp.MetaKeySubscriptionID); raw != nil {
		own, _ := wire.ParseID(raw)
		shown, ok := srv.ClientID(own)
		span, found := wire.Find(m.Raw, "params", "_meta", mcp.MetaKeySubscriptionID)
		if !ok || !found {
			return // a subscription that has ended
		}
		if m.Method == mcp.MethodNotificationSubscriptionsAcknowledged && s.routes.Several() && !s.routes.FirstAck(shown) {
			return
		}
		edits = reply.Sorted(append(edits, wire.Edit{Span: span, With: shown.Append(nil)}))
	}
	more, found, ok := s.lookAtSaid(srv, handling.Results, &m)
	if len(found) > 0 && srv.trouble.Pass("said", time.Now()) {
		s.note(audit.Event{Type: audit.TypeNotice, Code: string(reason.Screened), Method: m.Method, Server: srv.Name(), Findings: found})
	}
	if !ok {
		return
	}
	edits = reply.Sorted(append(edits, more...))
	s.client.Write(func(dst []byte) []byte { return wire.Splice(dst, m.Raw, edits...) })
}

// trouble tells the operator and the log what went wrong with a server.
func (s *Session) trouble(srv *server, t upstream.Trouble) {
	if t.Kind == upstream.Exited {
		srv.tools.Changed() // what starts again may be another program
		s.client.ServerGone(srv.Name())
	}
	if !srv.trouble.Pass(string(t.Kind), time.Now()) {
		return
	}
	kind := audit.TypeError
	if t.Kind == upstream.Started {
		kind = audit.TypeNotice
		t.Detail = redact.Command(srv.conf.Command)
		s.log.Info("server started", "server", srv.Name())
	} else {
		s.log.Warn("trouble with a server", "server", srv.Name(), "kind", t.Kind, "detail", show.Plain(t.Detail))
	}
	s.note(audit.Event{Type: kind, Code: string(t.Kind), Server: srv.Name(), Message: show.Plain(t.Detail)})
}

// clientAnswers passes the client's answer on to the server that asked, once
// that is recorded.
func (s *Session) clientAnswers(asked downstream.Asked, m wire.Message) {
	e := audit.Event{Type: audit.TypeNotice, Code: "client_answers", Server: asked.Server, Result: m.Result()}
	if m.Kind == wire.Error {
		e.Result, e.IsError = m.Error(), true
	}
	if !s.note(e) {
		_ = s.byName[asked.Server].Send(func(dst []byte) []byte {
			return downstream.AppendError(dst, asked.ID, mcp.INTERNAL_ERROR, "sallyport: "+errUnrecorded.Error(), nil)
		})
		return
	}
	if err := s.byName[asked.Server].Respond(m, asked.ID); err != nil {
		s.log.Warn("an answer of the client's came too late", "server", asked.Server, "error", err)
	}
}

// clientReports passes on the client's progress with a server's request.
func (s *Session) clientReports(token downstream.Token, m wire.Message, edits ...wire.Edit) {
	if err := s.byName[token.Server].Notify(m, edits...); err != nil {
		s.log.Debug("progress was not passed on", "server", token.Server, "error", err)
	}
}

// clientSays passes a notification on to every server that may hear it: MCP's
// own to all, others where the policy names them, which is noted first.
func (s *Session) clientSays(m wire.Message) {
	pol := s.p.policy.Load()
	call := policy.Call{Role: s.role, Kind: policy.Extension, Name: m.Method}
	if method.Notification(m.Method) {
		call.Kind = policy.Protocol
	}
	for _, srv := range s.servers {
		call.Server = srv.Name()
		d := pol.Decide(call)
		if call.Kind == policy.Extension && !s.noteSaid(srv, m, d) || !d.Allowed() {
			s.log.Info("dropped a notification", "method", show.Plain(m.Method), "server", srv.Name(), "code", d.Code())
			continue
		}
		if err := srv.Notify(m); err != nil {
			s.log.Debug("a notification was not passed on", "method", m.Method, "server", srv.Name(), "error", err)
		}
	}
}

// noteSaid writes down what became of a notification that is not MCP's own. It
// reports false if that could not be written.
func (s *Session) noteSaid(srv *server, m wire.Message, d policy.Decision) bool {
	e := audit.Event{Type: audit.TypeNotice, Method: m.Method, Server: srv.Name(), Risk: audit.Risk(d.Tier().String()), Verdict: audit.VerdictAllow,
		Rule: d.Rule(), RuleAt: d.At(), Code: string(d.Code()), Message: d.Message(), Params: m.Params()}
	if !d.Allowed() {
		e.Type, e.Verdict = audit.TypeError, audit.VerdictRefuse
	}
	return s.note(e)
}
