package schema

import (
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Bounds of the patterns of one schema.
const (
	maxPattern      = 4096  // bytes of one pattern
	maxInstructions = 20000 // of all programs together
)

// pattern is a compiled regular expression that takes linear time: RE2, and
// conditions that hold at the start of the text.
type pattern struct {
	source string
	body   *regexp.Regexp
	starts []start
	cost   int // instructions
}

// start is what a text must begin with, or must not.
type start struct {
	with *regexp.Regexp
	not  bool
}

func (p *pattern) String() string { return p.source }

// MatchString reports whether the text matches, anywhere unless anchored.
func (p *pattern) MatchString(s string) bool {
	for _, c := range p.starts {
		if c.with.MatchString(s) == c.not {
			return false
		}
	}
	return p.body.MatchString(s)
}

// patterns holds those of one schema, each compiled once and paid for once.
type patterns struct {
	known map[string]*pattern
	spent int
}

// add compiles a pattern unless it is known.
func (ps *patterns) add(source string) (*pattern, error) {
	if p, ok := ps.known[source]; ok {
		return p, nil
	}
	if len(source) > maxPattern {
		return nil, reject(BadPattern, "a pattern of %d bytes, at most %d", len(source), maxPattern)
	}
	// In ECMA-262 these are nothing and anything; RE2 has the bracket in the class.
	if strings.Contains(source, "[]") || strings.Contains(source, "[^]") {
		return nil, reject(BadPattern, "pattern %q: an empty class", source)
	}
	p := &pattern{source: source}
	body := source
	for {
		inner, negative, rest, ok := lookahead(body)
		if !ok {
			break
		}
		re, err := ps.program(p, "^(?:"+inner+")")
		if err != nil {
			return nil, err
		}
		p.starts = append(p.starts, start{re, negative})
		body = "^" + rest
	}
	var err error
	if p.body, err = ps.program(p, body); err != nil {
		return nil, err
	}
	ps.known[source] = p
	return p, nil
}

// program compiles one expression, having estimated first what it will cost.
func (ps *patterns) program(p *pattern, source string) (*regexp.Regexp, error) {
	tree, err := syntax.Parse(translate(source), syntax.Perl)
	if err != nil {
		return nil, reject(BadPattern, "pattern %q: %v", p.source, err)
	}
	cost := instructions(tree)
	if ps.spent += cost; ps.spent > maxInstructions {
		return nil, reject(BadPattern, "pattern %q: the patterns are too big together", p.source)
	}
	p.cost += cost
	re, err := regexp.Compile(translate(source))
	if err != nil {
		return nil, reject(BadPattern, "pattern %q: %v", p.source, err)
	}
	return re, nil
}

// lookup is the compiler's regexp engine. It compiles nothing: a pattern that
// admission has not seen is refused.
func (ps *patterns) lookup(source string) (jsonschema.Regexp, error) {
	p, ok := ps.known[source]
	if !ok {
		return nil, reject(BadPattern, "pattern %q was not admitted", source)
	}
	return p, nil
}

// instructions estimates the size of a program from above, stopping well past
// the limit. Counted repetition multiplies what it repeats.
func instructions(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)/16
	if re.Op == syntax.OpLiteral {
		n = 1 + len(re.Rune)
	}
	for _, sub := range re.Sub {
		n += instructions(sub)
	}
	if re.Op == syntax.OpRepeat {
		n = (n + 1) * max(re.Min, re.Max, 1)
	}
	return min(n, 10*maxInstructions)
}

// lookahead splits ^(?=inner)rest and ^(?!inner)rest. It does so only if rest
// has no alternative at its top, since that would escape the condition.
func lookahead(source string) (inner string, negative bool, rest string, ok bool) {
	body, positive := strings.CutPrefix(source, "^(?=")
	if !positive {
		if body, negative = strings.CutPrefix(source, "^(?!"); !negative {
			return "", false, "", false
		}
	}
	end, _ := scanGroup(body)
	if end < 0 {
		return "", false, "", false
	}
	inner, rest = body[:end], body[end+1:]
	// A quantifier behind the condition would make it optional.
	if rest != "" && strings.ContainsRune("*+?{", rune(rest[0])) {
		return "", false, "", false
	}
	if stop, bar := scanGroup(rest); stop >= 0 || bar {
		return "", false, "", false
	}
	return inner, negative, rest, true
}

// scanGroup returns where the parenthesis closes that was open at the start of
// s, or -1, and whether a bar stands before that outside all inner groups.
func scanGroup(s string) (end int, bar bool) {
	depth, class := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(':
			depth++
		case c == ')' && depth == 0:
			return i, bar
		case c == ')':
			depth--
		case c == '|' && depth == 0:
			bar = true
		}
	}
	return -1, bar
}

// escaped finds each escape sequence, so that none is taken for half of another.
var escaped = regexp.MustCompile(`(?s)\\(?:u[0-9A-Fa-f]{4}|.)`)

// translate rewrites \uXXXX, which ECMA-262 has and RE2 writes \x{XXXX}.
func translate(source string) string {
	return escaped.ReplaceAllStringFunc(source, func(s string) string {
		if len(s) == len(`\uXXXX`) {
			return `\x{` + s[2:] + `}`
		}
		return s
	})
}
