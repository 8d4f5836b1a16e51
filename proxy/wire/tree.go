package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
)

// keyIs compares a key in its quotes with a decoded name.
func keyIs(key []byte, name string) bool {
	key = key[1 : len(key)-1]
	if bytes.IndexByte(key, '\\') < 0 {
		return string(key) == name
	}
	return string(appendText(nil, key)) == name
}

// walk yields the members of an object, keys in their quotes, or the elements
// of an array, without a key: open says which of the two raw must be. It
// reports whether it came to the end of a well-formed value. What it yields
// before it finds a mistake is well-formed.
func walk(raw []byte, open byte, yield func(key, value Span) bool) bool {
	s := lax(raw)
	s.space()
	if s.peek() != open || !s.descend() {
		return false
	}
	end := open + 2 // in ASCII, } is two after {, and ] after [
	more, ok := s.next(end, true)
	for more {
		var key Span
		if open == '{' {
			if key, _, ok = s.key(); !ok {
				return false
			}
		}
		value := Span{Start: s.i}
		if !s.value(other) {
			return false
		}
		value.End = s.i
		if more, ok = s.next(end, false); !ok || !yield(key, value) {
			return false
		}
	}
	s.space()
	return ok && s.i == len(raw)
}

// Find returns where in raw the value at a path of keys stands. If a key is
// repeated, the last one counts, as with most decoders. It reports false if
// there is no such value or raw is not well-formed.
func Find(raw []byte, path ...string) (Span, bool) {
	at := Span{0, len(raw)}
	for _, name := range path {
		var found Span
		ok := walk(at.Of(raw), '{', func(key, value Span) bool {
			if keyIs(key.shift(at.Start).Of(raw), name) {
				found = value
			}
			return true
		})
		if !ok || found.End == 0 {
			return Span{}, false
		}
		at = found.shift(at.Start)
	}
	return at, true
}

// Get returns the raw value of a member of an object, or nil. If the key is
// repeated, the last one counts.
func Get(raw []byte, key string) []byte {
	if s, ok := Find(raw, key); ok {
		return s.Of(raw)
	}
	return nil
}

// Members goes over the members of an object: decoded keys and raw values, in
// the order they stand. It yields nothing for any other value, and stops at the
// first mistake in one that is not well-formed.
func Members(raw []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		walk(raw, '{', func(key, value Span) bool {
			name, _ := Text(key.Of(raw))
			return yield(name, value.Of(raw))
		})
	}
}

// Elements goes over the raw elements of an array. It yields nothing for any
// other value, and stops at the first mistake in one that is not well-formed.
func Elements(raw []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		walk(raw, '[', func(_, value Span) bool { return yield(value.Of(raw)) })
	}
}

// Check reports whether raw is one JSON value that ParseStrict would accept
// within params, or else the fault. Use it on a part of a faithfully parsed
// message where one reading must be the only one.
func Check(raw []byte, b Bounds) *Fault {
	keys := keyStacks.Get().(*keyStack)
	defer keys.giveBack()
	s := scanner{b: raw, limit: b.orDefault(), strict: true, keys: keys}
	if !s.lone() {
		return s.fault
	}
	return nil
}

var errMalformed = errors.New("not a well-formed JSON value")

// Decode returns raw as nil, bool, string, json.Number, []any or
// map[string]any. Of repeated keys the last counts; a lone surrogate becomes
// U+FFFD. Numbers keep the form in which they were written.
func Decode(raw []byte) (any, error) {
	s := lax(raw)
	s.space()
	v, ok := s.decode()
	s.space()
	if !ok || s.i != len(raw) {
		return nil, errMalformed
	}
	return v, nil
}

func (s *scanner) decode() (any, bool) {
	from := s.i
	switch c := s.peek(); c {
	case '{', '[':
		return s.decodeParts(c + 2)
	case '"':
		return s.decodeText()
	}
	if !s.value(other) {
		return nil, false
	}
	switch lex := string(s.b[from:s.i]); lex {
	case "null":
		return nil, true
	case "true", "false":
		return lex == "true", true
	default:
		return json.Number(lex), true
	}
}

func (s *scanner) decodeText() (string, bool) {
	from := s.i
	plain, ok := s.text()
	if !ok {
		return "", false
	}
	return string(s.keyText(Span{from, s.i}, plain)), true
}

// decodeParts decodes an array or object that ends with end.
func (s *scanner) decodeParts(end byte) (any, bool) {
	if !s.descend() {
		return nil, false
	}
	list, object := []any{}, map[string]any(nil)
	if end == '}' {
		object = map[string]any{}
	}
	for first := true; ; first = false {
		if more, ok := s.next(end, first); !more && object != nil {
			return object, ok
		} else if !more {
			return list, ok
		}
		name := ""
		if object != nil {
			key, plain, ok := s.key()
			if !ok {
				return nil, false
			}
			name = string(s.keyText(key, plain))
		}
		v, ok := s.decode()
		if !ok {
			return nil, false
		}
		if object != nil {
			object[name] = v
		} else {
			list = append(list, v)
		}
	}
}
