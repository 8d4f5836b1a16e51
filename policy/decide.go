package policy

import (
	"strconv"

	"sallyport/policy/ask"
	"sallyport/policy/handling"
	"sallyport/policy/kind"
	"sallyport/policy/match"
	"sallyport/policy/reason"
)

// Kind is what a call is about. The zero Kind is none and is refused.
type Kind = kind.Kind

// The kinds of call that a policy judges.
const (
	ToolCall     = kind.ToolCall     // Name is the upstream's own tool name
	ResourceRead = kind.ResourceRead // Name is the resource's URI, or a URI template in a list
	PromptGet    = kind.PromptGet    // Name is the prompt's name
	Extension    = kind.Extension    // Name is a method that is not in the protocol
	Protocol     = kind.Protocol     // Name is the protocol's own method; every role may use it
)

// Call is one request as it will be sent, for Decide to judge.
type Call struct {
	Role, Server string
	Kind         Kind
	Name         string // at most 4096 bytes of visible text
	// Args are the decoded arguments: nil, bool, string, json.Number, []any
	// and map[string]any. Anything else makes a rule that reads it fail.
	Args map[string]any
	// Opaque says that there are arguments which are no object. No schema takes
	// them, and no condition can be told.
	Opaque bool
	// Tool is what the upstream's definition says; nil: it lists no such tool.
	Tool *ToolFacts
	// Validate checks Args against the tool's inputSchema. It is called at most
	// once, when the server's schemas are enforced and the lists allow the call.
	Validate func() error
	// Found are what the screen found in Args.
	Found []handling.Finding
}

const maxName = 4096

// role is a role block, with its lists resolved for each server.
type role struct {
	name   string
	limits Limits
	access map[string]*access
	screen *handling.Table
}

// access is what one role may do with one server.
type access struct {
	server      int // its place in the file
	skipSchemas bool
	risks       *riskTable
	lists       [kind.Count]list
	rules       []*rule     // those that deny before those that ask
	approvals   []*approval // those of the role before those of all roles
	terms       *ask.Terms  // where no block says others
	screen      *handling.Table
}

type list struct{ allow, deny match.Set[source] }

// rule is a rule block.
type rule struct {
	tools   match.Set[source] // of one server
	when    *match.Condition
	message string
	then    string      // "deny" or "ask"
	change  *ask.Change // of the terms on which it asks; nil: none
	by      source
}

// approval is an approval block with a label.
type approval struct {
	tier    Tier              // 0: any
	tools   match.Set[source] // of one server
	guarded bool              // it has a when
	when    *match.Condition
	then    string // "ask", "allow" or "deny"
	terms   *ask.Terms
	by      source
}

// Decide judges one call. It is pure: no clock, no I/O, no state. The order is
// the security property: role, name, allow list, deny list (which wins),
// definition, schema, screen, rules that deny, rules that ask, approval blocks,
// tier. The first refusal stands.
func (p *Policy) Decide(c Call) Decision {
	a, d := p.admit(c.Role, c.Kind, c.Server, c.Name)
	switch {
	case a == nil:
	case c.Kind == ToolCall:
		risk := a.risks.Assess(c.Name, c.Tool)
		d.tier, d.tierBy = risk.Tier, risk.By
		if d.verdict == allow {
			return a.decideTool(&c, risk, d)
		}
	case c.Kind == Extension: // the operator named it; what it does nobody said
		d.tier = Modify
	default:
		d.tier = Read
	}
	if a != nil && d.verdict == allow {
		if d, ask := a.screened(&c, d); ask == nil {
			return d
		}
		return d.refuse(reason.Screened, nil, "the screen asks for a person, and nobody can be asked about this")
	}
	return d
}

// screened refuses what the screen's findings do not let through, or makes a rule
// that asks about them.
func (a *access) screened(c *Call, d Decision) (Decision, *rule) {
	v := a.screen.Judge(handling.Subject{Place: handling.Arguments, Server: c.Server, Tool: c.Name}, c.Found)
	by := source(v.Source())
	switch v.Action {
	case handling.Refuse:
		return d.refuse(reason.Screened, &by, "%s", v.Refusal(handling.Arguments, c.Found)), nil
	case handling.Ask:
		return d, &rule{by: by, message: v.Question(c.Found)}
	}
	return d, nil
}

// Admits reports whether the lists would ever let the role have this; it is
// the same look-up that Decide begins with, for showing lists.
func (p *Policy) Admits(role string, of Kind, server, name string) bool {
	_, d := p.admit(role, of, server, name)
	return d.verdict == allow
}

// admit is the part of the decision that needs no arguments.
func (p *Policy) admit(roleName string, of Kind, server, name string) (*access, Decision) {
	var d Decision
	if p == nil {
		return nil, d
	}
	r := p.roles[roleName]
	if r == nil {
		return nil, d.refuse(reason.RoleUnknown, nil, "role %.80q is not in the policy", roleName)
	}
	d.limits = &r.limits
	if of == Protocol {
		d.tier = Read
		return nil, d.allow(nil)
	}
	if of == 0 || of >= kind.Count {
		return nil, d.refuse(reason.KindUnknown, nil, "%s", reason.KindUnknown.Sentence())
	}
	if name == "" {
		return p.admitNameless(r, of, server, d)
	}
	if len(name) > maxName || of != ResourceRead && !match.Plain(name) {
		return nil, d.refuse(reason.Malformed, nil, "the name of the %v is too long or holds hidden characters", of)
	}
	a := r.access[server]
	if a == nil {
		return nil, d.refuse(reason.NotAllowed, nil, "role %q may use nothing of server %.80q", roleName, server)
	}
	return a, a.lists[of].admit(d, of, server, name)
}

// admitNameless lets a request that names nothing pass where everything is
// allowed and nothing denied: the server's own error is the best answer then.
func (p *Policy) admitNameless(r *role, of Kind, server string, d Decision) (*access, Decision) {
	a := r.access[server]
	if a == nil || !a.lists[of].deny.Empty() || !a.lists[of].allow.CoversAll("") {
		return nil, d.refuse(reason.Malformed, nil, "the request does not name the %v that it is for", of)
	}
	return a, d.allow(nil)
}

func (l *list) admit(d Decision, of Kind, server, name string) Decision {
	if of == Extension && kind.OwnMethod(name) {
		return d.refuse(reason.MethodNotAllowed, nil, "method %q belongs to the protocol and cannot pass as an extension", name)
	}
	hit := l.allow.Find(name)
	switch {
	case hit == nil && of == Extension:
		return d.refuse(reason.MethodNotAllowed, nil, "method %q of server %q: %s", name, server, reason.MethodNotAllowed.Sentence())
	case hit == nil && of == ResourceRead && match.Ambiguous(name):
		return d.refuse(reason.AmbiguousURI, nil, "%s", reason.AmbiguousURI.Sentence())
	case hit == nil:
		return d.refuse(reason.NotAllowed, nil, "%v %.200q of server %q: %s", of, name, server, reason.NotAllowed.Sentence())
	}
	if no := l.deny.Find(name); no != nil {
		return d.refuse(reason.Denied, no, "%v %.200q of server %q: %s", of, name, server, reason.Denied.Sentence())
	}
	// A URI that can be read in two ways is safe only where everything is
	// allowed and nothing is denied.
	if of == ResourceRead && match.Ambiguous(name) && !(l.deny.Empty() && l.allow.CoversAll(name)) {
		return d.refuse(reason.AmbiguousURI, hit, "%s", reason.AmbiguousURI.Sentence())
	}
	return d.allow(hit)
}

func (a *access) decideTool(c *Call, risk assessed, d Decision) Decision {
	if c.Tool != nil && c.Tool.Quarantined != "" {
		return d.refuse(reason.Quarantined, nil, "tool %q of server %q is quarantined: %s", c.Name, c.Server, match.Brief(c.Tool.Quarantined))
	}
	if !a.skipSchemas {
		if c.Opaque {
			return d.refuse(reason.ArgumentsInvalid, nil, "the arguments of tool %q must be an object", c.Name)
		}
		if c.Tool == nil {
			return d.refuse(reason.ToolUnknown, nil, "tool %q of server %q: %s", c.Name, c.Server, reason.ToolUnknown.Sentence())
		}
		if c.Validate != nil {
			if err := c.Validate(); err != nil {
				return d.refuse(reason.ArgumentsInvalid, nil, "the arguments do not fit the input schema of tool %q: %s", c.Name, match.Brief(err.Error()))
			}
		}
	}
	in := match.Input{Args: c.Args, Opaque: c.Opaque, Tool: c.Name, Server: c.Server, Role: c.Role}
	d.tier, d.tierBy = risk.RaisedBy(in)
	d, asking := a.screened(c, d)
	if d.verdict != allow {
		return d
	}
	for _, r := range a.rules {
		fires, err := r.fires(in)
		switch {
		case err != nil:
			return d.untold(&r.by, err)
		case fires && r.then == "ask":
			if asking == nil {
				asking = r
			}
			return a.settle(in, d, asking)
		case fires:
			return d.refuse(reason.ByRule, &r.by, "refused by %s", r.words())
		}
	}
	return a.settle(in, d, asking)
}

func (r *rule) fires(in match.Input) (bool, error) {
	if r.tools.Find(in.Tool) == nil {
		return false, nil
	}
	return r.when.Holds(in)
}

// words name the rule, and quote what the operator says of it.
func (r *rule) words() string {
	if r.message == "" {
		return r.by.Rule
	}
	return r.by.Rule + ": " + r.message
}

// settle says how a call goes on that no rule denies: as the first approval
// block says that matches, or else as its tier does. Where a rule asks, no block
// lets the call run unasked.
func (a *access) settle(in match.Input, d Decision, asking *rule) Decision {
	b, err := a.approval(in, d.tier, asking != nil)
	by, terms := d.tierBy, a.terms
	switch {
	case err != nil:
		return d.untold(&b.by, err)
	case b == nil && asking == nil && !d.tier.NeedsPerson():
		return d
	case b == nil:
	case b.then == "allow":
		return d.allow(&b.by)
	case b.then == "deny":
		return d.refuse(reason.ByRule, &b.by, "refused by %s: %s", b.by.Rule, ranked(in, d.tier))
	default:
		by, terms = &b.by, b.terms
	}
	if asking == nil {
		return d.ask(by, ranked(in, d.tier), terms)
	}
	if asking.change != nil {
		changed := asking.change.Of(*terms)
		terms = &changed
	}
	d.note = asking.message
	return d.ask(&asking.by, asking.words(), terms)
}

func ranked(in match.Input, t Tier) string {
	return "tool " + strconv.Quote(in.Tool) + " of server " + strconv.Quote(in.Server) + " is of tier " + t.String()
}

// approval finds the block that decides, or the one that cannot be told; asking
// passes over those that say allow.
func (a *access) approval(in match.Input, t Tier, asking bool) (*approval, error) {
	for _, b := range a.approvals {
		if b.tier != 0 && b.tier != t || asking && b.then == "allow" || b.tools.Find(in.Tool) == nil {
			continue
		}
		if !b.guarded {
			return b, nil
		}
		if holds, err := b.when.Holds(in); holds || err != nil {
			return b, err
		}
	}
	return nil, nil
}
