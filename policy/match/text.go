package match

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
)

// Ambiguous reports whether two readers could understand different
// resources: dot segments, encodings of characters that need none, encoded or
// doubled slashes, backslashes, control characters, an upper-case scheme.
// A pattern cannot be trusted to cover such a URI.
func Ambiguous(uri string) bool {
	if !Plain(uri) {
		return true
	}
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok {
		scheme, rest, _ = strings.Cut(uri, ":")
	}
	if scheme != strings.ToLower(scheme) || strings.Contains(rest, "//") {
		return true
	}
	for part := range strings.FieldsFuncSeq(uri, func(r rune) bool { return strings.ContainsRune("/?#&=;:", r) }) {
		if part == "." || part == ".." {
			return true
		}
	}
	for i := range len(uri) {
		switch uri[i] {
		case '\\':
			return true
		case '%':
			if i+2 >= len(uri) || needlessEscape(uri[i+1], uri[i+2]) {
				return true
			}
		}
	}
	return false
}

// needlessEscape is true for what an escape must not hide: bad hex, characters
// that RFC 3986 calls unreserved, slash, backslash, percent and controls.
func needlessEscape(hi, lo byte) bool {
	h, ok1 := unhex(hi)
	l, ok2 := unhex(lo)
	if !ok1 || !ok2 {
		return true
	}
	c := h<<4 | l
	return c < 0x20 || c == 0x7f || strings.IndexByte(`/\%-._~`, c) >= 0 || isAlnum(c)
}

func unhex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// Plain is valid UTF-8 in NFC, the spelling that patterns have, without control
// or invisible format characters.
func Plain(s string) bool {
	ascii := true
	for i, r := range s {
		if r < 0x20 || r == 0x7f {
			return false
		}
		if r >= utf8.RuneSelf {
			ascii = false
			if !Visible(r, s[i:]) {
				return false
			}
		}
	}
	return ascii || cty.NormalizeString(s) == s
}

// Visible is false for control and format characters, for line separators and
// for a byte that is not UTF-8 (rest is the text from r on).
func Visible(r rune, rest string) bool {
	if r == utf8.RuneError && rest != "" {
		_, n := utf8.DecodeRuneInString(rest)
		return n > 1
	}
	return !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// Brief keeps another's text short and printable inside our message.
func Brief(s string) string {
	const most = 400
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && !Visible(r, "") {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) <= most {
		return s
	}
	cut := most
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
