package schema

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Bounds of what is told of a value.
const (
	maxCauses  = 5
	maxMessage = 1024
	maxLeaves  = 256 // causes looked at
	maxChoices = 8   // values named of an enum
	maxWord    = 48  // runes of a name or a value of the schema
)

// Invalid says what is wrong with a value, for whoever made it: where, by JSON
// pointer, and what was expected. It names keys and what the schema says; it
// never quotes a value. At most five causes, together at most 1 KB.
type Invalid struct {
	Reason Reason
	Causes []string
	More   int // causes left out; a lower bound
}

func (e *Invalid) Error() string {
	text := strings.Join(e.Causes, "; ")
	if e.More > 0 {
		text += fmt.Sprintf("; and %d more", e.More)
	}
	return shorten(text, maxMessage)
}

// mismatch turns the validator's tree of errors into an [*Invalid].
func mismatch(err error) *Invalid {
	var tree *jsonschema.ValidationError
	if !errors.As(err, &tree) {
		return &Invalid{Reason: Mismatch, Causes: []string{"the value does not match"}}
	}
	leaves := arrange(gather(nil, tree))
	e := &Invalid{Reason: Mismatch}
	for _, l := range leaves[:min(len(leaves), maxCauses)] {
		e.Causes = append(e.Causes, l.String())
	}
	e.More = len(leaves) - len(e.Causes)
	return e
}

// leaf is one cause.
type leaf struct{ path, text string }

func (l leaf) String() string {
	where := "at the top"
	if l.path != "" {
		where = "at " + shorten(l.path, 160)
	}
	return shorten(where+": "+l.text, maxMessage/maxCauses-8)
}

// arrange puts causes in an order that does not change from one time to the
// next; the validator goes through objects as they come.
func arrange(leaves []leaf) []leaf {
	slices.SortFunc(leaves, func(a, b leaf) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.text, b.text))
	})
	return slices.Compact(leaves)
}

// gather collects the causes that say something by themselves.
func gather(leaves []leaf, e *jsonschema.ValidationError) []leaf {
	if len(leaves) >= maxLeaves {
		return leaves
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf:
		for _, c := range e.Causes {
			leaves = gather(leaves, c)
		}
		return leaves
	case *kind.AnyOf:
		return nearest(leaves, e)
	case *kind.OneOf:
		if len(k.Subschemas) == 0 {
			return nearest(leaves, e)
		}
	}
	return append(leaves, leaf{pointer(e.InstanceLocation), expected(e.ErrorKind)})
}

// nearest explains a value that matches no alternative: by the types they
// take, if that is all that is wrong, or else by the alternative that has the
// least to complain of.
func nearest(leaves []leaf, e *jsonschema.ValidationError) []leaf {
	var types []string
	var got string
	var closest []leaf
	at := pointer(e.InstanceLocation)
	onlyTypes := true
	for _, c := range e.Causes[:min(len(e.Causes), maxLeaves)] {
		if t, ok := c.ErrorKind.(*kind.Type); ok && pointer(c.InstanceLocation) == at {
			types, got = append(types, t.Want...), t.Got
			continue
		}
		onlyTypes = false
		if found := gather(nil, c); closest == nil || len(found) < len(closest) {
			closest = found
		}
	}
	if onlyTypes && len(types) > 0 {
		return append(leaves, leaf{at, expected(&kind.Type{Got: got, Want: types})})
	}
	text := fmt.Sprintf("matches none of the %d forms allowed", len(e.Causes))
	if len(closest) > 0 {
		text += "; of the nearest, " + listed(arrange(closest), leaf.String)
	}
	return append(leaves, leaf{at, text})
}

// expected says what one keyword wanted.
func expected(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return "expected " + strings.Join(unique(k.Want), " or ") + ", got " + k.Got
	case *kind.Enum:
		return "expected one of " + listed(k.Want, choice)
	case *kind.Const:
		return "expected " + choice(k.Want)
	case *kind.Required:
		return "missing " + listed(k.Missing, word)
	case *kind.Dependency:
		return "missing " + listed(k.Missing, word) + ", needed with " + word(k.Prop)
	case *kind.DependentRequired:
		return "missing " + listed(k.Missing, word) + ", needed with " + word(k.Prop)
	case *kind.AdditionalProperties:
		slices.Sort(k.Properties)
		return "unknown " + listed(k.Properties, word)
	case *kind.PropertyNames:
		return "the name " + word(k.Property) + " is not allowed"
	case *kind.FalseSchema:
		return "nothing is allowed here"
	case *kind.Not:
		return "matches what is forbidden"
	case *kind.OneOf:
		return "matches more than one form where exactly one is allowed"
	case *kind.Pattern:
		return "expected text that matches " + word(k.Want)
	case *kind.Minimum:
		return "expected at least " + number(k.Want)
	case *kind.Maximum:
		return "expected at most " + number(k.Want)
	case *kind.ExclusiveMinimum:
		return "expected more than " + number(k.Want)
	case *kind.ExclusiveMaximum:
		return "expected less than " + number(k.Want)
	case *kind.MultipleOf:
		return "expected a multiple of " + number(k.Want)
	case *kind.MinLength, *kind.MaxLength, *kind.MinItems, *kind.MaxItems, *kind.AdditionalItems,
		*kind.MinProperties, *kind.MaxProperties, *kind.UniqueItems,
		*kind.Contains, *kind.MinContains, *kind.MaxContains:
		// The library's own words, which tell counts and places only.
		return k.LocalizedString(message.NewPrinter(language.English))
	default:
		return "does not match"
	}
}

func number(r *big.Rat) string {
	if r.IsInt() && r.Num().BitLen() < 64 {
		return r.Num().String()
	}
	return new(big.Float).SetRat(r).Text('g', 10)
}

// choice names a value of the schema, if it is short enough to say.
func choice(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return word(v)
	case []any, map[string]any:
		return "a certain value"
	default:
		return shorten(fmt.Sprint(v), maxWord)
	}
}

// listed names the first few of a list.
func listed[T any](values []T, name func(T) string) string {
	var said []string
	for _, v := range values[:min(len(values), maxChoices)] {
		said = append(said, name(v))
	}
	if more := len(values) - len(said); more > 0 {
		said = append(said, fmt.Sprintf("%d others", more))
	}
	return strings.Join(said, ", ")
}

// word quotes a name or a text of the schema.
func word(s string) string { return `"` + shorten(s, maxWord) + `"` }

// pointer is a JSON pointer to a place in the value.
func pointer(tokens []string) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteByte('/')
		b.WriteString(escape.Replace(shorten(t, maxWord)))
	}
	return b.String()
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// shorten cuts a text to so many bytes and leaves nothing in it that moves a
// cursor, hides, or breaks the line.
func shorten(s string, limit int) string {
	var b strings.Builder
	for _, r := range s {
		if !unicode.IsPrint(r) {
			r = '?'
		}
		if b.Len()+utf8.RuneLen(r) > limit-len("…") {
			b.WriteString("…")
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
