package proxy

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/policy/reason"
	"sallyport/proxy/downstream"
	"sallyport/proxy/method"
	"sallyport/proxy/page"
	"sallyport/proxy/reply"
	"sallyport/proxy/show"
	"sallyport/proxy/subscribe"
	"sallyport/proxy/union"
	"sallyport/proxy/upstream"
	"sallyport/proxy/wire"
)

// fansOut says whether a request concerns all of several servers.
func (s *Session) fansOut(r *downstream.Request) bool {
	return s.routes.Several() && method.Common(r.Msg.Method)
}

// fan puts a request to all servers and answers with what they say together.
func (s *Session) fan(r *downstream.Request) {
	if d := s.judgeFan(r); !d.Allowed() {
		c := &call{id: s.nextCall(), policy: s.p.policy.Load(), kind: policy.Protocol, args: r.Msg.Params()}
		if _, err := s.record(r, c, d); err != nil {
			d = policy.Decision{}.Refuse(reason.AuditFailed, "")
		}
		r.Reply(reply.Refuse(r, d))
		return
	}
	r.WaitTurn()
	var result []byte
	switch mcp.MCPMethod(r.Msg.Method) {
	case mcp.MethodInitialize:
		result = s.greetAll(r)
	case mcp.MethodServerDiscover:
		result = s.discoverAll(r)
	case mcp.MethodPing:
		result = reply.Complete(r, nil)
	case mcp.MethodSetLogLevel:
		s.askAll(r, listPatience, same)
		result = reply.Complete(r, nil)
	case mcp.MethodToolsList:
		result = s.listAll(r, "tools", s.allTools)
	case mcp.MethodPromptsList:
		result = s.listAll(r, "prompts", s.listOf(mcp.MethodPromptsList, "prompts", "name", policy.PromptGet))
	case mcp.MethodResourcesList:
		result = s.listAll(r, "resources", s.listOf(mcp.MethodResourcesList, "resources", "uri", policy.ResourceRead))
	case mcp.MethodResourcesTemplatesList:
		result = s.listAll(r, "resourceTemplates", s.listOf(mcp.MethodResourcesTemplatesList, "resourceTemplates", "uriTemplate", policy.ResourceRead))
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
		d := policy.Decision{}.Refuse(reason.UpstreamUnavailable, "none of the servers answered; try again later")
		r.Reply(reply.Refuse(r, d))
		return
	}
	r.Reply(func(dst []byte) []byte { return downstream.AppendResult(dst, r.Msg.ID, result) })
}

// judgeFan asks the policy once for all servers.
func (s *Session) judgeFan(r *downstream.Request) policy.Decision {
	pol := s.p.policy.Load()
	if r.Msg.Method == string(mcp.MethodSubscriptionsListen) {
		return subscribe.By{Policy: pol, Role: s.role}.Judge(&r.Msg, s.names)
	}
	return pol.Decide(policy.Call{Role: s.role, Kind: policy.Protocol, Name: r.Msg.Method})
}

func same(r *downstream.Request, _ *server) wire.Message { return r.Msg }

// askAll puts what the client asks to every server, and returns the answers in
// the servers' order. Whoever has not answered within the patience, if there is
// one, has no answer.
func (s *Session) askAll(r *downstream.Request, patience time.Duration, as func(*downstream.Request, *server) wire.Message) []union.Said {
	ctx := r.Ctx
	if patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, patience, &upstream.TimeoutError{After: patience})
		defer cancel()
	}
	out := make([]union.Said, len(s.servers))
	var asking, sending sync.WaitGroup
	for i, srv := range s.servers {
		out[i].Server = srv.Name()
		sending.Add(1)
		sent := sync.OnceFunc(sending.Done)
		asking.Go(func() {
			defer sent()
			a, err := s.ask(ctx, srv, as(r, srv), sent)
			if err != nil || a.Kind != wire.Result {
				s.log.Warn("a server did not answer as asked", "server", srv.Name(), "method", r.Msg.Method, "error", err, "answer", show.Plain(string(a.Error())))
				return
			}
			out[i].Result = s.introduced(srv, r, a)
		})
	}
	sending.Wait()
	r.LeaveTurn()
	asking.Wait()
	return out
}

// greetAll makes one handshake of several. The revision is the lowest that any
// of the servers settled on.
func (s *Session) greetAll(r *downstream.Request) []byte {
	answers := s.askAll(r, listPatience, same)
	if union.Lowest(answers) == "" {
		return nil
	}
	result := reply.Encode(union.Greeting(answers, s.p.Version))
	for i, a := range answers {
		if a.Result == nil {
			s.servers[i].Missed(r.Msg)
		}
	}
	s.handshaken(r, result)
	return result
}

// discoverAll answers server/discover with what all servers have in common.
func (s *Session) discoverAll(r *downstream.Request) []byte {
	answers := s.askAll(r, listPatience, same)
	m, ok := union.Discovery(answers, s.p.Version)
	if !ok {
		return nil
	}
	return reply.Encode(m)
}

// lister reads one server's whole list, ready for the client.
type lister func(ctx context.Context, r *downstream.Request, srv *server) ([][]byte, error)

// listAll joins the lists of all servers, and is nil if none of them answered.
func (s *Session) listAll(r *downstream.Request, key string, of lister) []byte {
	ctx, cancel := context.WithTimeoutCause(r.Ctx, listPatience, &upstream.TimeoutError{After: listPatience})
	defer cancel()
	lists := make([][][]byte, len(s.servers))
	var silent atomic.Int64
	var listing sync.WaitGroup
	for i, srv := range s.servers {
		listing.Go(func() {
			list, err := of(ctx, r, srv)
			if err != nil {
				s.log.Info("a server did not list", "server", srv.Name(), "method", r.Msg.Method, "error", err)
				if !errors.Is(err, page.ErrAnswered) {
					silent.Add(1)
				}
				return
			}
			lists[i] = list
		})
	}
	r.LeaveTurn()
	listing.Wait()
	if silent.Load() == int64(len(s.servers)) {
		return nil
	}
	for i, srv := range s.servers {
		switch key {
		case "tools", "prompts":
			lists[i] = s.renamed(srv, lists[i])
		case "resources":
			lists[i] = s.owned(srv, lists[i], "uri")
		case "resourceTemplates":
			lists[i] = s.owned(srv, lists[i], "uriTemplate")
		}
	}
	return reply.Complete(r, append(append(wire.Quote(nil, key), ':'), page.Array(slices.Concat(lists...))...))
}

// listenAll subscribes at every server, under the one id of the client's, until
// all of them have ended it or the client does.
func (s *Session) listenAll(r *downstream.Request) {
	defer s.routes.Unsubscribed(r.Msg.ID)
	s.askAll(r, 0, s.listenAt)
	if r.Ctx.Err() != nil {
		r.Skip()
		return
	}
	result := append([]byte(`{"resultType":"complete","_meta":{`), wire.Quote(nil, mcp.MetaKeySubscriptionID)...)
	result = append(r.Msg.ID.Append(append(result, ':')), "}}"...)
	r.Reply(func(dst []byte) []byte { return downstream.AppendResult(dst, r.Msg.ID, result) })
}

// listenAt is a subscription with those resources that may be read at a server.
func (s *Session) listenAt(r *downstream.Request, srv *server) wire.Message {
	return subscribe.By{Policy: s.p.policy.Load(), Role: s.role}.At(r.Msg, srv.Name())
}

// listOf reads one kind of list.
func (s *Session) listOf(method mcp.MCPMethod, list, key string, kind policy.Kind) lister {
	return func(ctx context.Context, r *downstream.Request, srv *server) ([][]byte, error) {
		var shown [][]byte
		err := page.Read(r, method, s.asks(ctx, srv), func(result []byte) {
			shown = append(shown, s.admitted(srv, result, list, key, kind)...)
		})
		return shown, err
	}
}

// owned learns whose what is known by its URI is. What another server has
// listed before, in time or in the file, stays that server's, and is said so.
func (s *Session) owned(srv *server, list [][]byte, key string) [][]byte {
	return slices.DeleteFunc(list, func(raw []byte) bool {
		uri, _ := wire.Text(wire.Get(raw, key))
		if s.routes.LearnResource(srv.Name(), uri) {
			return false
		}
		s.collision(srv, uri, "another server offers a resource of this URI")
		return true
	})
}

func (s *Session) tasksOf(ctx context.Context, r *downstream.Request, srv *server) ([][]byte, error) {
	var shown [][]byte
	err := page.Read(r, mcp.MethodTasksList, s.asks(ctx, srv), func(result []byte) {
		for raw := range wire.Elements(wire.Get(result, "tasks")) {
			if id, ok := wire.Text(wire.Get(raw, "taskId")); ok && !s.ownTask(srv, id) {
				continue
			}
			shown = append(shown, raw)
		}
	})
	return shown, err
}

// ownTask learns whose a task is. One that another server has made stays that
// server's, and is said so.
func (s *Session) ownTask(srv *server, id string) bool {
	if s.routes.LearnTask(srv.Name(), id) {
		return true
	}
	s.collision(srv, id, "another server has made a task of this id")
	return false
}

// renamed puts the client's name for it into each tool or prompt.
func (s *Session) renamed(srv *server, list [][]byte) [][]byte {
	return page.Rename(list, func(name string) string { return s.routes.Outer(srv.Name(), name) }, func(name string) {
		s.collision(srv, name, "it would be listed under the name of another")
	})
}

func (s *Session) collision(srv *server, name, why string) {
	s.log.Warn("left out of a list", "server", srv.Name(), "name", show.Plain(name), "reason", why)
	s.note(audit.Event{Type: audit.TypeError, Code: "name_collision", Server: srv.Name(), Tool: name, Message: why})
}
