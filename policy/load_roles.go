package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"sallyport/policy/match"
	"sallyport/policy/words"
)

func (l *loader) loadRoles(doc *words.Document, missing hcl.Range) {
	if len(doc.Roles) == 0 {
		l.Mistake(missing, "No role", "A policy needs at least one role block: role \"name\" { allow = [\"server/tool\"] }.")
	}
	seen := map[string]hcl.Range{}
	for i := range doc.Roles {
		b := &doc.Roles[i]
		l.Label(seen, "role", b.Name, b.Range)
		if l.policy.roles[b.Name] == nil {
			l.policy.roleNames = append(l.policy.roleNames, b.Name)
		}
		l.policy.roles[b.Name] = l.role(b)
	}
	if len(doc.Roles) == 1 {
		l.policy.defaultRole = doc.Roles[0].Name
	}
	if doc.DefaultRole == nil {
		return
	}
	name := l.Text(doc.DefaultRole, "")
	if !l.policy.HasRole(name) {
		l.Mistake(doc.DefaultRole.Expr.Range(), "Unknown role", "There is no role %q%s. Define it, or name one of %s.", name, l.DidYouMean(name, l.policy.roleNames), words.Quoted(l.policy.roleNames))
	}
	l.policy.defaultRole = name
}

func (l *loader) role(b *words.RoleBlock) *role {
	r := &role{name: b.Name, limits: l.Limits(b.Limits, l.policy.wire), access: map[string]*access{},
		screen: l.screenBlocks(b.Handling).Then(l.screens)}
	l.lists(r, ToolCall, &words.ListBlock{Allow: b.Allow, Deny: b.Deny})
	l.lists(r, ResourceRead, b.Resources)
	l.lists(r, PromptGet, b.Prompts)
	l.lists(r, Extension, &words.ListBlock{Allow: b.Methods})
	seen := map[string]hcl.Range{}
	for i := range b.Rules {
		rb := &b.Rules[i]
		l.Label(seen, "rule", rb.Name, rb.Range)
		l.rule(r, rb)
	}
	own := l.approvals(b.Approvals)
	for _, a := range r.access {
		a.approvals = slices.Concat(own[a.server], l.shared[a.server])
		slices.SortStableFunc(a.rules, func(x, y *rule) int { return strings.Compare(y.then, x.then) }) // "deny" before "ask"
	}
	return r
}

func (l *loader) lists(r *role, kind Kind, b *words.ListBlock) {
	if b == nil {
		return
	}
	verb := "allow"
	if kind == Extension {
		verb = "methods"
	}
	for _, w := range l.List(b.Allow) {
		l.eachAccess(r, w, func(a *access, name string) { a.lists[kind].allow.Add(name, kind == ResourceRead, origin(verb, w)) })
	}
	for _, w := range l.List(b.Deny) {
		l.eachAccess(r, w, func(a *access, name string) { a.lists[kind].deny.Add(name, kind == ResourceRead, origin("deny", w)) })
	}
}

func origin(verb string, w words.Word) source {
	return source{Rule: fmt.Sprintf("%s %q", verb, w.Text), At: at(w.Range)}
}

// eachAccess hands out what r may do with every server that a pattern speaks of.
func (l *loader) eachAccess(r *role, w words.Word, use func(a *access, name string)) {
	l.eachServer(w, func(i int, name string) {
		s := &l.policy.servers[i]
		a := r.access[s.Name]
		if a == nil {
			a = &access{server: i, skipSchemas: s.SkipSchemas, risks: &l.policy.risks[i], terms: l.policy.terms, screen: r.screen}
			r.access[s.Name] = a
		}
		use(a, name)
	})
}

// eachServer splits "server/name" at its first slash and hands out every server
// that the first part matches.
func (l *loader) eachServer(w words.Word, use func(server int, name string)) {
	matched, name, diags := l.language.Pattern(w.Text, w.Range, l.policy.serverNames())
	l.Add(diags)
	for _, i := range matched {
		use(i, name)
	}
}

func (l *loader) rule(r *role, b *words.RuleBlock) {
	whole := rule{when: l.condition(b.When), by: source{Rule: fmt.Sprintf("rule %q", b.Name), At: at(b.Range)}}
	whole.then = l.Choice(b.Then, "deny", "deny", "ask")
	l.Required(b.Tools, "tools", `["server/tool"]`, b.Range)
	l.Required(b.When, "when", `args.force == true`, b.Range)
	l.Required(b.Then, "then", `"deny"`, b.Range)
	whole.message = match.Brief(l.Text(b.Message, ""))
	l.ruleTerms(&whole, b)
	made := map[*access]*rule{}
	for _, w := range l.tools(b.Tools, "Rule") {
		l.eachAccess(r, w, func(a *access, name string) {
			if made[a] == nil {
				own := whole
				made[a] = &own
				a.rules = append(a.rules, &own)
			}
			made[a].tools.Add(name, false, origin("tools", w))
		})
	}
}

// tools are the patterns of a block that speaks of calls to tools.
func (l *loader) tools(a *hcl.Attribute, kind string) []words.Word {
	tools := l.List(a)
	if tools != nil && len(tools) == 0 {
		l.Mistake(a.Expr.Range(), kind+" for no tools", "This %s would never apply. Name tools, for instance tools = [\"*/*\"].", strings.ToLower(kind))
	}
	return tools
}
