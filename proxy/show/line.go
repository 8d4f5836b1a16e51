// Package show makes text from outside fit to be shown to a person, and composes
// the question that a person answers before a dangerous call.
//
// # Why
//
// Whoever writes the arguments of a call wants it approved. So nothing of them
// may look like part of the question, like an answer to it, or like other
// arguments than they are. Everything that could mislead is written out between
// ⟨ and ⟩, which are themselves written out where they occur: ⟨U+202E⟩,
// p⟨U+0430 like a⟩ypal. What is left is what it looks like.
//
// The question itself has one first line, and after that only lines that begin
// with four spaces. Where a client renders Markdown that is a block of code, in
// which nothing is interpreted; elsewhere it does no harm. Arguments stand behind
// a gutter, and no line of theirs can leave it.
//
// Words in other scripts than Latin are left alone, unless they mix with Latin
// letters or consist of nothing but letters that look Latin.
package show

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Line makes text fit for one line. Longer text than max runes is cut in the
// middle, and says how many bytes it has in all and the beginning of its SHA-256.
// The result holds no character that could mislead, and is empty only for empty
// text.
func Line(text string, max int) string {
	if utf8.RuneCountInString(text) > max {
		head, tail := cut(text, max)
		return mark(head) + gap(text, len(text)-len(head)-len(tail)) + mark(tail)
	}
	return mark(text)
}

// cut returns what is left of a text at both ends.
func cut(text string, max int) (head, tail string) {
	first, last := max-max/3, max/3
	i := 0
	for n := 0; n < first && i < len(text); n++ {
		_, size := utf8.DecodeRuneInString(text[i:])
		i += size
	}
	j := len(text)
	for n := 0; n < last && j > i; n++ {
		_, size := utf8.DecodeLastRuneInString(text[:j])
		j -= size
	}
	return text[:i], text[j:]
}

func gap(text string, left int) string {
	return fmt.Sprintf("⟨%d of %d bytes left out, SHA-256 %s…⟩", left, len(text), Digest(text)[:12])
}

// Digest is the SHA-256 of a text in hex.
func Digest(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// maxSpaces is how many spaces may stand in a row: more could push what follows
// out of sight.
const maxSpaces = 8

// line is one on the way out.
type line struct {
	b      strings.Builder
	native func() bool // of the whole text; found out once, if at all
}

// mark writes out what could mislead.
func mark(text string) string {
	l := line{native: sync.OnceValue(func() bool { return native(text) })}
	b := &l.b
	b.Grow(len(text) + 16)
	rtl := false
	marks := 0 // combining marks in a row
	for i := 0; i < len(text); {
		if n := plain(text[i:]); n > 0 { // the common case: ASCII words
			b.WriteString(text[i : i+n])
			i, marks = i+n, 0
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(b, "⟨byte 0x%02x⟩", text[i])
		case r == ' ':
			size = len(text[i:]) - len(strings.TrimLeft(text[i:], " "))
			spaces(b, size)
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc):
			if marks++; marks > 2 && !stacking(r) || i == 0 || hidden(r) {
				fmt.Fprintf(b, "⟨U+%04X⟩", r)
			} else {
				b.WriteRune(r)
			}
			i += size
			continue
		case hidden(r):
			fmt.Fprintf(b, "⟨U+%04X⟩", r)
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			size = l.word(text[i:])
		case folds(r) != "":
			fmt.Fprintf(b, "⟨U+%04X like %s⟩", r, folds(r))
		default:
			b.WriteRune(r)
		}
		rtl = rtl || unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Adlam)
		marks = 0
		i += size
	}
	if rtl {
		b.WriteString(" ⟨reads from right to left⟩")
	}
	return b.String()
}

// plain is how many bytes of ASCII text without runs of spaces stand first, as
// long as no word goes on in another script.
func plain(text string) int {
	n := 0 // up to the end of the last whole word
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= utf8.RuneSelf:
			return n
		case c < ' ' || c == 0x7f:
			return i
		case c == ' ' && i+1 < len(text) && text[i+1] == ' ':
			return i
		case c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z':
		default:
			n = i + 1
		}
	}
	return len(text)
}

func spaces(b *strings.Builder, n int) {
	if n > maxSpaces {
		fmt.Fprintf(b, "⟨%d spaces⟩", n)
		return
	}
	b.WriteString("        "[:n])
}

// hidden says whether a rune is not seen, moves others, can be taken for one of
// the marks of this package, or has no meaning that everybody agrees on.
func hidden(r rune) bool {
	switch {
	case r == '⟨' || r == '⟩' || r == '│' || r == '┃' || r == '❘' || r == '∣' || r == '⎪' || r == '￨':
		return true
	case r >= 0x2500 && r <= 0x257F: // box drawing
		return true
	case r == 0x115F || r == 0x1160 || r == 0x3164 || r == 0xFFA0 || r == 0x2800 || r == 0x17B4 || r == 0x17B5:
		return true // letters and signs that show nothing
	case r == 0x034F || r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0100 && r <= 0xE01EF:
		return true // joiners and variation selectors
	case r == utf8.RuneError:
		return true
	case r == 0x3008 || r == 0x3009 || r == 0x2329 || r == 0x232A || r == 0x276C || r == 0x276D || r == 0x27EA || r == 0x27EB:
		return true // brackets that look like the marks
	}
	return !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S) && r != ' '
}

// stacking says whether a script's words have more than two marks in a row.
func stacking(r rune) bool {
	return unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Thai, unicode.Lao, unicode.Tibetan, unicode.Myanmar, unicode.Khmer, unicode.Devanagari, unicode.Bengali, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala)
}

// folds is the ASCII text that compatibility takes a rune for, or empty.
func folds(r rune) string {
	if r < utf8.RuneSelf || r >= 0xC0 && r <= 0x24F {
		return ""
	}
	s := norm.NFKC.String(string(r))
	if s == string(r) {
		return ""
	}
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || s[i] < '!' {
			return ""
		}
	}
	return s
}
