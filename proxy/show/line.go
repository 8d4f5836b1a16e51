package show

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	defaultText = 400
	mostSpaces  = 8 // more in a row could push what follows out of sight
	mostMarks   = 3 // of combining marks on one letter; living scripts need no more

	rtlMark = "⟨right-to-left text⟩"
	cutMark = "⟨cut: " // how the mark of a cut begins
)

// Line makes text fit for one line: everything that could mislead is made
// visible, and longer text than max (in runes) is cut in the middle, saying how
// many bytes it has in all and the first 12 hex digits of its SHA-256. A max
// below one means the default of Limits.Text.
func Line(text string, max int) string {
	return string(appendLine(nil, text, max, false))
}

// appendLine is Line; quoted text gets no quotes, but is escaped to stand
// between them.
func appendLine(dst []byte, text string, max int, quoted bool) []byte {
	if max < 1 {
		max = defaultText
	}
	head, tail := halves(text, max)
	if strings.ContainsFunc(head, rightToLeft) || strings.ContainsFunc(tail, rightToLeft) {
		// The mark's own letters also make the line run from left to right.
		dst = append(dst, rtlMark...)
	}
	dst = appendSafe(dst, head, quoted)
	if len(head) == len(text) {
		return dst
	}
	dst = append(dst, cutMark...)
	dst = append(dst, size(text)...)
	dst = append(dst, "⟩"...)
	return appendSafe(dst, tail, quoted)
}

// size says how long a text is, and which one.
func size[T string | []byte](text T) string {
	return fmt.Sprintf("%d bytes in all, SHA-256 %s", len(text), short(text))
}

// Digest is the SHA-256 of a shown text, hex.
func Digest(text string) string { return digest(text) }

func digest[T string | []byte](text T) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func short[T string | []byte](text T) string { return digest(text)[:12] }

// halves returns the whole text as its head, or the two ends of one that is
// longer than max.
func halves(text string, max int) (head, tail string) {
	if len(text) <= max {
		return text, ""
	}
	i, half := 0, 0
	for n := 0; n < max && i < len(text); n++ {
		_, w := decode(text[i:])
		i += w
		if n+1 == (max+1)/2 {
			half = i
		}
	}
	if i == len(text) {
		return text, ""
	}
	end := len(text)
	for range max / 2 {
		_, w := utf8.DecodeLastRuneInString(text[:end])
		end -= w
	}
	return text[:half], text[end:]
}

// oddByte is added to a byte that is no text, to make it a rune that is none.
const oddByte = unicode.MaxRune + 1

// decode reads one rune. Half a surrogate pair in the form that UTF-8 would
// give it, which is how one comes out of JSON, is itself.
func decode(s string) (r rune, width int) {
	r, width = utf8.DecodeRuneInString(s)
	if r != utf8.RuneError || width != 1 {
		return r, width
	}
	if len(s) >= 3 && s[0] == 0xed && s[1]&0xe0 == 0xa0 && s[2]&0xc0 == 0x80 {
		return 0xd000 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f), 3
	}
	return oddByte + rune(s[0]), 1
}

func runes(s string) []rune {
	rs := make([]rune, 0, len(s))
	for len(s) > 0 {
		r, w := decode(s)
		rs, s = append(rs, r), s[w:]
	}
	return rs
}

// appendSafe appends text with everything in it made visible.
func appendSafe(dst []byte, text string, quoted bool) []byte {
	rs := runes(text)
	alike := lookAlikes(rs)
	marks := mostMarks // combining marks that the last letter has; none fits at the start
	for i := 0; i < len(rs); i++ {
		r, like := rs[i], ""
		if alike != nil {
			like = alike[i]
		}
		mark := r >= utf8.RuneSelf && unicode.IsMark(r)
		switch {
		case r == ' ':
			n := spaces(rs[i:])
			edge := !quoted && (i == 0 || i+n == len(rs))
			dst = appendSpaces(dst, n, edge)
			i += n - 1
		case quoted && escaped(r) != 0:
			dst = append(dst, '\\', escaped(r))
		case like != "" || !visible(r) || mark && (marks >= mostMarks || overlays(r)):
			dst = appendMark(dst, r, like)
			marks = mostMarks
			continue
		default:
			dst = utf8.AppendRune(dst, r)
		}
		switch {
		case mark:
			marks++
		case unicode.IsLetter(r) || unicode.IsNumber(r):
			marks = 0
		default:
			marks = mostMarks
		}
	}
	return dst
}

// escaped returns what stands after the backslash in a JSON string, or 0.
func escaped(r rune) byte {
	switch r {
	case '"', '\\':
		return byte(r)
	case '\n':
		return 'n'
	case '\r':
		return 'r'
	case '\t':
		return 't'
	}
	return 0
}

func spaces(rs []rune) (n int) {
	for n < len(rs) && rs[n] == ' ' {
		n++
	}
	return n
}

func appendSpaces(dst []byte, n int, edge bool) []byte {
	switch {
	case n > mostSpaces || edge && n > 1:
		return append(strconv.AppendInt(append(dst, "⟨"...), int64(n), 10), " spaces⟩"...)
	case edge:
		return append(dst, "⟨1 space⟩"...)
	}
	return append(dst, "        "[:n]...)
}

// appendMark writes a character by its number, and what it passes for.
func appendMark(dst []byte, r rune, like string) []byte {
	switch {
	case r >= oddByte:
		return fmt.Appendf(dst, "⟨byte %#02x⟩", r-oddByte)
	case like != "" && like != unlike:
		return fmt.Appendf(dst, "⟨U+%04X like %s⟩", r, like)
	}
	return fmt.Appendf(dst, "⟨U+%04X⟩", r)
}
