package proxy

import (
	"context"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/policy/reason"
	"sallyport/proxy/catalogue"
	"sallyport/proxy/downstream"
	"sallyport/proxy/page"
	"sallyport/proxy/show"
	"sallyport/proxy/upstream"
)

const (
	// listPatience is how long a server may take to list its tools when a
	// call waits for that, or to answer what is put to all servers.
	listPatience = 30 * time.Second
	// listTries is how often a list is read again because it changed meanwhile.
	listTries = 3
)

// define adds to a call what the server says of the tool, where the policy
// wants to know. A fault means that the server would not say.
func (s *Session) define(r *downstream.Request, c *call, pc *policy.Call) (fault string) {
	if !c.policy.ReadsDefinition(pc.Server, c.name) {
		c.def, _ = c.server.tools.Find(c.name) // what was never listed hides nothing
	} else {
		c.def, fault = s.definition(r, c.server, c.name)
	}
	if c.def == nil {
		return fault
	}
	facts := c.def.Facts
	if facts.Quarantined == "" {
		facts.Quarantined = c.server.shelf.Quarantine(r.Ctx, c.policy.Screen(s.role), tool(c.name, c.def))
	}
	pc.Tool = &facts
	if c.def.Schema != nil {
		pc.Validate = func() error { return c.def.Schema.Validate(pc.Args) }
	}
	return ""
}

// listTools reads a server's whole list of tools, for the catalogue. Calls that
// wait for the same list share one reading of it, and one patience.
func (s *Session) listTools(r *downstream.Request, srv *server) error {
	ctx, cancel := context.WithTimeoutCause(r.Ctx, listPatience, &upstream.TimeoutError{After: listPatience})
	defer cancel()
	if s.routes.Several() {
		r.LeaveTurn() // the other servers need not wait for this one
	}
	select {
	case srv.listing <- struct{}{}:
		defer func() { <-srv.listing }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if srv.tools.Complete() {
		return nil // another call has listed meanwhile
	}
	_, err := s.allTools(ctx, r, srv)
	return err
}

// allTools reads every page of a server's tools, and returns those that the
// client may see.
func (s *Session) allTools(ctx context.Context, r *downstream.Request, srv *server) ([][]byte, error) {
	epoch := srv.tools.Now()
	var all []catalogue.Entry
	err := page.Read(r, mcp.MethodToolsList, s.asks(ctx, srv), func(result []byte) {
		all = append(all, srv.tools.Read(result, !srv.conf.SkipSchemas)...)
	})
	if err != nil {
		return nil, err
	}
	srv.tools.Enter(epoch, all, true, true)
	s.noteQuarantine(srv, all)
	return s.visible(srv, all), nil
}

// noteQuarantine says which tools of a list are quarantined, and were not.
func (s *Session) noteQuarantine(srv *server, list []catalogue.Entry) {
	for _, e := range list {
		if why := e.Def.Facts.Quarantined; why != "" && e.New && srv.trouble.Pass("quarantine", time.Now()) {
			s.log.Warn("a tool is quarantined", "server", srv.Name(), "tool", show.Plain(e.Name), "reason", why)
			s.note(audit.Event{Type: audit.TypeError, Code: string(reason.Quarantined), Server: srv.Name(), Tool: e.Name, Message: why})
		}
	}
}

// visible returns the tools that the client may see, as the screen leaves them.
func (s *Session) visible(srv *server, list []catalogue.Entry) [][]byte {
	var shown [][]byte
	pol := s.p.policy.Load()
	for _, e := range list {
		if e.Def.Facts.Quarantined != "" || !pol.Admits(s.role, policy.ToolCall, srv.Name(), e.Name) {
			continue
		}
		if raw := s.shown(srv, policy.ToolCall, e.Name, e.Raw, e.Def); raw != nil {
			shown = append(shown, raw)
		}
	}
	return shown
}
