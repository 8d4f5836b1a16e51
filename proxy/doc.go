// Package proxy is the line that every request takes between one client and
// its tool servers: decide, record, act, screen, record.
//
// # Why
//
// Every request of the client's that goes to a server, a ping or a list
// included, takes [Session.line]: so nothing reaches a server without a
// decision and a record. What differs between methods is how a request is read
// and how its answer is screened.
package proxy

import (
	"sync/atomic"

	"github.com/hashicorp/go-hclog"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/proxy/approval"
	"sallyport/proxy/guard"
	"sallyport/proxy/limit"
	"sallyport/proxy/upstream"
)

// Config is what a [Proxy] is made of. All fields but Desk and Backoff are
// required.
type Config struct {
	Policy  *policy.Policy
	Servers []policy.Server // those of the policy that a session is to have
	Audit   *audit.Log
	Logger  hclog.Logger
	Desk    *approval.Desk                      // where people are asked; nil: nobody is, and what needs a person is refused
	Guard   *guard.Guard                        // looks at texts
	Launch  func(policy.Server) upstream.Launch // how a server's process is started
	Backoff func() upstream.Backoff             // spaces out the restarts of one server; nil: one second
	Version string                              // of sallyport, for its serverInfo
}

// Proxy holds what all sessions share.
type Proxy struct {
	Config
	policy  atomic.Pointer[policy.Policy] // one policy for the whole of a call
	tokens  *limit.Counter
	session atomic.Uint64
}

// New returns a proxy.
func New(c Config) *Proxy {
	p := &Proxy{Config: c, tokens: limit.NewCounter()}
	p.policy.Store(c.Policy)
	return p
}
