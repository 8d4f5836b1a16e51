package policy

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"sallyport/policy/match"
	"sallyport/policy/tier"
	"sallyport/policy/words"
)

func (l *loader) loadServers(blocks []words.ServerBlock, missing hcl.Range) {
	if len(blocks) == 0 {
		l.Mistake(missing, "No server", "A policy needs at least one server block: server \"name\" { command = [\"…\"] … }.")
	}
	seen := map[string]hcl.Range{}
	for i := range blocks {
		b := &blocks[i]
		l.Label(seen, "server", b.Name, b.Range)
		l.ServerName(b, len(blocks) > 1, l.policy.separator)
		s := l.Server(b)
		s.Reading = l.reading
		if b.Screen != nil {
			s.Reading = l.Reading(b.Screen.Documents, b.Screen.Roots, l.reading)
		}
		l.policy.servers = append(l.policy.servers, s)
		l.policy.risks = append(l.policy.risks, l.risks(b))
	}
}

var tierWords = []string{"read", "modify", "delete", "external", "infer"}

func (l *loader) risks(b *words.ServerBlock) riskTable {
	t := riskTable{Exact: map[string]*toolRisk{}, Match: match.Name}
	t.Fallback = toolRisk{
		Tier: tier.Parse(l.Choice(b.Risk, "delete", tierWords...)),
		By:   &source{Rule: "risk of server " + fmt.Sprintf("%q", b.Name), At: at(b.Range)},
	}
	if b.Risk != nil {
		t.Fallback.By.At = at(b.Risk.Range)
	}
	seen := map[string]hcl.Range{}
	for i := range b.Tools {
		tool := &b.Tools[i]
		l.Label(seen, "tool", tool.Label, tool.Range)
		r := l.toolRisk(tool)
		if strings.ContainsAny(r.Label, "*?") {
			t.Globs = append(t.Globs, r)
		} else {
			t.Exact[r.Label] = r
		}
	}
	return t
}

func (l *loader) toolRisk(b *words.ToolBlock) *toolRisk {
	l.Required(b.Risk, "risk", `"read"`, b.Range)
	r := &toolRisk{
		Label:             b.Label,
		Tier:              tier.Parse(l.Choice(b.Risk, "delete", tierWords...)),
		IgnoreAnnotations: l.Choice(b.Annotations, "raise", "raise", "ignore") == "ignore",
		By:                &source{Rule: fmt.Sprintf("tool %q", b.Label), At: at(b.Range)},
	}
	seen := map[string]hcl.Range{}
	for _, cond := range b.Ifs {
		l.Label(seen, "risk_if", cond.Name, cond.Range)
		l.Required(cond.When, "when", `args.force == true`, cond.Range)
		l.Required(cond.Risk, "risk", `"external"`, cond.Range)
		r.Ifs = append(r.Ifs, riskIf{
			When: l.condition(cond.When),
			Tier: tier.Parse(l.Choice(cond.Risk, "external", tierWords[:4]...)),
			By:   &source{Rule: fmt.Sprintf("risk_if %q", cond.Name), At: at(cond.Range)},
		})
	}
	return r
}

func at(rng hcl.Range) string { return fmt.Sprintf("%s:%d", rng.Filename, rng.Start.Line) }
