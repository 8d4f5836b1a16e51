package wire

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// escapes are the letters after a backslash and, beside them, what they mean.
const (
	escapes = `"\/bfnrt`
	meaning = "\"\\/\b\f\n\r\t"
)

// appendText appends the text that stands between the quotes of a well-formed
// JSON string. A lone surrogate becomes U+FFFD, as in encoding/json.
func appendText(dst, s []byte) []byte {
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 || i+1 >= len(s) {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		if at := strings.IndexByte(escapes, s[i+1]); at >= 0 {
			dst = append(dst, meaning[at])
			s = s[i+2:]
			continue
		}
		r, ok := hex4(s[i:])
		if !ok {
			return dst
		}
		s = s[i+6:]
		if utf16.IsSurrogate(r) {
			low, _ := hex4(s)
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				s = s[6:]
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
}

// Text decodes a JSON string, quotes included. It reports false if raw is
// anything else. A lone surrogate escape becomes U+FFFD.
func Text(raw []byte) (string, bool) {
	s := lax(trim(raw))
	if s.peek() != '"' {
		return "", false
	}
	text, ok := s.decodeText()
	return text, ok && s.i == len(s.b)
}

// Quote appends s to dst as a JSON string that every decoder reads back as s.
// Control characters, U+2028 and U+2029 are escaped; each byte of invalid UTF-8
// becomes U+FFFD.
func Quote(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' && c != 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r > 0x7f && r != '\u2028' && r != '\u2029' && (r != utf8.RuneError || n > 1) {
			i += n
			continue
		}
		dst = append(dst, s[done:i]...)
		if at := strings.IndexByte(meaning, c); at >= 0 {
			dst = append(dst, '\\', escapes[at])
		} else {
			dst = append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		}
		i += n
		done = i
	}
	dst = append(dst, s[done:]...)
	return append(dst, '"')
}

const spaces = " \t\r\n"

// trim cuts JSON white space from both ends; lead says how much stands first.
func trim(b []byte) []byte { return bytes.Trim(b, spaces) }

func lead(b []byte) int { return len(b) - len(bytes.TrimLeft(b, spaces)) }
