package proxy

import (
	"github.com/mark3labs/mcp-go/mcp"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/policy/reason"
	"sallyport/proxy/approval"
	"sallyport/proxy/catalogue"
	"sallyport/proxy/downstream"
	"sallyport/proxy/guard"
	"sallyport/proxy/method"
	"sallyport/proxy/roundtrip"
	"sallyport/proxy/subscribe"
	"sallyport/proxy/wire"
)

// call is a request as the policy sees it.
type call struct {
	id     string // for the log
	policy *policy.Policy
	kind   policy.Kind
	server *server // nil: no server of this session
	name   string  // tool, prompt, URI or method, as the server knows it
	rename bool    // the client's name for it differs
	edits  []wire.Edit
	fault  string        // why the request cannot be read; empty if it can
	msg    *wire.Message // what goes on to the server, but for the edits
	args   []byte        // what is on record: the arguments, or all of params
	digest [32]byte
	tokens int
	epoch  uint64 // of the server's tools, before the request is sent
	// metered are calls whose result counts: all but the protocol's own, and of
	// those the one that fetches what a tool call has become.
	metered bool

	def  *catalogue.Definition // nil: not known, or no tool's
	seen *guard.Seen           // what the screen found in the arguments

	wants bool // its answer asks for more

	// What people had to say; see consult.
	asked   bool // it needs a person: without a grant it is not sent
	key     approval.Key
	grant   *approval.Grant
	pending []byte // the result that puts the question to the client
	status  string
	attack  bool
}

func (c *call) serverName() string {
	if c.server == nil {
		return ""
	}
	return c.server.Name()
}

// readCall finds out what a request asks for, and of which server.
func (s *Session) readCall(r *downstream.Request) *call {
	c := &call{id: s.nextCall(), policy: s.p.policy.Load(), name: r.Msg.Method, args: r.Msg.Params(), msg: &r.Msg, status: "not_needed"}
	m := &r.Msg
	switch mcp.MCPMethod(m.Method) {
	case mcp.MethodToolsCall:
		c.kind = policy.ToolCall
		s.target(c, m, "name")
	case mcp.MethodPromptsGet:
		c.kind = policy.PromptGet
		s.target(c, m, "name")
	case mcp.MethodResourcesRead, mcp.MethodResourcesSubscribe, mcp.MethodResourcesUnsubscribe:
		c.kind = policy.ResourceRead
		s.target(c, m, "uri")
	case mcp.MethodCompletionComplete:
		s.completion(c, m)
	default:
		c.kind = policy.Extension
		if method.Request(m.Method) {
			c.kind, c.name = policy.Protocol, ""
		}
		if c.server = s.ofMethod(m); c.server != nil {
			c.epoch = c.server.tools.Now()
		}
	}
	c.metered = c.kind != policy.Protocol || m.Method == string(mcp.MethodTasksResult)
	c.settleArgs()
	return c
}

// settleArgs finds what is on record of what goes on: all of params, if that is
// more than arguments.
func (c *call) settleArgs() {
	if c.kind == policy.ToolCall || c.msg.Method == string(mcp.MethodPromptsGet) {
		c.args = c.msg.Param("arguments")
	}
	if c.msg.Param("inputResponses") != nil || c.msg.Param("task") != nil {
		c.args = c.msg.Params()
	}
	c.digest = audit.Digest(c.args)
}

// target reads the name of a tool or prompt, or the URI of a resource.
func (s *Session) target(c *call, m *wire.Message, key string) {
	raw := m.Param(key)
	name, ok := wire.Text(raw)
	if raw != nil && !ok {
		c.fault = key + " must be a string"
	}
	s.resolve(c, name)
}

// resolve finds the server of what has a name or URI.
func (s *Session) resolve(c *call, name string) {
	if c.kind == policy.ResourceRead {
		c.name = name
		c.server = s.byName[s.routes.Resource(name, func(server string) bool {
			return c.policy.Admits(s.role, c.kind, server, name)
		})]
		return
	}
	server, inner := s.routes.Named(name)
	c.server, c.name, c.rename = s.byName[server], inner, inner != name
}

// ofMethod finds the server of a request that names nothing but perhaps a task.
func (s *Session) ofMethod(m *wire.Message) *server {
	if !s.routes.Several() {
		return s.servers[0]
	}
	id, _ := wire.Text(m.Param("taskId"))
	return s.byName[s.routes.Task(id)]
}

// completion reads what a completion is for: it reaches no further than the
// prompt or resource itself.
func (s *Session) completion(c *call, m *wire.Message) {
	var key, name string
	c.kind, key, name, c.fault = method.Completed(m)
	s.resolve(c, name)
	if c.rename {
		// The name to replace stands deeper than the line looks.
		c.rename = false
		if span, ok := wire.Find(m.Raw, "params", "ref", key); ok {
			c.edits = append(c.edits, wire.Edit{Span: span, With: wire.Quote(nil, c.name)})
		}
	}
}

// judge asks the policy.
func (s *Session) judge(r *downstream.Request, c *call) policy.Decision {
	pc := policy.Call{Role: s.role, Server: c.serverName(), Kind: c.kind, Name: c.name}
	switch {
	case c.fault != "":
		return policy.Decision{}.Refuse(reason.Malformed, c.fault)
	case c.server == nil && c.kind == policy.Extension:
		return policy.Decision{}.Refuse(reason.MethodNotAllowed, "")
	case c.server == nil:
		return policy.Decision{}.Refuse(reason.NotAllowed, "it cannot be told which server this is for; list again and use a name or URI that is listed")
	case mcp.MCPMethod(r.Msg.Method) == mcp.MethodSubscriptionsListen:
		return subscribe.By{Policy: c.policy, Role: s.role}.Judge(&r.Msg, []string{c.server.Name()})
	case c.kind == policy.ToolCall && c.policy.Admits(s.role, c.kind, pc.Server, c.name):
		pc.Args, pc.Opaque = roundtrip.Arguments(&r.Msg)
		fault := s.define(r, c, &pc)
		if r.Ctx.Err() != nil {
			return policy.Decision{}.Refuse(reason.Cancelled, "")
		} else if fault != "" {
			return policy.Decision{}.Refuse(reason.UpstreamUnavailable, fault)
		}
		s.lookAtArguments(r, c, &pc)
	case c.kind == policy.PromptGet && c.policy.Admits(s.role, c.kind, pc.Server, c.name):
		s.lookAtArguments(r, c, &pc)
	}
	return c.policy.Decide(pc)
}
