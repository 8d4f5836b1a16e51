package policy

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"sallyport/policy/match"
	"sallyport/policy/tier"
	"sallyport/policy/words"
)

const (
	defaultStartTimeout = 30 * time.Second
	defaultStopTimeout  = time.Second // a stage; clients wait some two seconds for all of them
)

var serverShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)

func (l *loader) loadServers(blocks []words.ServerBlock, missing hcl.Range) {
	if len(blocks) == 0 {
		l.Mistake(missing, "No server", "A policy needs at least one server block: server \"name\" { command = [\"…\"] … }.")
	}
	seen := map[string]hcl.Range{}
	for i := range blocks {
		b := &blocks[i]
		l.label(seen, "server", b.Name, b.Range)
		if b.Name != "" && !serverShape.MatchString(b.Name) {
			l.Mistake(b.Range, "Unusable server name", "%q must begin with a letter or digit and hold at most 64 of A–Z a–z 0–9 _ . -, for it becomes part of patterns and tool names.", b.Name)
		}
		if sep := l.policy.separator; len(blocks) > 1 && strings.Index(b.Name+sep, sep) != len(b.Name) {
			l.Mistake(b.Range, "Ambiguous server name", "With several servers a tool is shown as server%stool, so %q must not hold the separator %q, nor end in a part of it. Rename the server, or choose another names { separator = … }.", sep, b.Name, sep)
		}
		l.policy.servers = append(l.policy.servers, l.server(b))
	}
}

func (l *loader) server(b *words.ServerBlock) Server {
	command := l.List(b.Command)
	s := Server{
		Name:         b.Name,
		Command:      words.Texts(command),
		Dir:          l.resolve(l.Text(b.Dir, "")),
		Env:          l.env(b.Env),
		Sandbox:      l.sandbox(b),
		SkipSchemas:  l.Choice(b.Schemas, "enforce", "enforce", "off") == "off",
		StartTimeout: l.Duration(b.StartTimeout, defaultStartTimeout),
		StopTimeout:  l.Duration(b.StopTimeout, defaultStopTimeout),
	}
	if command != nil && (len(command) == 0 || command[0].Text == "") {
		l.Mistake(b.Command.Expr.Range(), "Empty command", "Write the program and its arguments as a list, or leave command out and give it to wrap.")
	}
	s.Inherit, s.InheritAll = l.inherit(b.Inherit)
	s.risks = l.risks(b)
	return s
}

func (l *loader) inherit(a *hcl.Attribute) (names []string, all bool) {
	if a == nil {
		return nil, false
	}
	if _, diags := hcl.ExprList(a.Expr); diags.HasErrors() {
		if w, ok := l.Word(a.Expr); ok && w.Text != "all" {
			l.Mistake(w.Range, "Unknown inherit", "%q is neither \"all\" nor a list. Write inherit = [\"PATH\", \"HOME\"].", w.Text)
		}
		return nil, true
	}
	list := l.List(a)
	for _, w := range list {
		l.variableName(w)
	}
	return words.Texts(list), false
}

func (l *loader) variableName(w words.Word) {
	if w.Text == "" || strings.ContainsAny(w.Text, "=\x00") {
		l.Mistake(w.Range, "Unusable variable name", "The name of an environment variable must not be empty nor hold \"=\".")
	}
}

func (l *loader) sandbox(b *words.ServerBlock) string {
	const remedy = "The only runtime so far is \"none\": a plain process with your own rights. If you accept that, write: sandbox \"none\" {}"
	if len(b.Sandboxes) == 0 {
		l.Mistake(b.Range, "Missing sandbox block", "How server %q is contained must be said out loud. %s", b.Name, remedy)
		return ""
	}
	for _, extra := range b.Sandboxes[1:] {
		l.Mistake(extra.Range, "Duplicate sandbox block", "A server runs in one sandbox. Keep one of the blocks.")
	}
	box := b.Sandboxes[0]
	if box.Runtime != "none" {
		l.Mistake(box.Range, "Unknown sandbox runtime", "%q does not exist%s. %s", box.Runtime, words.DidYouMean(box.Runtime, []string{"none"}), remedy)
		return ""
	}
	_, diags := box.Body.Content(&hcl.BodySchema{})
	l.Add(diags)
	return box.Runtime
}

// env reads { NAME = value } where a value is text, secret_env("NAME") or
// secret_file("/path"). Secrets are only named here, never read.
func (l *loader) env(a *hcl.Attribute) []EnvValue {
	var out []EnvValue
	seen := map[string]hcl.Range{}
	for name, value := range l.Pairs(a, `{ NAME = "value", TOKEN = secret_env("TOKEN") }`) {
		l.variableName(name)
		l.label(seen, "environment variable", name.Text, name.Range)
		v := EnvValue{Name: name.Text}
		switch text, function := l.TextOr(value, "secret_env", "secret_file"); function {
		case "secret_env":
			v.FromEnv = text
		case "secret_file":
			v.FromFile = l.resolve(text)
		default:
			v.Literal = text
		}
		out = append(out, v)
	}
	return out
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
		l.label(seen, "tool", tool.Label, tool.Range)
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
		l.label(seen, "risk_if", cond.Name, cond.Range)
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
