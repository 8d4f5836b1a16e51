package wire

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A scanner goes over one JSON text once, from left to right. Its methods
// return false after setting fault.
//
// It trusts that the bytes are valid UTF-8 where that matters: the parsers
// check before they scan.
type scanner struct {
	b      []byte
	i      int
	depth  int
	limit  Bounds
	strict bool
	keys   *keyStack // of the objects that are open; nil if none are noted
	m      *Message
	fault  *Fault
}

// lax returns a scanner that takes all well-formed JSON.
func lax(b []byte) scanner {
	return scanner{b: b, limit: Bounds{Depth: mostDepth}}
}

func (s *scanner) fail(r Reason, at int, detail string) bool {
	if s.fault == nil {
		s.fault = newFault(r, at, detail)
	}
	return false
}

// unexpected refuses the byte at s.i, where want should have stood.
func (s *scanner) unexpected(want string) bool {
	if s.i >= len(s.b) {
		return s.fail(InvalidJSON, len(s.b), "the text ends where "+want+" was expected")
	}
	return s.fail(InvalidJSON, s.i, "found "+quoted(s.b[s.i:s.i+1])+" where "+want+" was expected")
}

// peek returns the next byte, or 0 at the end: no JSON token starts with 0.
func (s *scanner) peek() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) space() {
	for s.i < len(s.b) && s.b[s.i] <= ' ' && isSpace(s.b[s.i]) {
		s.i++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// value moves past one value that starts at s.i: the envelope, the value of one
// of its fields, or any other.
func (s *scanner) value(at field) (ok bool) {
	switch s.peek() {
	case '"':
		_, ok = s.text()
	case '{':
		ok = s.object(at)
	case '[':
		ok = s.array()
	case 't':
		ok = s.word("true")
	case 'f':
		ok = s.word("false")
	case 'n':
		ok = s.word("null")
	default:
		ok = s.number()
	}
	return ok
}

func (s *scanner) word(w string) bool {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return s.unexpected("a value")
	}
	s.i += len(w)
	return true
}

// descend moves past an opening bracket.
func (s *scanner) descend() bool {
	if s.depth++; s.depth > s.limit.Depth {
		return s.fail(TooDeep, s.i, "objects and arrays are nested too deeply")
	}
	s.i++
	return true
}

// next moves to the first or a further part of an object or array, or past its
// end.
func (s *scanner) next(end byte, first bool) (more, ok bool) {
	s.space()
	switch c := s.peek(); {
	case c == end:
		s.i++
		s.depth--
		return false, true
	case first:
		return true, true
	case c == ',':
		s.i++
		s.space()
		return true, true
	}
	return false, s.unexpected("a comma or the end of an object or array")
}

func (s *scanner) array() bool {
	if !s.descend() {
		return false
	}
	for first := true; ; first = false {
		if more, ok := s.next(']', first); !more {
			return ok
		}
		if !s.value(other) {
			return false
		}
	}
}

// object moves past an object, and notes its members if it is the envelope or
// params.
func (s *scanner) object(at field) bool {
	if !s.descend() {
		return false
	}
	open := 0
	if s.keys != nil {
		open = len(s.keys.list)
	}
	for first := true; ; first = false {
		if more, ok := s.next('}', first); !more {
			return ok && s.distinct(open)
		}
		if !s.member(at) {
			return false
		}
	}
}

// member moves past a key and its value.
func (s *scanner) member(at field) bool {
	key, plain, ok := s.key()
	if !ok {
		return false
	}
	if s.strict || at == envelope {
		s.keys.push(s.keyText(key, plain), key.Start)
	}
	if at != envelope && at != fieldParams {
		return s.value(other)
	}
	from := s.i
	f, ok := s.enter(at, key, plain)
	if !ok || !s.value(f) {
		return false
	}
	s.m.note(at, f, key, Span{from, s.i})
	return true
}

// key moves past a key and its colon. The span includes the quotes; plain
// means that the key holds no escapes.
func (s *scanner) key() (key Span, plain, ok bool) {
	if s.peek() != '"' {
		return key, false, s.unexpected("a key")
	}
	key.Start = s.i
	if plain, ok = s.text(); !ok {
		return key, false, false
	}
	key.End = s.i
	s.space()
	if s.peek() != ':' {
		return key, false, s.unexpected("a colon")
	}
	s.i++
	s.space()
	return key, plain, true
}

// text moves past a string that starts at s.i.
func (s *scanner) text() (plain, ok bool) {
	i := s.i + 1
	plain = true
	for {
		i = plainRun(s.b, i)
		if i >= len(s.b) {
			return false, s.fail(InvalidJSON, len(s.b), "a string is not closed")
		}
		switch s.b[i] {
		case '"':
			s.i = i + 1
			return plain, true
		case '\\':
			n := s.escape(i)
			if n == 0 {
				return false, false
			}
			i += n
			plain = false
		default:
			return false, s.fail(InvalidJSON, i, "a control character stands unescaped in a string")
		}
	}
}

// plainRun returns the index of the first byte at or after i that is a quote, a
// backslash or a control character, or len(b). It looks at eight bytes at a
// time: a byte of x is zero where (x-1)&^x has its top bit set, exactly so for
// the lowest such byte.
func plainRun(b []byte, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		q, e := w^('"'*ones), w^('\\'*ones)
		if hit := ((q-ones)&^q | (e-ones)&^e | (w-' '*ones)&^w) & tops; hit != 0 {
			return i + bits.TrailingZeros64(hit)>>3
		}
	}
	for i < len(b) && b[i] >= ' ' && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// escape returns the length of the escape sequence at i, or 0 after failing. In
// a strict scan a surrogate pair is one sequence.
func (s *scanner) escape(i int) int {
	if i+1 < len(s.b) && strings.IndexByte(escapes, s.b[i+1]) >= 0 {
		return 2
	}
	r, ok := hex4(s.b[i:])
	switch {
	case !ok:
		s.fail(InvalidJSON, i, "a backslash in a string starts no escape sequence")
		return 0
	case !s.strict || !utf16.IsSurrogate(r):
		return 6
	}
	if low, ok := hex4(s.b[i+6:]); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
		return 12
	}
	s.fail(LoneSurrogate, i, "an escaped surrogate in a string has no partner")
	return 0
}

// hex4 reads the \uXXXX that b starts with.
func hex4(b []byte) (r rune, ok bool) {
	var v [2]byte
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	_, err := hex.Decode(v[:], b[2:6])
	return rune(v[0])<<8 | rune(v[1]), err == nil
}

// digits moves past one or more digits.
func (s *scanner) digits() bool {
	from := s.i
	for s.i < len(s.b) && s.b[s.i]-'0' <= 9 {
		s.i++
	}
	return s.i > from
}

func (s *scanner) number() bool {
	from := s.i
	if s.peek() == '-' {
		s.i++
	}
	if s.peek() == '0' {
		s.i++
	} else if !s.digits() {
		return s.unexpected("a value")
	}
	if s.peek() == '.' {
		if s.i++; !s.digits() {
			return s.unexpected("a digit")
		}
	}
	exponent := s.i
	if c := s.peek(); c == 'e' || c == 'E' {
		s.i++
		if c := s.peek(); c == '+' || c == '-' {
			s.i++
		}
		if exponent = s.i; !s.digits() {
			return s.unexpected("a digit")
		}
	}
	if s.strict && s.i-from > s.limit.Number {
		return s.fail(NumberTooLong, from, "a number has too many digits")
	}
	if s.strict && s.i > exponent {
		if e, err := strconv.Atoi(string(s.b[exponent:s.i])); err != nil || e > s.limit.Exponent {
			return s.fail(ExponentTooLarge, from, "a number has too large an exponent")
		}
	}
	return true
}
