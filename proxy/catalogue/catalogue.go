// Package catalogue knows the tools of one server, each admitted or
// quarantined.
package catalogue

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"

	"sallyport/policy"
	"sallyport/policy/reason"
	"sallyport/policy/schema"
	"sallyport/proxy/wire"
)

// maxTools bounds how many definitions are kept of one server.
const maxTools = 5000

// Definition is a tool as its server defined it. It is not changed once made.
type Definition struct {
	Facts  policy.ToolFacts
	Schema *schema.Schema // nil if quarantined, or if schemas are off

	output *schema.Schema // nil: none
	raw    []byte
	sum    [sha256.Size]byte // of all that the server wrote of it
	epoch  uint64
}

// Digest tells two definitions apart. It is zero for a tool that is not listed.
func (d *Definition) Digest() [sha256.Size]byte {
	if d == nil {
		return [sha256.Size]byte{}
	}
	return d.sum
}

// Raw is what the server wrote of it; nil for a tool that is not listed.
func (d *Definition) Raw() []byte {
	if d == nil {
		return nil
	}
	return d.raw
}

// Entry is a tool in a list.
type Entry struct {
	Name string
	Raw  []byte // as the server wrote it; part of the list that was read
	Def  *Definition
	New  bool // it was not known in this form
}

// Catalogue is what is known of one server's tools. The zero value knows
// nothing and is ready. Its methods may be called from several goroutines.
type Catalogue struct {
	mu       sync.Mutex
	tools    map[string]*Definition
	epoch    uint64 // counts the server's announcements of a change
	complete bool   // every tool of this epoch is in tools
}

// Changed is told that the server's tools are no longer what they were.
func (c *Catalogue) Changed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	c.complete = false
}

// Now is the present epoch, to be taken before a list is asked for.
func (c *Catalogue) Now() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch
}

// Complete says whether every tool is known.
func (c *Catalogue) Complete() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.complete
}

// Find returns a tool's definition. Sure is false when the server has to be
// asked first.
func (c *Catalogue) Find(name string) (d *Definition, sure bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d = c.tools[name]; d != nil && d.epoch == c.epoch {
		return d, true
	}
	return nil, c.complete
}

// Read judges the tools of a tools/list result, each by itself. What is known
// already in the very same bytes is not compiled again.
func (c *Catalogue) Read(result []byte, schemas bool) []Entry {
	var list []Entry
	for raw := range wire.Elements(wire.Get(result, "tools")) {
		name, ok := wire.Text(wire.Get(raw, "name"))
		e := Entry{Name: name, Raw: raw, Def: c.same(name, raw)}
		if e.Def == nil {
			e.New, e.Def = true, admit(raw, schemas)
		}
		if !ok {
			e.Def.quarantine("it has no name")
		}
		list = append(list, e)
	}
	return list
}

// Enter keeps what was listed in an epoch, unless that is over. First and last
// say which ends of the server's list this is: with both, it is all there is.
// A name that is listed twice, in two ways, is quarantined in both, if need be
// in the entries given.
func (c *Catalogue) Enter(epoch uint64, list []Entry, first, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	current := epoch == c.epoch
	before := map[string]*Definition{}
	switch {
	case current && (first || c.tools == nil):
		c.tools, c.complete = before, false
	case current:
		before = c.tools
	}
	c.part(list, before)
	if !current {
		return
	}
	for _, e := range list {
		if len(c.tools) < maxTools || c.tools[e.Name] != nil {
			e.Def.epoch = epoch
			c.tools[e.Name] = e.Def
		}
	}
	c.complete = c.complete || first && last
}

// part quarantines what stands under one name in two ways: in the list, or in
// the list and on an earlier page. Such a definition loses its bytes, so that it
// is judged anew when it is listed again.
func (c *Catalogue) part(list []Entry, before map[string]*Definition) {
	seen := make(map[string][]byte, len(list))
	twice := map[string]bool{}
	for _, e := range list {
		raw, ok := seen[e.Name]
		if d := before[e.Name]; !ok && d != nil {
			raw, ok = d.raw, d.epoch == c.epoch
		}
		if ok && !bytes.Equal(raw, e.Raw) {
			twice[e.Name] = true
		}
		seen[e.Name] = e.Raw
	}
	for i, e := range list {
		if twice[e.Name] {
			list[i].New, e.Def.raw = true, nil
			e.Def.quarantine("the server lists two different tools of this name")
		}
	}
}

func (c *Catalogue) same(name string, raw []byte) *Definition {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.tools[name]; d != nil && bytes.Equal(d.raw, raw) {
		return &Definition{Facts: d.Facts, Schema: d.Schema, output: d.output, raw: d.raw, sum: d.sum}
	}
	return nil
}

func (d *Definition) quarantine(why string) { d.Facts.Quarantined, d.Schema = why, nil }

// admit judges one definition.
func admit(raw []byte, schemas bool) *Definition {
	d := &Definition{raw: bytes.Clone(raw), sum: sha256.Sum256(raw)}
	hints := wire.Get(raw, "annotations")
	d.Facts = policy.ToolFacts{ReadOnly: hint(hints, "readOnlyHint"), Destructive: hint(hints, "destructiveHint"),
		Idempotent: hint(hints, "idempotentHint"), OpenWorld: hint(hints, "openWorldHint")}
	if !schemas {
		return d
	}
	if why := ambiguous(raw); why != "" {
		d.quarantine(why)
		return d
	}
	in := wire.Get(raw, "inputSchema")
	if in == nil {
		in = []byte(`{}`) // without a schema any object will do
	}
	var err error
	if d.Schema, err = schema.Compile(in); err != nil {
		d.quarantine(err.Error())
	}
	if out := wire.Get(raw, "outputSchema"); out != nil {
		if d.output, err = schema.Compile(out); err != nil {
			d.quarantine("outputSchema: " + err.Error())
		}
	}
	return d
}

// Fits says why the structured content of an answer is not what the tool's output
// schema promises: as the server wrote it, or as edits of the answer leave it.
func (d *Definition) Fits(a *wire.Message, edits []wire.Edit) (code reason.Code, why string) {
	if d == nil || d.output == nil || a.Kind != wire.Result {
		return "", ""
	}
	if !fits(d.output, a.Result()) {
		return reason.UpstreamBadAnswer, "the structured content of the answer does not fit the tool's own output schema"
	}
	if len(edits) == 0 {
		return "", ""
	}
	if after := wire.Get(wire.Splice(nil, a.Raw, edits...), "result"); !fits(d.output, after) {
		return reason.Screened, "the answer was withheld: what the screen leaves of its structured content does not fit the tool's output schema"
	}
	return "", ""
}

func fits(s *schema.Schema, result []byte) bool {
	content := wire.Get(result, "structuredContent")
	if content == nil || string(wire.Get(result, "isError")) == "true" {
		return true
	}
	v, err := wire.Decode(content)
	return err == nil && s.Validate(v) == nil
}

// ambiguous says why a definition can be read in two ways.
func ambiguous(raw []byte) string {
	var seen []string
	for key := range wire.Members(raw) {
		for _, other := range seen {
			if strings.EqualFold(key, other) {
				return fmt.Sprintf("its definition has the key %.40q twice", key)
			}
		}
		if seen = append(seen, key); len(seen) > 64 {
			return "its definition has more than 64 keys"
		}
	}
	return ""
}

func hint(annotations []byte, key string) *bool {
	switch string(wire.Get(annotations, key)) {
	case "true":
		return new(true)
	case "false":
		return new(false)
	}
	return nil
}
