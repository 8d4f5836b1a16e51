package policy

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"sallyport/policy/ask"
	"sallyport/policy/match"
	"sallyport/policy/tier"
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
	l.reviewTiers(doc.Tiers, slices.Collect(maps.Values(l.policy.roles))...)
	for i := range doc.Approvals {
		l.reviewChannels(&doc.Approvals[i])
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
	if s.Sandbox.BestEffort {
		l.Warn(b.Sandboxes[0].Range, "server %q: what its sandbox does not hold to is only a warning", s.Name)
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
		l.eachAccess(r, w, func(a *access, name string) { l.reviewAllow(a, name, w) })
	}
	for i := range b.Rules {
		l.reviewRule(&b.Rules[i], r)
	}
	l.reviewTiers(b.Approvals, r)
}

func (l *loader) reviewAllow(a *access, name string, w words.Word) {
	exact := !strings.ContainsAny(name, "*?")
	if exact && a.lists[ToolCall].deny.Find(name) != nil {
		l.Warn(w.Range, "%q has no effect: a deny pattern covers it", w.Text)
		return
	}
	if risk := a.risks; exact && risk.Fallback.Tier == Delete && risk.Assess(name, nil).By == risk.Fallback.By && a.asks(name) {
		l.Warn(w.Range, "%q has no tool block, so it is of tier delete and waits for a person", w.Text)
	}
}

// asks reports whether a person decides on a call of tier delete.
func (a *access) asks(tool string) bool {
	b, err := a.approval(match.Input{Tool: tool}, Delete, false)
	return b == nil || err != nil || b.then == "ask"
}

func (l *loader) reviewRule(b *words.RuleBlock, r *role) {
	if !l.live(b.Tools, r) {
		l.Warn(b.Range, "rule %q never applies: the role is not allowed its tools", b.Name)
	}
	for _, a := range r.access {
		for _, rule := range a.rules {
			if rule.change == nil || rule.by.At != at(b.Range) {
				continue
			}
			for _, block := range a.approvals {
				if t := rule.change.Of(*block.terms); block.then == "ask" && t.Quorum > l.policy.channels.People(t.Via) {
					l.Warn(b.Range, "rule %q: where the terms of %s at %s apply, %d people could never approve by its own via; give the rule a quorum", b.Name, block.by.Rule, block.by.At, t.Quorum)
				}
			}
		}
	}
}

// live is false if all tools are exact names that no role is allowed anyway.
func (l *loader) live(tools *hcl.Attribute, roles ...*role) bool {
	live := tools == nil
	for _, w := range l.List(tools) {
		l.eachServer(w, func(i int, name string) {
			for _, r := range roles {
				a := r.access[l.policy.servers[i].Name]
				live = live || a != nil && (strings.ContainsAny(name, "*?") || a.allows(name))
			}
		})
	}
	return live
}

// reviewTiers looks at the approval blocks of one place, and of the roles for
// which they stand there.
func (l *loader) reviewTiers(blocks []words.TierBlock, roles ...*role) {
	for i := range blocks {
		b := &blocks[i]
		then, terms := l.Text(b.Then, "ask"), b.Terms()
		switch {
		case then == "allow" && b.Tier == "*":
			l.Warn(b.Then.Range, "approval \"*\": tiers delete and external run without a person")
		case then == "allow" && tier.Parse(b.Tier).NeedsPerson():
			l.Warn(b.Then.Range, "approval %q: tier %s runs without a person", b.Tier, b.Tier)
		case b.Then == nil && (b.Tier == "*" || b.Tier == "read"):
			l.Warn(b.Range, "approval %q asks a person before all that it covers, also what only reads; if that is meant, write then = \"ask\"", b.Tier)
		}
		for _, a := range terms.Said() {
			if then != "ask" {
				l.Warn(a.Range, "%s has no effect: this approval block asks nobody", a.Name)
			} else if a == b.Widen && l.change(terms).Of(*l.policy.terms).Remember == 0 {
				l.Warn(a.Range, "widen has no effect without remember")
			}
		}
		for j := range blocks[:i] {
			if first := &blocks[j]; first.Tools == nil && first.When == nil && (first.Tier == "*" || first.Tier == b.Tier) && l.Text(first.Then, "ask") != "allow" {
				l.Warn(b.Range, "approval %q never applies: the block at %s covers all its calls", b.Tier, at(first.Range))
			}
		}
		if !l.live(b.Tools, roles...) {
			l.Warn(b.Range, "approval %q never applies: no role for which it stands is allowed its tools", b.Tier)
		}
	}
}

// reviewChannels finds channels on which no question is asked.
func (l *loader) reviewChannels(b *words.ApprovalBlock) {
	if b.Web != nil && !l.via[ask.WebPage] {
		l.Warn(b.Web.Range, "no via names \"web\", so nothing is asked on the page")
	}
	for _, w := range b.Webhooks {
		if name := ask.WebhookPrefix + w.Name; !l.via[name] {
			l.Warn(w.Range, "no via names %q, so it is not asked", name)
		}
	}
}
