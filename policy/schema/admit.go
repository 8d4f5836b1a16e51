package schema

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
)

// node is one subschema, as far as its cost goes. Keywords of every dialect
// count, also those that the schema's own dialect ignores: that can only
// overestimate.
type node struct {
	path string         // JSON pointer
	obj  map[string]any // nil for true and false

	here  []*node          // applied to the same value
	named map[string]*node // to one property
	every []*node          // to every property
	other []*node          // to each property that is not in named
	names []*node          // to the names of properties
	nth   []*node          // to one item
	items []*node          // to every item

	price price
	fan   int64 // subschemas applied to one value, worst case
	chain int   // the longest chain of them
	total int64 // the price of everything below, unfolded
	mark  mark

	target bool // something refers to it
}

// graph is what admission learns of a schema.
type graph struct {
	root     *node
	nodes    map[string]*node // by JSON pointer
	anchors  map[string]*node
	dialect  dialect
	patterns *patterns
	refs     []ref
	paths    int  // bytes of all JSON pointers
	targets  int  // subschemas referred to
	uneval   bool // somewhere, evaluated properties or items have to be kept
}

// ref is a reference that waits until every anchor is known.
type ref struct {
	from *node
	to   string
}

// dialect is the year or number of a JSON Schema draft.
type dialect int

// dialects are known by their URI, without scheme and empty fragment.
var dialects = map[string]dialect{
	"json-schema.org/draft/2020-12/schema": 2020,
	"json-schema.org/schema":               2020,
	"json-schema.org/draft/2019-09/schema": 2019,
	"json-schema.org/draft-07/schema":      7,
	"json-schema.org/draft-06/schema":      6,
	"json-schema.org/draft-04/schema":      4,
}

func dialectOf(uri string) (dialect, bool) {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(uri, "#"), "https://")
	if !ok {
		rest, ok = strings.CutPrefix(rest, "http://")
	}
	d, known := dialects[rest]
	return d, ok && known
}

// admit walks the schema, refuses what must not be compiled and tidies the
// rest in place, as the package comment says.
func admit(doc any) (*graph, error) {
	g := &graph{
		nodes:    map[string]*node{},
		anchors:  map[string]*node{},
		dialect:  2020,
		patterns: &patterns{known: map[string]*pattern{}},
	}
	if obj, ok := doc.(map[string]any); ok {
		if err := g.openRoot(obj); err != nil {
			return nil, err
		}
	}
	var err error
	if g.root, err = g.walk("", doc); err != nil {
		return nil, err
	}
	for _, r := range g.refs {
		to, err := g.resolve(r)
		if err != nil {
			return nil, err
		}
		r.from.here = append(r.from.here, to)
	}
	return g, g.weigh()
}

// openRoot reads what only the root may say.
func (g *graph) openRoot(obj map[string]any) error {
	if v, ok := obj["$schema"]; ok {
		uri, _ := v.(string)
		if g.dialect, ok = dialectOf(uri); !ok {
			return reject(UnknownDialect, "$schema %q", uri)
		}
	}
	id := g.idWord()
	if s, ok := obj[id].(string); ok {
		if base, _, _ := strings.Cut(s, "#"); base != "" {
			delete(obj, id)
		}
	}
	return nil
}

// idWord is the keyword that names a schema.
func (g *graph) idWord() string {
	if g.dialect == 4 {
		return "id"
	}
	return "$id"
}

// walk makes the node of one subschema and of all below it.
func (g *graph) walk(path string, v any) (*node, error) {
	if len(g.nodes) >= maxSubschemas {
		return nil, reject(TooMany, "more than %d subschemas", maxSubschemas)
	}
	if g.paths += len(path); g.paths > maxPaths {
		return nil, reject(TooLarge, "the names of its subschemas add up to more than %d bytes", maxPaths)
	}
	n := &node{path: path, price: price{flat: 1}}
	g.nodes[path] = n
	switch v := v.(type) {
	case bool:
		return n, nil
	case map[string]any:
		n.obj = v
	default:
		return nil, reject(NotASchema, "at %q: a schema is an object or a boolean", path)
	}
	if err := g.identify(n); err != nil {
		return nil, err
	}
	if err := g.refer(n); err != nil {
		return nil, err
	}
	if err := g.appraise(n); err != nil {
		return nil, err
	}
	for _, k := range vocabulary {
		if v, ok := n.obj[k.word]; ok {
			if err := g.descend(n, k, v); err != nil {
				return nil, err
			}
		}
	}
	return n, nil
}

// identify takes up the node's names, and refuses what would give it a base of
// its own or another dialect.
func (g *graph) identify(n *node) error {
	if v, ok := n.obj["$schema"]; ok && n.path != "" {
		uri, _ := v.(string)
		if d, ok := dialectOf(uri); !ok || d != g.dialect {
			return reject(UnknownDialect, "at %q: another $schema %q", n.path, uri)
		}
	}
	var names []string
	if s, ok := n.obj[g.idWord()].(string); ok {
		base, anchor, _ := strings.Cut(s, "#")
		if base != "" {
			return reject(RemoteRef, "at %q: an %s %q within the document", n.path, g.idWord(), s)
		}
		if g.dialect < 2019 && anchor != "" {
			names = append(names, anchor)
		}
	}
	for _, word := range []string{"$anchor", "$dynamicAnchor"} {
		if s, ok := n.obj[word].(string); ok && g.dialect >= 2019 {
			names = append(names, s)
		}
	}
	for _, name := range names {
		if other, taken := g.anchors[name]; taken && other != n {
			return reject(BadRef, "at %q: the anchor %q stands twice", n.path, name)
		}
		g.anchors[name] = n
	}
	return nil
}

// references are the keywords that refer, and the dialect that brought them.
var references = []struct {
	word  string
	since dialect
}{{"$ref", 4}, {"$recursiveRef", 2019}, {"$dynamicRef", 2020}}

// refer notes the node's reference, of which it may have one.
func (g *graph) refer(n *node) error {
	var found []string
	for _, r := range references {
		word := r.word
		v, ok := n.obj[word]
		if !ok || g.dialect < r.since {
			continue
		}
		to, ok := v.(string)
		if !ok {
			return reject(BadRef, "at %q: %s is not a string", n.path, word)
		}
		if !strings.HasPrefix(to, "#") {
			return reject(RemoteRef, "at %q: %s %q", n.path, word, to)
		}
		delete(n.obj, word)
		n.obj["$ref"] = to
		found = append(found, to)
	}
	if len(found) > 1 {
		return reject(BadRef, "at %q: more than one kind of reference", n.path)
	}
	if len(found) == 1 {
		g.refs = append(g.refs, ref{n, found[0]})
	}
	return nil
}

// resolve finds what a reference means: an anchor, or the JSON pointer of a
// place where a keyword says that a schema stands. Data elsewhere in the
// document is no schema, whatever points at it.
func (g *graph) resolve(r ref) (*node, error) {
	name, err := url.PathUnescape(r.to[1:])
	if err != nil {
		return nil, reject(BadRef, "at %q: %q is not a URI", r.from.path, r.to)
	}
	where := g.anchors
	if name == "" || name[0] == '/' {
		where = g.nodes
	}
	n, ok := where[name]
	if !ok {
		return nil, reject(BadRef, "at %q: there is no schema at %q", r.from.path, r.to)
	}
	if !n.target {
		n.target = true
		g.targets++
	}
	if g.targets*len(g.nodes) > maxLinks {
		return nil, reject(TooMany, "%d subschemas, %d of them referred to", len(g.nodes), g.targets)
	}
	return n, nil
}

// escape writes a name as a token of a JSON pointer (RFC 6901).
var escape = strings.NewReplacer("~", "~0", "/", "~1")

// clamp keeps a count within what the validator can hold. Generators write the
// largest 64-bit number for "no bound".
func clamp(obj map[string]any, word string) {
	const most = 1 << 53
	n, ok := obj[word].(json.Number)
	if !ok {
		return
	}
	if f, err := n.Float64(); err != nil || f > most {
		obj[word] = json.Number(strconv.Itoa(most))
	}
}
