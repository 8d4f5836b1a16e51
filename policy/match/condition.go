package match

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// Condition is a checked `when` expression. The zero and the nil condition
// cannot be told.
type Condition struct {
	expr      hcl.Expression
	args      []string // the arguments that it names
	all       bool     // it reads args as a whole
	names     []string // the other variables that it names
	functions map[string]function.Function
}

// Input is what conditions read: one call, never anything else.
type Input struct {
	Args               map[string]any // decoded with json.Number
	Opaque             bool           // there are arguments, but they are no object: nothing can be told of them
	Tool, Server, Role string
}

var (
	errOpaque      = errors.New("the arguments are not an object")
	errNoCondition = errors.New("it has no condition")
	errNotTold     = errors.New("it has no definite answer for these values")
	errOperation   = errors.New("a value is missing or has no place in this operation")
	errInside      = errors.New("its evaluation failed inside")
)

// Holds evaluates the condition. Whatever is not a known true or false is an
// error, and the caller refuses on it; the error quotes no argument values.
func (c *Condition) Holds(in Input) (holds bool, err error) {
	if c == nil || c.expr == nil {
		return false, errNoCondition
	}
	if in.Opaque {
		return false, errOpaque
	}
	defer func() {
		if recover() != nil { // cty panics on misuse; a condition must never take the proxy down
			holds, err = false, errInside
		}
	}()
	v, diags := c.expr.Value(c.scope(in))
	if diags.HasErrors() {
		return false, plainError(diags)
	}
	if !v.IsKnown() || v.IsNull() || v.Type() != cty.Bool {
		return false, errNotTold
	}
	return v.True(), nil
}

// plainError keeps of HCL's diagnostics what holds no values.
func plainError(diags hcl.Diagnostics) error {
	d := diags.Errs()[0].(*hcl.Diagnostic)
	if call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d); ok && call.FunctionCallError() != nil {
		return fmt.Errorf("%s: %w", call.CalledFunctionName(), call.FunctionCallError())
	}
	if d.Summary == "Operation failed" { // HCL's word for null, or for dividing by zero
		return errOperation
	}
	return errors.New(strings.ToLower(d.Summary))
}

// scope converts only what the expression names: arguments are the caller's,
// and can be large.
func (c *Condition) scope(in Input) *hcl.EvalContext {
	args := make(map[string]cty.Value, len(c.args))
	exact, conv := len(in.Args) <= maxValues, &conversion{left: maxValues}
	if c.all && exact {
		for name, v := range in.Args {
			exact = exact && cty.NormalizeString(name) == name
			args[name] = conv.value(v, 1)
		}
	}
	for _, name := range c.args {
		v, ok := in.Args[name]
		switch {
		case !ok:
			args[name] = absent
		case !c.all:
			args[name] = conv.value(v, 1)
		}
	}
	vars := make(map[string]cty.Value, 4)
	vars["args"] = cty.DynamicVal
	if exact {
		vars["args"] = cty.ObjectVal(args)
	}
	for _, name := range c.names {
		switch name {
		case "tool":
			vars[name] = stringValue(in.Tool)
		case "server":
			vars[name] = stringValue(in.Server)
		case "role":
			vars[name] = stringValue(in.Role)
		}
	}
	return &hcl.EvalContext{Functions: c.functions, Variables: vars}
}

var absent = cty.NullVal(cty.DynamicPseudoType)

// What lies deeper, or comes after so many values, is unknown: no rule reads
// it, and a caller could make it cost far more memory than the call itself.
const (
	maxValueDepth = 1000
	maxValues     = 100_000
)

// conversion is one call's way into the expression language.
type conversion struct{ left int }

// value converts a decoded argument. What cty cannot hold exactly becomes an
// unknown, so that a condition which depends on it has no answer and refuses,
// while one that does not depend on it is not disturbed.
func (c *conversion) value(v any, depth int) cty.Value {
	if c.left--; c.left < 0 || depth > maxValueDepth {
		return cty.DynamicVal
	}
	switch v := v.(type) {
	case nil:
		return absent
	case bool:
		return cty.BoolVal(v)
	case string:
		return stringValue(v)
	case json.Number:
		return numberValue(string(v))
	case []any:
		if len(v) > c.left {
			return cty.DynamicVal
		}
		elems := make([]cty.Value, len(v))
		for i, e := range v {
			elems[i] = c.value(e, depth+1)
		}
		return cty.TupleVal(elems)
	case map[string]any:
		if len(v) > c.left {
			return cty.DynamicVal
		}
		attrs := make(map[string]cty.Value, len(v))
		for name, e := range v {
			if cty.NormalizeString(name) != name {
				return cty.DynamicVal
			}
			attrs[name] = c.value(e, depth+1)
		}
		return cty.ObjectVal(attrs)
	default:
		return cty.DynamicVal
	}
}

// stringValue refuses to judge another string than the one that is sent: cty
// keeps strings in NFC only, and other spellings would be changed.
func stringValue(s string) cty.Value {
	v := cty.StringVal(s)
	if v.AsString() != s {
		return cty.UnknownVal(cty.String).RefineNotNull()
	}
	return v
}

// numberValue takes numbers that fit cty's 512 bits exactly as far as decimal
// numbers do, and leaves out those made to be expensive.
func numberValue(s string) cty.Value {
	const maxDigits, maxExponent = 150, 300
	unknown := cty.UnknownVal(cty.Number).RefineNotNull()
	mantissa, exponent, scaled := strings.Cut(strings.ToLower(s), "e")
	if len(mantissa) > maxDigits || strings.Trim(mantissa, "-.0123456789") != "" {
		return unknown
	}
	if scaled {
		var e int
		if n, err := fmt.Sscanf(exponent, "%d", &e); n != 1 || err != nil || len(exponent) > 5 || e > maxExponent || e < -maxExponent {
			return unknown
		}
	}
	v, err := cty.ParseNumberVal(s)
	if err != nil {
		return unknown
	}
	return v
}
