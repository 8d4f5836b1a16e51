package schema

import (
	"encoding/json"
	"strconv"
)

// uniqueFactor is how much dearer than a step uniqueItems is, per part of the
// array: exact numbers, and each item met by up to twenty others.
const uniqueFactor = 10

// affordable refuses a value that is no JSON, or that the validator could not
// check within bounds. Most schemas are so small that the size of the value
// settles it; for the others the work is counted as if nothing ever matched
// early.
func (g *graph) affordable(v any) *Invalid {
	var m measure
	if bad := m.take(v, 1); bad != nil {
		return bad
	}
	if m.size*m.depth < maxSteps/g.root.total {
		return nil
	}
	b := &bill{left: maxSteps, uneval: g.uneval}
	if !b.pay(g.root, v, 1) {
		return &Invalid{Reason: TooCostly, Causes: []string{"the value is too large or too deep to be checked against this schema"}}
	}
	return nil
}

// measure is the size of a value: its parts, long ones counted more than once,
// and its depth.
type measure struct{ size, depth int64 }

func (m *measure) take(v any, depth int64) *Invalid {
	if depth > maxValueDepth {
		return &Invalid{Reason: TooDeep, Causes: []string{"the value is nested more than " + strconv.Itoa(maxValueDepth) + " deep"}}
	}
	m.depth = max(m.depth, depth)
	m.size++
	switch v := v.(type) {
	case nil, bool:
	case string:
		m.size += int64(len(v) / textPerStep)
	case json.Number:
		size, ok := magnitude(string(v))
		if !ok {
			return &Invalid{Reason: BadNumber, Causes: []string{"a number has too many digits or too large an exponent"}}
		}
		m.size += int64(size / digitsPerStep)
	case []any:
		for _, x := range v {
			if bad := m.take(x, depth+1); bad != nil {
				return bad
			}
		}
	case map[string]any:
		for key, x := range v {
			m.size += int64(len(key) / textPerStep)
			if bad := m.take(x, depth+1); bad != nil {
				return bad
			}
		}
	default:
		return &Invalid{Reason: NotJSON, Causes: []string{"the value is not decoded JSON"}}
	}
	return nil
}

// bill counts down the steps of one validation.
type bill struct {
	left   int64
	uneval bool
}

// pay charges for applying a node to a value, and for all that follows from
// it. It reports whether the money lasted.
func (b *bill) pay(n *node, v any, depth int64) bool {
	b.left -= n.charge(v, b.uneval) + depth/keysPerStep
	if b.left < 0 {
		return false
	}
	for _, m := range n.here {
		if !b.pay(m, v, depth) {
			return false
		}
	}
	switch v := v.(type) {
	case map[string]any:
		if n.named == nil && n.every == nil && n.other == nil && n.names == nil && n.price.keys == 0 {
			return true
		}
		for key, x := range v {
			if !b.property(n, key, x, depth+1) {
				return false
			}
		}
	case []any:
		for i, x := range v {
			if i >= len(n.nth) && n.items == nil {
				break
			}
			if i < len(n.nth) && !b.pay(n.nth[i], x, depth+1) || !b.all(n.items, x, depth+1) {
				return false
			}
		}
	}
	return true
}

func (b *bill) property(n *node, key string, v any, depth int64) bool {
	b.left -= n.price.keys * int64(1+len(key)) / textPerStep
	if m, ok := n.named[key]; ok {
		if !b.pay(m, v, depth) {
			return false
		}
	} else if !b.all(n.other, v, depth) {
		return false
	}
	if len(n.names) > 0 && !b.all(n.names, key, depth) {
		return false
	}
	return b.all(n.every, v, depth)
}

func (b *bill) all(nodes []*node, v any, depth int64) bool {
	for _, n := range nodes {
		if !b.pay(n, v, depth) {
			return false
		}
	}
	return true
}

// charge is the price of one node for one value, without what it leads to.
func (n *node) charge(v any, uneval bool) int64 {
	sum := n.price.flat
	switch v := v.(type) {
	case string:
		sum += n.price.text*int64(1+len(v))/textPerStep + int64(len(v)/bytesPerStep)
	case json.Number:
		size, _ := magnitude(string(v))
		sum += (1 + n.price.numbers) * int64(1+size/digitsPerStep)
	case map[string]any:
		sum += n.price.numbers + int64(len(v)/keysPerStep)
		if uneval {
			sum += int64(len(v))
		}
	case []any:
		sum += n.price.numbers
		if uneval {
			sum += int64(len(v))
		}
		if n.price.unique {
			var m measure
			_ = m.take(v, 1) // what is too much was refused before
			sum += m.size * uniqueFactor
		}
	}
	return sum
}
