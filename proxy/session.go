package proxy

import (
	"context"
	"errors"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/policy/reason"
	"sallyport/proxy/catalogue"
	"sallyport/proxy/downstream"
	"sallyport/proxy/guard"
	"sallyport/proxy/limit"
	"sallyport/proxy/route"
	"sallyport/proxy/show"
	"sallyport/proxy/throttle"
	"sallyport/proxy/upstream"
	"sallyport/proxy/wire"
)

// Caller is on whose behalf a client speaks. Nothing of it comes from the client.
type Caller struct {
	Role      string
	Principal string // what approvals are bound to
}

// Session is one client's stay: its connection, and its own servers.
type Session struct {
	p         *Proxy
	id        string
	role      string
	principal string // who the caller is, as whoever launches sallyport says
	log       hclog.Logger
	client    *downstream.Client
	servers   []*server // in the order of the file
	names     []string  // of the servers
	byName    map[string]*server
	routes    *route.Table
	budget    *limit.Budget
	calls     atomic.Uint64 // numbers the requests for the log
}

// server is one tool server of a session.
type server struct {
	*upstream.Server
	conf    policy.Server
	tools   catalogue.Catalogue
	shelf   *guard.Shelf  // what was seen in its definitions
	listing chan struct{} // full while the proxy lists the tools by itself
	trouble throttle.ByKind
}

// Serve is a whole session with one client that speaks on in and out. It
// returns when the client has closed its end, when it cannot be written to, or
// when ctx ends; nothing that the session started is left running then, but
// for a read of in that ends with in.
func (p *Proxy) Serve(ctx context.Context, who Caller, in io.Reader, out io.Writer) error {
	s := p.open(ctx, who, in, out)
	defer s.close()
	if err := s.start(); err != nil {
		return err
	}
	return s.client.Serve(downstream.Events{
		Request:  s.line,
		Notify:   s.clientSays,
		Progress: s.clientReports,
		Answer:   s.clientAnswers,
		Refused:  s.refused,
		Bug: func(what string) {
			s.log.Error("a request broke down", "what", what)
			s.note(audit.Event{Type: audit.TypeError, Code: string(reason.Internal), Message: "a request broke down inside sallyport and was refused"})
		},
		Dropped: func(what string) { s.log.Debug("dropped", "what", what) },
	})
}

func (p *Proxy) open(ctx context.Context, who Caller, in io.Reader, out io.Writer) *Session {
	pol := p.policy.Load()
	w := pol.Wire()
	bounds := wire.Bounds{Message: int(w.MaxMessage), Depth: w.MaxDepth}
	s := &Session{p: p, role: who.Role, principal: who.Principal, byName: map[string]*server{}, client: downstream.New(ctx, in, out, bounds),
		id: strconv.FormatInt(time.Now().UnixMilli(), 36) + "-" + strconv.FormatUint(p.session.Add(1), 36)}
	s.log = p.Logger.With("session", s.id)
	l, _ := pol.Limits(s.role)
	s.budget = limit.NewBudget(limit.Limits{Calls: l.Calls, Tokens: l.Tokens, Rate: l.Rate, Burst: l.Burst, Concurrent: l.Concurrent})
	for _, conf := range p.Servers {
		srv := &server{conf: conf, listing: make(chan struct{}, 1), shelf: p.Guard.Shelf(conf.Name, guard.Reading(conf.Reading))}
		opt := upstream.Options{Bounds: bounds, StartTimeout: conf.StartTimeout}
		if p.Backoff != nil {
			opt.Backoff = p.Backoff()
		}
		srv.Server = upstream.New(conf.Name, p.Launch(conf), s.peer(srv), opt)
		s.servers = append(s.servers, srv)
		s.byName[conf.Name] = srv
		s.names = append(s.names, conf.Name)
	}
	s.routes = route.New(s.names, pol.Separator())
	return s
}

// start starts the servers. With one server its failure is the session's; with
// several the others go on.
func (s *Session) start() error {
	var failed []error
	for _, srv := range s.servers {
		if err := srv.Start(); err != nil {
			failed = append(failed, err)
			if len(s.servers) == 1 { // the operator is told by the error itself
				s.note(audit.Event{Type: audit.TypeError, Code: string(upstream.Failed), Server: srv.Name(), Message: show.Plain(err.Error())})
				continue
			}
			s.trouble(srv, upstream.Trouble{Kind: upstream.Failed, Detail: err.Error()})
		}
	}
	if len(failed) == len(s.servers) {
		return errors.Join(failed...)
	}
	return nil
}

// close leaves nothing behind. What is under way is given up before its server
// is stopped, so that both the server and the log hear why.
func (s *Session) close() {
	s.client.End()
	if s.p.Desk != nil {
		s.p.Desk.Leave(s.id)
	}
	var stopping sync.WaitGroup
	for _, srv := range s.servers {
		stopping.Go(srv.Stop)
	}
	stopping.Wait()
	s.client.Close()
}

// refused notes what was not a message. It has been answered.
func (s *Session) refused(f *wire.Fault) {
	s.log.Warn("refused a malformed message of the client's", "reason", f.Reason, "detail", f.Detail)
	s.note(audit.Event{Type: audit.TypeError, Code: string(reason.Malformed), Message: f.Error()})
}

// note writes an event that belongs to no request, and reports whether it is
// written.
func (s *Session) note(e audit.Event) bool {
	e.Session, e.Role, e.Policy = s.id, s.role, s.p.policy.Load().Digest()
	e.Agent = s.client.Greeting().Agent
	err := s.p.Audit.Note(e)
	if err != nil {
		s.log.Error("the audit log cannot be written", "error", err)
	}
	return err == nil
}
