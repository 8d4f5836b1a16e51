// Package redact takes the values that a policy hides, and what looks like a key
// or token wherever it stands, out of what is logged.
package redact

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/policy/match"
	"sallyport/policy/screen/secret"
	"sallyport/proxy/leaf"
	"sallyport/proxy/wire"
)

// redacted is what stands in the log for a value that the policy hides.
var redacted = []byte(`"[REDACTED]"`)

const (
	// maxNested bounds JSON within strings of JSON.
	maxNested = 3
	// maxKnown bounds the memory of member names.
	maxKnown = 4096
)

// Func returns what takes the values that the policy hides, and secrets, out of a
// body before it is logged. It leaves its argument as it is. A body in which a
// string holds JSON of its own (as the text of many results does) is searched
// there too.
func Func(conf policy.Audit) func(body []byte) []byte {
	h := &hider{conf: conf, known: map[string]bool{}}
	h.paths = slices.ContainsFunc(conf.Redact, func(p string) bool { return strings.Contains(p, ".") })
	secrets := secret.New()
	return func(body []byte) []byte {
		if len(conf.Redact) > 0 && h.finds(body, nil, 0) {
			body = h.redact(body, nil, 0)
		}
		return without(secrets, body)
	}
}

// shortestSecret is the length in bytes of the shortest secret that is told from
// other words without a name.
const shortestSecret = 8

// without takes secrets out of all texts, names included.
func without(secrets *secret.Finder, body []byte) []byte {
	var edits []wire.Edit
	for w := leaf.New(body); w.Next(); {
		span := w.Leaf().Span
		if span.End-span.Start-2 < shortestSecret {
			continue
		}
		text := w.Text()
		if found := secrets.Find(text); len(found) > 0 {
			edits = append(edits, wire.Edit{Span: span, With: wire.Quote(nil, secret.Redact(text, found))})
		}
	}
	if len(edits) == 0 {
		return body
	}
	return wire.Splice(nil, body, edits...)
}

// hider remembers which names are hidden: the same ones come again and again.
type hider struct {
	conf  policy.Audit
	paths bool // some entries name more than the last member

	mu    sync.RWMutex
	known map[string]bool // by name; only used without paths
}

func (h *hider) hides(path []string) bool {
	if h.paths {
		return match.Hidden(h.conf.Redact, path)
	}
	name := path[len(path)-1]
	h.mu.RLock()
	hidden, known := h.known[name]
	h.mu.RUnlock()
	if known {
		return hidden
	}
	hidden = match.Hidden(h.conf.Redact, path)
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.known) < maxKnown && len(name) <= 64 {
		h.known[name] = hidden
	}
	return hidden
}

// finds says whether there is anything to hide. Nearly always there is not.
func (h *hider) finds(raw []byte, path []string, nested int) bool {
	switch first(raw) {
	case '{':
		for key, value := range wire.Members(raw) {
			here := append(path[:len(path):len(path)], key)
			if h.hides(here) || h.finds(value, here, nested) {
				return true
			}
		}
	case '[':
		for element := range wire.Elements(raw) {
			if h.finds(element, path, nested) {
				return true
			}
		}
	case '"':
		inner := within(raw, nested)
		return inner != nil && h.finds(inner, path, nested+1)
	}
	return false
}

// redact rewrites a value.
func (h *hider) redact(raw []byte, path []string, nested int) []byte {
	switch first(raw) {
	case '{':
		return h.object(raw, path, nested)
	case '[':
		out := []byte{'['}
		for element := range wire.Elements(raw) {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(out, h.redact(element, path, nested)...)
		}
		return append(out, ']')
	case '"':
		if inner := within(raw, nested); inner != nil && h.finds(inner, path, nested+1) {
			return wire.Quote(nil, string(h.redact(inner, path, nested+1)))
		}
	}
	return raw
}

func (h *hider) object(raw []byte, path []string, nested int) []byte {
	out := []byte{'{'}
	for key, value := range wire.Members(raw) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(wire.Quote(out, key), ':')
		if here := append(path[:len(path):len(path)], key); h.hides(here) {
			out = append(out, redacted...)
		} else {
			out = append(out, h.redact(value, here, nested)...)
		}
	}
	return append(out, '}')
}

// within returns the JSON that a string holds, or nil.
func within(raw []byte, nested int) []byte {
	if nested >= maxNested || len(raw) < 4 || !strings.ContainsRune(" \t{[\\", rune(raw[1])) {
		return nil
	}
	text, ok := wire.Text(raw)
	inner := []byte(text)
	if c := first(inner); !ok || c != '{' && c != '[' {
		return nil
	}
	if wire.Check(inner, wire.Bounds{}) != nil {
		if _, err := wire.Decode(inner); err != nil { // repeated keys hide nothing
			return nil
		}
	}
	return inner
}

// first is the first byte of a value that is not white space.
func first(raw []byte) byte {
	for _, c := range raw {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c
		}
	}
	return 0
}

// Command says what a server was started with, in a way that gives away no
// word of it but the program: others may be secrets.
func Command(words []string) string {
	if len(words) == 0 {
		return ""
	}
	sum := audit.Digest([]byte(strings.Join(words, "\x00")))
	return fmt.Sprintf("%s, command line of SHA-256 %x", words[0], sum)
}
