package policy

import (
	"strings"

	"sallyport/policy/words"
)

// review warns about what is legal and probably not meant. It runs only over a
// file without mistakes.
func (l *loader) review(doc *words.Document) {
	for i := range doc.Servers {
		l.reviewServer(&doc.Servers[i], &l.policy.servers[i], l.policy.risks[i].Fallback.Tier)
	}
	for i := range doc.Roles {
		l.reviewRole(&doc.Roles[i], l.policy.roles[doc.Roles[i].Name])
	}
	if l.policy.defaultRole == "" {
		l.Warn(doc.Roles[0].Range, "several roles and no default_role: a caller without a role is refused")
	}
}

func (l *loader) reviewServer(b *words.ServerBlock, s *Server, fallback Tier) {
	if s.InheritAll {
		l.Warn(b.Inherit.Range, "server %q inherits the whole environment, and every secret in it; list the names it needs", s.Name)
	}
	if s.SkipSchemas {
		l.Warn(b.Schemas.Range, "server %q: arguments are not checked against the tools' schemas", s.Name)
	}
	if fallback == Read || fallback == Modify {
		l.Warn(b.Risk.Range, "server %q: every tool without a tool block runs without a person being asked, also one that appears later", s.Name)
	}
	for i := range b.Tools {
		tool := &b.Tools[i]
		if !strings.ContainsAny(tool.Label, "*?") && !l.reachable(s.Name, tool.Label) {
			l.Warn(tool.Range, "tool %q of server %q is allowed to no role", tool.Label, s.Name)
		}
	}
}

func (l *loader) reachable(server, tool string) bool {
	for _, r := range l.policy.roles {
		if a := r.access[server]; a != nil && a.allows(tool) {
			return true
		}
	}
	return false
}

func (a *access) allows(tool string) bool {
	return a.lists[ToolCall].allow.Find(tool) != nil && a.lists[ToolCall].deny.Find(tool) == nil
}

func (l *loader) reviewRole(b *words.RoleBlock, r *role) {
	if len(r.access) == 0 {
		l.Warn(b.Range, "role %q allows nothing", r.name)
		return
	}
	if r.limits.Calls == 0 && r.limits.Rate == 0 {
		l.Warn(b.Range, "role %q has neither a limit on calls nor a rate: a runaway agent is not stopped", r.name)
	}
	for _, w := range l.List(b.Allow) {
		if w.Text == "*/*" {
			l.Warn(w.Range, "role %q may call every tool of every server", r.name)
			continue
		}
		l.eachServer(r, w, func(a *access, name string) { l.reviewAllow(a, name, w) })
	}
	for i := range b.Rules {
		l.reviewRule(&b.Rules[i], r)
	}
}

func (l *loader) reviewAllow(a *access, name string, w words.Word) {
	exact := !strings.ContainsAny(name, "*?")
	if exact && a.lists[ToolCall].deny.Find(name) != nil {
		l.Warn(w.Range, "%q has no effect: a deny pattern covers it", w.Text)
		return
	}
	if risk := a.risks; exact && risk.Fallback.Tier == Delete && risk.Assess(name, nil).By == risk.Fallback.By {
		l.Warn(w.Range, "%q has no tool block, so it is of tier delete and waits for a person", w.Text)
	}
}

// reviewRule finds rules all of whose tools are exact names that are not
// allowed anyway.
func (l *loader) reviewRule(b *words.RuleBlock, r *role) {
	live := false
	for _, w := range l.List(b.Tools) {
		l.eachServer(r, w, func(a *access, name string) {
			live = live || strings.ContainsAny(name, "*?") || a.allows(name)
		})
	}
	if !live {
		l.Warn(b.Range, "rule %q never applies: the role is not allowed its tools", b.Name)
	}
}
