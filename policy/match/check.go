package match

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// roots are the variables of a condition.
var roots = []string{"args", "tool", "server", "role"}

// check is one expression under examination.
type check struct {
	*Language
	diags hcl.Diagnostics
}

func (l *check) mistake(rng hcl.Range, summary, detail string, a ...any) {
	l.diags = append(l.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, a...), Subject: &rng})
}

// Condition checks a `when` as far as that is possible without a call:
// variables, functions, the number of values, literals, and that the answer is
// true or false. The Condition is usable only without diagnostics.
func (l *Language) Condition(e hcl.Expression) (*Condition, hcl.Diagnostics) {
	c, k := &Condition{expr: e, functions: l.functions}, &check{Language: l}
	k.variables(c)
	k.calls(e)
	if len(k.diags) > 0 {
		return nil, k.diags
	}
	unknown := cty.UnknownVal(cty.String).RefineNotNull()
	v, diags := e.Value(&hcl.EvalContext{Functions: l.functions, Variables: map[string]cty.Value{
		"args": cty.DynamicVal, "tool": unknown, "server": unknown, "role": unknown,
	}})
	if diags.HasErrors() {
		return nil, diags
	}
	if v.Type() != cty.Bool && v.Type() != cty.DynamicPseudoType || v.IsNull() {
		k.mistake(e.Range(), "Not a condition", "A condition must be true or false. Compare with something, for instance args.name == \"x\".")
	}
	return c, k.diags
}

// variables notes which arguments are read, and refuses unknown roots.
func (l *check) variables(c *Condition) {
	for _, path := range c.expr.Variables() {
		root := path.RootName()
		switch {
		case root == "args" && len(path) > 1:
			if name, ok := step(path[1]); ok {
				c.args = append(c.args, name)
				continue
			}
			c.all = true
		case root == "args":
			c.all = true
		case slices.Contains(roots, root):
			c.names = append(c.names, root)
		default:
			l.mistake(path.SourceRange(), "Unknown variable", "There is no variable %q%s. A condition can read %s; text needs quotes.", root, l.suggest(root, roots), strings.Join(roots, ", "))
		}
	}
}

func step(t hcl.Traverser) (string, bool) {
	switch t := t.(type) {
	case hcl.TraverseAttr:
		return t.Name, true
	case hcl.TraverseIndex:
		if t.Key.Type() == cty.String && t.Key.IsKnown() && !t.Key.IsNull() {
			return t.Key.AsString(), true
		}
	}
	return "", false
}

// calls checks the name, the number of values and the literals of every
// function call, wherever it stands: evaluation alone would not reach them all.
func (l *check) calls(e hcl.Expression) {
	node, ok := e.(hclsyntax.Node)
	if !ok {
		l.mistake(e.Range(), "Not a condition", "Write the condition in HCL's own syntax.")
		return
	}
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		call, ok := n.(*hclsyntax.FunctionCallExpr)
		if !ok {
			return nil
		}
		b, ok := l.builtins[call.Name]
		if !ok {
			known := slices.Sorted(maps.Keys(l.builtins))
			l.mistake(call.NameRange, "Unknown function", "There is no function %q%s. There are %s.", call.Name, l.suggest(call.Name, known), strings.Join(known, ", "))
			return nil
		}
		if err := b.arity(len(call.Args)); err != nil && !call.ExpandFinal {
			l.mistake(call.Range(), "Wrong number of values", "%s: %v.", call.Name, err)
		}
		for _, arg := range call.Args[min(1, len(call.Args)):] {
			if err := l.literal(b, arg); err != nil {
				l.mistake(arg.Range(), "Unusable value", "%s: %v.", call.Name, err)
			}
		}
		return nil
	})
}

var errWantLiteral = errors.New("write the pattern as literal text, so that no caller can choose it")

func (l *check) literal(b builtin, e hclsyntax.Expression) error {
	if b.literal == nil {
		return nil
	}
	text, ok := e.(*hclsyntax.TemplateExpr)
	if !ok || !text.IsStringLiteral() {
		if b.constant {
			return errWantLiteral
		}
		return nil
	}
	v, diags := text.Value(nil)
	if diags.HasErrors() {
		return diags
	}
	return b.literal(v.AsString())
}
