package proxy

import (
	"bytes"

	"github.com/mark3labs/mcp-go/mcp"

	"sallyport/policy"
	"sallyport/proxy/approval"
	"sallyport/proxy/downstream"
	"sallyport/proxy/page"
	"sallyport/proxy/roundtrip"
	"sallyport/proxy/route"
	"sallyport/proxy/show"
	"sallyport/proxy/wire"
)

// learn takes from an answer what the session has to know, and returns the
// changes that the client is to see. A fault means that the answer is not
// fit to be passed on.
func (s *Session) learn(r *downstream.Request, c *call, a wire.Message) (edits []wire.Edit, fault string) {
	if a.Kind != wire.Result {
		return nil, ""
	}
	switch mcp.MCPMethod(r.Msg.Method) {
	case mcp.MethodInitialize:
		s.handshaken(r, a.Result())
	case mcp.MethodToolsList:
		return s.filterTools(r, c, a)
	case mcp.MethodPromptsList:
		return s.filter(c.server, a, "prompts", "name", policy.PromptGet)
	case mcp.MethodResourcesList:
		return s.filter(c.server, a, "resources", "uri", policy.ResourceRead)
	case mcp.MethodResourcesTemplatesList:
		return s.filter(c.server, a, "resourceTemplates", "uriTemplate", policy.ResourceRead)
	case mcp.MethodToolsCall:
		s.learnTask(c.server, a.Result())
		return c.passInput(a)
	case mcp.MethodPromptsGet, mcp.MethodResourcesRead:
		return c.passInput(a)
	case mcp.MethodSubscriptionsListen:
		if span, ok := wire.Find(a.Raw, "result", "_meta", mcp.MetaKeySubscriptionID); ok {
			edits = append(edits, wire.Edit{Span: span, With: r.Msg.ID.Append(nil)})
		}
	}
	return edits, ""
}

// passInput puts the proxy's own request state around that of a server which
// wants to know more before it does what was approved.
func (c *call) passInput(a wire.Message) ([]wire.Edit, string) {
	switch {
	case !c.wants:
		return nil, ""
	case c.grant == nil:
		return roundtrip.Pass(&a, approval.ReservedKey, nil)
	}
	return roundtrip.Pass(&a, approval.ReservedKey, c.grant.Pass)
}

// learnTask notes whose task it is that a call has become.
func (s *Session) learnTask(srv *server, result []byte) {
	if !s.routes.Several() {
		return
	}
	if id, ok := route.Created(result); ok {
		s.ownTask(srv, id)
	}
}

// handshaken keeps what a legacy handshake agreed on.
func (s *Session) handshaken(r *downstream.Request, result []byte) {
	g := downstream.Greeting{Capabilities: bytes.Clone(r.Msg.Param("capabilities"))}
	g.Version, _ = wire.Text(wire.Get(result, "protocolVersion"))
	name, _ := wire.Text(wire.Get(r.Msg.Param("clientInfo"), "name"))
	g.Agent = show.Plain(name)
	s.client.Greeted(g)
}

// filterTools admits a page of tools.
func (s *Session) filterTools(r *downstream.Request, c *call, a wire.Message) ([]wire.Edit, string) {
	srv := c.server
	list := srv.tools.Read(a.Result(), !srv.conf.SkipSchemas)
	srv.tools.Enter(c.epoch, list, r.Msg.Param("cursor") == nil, wire.Get(a.Result(), "nextCursor") == nil)
	s.noteQuarantine(srv, list)
	return page.Replace(a, "tools", s.visible(srv, list))
}

// filter leaves of a list what the role may reach.
func (s *Session) filter(srv *server, a wire.Message, list, key string, kind policy.Kind) ([]wire.Edit, string) {
	return page.Replace(a, list, s.admitted(srv, a.Result(), list, key, kind))
}

// admitted returns the elements of a list that the role may reach.
func (s *Session) admitted(srv *server, result []byte, list, key string, kind policy.Kind) [][]byte {
	var shown [][]byte
	pol := s.p.policy.Load()
	for raw := range wire.Elements(wire.Get(result, list)) {
		name, ok := wire.Text(wire.Get(raw, key))
		if !ok || !pol.Admits(s.role, kind, srv.Name(), name) {
			continue
		}
		if raw := s.shown(srv, kind, name, raw, nil); raw != nil {
			shown = append(shown, raw)
		}
	}
	return shown
}
