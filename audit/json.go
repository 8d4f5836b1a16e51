package audit

import "unicode/utf8"

// jsonShape says how bytes may stand inside a line. The zero value trusts
// nothing: such bytes are embedded as a string.
type jsonShape uint8

const (
	shapeText  jsonShape = iota // not one valid JSON value in UTF-8
	shapeLine                   // one valid JSON value without line breaks
	shapeLines                  // one valid JSON value with line breaks between its tokens
)

// maxDepth bounds the nesting of an embedded body, well below the limit of
// common JSON readers. Deeper bodies are embedded as strings.
const maxDepth = 512

// shapeOf checks RFC 8259 grammar, depth and UTF-8. It decides nothing about
// the meaning: repeated keys and lone surrogate escapes pass, as results that
// hold them are forwarded. It exists beside encoding/json because a body is
// checked on every call, and that one is ten times slower.
func shapeOf(b []byte) jsonShape {
	s := scan{b: b}
	end := s.space(s.value(s.space(0), 0))
	switch {
	case end != len(b) || !utf8.Valid(b):
		return shapeText
	case s.breaks:
		return shapeLines
	}
	return shapeLine
}

// scan walks over JSON. Its methods take the place where something begins and
// return the place behind it; bad, once returned, is handed through.
type scan struct {
	b      []byte
	breaks bool
}

const bad = -1

func (s *scan) space(i int) int {
	if i == bad {
		return bad
	}
	for ; i < len(s.b); i++ {
		switch s.b[i] {
		case ' ', '\t':
		case '\n', '\r':
			s.breaks = true
		default:
			return i
		}
	}
	return i
}

func (s *scan) value(i, depth int) int {
	if i == bad || i >= len(s.b) {
		return bad
	}
	switch c := s.b[i]; c {
	case '"':
		return s.str(i + 1)
	case '{', '[':
		return s.group(i, depth+1)
	case 't':
		return s.word(i, "true")
	case 'f':
		return s.word(i, "false")
	case 'n':
		return s.word(i, "null")
	default:
		return s.number(i)
	}
}

// group walks over an object or an array.
func (s *scan) group(i, depth int) int {
	if depth > maxDepth {
		return bad
	}
	object := s.b[i] == '{'
	end := s.b[i] + 2 // '{'+2 == '}' and '['+2 == ']'
	i = s.space(i + 1)
	if i < len(s.b) && s.b[i] == end {
		return i + 1
	}
	for {
		if object {
			i = s.key(i)
		}
		i = s.space(s.value(i, depth))
		if i == bad || i >= len(s.b) {
			return bad
		}
		switch s.b[i] {
		case end:
			return i + 1
		case ',':
			i = s.space(i + 1)
		default:
			return bad
		}
	}
}

func (s *scan) key(i int) int {
	if i >= len(s.b) || s.b[i] != '"' {
		return bad
	}
	i = s.space(s.str(i + 1))
	if i == bad || i >= len(s.b) || s.b[i] != ':' {
		return bad
	}
	return s.space(i + 1)
}

// str starts behind the opening quote.
func (s *scan) str(i int) int {
	b := s.b
	for i < len(b) {
		c := b[i]
		i++
		switch {
		case c == '"':
			return i
		case c == '\\':
			if i = s.escape(i); i == bad {
				return bad
			}
		case c < 0x20:
			return bad
		}
	}
	return bad
}

// escape starts behind the backslash.
func (s *scan) escape(i int) int {
	if i >= len(s.b) {
		return bad
	}
	switch s.b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		if i+5 > len(s.b) {
			return bad
		}
		for _, c := range s.b[i+1 : i+5] {
			if !isHex(c) {
				return bad
			}
		}
		return i + 5
	}
	return bad
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func (s *scan) word(i int, w string) int {
	if len(s.b)-i < len(w) || string(s.b[i:i+len(w)]) != w {
		return bad
	}
	return i + len(w)
}

func (s *scan) number(i int) int {
	if s.at(i) == '-' {
		i++
	}
	if s.at(i) == '0' {
		i++
	} else if i = s.digits(i); i == bad {
		return bad
	}
	if s.at(i) == '.' {
		if i = s.digits(i + 1); i == bad {
			return bad
		}
	}
	if c := s.at(i); c == 'e' || c == 'E' {
		if c := s.at(i + 1); c == '+' || c == '-' {
			i++
		}
		return s.digits(i + 1)
	}
	return i
}

func (s *scan) digits(i int) int {
	start := i
	for c := s.at(i); '0' <= c && c <= '9'; c = s.at(i) {
		i++
	}
	if i == start {
		return bad
	}
	return i
}

// at is the byte at i, or 0, which no token holds.
func (s *scan) at(i int) byte {
	if i < len(s.b) {
		return s.b[i]
	}
	return 0
}
