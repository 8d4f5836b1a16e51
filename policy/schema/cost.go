package schema

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
)

// Bounds of one validation. A step is about as dear as applying one subschema
// with a keyword or two, which fails: half a microsecond.
const (
	maxSteps      = 1 << 18
	maxValueDepth = 256
	textPerStep   = 32  // bytes times instructions of a pattern
	bytesPerStep  = 512 // of a text, copied and its runes counted
	listPerStep   = 4   // names or texts compared
	keysPerStep   = 16  // of an object, gone through
	digitsPerStep = 64  // of a number
)

// unfolded is the price of a schema that may be applied without end, to values
// deep enough.
const unfolded = math.MaxInt32

// price is what a subschema costs by itself, in steps.
type price struct {
	flat    int64 // for any value
	numbers int64 // for a number, or what may hold some: exact fractions are dear
	text    int64 // instructions run over a text
	keys    int64 // instructions run over the name of each property
	unique  bool  // every item is compared with every other
}

type mark int

const (
	unseen mark = iota
	open
	done
)

// appraise prices one node, compiles its patterns and tidies its keywords.
func (g *graph) appraise(n *node) error {
	p := &n.price
	if v, ok := n.obj["pattern"].(string); ok {
		re, err := g.patterns.add(v)
		if err != nil {
			return err
		}
		p.text = int64(re.cost)
	}
	if m, ok := n.obj["patternProperties"].(map[string]any); ok {
		for source := range m {
			re, err := g.patterns.add(source)
			if err != nil {
				return err
			}
			p.keys += int64(re.cost)
		}
	}
	for _, word := range []string{"enum", "const", "required"} {
		rest, numbers := bulk(n.obj[word])
		p.flat += rest / listPerStep
		p.numbers += 2 * numbers
	}
	for _, word := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"} {
		_, numbers := bulk(n.obj[word])
		p.numbers += numbers
	}
	if m, ok := n.obj["dependentRequired"].(map[string]any); ok {
		for _, l := range m {
			l, _ := l.([]any)
			p.flat += int64(1 + len(l))
		}
	}
	p.unique, _ = n.obj["uniqueItems"].(bool)
	for _, word := range []string{"unevaluatedProperties", "unevaluatedItems"} {
		if _, ok := n.obj[word]; ok {
			g.uneval = true
		}
	}
	if _, ok := n.obj["format"].(string); ok {
		delete(n.obj, "format")
	}
	for _, word := range []string{"minLength", "maxLength", "minItems", "maxItems",
		"minProperties", "maxProperties", "minContains", "maxContains"} {
		clamp(n.obj, word)
	}
	return nil
}

// bulk counts the parts of a value: numbers, by their size, and the rest.
func bulk(v any) (rest, numbers int64) {
	switch v := v.(type) {
	case json.Number:
		size, _ := magnitude(string(v))
		return 0, 1 + int64(size/digitsPerStep)
	case string:
		return 1 + int64(len(v)/1024), 0
	case []any:
		for _, x := range v {
			r, n := bulk(x)
			rest, numbers = rest+r, numbers+n
		}
	case map[string]any:
		for _, x := range v {
			r, n := bulk(x)
			rest, numbers = rest+r, numbers+n
		}
	}
	return rest + 1, numbers
}

// weigh bounds what any one value can meet, and unfolds the price of the whole.
func (g *graph) weigh() error {
	for _, path := range slices.Sorted(maps.Keys(g.nodes)) {
		n := g.nodes[path]
		if err := n.spread(); err != nil {
			return err
		}
	}
	for _, n := range g.nodes {
		n.mark = unseen
	}
	g.root.unfold(g.uneval)
	return nil
}

// spread counts the subschemas that this one applies to the same value,
// itself included, each as often as it is reached.
func (n *node) spread() error {
	switch n.mark {
	case done:
		return nil
	case open:
		return reject(Endless, "at %q: the reference comes back without descending into the value", n.path)
	}
	n.mark = open
	n.fan, n.chain = 1, 1
	for _, m := range n.here {
		if err := m.spread(); err != nil {
			return err
		}
		n.fan += m.fan
		n.chain = max(n.chain, m.chain+1)
	}
	if n.fan > maxFanOut {
		return reject(FanOut, "at %q: one value would meet more than %d subschemas", n.path, maxFanOut)
	}
	if n.chain > maxChain {
		return reject(FanOut, "at %q: subschemas within one another, more than %d for one value", n.path, maxChain)
	}
	n.mark = done
	return nil
}

// unfold adds up the price of a node and of everything below, for a value of
// size one. Recursion has no such sum.
func (n *node) unfold(uneval bool) int64 {
	switch n.mark {
	case done:
		return n.total
	case open:
		return unfolded
	}
	n.mark = open
	p := n.price
	sum := p.flat + p.numbers + p.text + p.keys
	if p.unique {
		sum += uniqueFactor
	}
	if uneval {
		sum++
	}
	for _, m := range n.named {
		sum += m.unfold(uneval)
	}
	for _, group := range [][]*node{n.here, n.every, n.other, n.names, n.nth, n.items} {
		for _, m := range group {
			sum = min(sum+m.unfold(uneval), unfolded)
		}
	}
	n.total, n.mark = min(sum, unfolded), done
	return n.total
}
