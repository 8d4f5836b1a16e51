// Package leaf finds every text in a JSON value, and where it stands, in one pass
// and without decoding what has no escapes.
//
// It reads verified bytes. Of others it finds less, and never panics.
package leaf

import (
	"bytes"
	"strconv"
	"strings"

	"sallyport/proxy/wire"
)

// Leaf is one text: a string value or the name of a member.
type Leaf struct {
	Span wire.Span // of the raw string, quotes included
	Name bool      // a member's name
}

// Walk goes over a value's texts. It is good for one pass.
type Walk struct {
	raw   []byte
	at    int
	stack []level
	now   Leaf
}

// level is an object or array that is being read.
type level struct {
	array bool
	key   wire.Span // of the member that is being read
	index int
}

// New begins a walk over raw.
func New(raw []byte) *Walk { return &Walk{raw: raw} }

// Next goes on to the next text, and reports whether there is one.
func (w *Walk) Next() bool {
	for w.at < len(w.raw) {
		switch c := w.raw[w.at]; c {
		case '{', '[':
			w.stack = append(w.stack, level{array: c == '['})
			w.at++
		case '}', ']':
			if len(w.stack) > 0 {
				w.stack = w.stack[:len(w.stack)-1]
			}
			w.at++
		case ',':
			if n := len(w.stack); n > 0 {
				w.stack[n-1].index++
			}
			w.at++
		case '"':
			start := w.at
			if w.at = end(w.raw, start); w.at < 0 {
				w.at = len(w.raw)
				return false
			}
			w.now = Leaf{Span: wire.Span{Start: start, End: w.at}, Name: w.names()}
			if w.now.Name {
				w.stack[len(w.stack)-1].key = w.now.Span
			}
			return true
		default:
			w.at++
		}
	}
	return false
}

// names reports whether the string that has just been read is a member's name.
func (w *Walk) names() bool {
	if n := len(w.stack); n == 0 || w.stack[n-1].array {
		return false
	}
	for i := w.at; i < len(w.raw); i++ {
		switch w.raw[i] {
		case ' ', '\t', '\n', '\r':
		case ':':
			return true
		default:
			return false
		}
	}
	return false
}

// end is where the string that starts at i ends, or -1.
func end(raw []byte, i int) int {
	for i++; i < len(raw); {
		n := bytes.IndexByte(raw[i:], '"')
		if n < 0 {
			return -1
		}
		i += n
		back := 0
		for raw[i-1-back] == '\\' {
			back++
		}
		if i++; back%2 == 0 {
			return i
		}
	}
	return -1
}

// Leaf is where the walk is.
func (w *Walk) Leaf() Leaf { return w.now }

// Text is the text itself, decoded.
func (w *Walk) Text() string { return text(w.raw, w.now.Span) }

// simple are the escapes of one character.
var simple = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func text(raw []byte, s wire.Span) string {
	inner := raw[s.Start+1 : s.End-1]
	k := bytes.IndexByte(inner, '\\')
	if k < 0 {
		return string(inner)
	}
	var b strings.Builder
	b.Grow(len(inner))
	for k >= 0 {
		if k+1 >= len(inner) || simple[inner[k+1]] == 0 { // a code point, which may need its second half
			decoded, _ := wire.Text(s.Of(raw))
			return decoded
		}
		b.Write(inner[:k])
		b.WriteByte(simple[inner[k+1]])
		inner = inner[k+2:]
		k = bytes.IndexByte(inner, '\\')
	}
	b.Write(inner)
	return b.String()
}

// Path is where the text stands: member names and indices with dots, outermost
// first. A name's path ends with itself.
func (w *Walk) Path() string {
	var b strings.Builder
	for i := range w.stack {
		if i > 0 {
			b.WriteByte('.')
		}
		if l := &w.stack[i]; l.array {
			b.WriteString(strconv.Itoa(l.index))
		} else {
			b.Write(w.Member(i))
		}
	}
	return b.String()
}

// Depth is in how many objects and arrays the text stands.
func (w *Walk) Depth() int { return len(w.stack) }

// Member is the name of the member in which the text stands at a depth, counted
// from 0; empty for the element of an array. It is a view of the walk's bytes.
func (w *Walk) Member(depth int) []byte {
	if depth < 0 || depth >= len(w.stack) || w.stack[depth].array {
		return nil
	}
	k := w.stack[depth].key
	if k.End <= k.Start {
		return nil
	}
	inner := w.raw[k.Start+1 : k.End-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	return []byte(text(w.raw, k))
}
