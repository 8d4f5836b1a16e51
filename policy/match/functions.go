package match

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// builtin is one function of conditions. All of them take null as "nothing
// there" (false, empty or zero), compare types strictly, and make an error of
// a value of the wrong type: an error refuses.
type builtin struct {
	min, max int // number of arguments; max 0 = no bound
	returns  cty.Type
	call     func([]cty.Value) (cty.Value, error)
	// literal checks the constant strings after the first argument at load.
	literal func(string) error
	// constant says that those arguments must be literals.
	constant bool
}

// Language is the set of functions that conditions may call, with the regular
// expressions of one policy compiled once.
type Language struct {
	suggest   func(written string, known []string) string
	builtins  map[string]builtin
	functions map[string]function.Function
	regexps   map[string]*regexp.Regexp // written by Condition only
}

// NewLanguage makes a fresh Language; suggest completes "no such name" with
// what may have been meant.
func NewLanguage(suggest func(written string, known []string) string) *Language {
	l := &Language{suggest: suggest, regexps: map[string]*regexp.Regexp{}, functions: map[string]function.Function{}}
	l.builtins = map[string]builtin{
		"oneof":      {min: 2, returns: cty.Bool, call: oneOf},
		"contains":   {min: 2, max: 2, returns: cty.Bool, call: contains},
		"glob":       {min: 2, returns: cty.Bool, call: anyText(func(s, pattern string) (bool, error) { return Name(pattern, s), nil })},
		"startswith": {min: 2, returns: cty.Bool, call: anyText(func(s, p string) (bool, error) { return strings.HasPrefix(s, p), nil })},
		"endswith":   {min: 2, returns: cty.Bool, call: anyText(func(s, p string) (bool, error) { return strings.HasSuffix(s, p), nil })},
		"regex":      {min: 2, max: 2, returns: cty.Bool, call: anyText(l.matches), literal: l.compile, constant: true},
		"under":      {min: 2, returns: cty.Bool, call: anyText(under), literal: absolute},
		"cidr":       {min: 2, returns: cty.Bool, call: anyText(inBlock), literal: func(s string) error { _, err := block(s); return err }},
		"lower":      {min: 1, max: 1, returns: cty.String, call: onText(func(s string) (cty.Value, error) { return stringValue(strings.ToLower(s)), nil })},
		"upper":      {min: 1, max: 1, returns: cty.String, call: onText(func(s string) (cty.Value, error) { return stringValue(strings.ToUpper(s)), nil })},
		"host":       {min: 1, max: 1, returns: cty.String, call: onURL(func(u address) cty.Value { return cty.StringVal(u.host) })},
		"scheme":     {min: 1, max: 1, returns: cty.String, call: onURL(func(u address) cty.Value { return cty.StringVal(u.scheme) })},
		"port":       {min: 1, max: 1, returns: cty.Number, call: onURL(func(u address) cty.Value { return cty.NumberIntVal(u.port) })},
		"length":     {min: 1, max: 1, returns: cty.Number, call: length},
		"keys":       {min: 1, max: 1, returns: cty.List(cty.String), call: keys},
		"alltrue":    {min: 1, max: 1, returns: cty.Bool, call: truths(true)},
		"anytrue":    {min: 1, max: 1, returns: cty.Bool, call: truths(false)},
		"has":        {min: 2, max: 2, returns: cty.Bool, call: has},
		"can":        {min: 1, max: 1},
		"try":        {min: 1},
	}
	for name, b := range l.builtins {
		l.functions[name] = b.function(name == "has")
	}
	l.functions["can"], l.functions["try"] = tryfunc.CanFunc, tryfunc.TryFunc
	return l
}

// function hands b to cty with every convenience switched off that would
// answer "unknown" for null or convert between types.
func (b builtin) function(seesUnknown bool) function.Function {
	return function.New(&function.Spec{
		VarParam: &function.Parameter{Name: "values", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true},
		Type: func(args []cty.Value) (cty.Type, error) {
			if err := b.arity(len(args)); err != nil {
				return cty.NilType, err
			}
			return b.returns, nil
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !seesUnknown && slices.ContainsFunc(args, func(v cty.Value) bool { return !v.IsWhollyKnown() }) {
				return cty.UnknownVal(b.returns), nil
			}
			return b.call(args)
		},
	})
}

func (b builtin) arity(n int) error {
	switch {
	case b.max == b.min && n != b.min:
		return fmt.Errorf("it takes exactly %d value(s)", b.min)
	case n < b.min:
		return fmt.Errorf("it takes at least %d value(s)", b.min)
	case b.max > 0 && n > b.max:
		return fmt.Errorf("it takes at most %d value(s)", b.max)
	}
	return nil
}

var errNotText = errors.New("a value is not text")

// text is a string; null is no text and no error.
func text(v cty.Value) (s string, ok bool, err error) {
	switch {
	case v.IsNull():
		return "", false, nil
	case v.Type() != cty.String:
		return "", false, errNotText
	}
	return v.AsString(), true, nil
}

// anyText is true when test holds for the first argument and any of the
// others. All others are tested even after a hit, so that an error in one is
// never hidden by the order.
func anyText(test func(s, other string) (bool, error)) func([]cty.Value) (cty.Value, error) {
	return func(args []cty.Value) (cty.Value, error) {
		s, ok, err := text(args[0])
		if !ok || err != nil {
			return cty.False, err
		}
		found := false
		for _, a := range args[1:] {
			other, ok, err := text(a)
			if err == nil && !ok {
				err = errors.New("a value to compare with is null")
			}
			if err != nil {
				return cty.False, err
			}
			hit, err := test(s, other)
			if err != nil {
				return cty.False, err
			}
			found = found || hit
		}
		return cty.BoolVal(found), nil
	}
}

// onText maps text; null stays null.
func onText(f func(string) (cty.Value, error)) func([]cty.Value) (cty.Value, error) {
	return func(args []cty.Value) (cty.Value, error) {
		s, ok, err := text(args[0])
		if !ok || err != nil {
			return cty.NullVal(cty.String), err
		}
		return f(s)
	}
}

func onURL(pick func(address) cty.Value) func([]cty.Value) (cty.Value, error) {
	return func(args []cty.Value) (cty.Value, error) {
		s, _, err := text(args[0])
		if err != nil {
			return cty.NilVal, err
		}
		u, err := parseAddress(s)
		if err != nil {
			return cty.NilVal, err
		}
		return pick(u), nil
	}
}

func same(a, b cty.Value) bool {
	return !a.IsNull() && !b.IsNull() && a.Type().Equals(b.Type()) && a.RawEquals(b)
}

func oneOf(args []cty.Value) (cty.Value, error) {
	if !args[0].IsNull() && !args[0].Type().IsPrimitiveType() {
		return cty.False, errors.New("the value is a list or an object")
	}
	return cty.BoolVal(slices.ContainsFunc(args[1:], func(v cty.Value) bool { return same(args[0], v) })), nil
}

func isSequence(v cty.Value) bool {
	t := v.Type()
	return t.IsTupleType() || t.IsListType() || t.IsSetType()
}

func contains(args []cty.Value) (cty.Value, error) {
	in, x := args[0], args[1]
	switch {
	case in.IsNull() || x.IsNull():
		return cty.False, nil
	case in.Type() == cty.String && x.Type() == cty.String:
		return cty.BoolVal(strings.Contains(in.AsString(), x.AsString())), nil
	case !isSequence(in):
		return cty.False, errors.New("the value is neither a list nor text that can contain the other")
	}
	for _, e := range in.Elements() {
		if same(e, x) {
			return cty.True, nil
		}
	}
	return cty.False, nil
}

func length(args []cty.Value) (cty.Value, error) {
	v := args[0]
	switch {
	case v.IsNull():
		return cty.Zero, nil
	case v.Type() == cty.String:
		return cty.NumberIntVal(int64(utf8.RuneCountInString(v.AsString()))), nil
	case v.Type().IsPrimitiveType():
		return cty.Zero, errors.New("a number or a truth value has no length")
	case v.Type().IsObjectType():
		return cty.NumberIntVal(int64(len(v.Type().AttributeTypes()))), nil
	}
	return cty.NumberIntVal(int64(v.LengthInt())), nil
}

func keys(args []cty.Value) (cty.Value, error) {
	v := args[0]
	if !v.IsNull() && !v.Type().IsObjectType() {
		return cty.NilVal, errors.New("the value is not an object")
	}
	if v.IsNull() || len(v.Type().AttributeTypes()) == 0 {
		return cty.ListValEmpty(cty.String), nil
	}
	var names []cty.Value
	for _, name := range slices.Sorted(maps.Keys(v.Type().AttributeTypes())) {
		names = append(names, cty.StringVal(name))
	}
	return cty.ListVal(names), nil
}

// truths is alltrue (want all) or anytrue. A list that is not there is an
// error: "all of nothing" must not pass for a checked list.
func truths(all bool) func([]cty.Value) (cty.Value, error) {
	return func(args []cty.Value) (cty.Value, error) {
		if args[0].IsNull() || !isSequence(args[0]) {
			return cty.False, errors.New("the value is not a list")
		}
		result := all
		for _, e := range args[0].Elements() {
			if e.IsNull() || e.Type() != cty.Bool {
				return cty.False, errors.New("an element is neither true nor false")
			}
			if e.True() != all {
				result = !all
			}
		}
		return cty.BoolVal(result), nil
	}
}

// has follows a dotted path; it is true when something other than null is at
// its end. It alone may look past values that are not exactly known.
func has(args []cty.Value) (cty.Value, error) {
	if !args[1].IsKnown() {
		return cty.UnknownVal(cty.Bool), nil
	}
	path, ok, err := text(args[1])
	if err == nil && !ok {
		err = errNotText
	}
	if err != nil {
		return cty.False, err
	}
	v := args[0]
	for name := range strings.SplitSeq(path, ".") {
		switch {
		case !v.IsKnown():
			return cty.UnknownVal(cty.Bool), nil
		case v.IsNull():
			return cty.False, nil
		case v.Type().IsObjectType() && v.Type().HasAttribute(name):
			v = v.GetAttr(name)
		case isSequence(v):
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= v.LengthInt() {
				return cty.False, nil
			}
			v = v.Index(cty.NumberIntVal(int64(i)))
		default:
			return cty.False, nil
		}
	}
	if !v.IsKnown() && !v.Range().DefinitelyNotNull() {
		return cty.UnknownVal(cty.Bool), nil
	}
	return cty.BoolVal(!v.IsKnown() || !v.IsNull()), nil
}

func (l *Language) compile(pattern string) error {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return err
	}
	l.regexps[pattern] = re
	return nil
}

// matches uses only what was compiled at load: a pattern out of an argument
// would let the caller choose the judge.
func (l *Language) matches(s, pattern string) (bool, error) {
	re := l.regexps[pattern]
	if re == nil {
		return false, errors.New("the pattern is not a literal")
	}
	return re.MatchString(s), nil
}
