package policy

import (
	"fmt"
	"reflect"
	"slices"

	"sallyport/policy/ask"
	"sallyport/policy/handling"
	"sallyport/policy/spelling"
	"sallyport/policy/words"
)

// Policy is one operator's file, checked and indexed. It is immutable and safe
// for concurrent use; a nil *Policy refuses every call.
type Policy struct {
	file, digest string
	servers      []Server    // in the file's order
	risks        []riskTable // of each server
	roleNames    []string
	roles        map[string]*role
	defaultRole  string
	audit        Audit
	wire         Wire
	separator    string
	channels     ask.Channels
	terms        *ask.Terms // of a question for which no block says others
	classifier   *words.Classifier
	warnings     []string
}

// Server is one upstream as the operator describes it.
type Server = words.Server

// EnvValue is one variable of an upstream's environment.
type EnvValue = words.EnvValue

// Limits of one role. A zero field is no limit of that kind, and is dangerous
// for exactly that reason; Timeout and ResultSize are never zero in a loaded
// policy.
type Limits = words.Limits

// Wire bounds the messages that are read at all.
type Wire = words.Wire

// Audit says where and how the log is written.
type Audit = words.Audit

// How people are asked; see package ask.
type (
	Terms    = ask.Terms
	Channels = ask.Channels
	Web      = ask.Web
	Approver = ask.Approver
	Webhook  = ask.Webhook
	Secret   = ask.Secret
)

// Servers are all servers in the file's order. The caller owns the slice but
// must not change what its elements refer to.
func (p *Policy) Servers() []Server { return slices.Clone(p.servers) }

// Server finds a server by its exact name.
func (p *Policy) Server(name string) (Server, bool) {
	if i := p.index(name); i >= 0 {
		return p.servers[i], true
	}
	return Server{}, false
}

func (p *Policy) index(server string) int {
	return slices.IndexFunc(p.servers, func(s Server) bool { return s.Name == server })
}

// WithServer returns a policy in which the named server is changed; everything else,
// the digest included, is the same. The change must not write to what it refers to.
func (p *Policy) WithServer(name string, change func(*Server)) (*Policy, error) {
	i := p.index(name)
	if i < 0 {
		return nil, fmt.Errorf("no server %q in %s%s", name, p.file, spelling.DidYouMean(name, p.serverNames()))
	}
	q := *p
	q.servers = slices.Clone(p.servers)
	change(&q.servers[i])
	return &q, nil
}

func (p *Policy) serverNames() []string {
	names := make([]string, 0, len(p.servers))
	for i := range p.servers {
		names = append(names, p.servers[i].Name)
	}
	return names
}

// Roles are the names of all roles in the file's order.
func (p *Policy) Roles() []string { return slices.Clone(p.roleNames) }

// HasRole reports whether the policy knows the role.
func (p *Policy) HasRole(name string) bool { return p.roles[name] != nil }

// DefaultRole is the role of a caller that was given none: the file's
// default_role, or its only role. Without either there is none.
func (p *Policy) DefaultRole() (string, bool) { return p.defaultRole, p.defaultRole != "" }

// Audit is the file's audit block, defaults filled in.
func (p *Policy) Audit() Audit {
	a := p.audit
	a.Redact = slices.Clone(a.Redact)
	return a
}

// Wire is the file's wire block, defaults filled in.
func (p *Policy) Wire() Wire { return p.wire }

// Approval is where people can be asked, defaults filled in.
func (p *Policy) Approval() Channels { return p.channels.Clone() }

// Screen is what is done for a role about what the screen finds; nil, which is
// the default, for an unknown one.
func (p *Policy) Screen(role string) *handling.Table {
	if r := p.roles[role]; r != nil {
		return r.screen
	}
	return nil
}

// Classifier is who gives texts a score besides, or nil.
func (p *Policy) Classifier() *words.Classifier { return p.classifier }

// Separator stands between server and tool where many servers share one
// endpoint.
func (p *Policy) Separator() string { return p.separator }

// Digest is the hex SHA-256 of the file's bytes: the policy's version.
func (p *Policy) Digest() string { return p.digest }

// File is the name under which the policy was loaded.
func (p *Policy) File() string { return p.file }

// Warnings are lines, "file:line: text", about what is legal and probably not
// meant.
func (p *Policy) Warnings() []string { return slices.Clone(p.warnings) }

// ReadsDefinition reports whether a decision on this tool depends on what its
// server says of it: on its schema, or on its annotations.
func (p *Policy) ReadsDefinition(server, tool string) bool {
	i := p.index(server)
	return i >= 0 && (!p.servers[i].SkipSchemas || p.risks[i].ReadsFacts(tool))
}

// Limits are a role's limits; ok is false for an unknown role.
func (p *Policy) Limits(role string) (limits Limits, ok bool) {
	r := p.roles[role]
	if r == nil {
		return Limits{}, false
	}
	return r.limits, true
}

// Restart says what differs in another policy that is settled when sallyport
// starts, such as a server's command or a role's budget; empty if nothing does,
// so that decisions may go by the other policy from now on.
func (p *Policy) Restart(next *Policy) string {
	if !slices.Equal(p.serverNames(), next.serverNames()) {
		return "the servers are not the same"
	}
	for i := range p.servers {
		a, b := p.servers[i], next.servers[i]
		if !reflect.DeepEqual(a, b) {
			return fmt.Sprintf("how server %q is started, or whether its schemas are checked, has changed", a.Name)
		}
	}
	for name, r := range p.roles {
		if other := next.roles[name]; other != nil && !sameBudget(r.limits, other.limits) {
			return fmt.Sprintf("the budget of role %q has changed", name)
		}
	}
	switch {
	case p.wire != next.wire || p.separator != next.separator:
		return "wire or names has changed"
	case !reflect.DeepEqual(p.audit, next.audit):
		return "audit has changed"
	case !reflect.DeepEqual(p.classifier, next.classifier):
		return "the classifier has changed"
	case !reflect.DeepEqual(p.channels, next.channels):
		return "the channels of approval have changed"
	}
	return ""
}

// sameBudget compares what a session counts against.
func sameBudget(a, b Limits) bool {
	a.Timeout, a.ResultSize = b.Timeout, b.ResultSize
	return a == b
}
