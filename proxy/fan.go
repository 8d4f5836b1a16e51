package proxy

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/proxy/downstream"
	"sallyport/proxy/wire"
)

// fansOut says whether a request concerns all of several servers.
func (s *Session) fansOut(r *downstream.Request) bool {
	if !s.routes.Several() {
		return false
	}
	switch mcp.MCPMethod(r.Msg.Method) {
	case mcp.MethodInitialize, mcp.MethodServerDiscover, mcp.MethodPing, mcp.MethodSetLogLevel,
		mcp.MethodToolsList, mcp.MethodPromptsList, mcp.MethodResourcesList, mcp.MethodResourcesTemplatesList,
		mcp.MethodTasksList, mcp.MethodSubscriptionsListen:
		return true
	}
	return false
}

// fan puts a request to all servers and answers with what they say together.
func (s *Session) fan(r *downstream.Request) {
	r.WaitTurn()
	var result []byte
	switch mcp.MCPMethod(r.Msg.Method) {
	case mcp.MethodInitialize:
		result = s.greetAll(r)
	case mcp.MethodServerDiscover:
		result = s.discoverAll(r)
	case mcp.MethodPing:
		result = complete(r, nil)
	case mcp.MethodSetLogLevel:
		s.askAll(r)
		result = complete(r, nil)
	case mcp.MethodToolsList:
		result = s.listAll(r, "tools", s.toolsOf)
	case mcp.MethodPromptsList:
		result = s.listAll(r, "prompts", s.promptsOf)
	case mcp.MethodResourcesList:
		result = s.listAll(r, "resources", s.resourcesOf)
	case mcp.MethodResourcesTemplatesList:
		result = s.listAll(r, "resourceTemplates", s.templatesOf)
	case mcp.MethodTasksList:
		result = s.listAll(r, "tasks", s.tasksOf)
	case mcp.MethodSubscriptionsListen:
		s.listenAll(r)
		return
	}
	if r.Ctx.Err() != nil {
		r.Skip()
		return
	}
	if result == nil {
		d := policy.Decision{}.Refuse(policy.UpstreamUnavailable, "none of the servers answered; try again later")
		r.Reply(refuse(r, d))
		return
	}
	r.Reply(func(dst []byte) []byte { return downstream.AppendResult(dst, r.Msg.ID, result) })
}

// answered is one server's answer.
type answered struct {
	server *server
	result []byte // raw; nil if it answered with an error, or not at all
}

// askAll puts the client's own request to every server, and returns the
// answers in the servers' order.
func (s *Session) askAll(r *downstream.Request) []answered {
	out := make([]answered, len(s.servers))
	var asking sync.WaitGroup
	for i, srv := range s.servers {
		out[i].server = srv
		asking.Go(func() {
			a, err := s.ask(r.Ctx, srv, r.Msg)
			if err != nil || a.Kind != wire.Result {
				s.log.Warn("a server did not answer as asked", "server", srv.Name(), "method", r.Msg.Method, "error", err, "answer", printable(string(a.Error())))
				return
			}
			out[i].result = a.Result()
		})
	}
	r.LeaveTurn()
	asking.Wait()
	return out
}

// greetAll makes one handshake of several. The revision is the lowest that any
// of the servers settled on.
func (s *Session) greetAll(r *downstream.Request) []byte {
	version := ""
	answers := s.askAll(r)
	for _, a := range answers {
		v, ok := wire.Text(wire.Get(a.result, "protocolVersion"))
		if ok && (version == "" || v < version) {
			version = v
		}
	}
	if version == "" {
		return nil
	}
	m := merge(answers)
	m["protocolVersion"] = version
	m["serverInfo"] = s.info()
	result := encode(m)
	s.handshaken(r, result)
	return result
}

func (s *Session) info() map[string]any {
	return map[string]any{"name": "sallyport", "version": s.p.Version}
}

// discoverAll answers server/discover with what all servers have in common.
func (s *Session) discoverAll(r *downstream.Request) []byte {
	answers := s.askAll(r)
	var common []any
	first := true
	for _, a := range answers {
		if a.result == nil {
			continue
		}
		v, _ := wire.Decode(wire.Get(a.result, "supportedVersions"))
		versions, _ := v.([]any)
		if first {
			common, first = versions, false
			continue
		}
		common = slices.DeleteFunc(slices.Clone(common), func(v any) bool { return !slices.Contains(versions, v) })
	}
	if first {
		return nil
	}
	m := merge(answers)
	m["resultType"], m["supportedVersions"] = "complete", common
	m["ttlMs"], m["cacheScope"] = 0, "private"
	m["_meta"] = map[string]any{mcp.MetaKeyServerInfo: s.info()}
	return encode(m)
}

// merge unites capabilities and instructions.
func merge(answers []answered) map[string]any {
	capabilities := map[string]any{}
	var instructions []string
	for _, a := range answers {
		v, _ := wire.Decode(wire.Get(a.result, "capabilities"))
		if m, ok := v.(map[string]any); ok {
			unite(capabilities, m)
		}
		if text, ok := wire.Text(wire.Get(a.result, "instructions")); ok && text != "" {
			instructions = append(instructions, "# "+a.server.Name()+"\n"+text)
		}
	}
	m := map[string]any{"capabilities": capabilities}
	if len(instructions) > 0 {
		m["instructions"] = strings.Join(instructions, "\n\n")
	}
	return m
}

func unite(into, from map[string]any) {
	for key, v := range from {
		a, isMap := into[key].(map[string]any)
		b, too := v.(map[string]any)
		switch {
		case isMap && too:
			unite(a, b)
		case into[key] == nil || into[key] == false:
			into[key] = v
		}
	}
}

// lister reads one server's whole list, ready for the client.
type lister func(r *downstream.Request, srv *server) ([][]byte, error)

// listAll joins the lists of all servers.
func (s *Session) listAll(r *downstream.Request, key string, of lister) []byte {
	lists := make([][][]byte, len(s.servers))
	var listing sync.WaitGroup
	for i, srv := range s.servers {
		listing.Go(func() {
			list, err := of(r, srv)
			if err != nil {
				s.log.Info("a server did not list", "server", srv.Name(), "method", r.Msg.Method, "error", err)
				return
			}
			lists[i] = list
		})
	}
	r.LeaveTurn()
	listing.Wait()
	return complete(r, append(append(wire.Quote(nil, key), ':'), array(slices.Concat(lists...))...))
}

// complete is a result of the proxy's own with these members.
func complete(r *downstream.Request, members []byte) []byte {
	b := []byte{'{'}
	if r.Modern {
		b = append(b, `"resultType":"complete"`...)
		if members != nil {
			b = append(b, `,"ttlMs":0,"cacheScope":"private"`...)
		}
	}
	if len(b) > 1 && members != nil {
		b = append(b, ',')
	}
	return append(append(b, members...), '}')
}

// listenAll subscribes at every server, under the one id of the client's, until
// all of them have ended it or the client does.
func (s *Session) listenAll(r *downstream.Request) {
	if d := s.judgeListen(r, s.p.policy.Load(), s.servers); !d.Allowed() {
		r.Reply(refuse(r, d))
		return
	}
	defer s.routes.Unsubscribed(r.Msg.ID)
	s.askAll(r)
	if r.Ctx.Err() != nil {
		r.Skip()
		return
	}
	result := append([]byte(`{"resultType":"complete","_meta":{`), wire.Quote(nil, mcp.MetaKeySubscriptionID)...)
	result = append(r.Msg.ID.Append(append(result, ':')), "}}"...)
	r.Reply(func(dst []byte) []byte { return downstream.AppendResult(dst, r.Msg.ID, result) })
}

func (s *Session) toolsOf(r *downstream.Request, srv *server) ([][]byte, error) {
	shown, err := s.allTools(r.Ctx, r, srv)
	return s.renamed(srv, shown), err
}

func (s *Session) promptsOf(r *downstream.Request, srv *server) ([][]byte, error) {
	var shown [][]byte
	err := s.pages(r.Ctx, r, srv, mcp.MethodPromptsList, func(result []byte) {
		shown = append(shown, s.renamed(srv, s.admitted(srv, result, "prompts", "name", policy.PromptGet))...)
	})
	return shown, err
}

func (s *Session) resourcesOf(r *downstream.Request, srv *server) ([][]byte, error) {
	return s.located(r, srv, mcp.MethodResourcesList, "resources", "uri")
}

func (s *Session) templatesOf(r *downstream.Request, srv *server) ([][]byte, error) {
	return s.located(r, srv, mcp.MethodResourcesTemplatesList, "resourceTemplates", "uriTemplate")
}

// located lists what is known by its URI, and learns whose it is. What another
// server has listed before stays that server's, and is said so.
func (s *Session) located(r *downstream.Request, srv *server, method mcp.MCPMethod, list, key string) ([][]byte, error) {
	var shown [][]byte
	err := s.pages(r.Ctx, r, srv, method, func(result []byte) {
		for _, raw := range s.admitted(srv, result, list, key, policy.ResourceRead) {
			uri, _ := wire.Text(wire.Get(raw, key))
			if !s.routes.LearnResource(srv.Name(), uri) {
				s.collision(srv, uri, "another server offers a resource of this URI")
				continue
			}
			shown = append(shown, raw)
		}
	})
	return shown, err
}

func (s *Session) tasksOf(r *downstream.Request, srv *server) ([][]byte, error) {
	var shown [][]byte
	err := s.pages(r.Ctx, r, srv, mcp.MethodTasksList, func(result []byte) {
		for raw := range wire.Elements(wire.Get(result, "tasks")) {
			if id, ok := wire.Text(wire.Get(raw, "taskId")); ok {
				s.routes.LearnTask(srv.Name(), id)
			}
			shown = append(shown, raw)
		}
	})
	return shown, err
}

// renamed puts the client's name for it into each tool or prompt.
func (s *Session) renamed(srv *server, list [][]byte) [][]byte {
	out := make([][]byte, 0, len(list))
	seen := map[string]bool{}
	for _, raw := range list {
		name, _ := wire.Text(wire.Get(raw, "name"))
		span, ok := wire.Find(raw, "name")
		outer := s.routes.Outer(srv.Name(), name)
		if !ok || seen[outer] {
			s.collision(srv, name, "it would be listed under the name of another")
			continue
		}
		seen[outer] = true
		out = append(out, wire.Splice(nil, raw, wire.Edit{Span: span, With: wire.Quote(nil, outer)}))
	}
	return out
}

func (s *Session) collision(srv *server, name, why string) {
	s.log.Warn("left out of a list", "server", srv.Name(), "name", printable(name), "reason", why)
	s.note(audit.Event{Type: audit.TypeError, Code: "name_collision", Server: srv.Name(), Tool: name, Message: why})
}

func encode(m map[string]any) []byte {
	b, err := json.Marshal(m)
	if err != nil { // decoded JSON and strings
		panic(err)
	}
	return b
}
