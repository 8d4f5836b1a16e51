package schema

import (
	"maps"
	"slices"
	"strconv"
)

// shape says how the value of a keyword holds subschemas.
type shape int

const (
	single  shape = iota + 1 // a schema
	list                     // an array of schemas
	either                   // one or the other
	mapping                  // an object of schemas
	mixed                    // an object of schemas and of arrays of names
)

// place says what part of a value a subschema is applied to.
type place int

const (
	apart place = iota + 1 // none: it waits to be referred to
	here                   // the value itself
	named                  // the property of that name
	every                  // any property
	other                  // any property that is not named
	names                  // the names of properties
	items                  // any item; in an array of schemas, the item there
)

// keyword is one that holds subschemas.
type keyword struct {
	word  string
	shape shape
	place place
}

// vocabulary lists such keywords of every dialect. The walk enters no other:
// the rest is data, and x-vendor words may hold what they like.
var vocabulary = []keyword{
	{"$defs", mapping, apart},
	{"additionalItems", single, items},
	{"additionalProperties", single, other},
	{"allOf", list, here},
	{"anyOf", list, here},
	{"contains", single, items},
	{"contentSchema", single, apart},
	{"definitions", mapping, apart},
	{"dependencies", mixed, here},
	{"dependentSchemas", mapping, here},
	{"else", single, here},
	{"if", single, here},
	{"items", either, items},
	{"not", single, here},
	{"oneOf", list, here},
	{"patternProperties", mapping, every},
	{"prefixItems", list, items},
	{"properties", mapping, named},
	{"propertyNames", single, names},
	{"then", single, here},
	{"unevaluatedItems", single, items},
	{"unevaluatedProperties", single, every},
}

// descend walks the subschemas that one keyword holds.
func (g *graph) descend(n *node, k keyword, v any) error {
	path := n.path + "/" + k.word
	switch v := v.(type) {
	case []any:
		if k.shape != list && k.shape != either {
			return reject(NotASchema, "at %q: an array", path)
		}
		for i, sub := range v {
			to, err := g.walk(path+"/"+strconv.Itoa(i), sub)
			if err != nil {
				return err
			}
			if k.place == items {
				n.nth = append(n.nth, to)
			} else {
				n.attach(k, "", to)
			}
		}
		return nil
	case map[string]any:
		if k.shape == mapping || k.shape == mixed {
			return g.descendMap(n, k, v)
		}
	}
	if k.shape != single && k.shape != either {
		return reject(NotASchema, "at %q: not what the keyword takes", path)
	}
	to, err := g.walk(path, v)
	if err != nil {
		return err
	}
	n.attach(k, "", to)
	return nil
}

// descendMap walks an object of schemas, in an order that makes what is
// reported of a bad schema always the same.
func (g *graph) descendMap(n *node, k keyword, m map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if list, ok := m[name].([]any); ok && k.shape == mixed {
			n.price.flat += int64(len(list))
			continue
		}
		to, err := g.walk(n.path+"/"+k.word+"/"+escape.Replace(name), m[name])
		if err != nil {
			return err
		}
		n.attach(k, name, to)
	}
	return nil
}

// attach notes where a subschema is applied.
func (n *node) attach(k keyword, name string, to *node) {
	switch k.place {
	case here:
		n.here = append(n.here, to)
	case named:
		if n.named == nil {
			n.named = map[string]*node{}
		}
		n.named[name] = to
	case every:
		n.every = append(n.every, to)
	case other:
		n.other = append(n.other, to)
	case names:
		n.names = append(n.names, to)
	case items:
		n.items = append(n.items, to)
	}
}
