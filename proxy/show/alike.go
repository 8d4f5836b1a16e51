package show

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// unlike marks a character that has no single likeness.
const unlike = "\x00"

// A likeness says what a character passes for, and when that deceives.
type likeness struct {
	ascii string
	when  when
}

type when byte

const (
	never  when = iota
	mixed       // only next to Latin: letters that living scripts need in most words
	wholly      // also in a word of nothing but look-alikes
	always
)

// ordinary are characters that are what they look like, though their
// compatibility form is ASCII.
const ordinary = "…™№ªº"

// look finds what one character passes for.
func look(r rune) likeness {
	if r < utf8.RuneSelf || r >= oddByte {
		return likeness{}
	}
	if l, ok := alikes[r]; ok {
		return l
	}
	var buf [utf8.UTFMax]byte
	form := norm.NFKC.Properties(buf[:utf8.EncodeRune(buf[:], r)]).Decomposition()
	if len(form) == 0 {
		return likeness{}
	}
	base, n := utf8.DecodeRune(form)
	switch l := alikes[base]; {
	case isASCII(form):
		if form[0] == ' ' || strings.ContainsRune(ordinary, r) {
			return likeness{}
		}
		return likeness{string(form), always}
	case l.when != never && n == len(form): // a letter of mathematics
		return likeness{l.ascii, always}
	default: // a letter with an accent, or nothing
		return l
	}
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// word is a run of letters, digits and what passes for them.
type word struct {
	from, to int
	genuine  bool // has a letter of another script than Latin that is no twin, and no Latin one
	deceives bool // has look-alikes, and nothing else but digits
	letters  int
}

// lookAlikes returns for each rune what it passes for if that deceives, or
// unlike if it only must not stand where it does; nil if there is none.
func lookAlikes(rs []rune) []string {
	first := 0
	for first < len(rs) && rs[first] < utf8.RuneSelf {
		first++
	}
	if first == len(rs) {
		return nil
	}
	likes := make([]likeness, len(rs))
	for i, r := range rs[first:] {
		likes[first+i] = look(r)
	}
	out := make([]string, len(rs))
	var words []word
	for i := 0; i < len(rs); {
		if likes[i].when == always && !wide(rs, i) {
			out[i] = likes[i].ascii
		}
		if !inWord(rs[i], likes[i]) {
			i++
			continue
		}
		w := word{from: i, to: i}
		for w.to < len(rs) && inWord(rs[w.to], likes[w.to]) {
			w.to++
		}
		w.judge(rs, likes, out)
		words = append(words, w)
		i = w.to
	}
	for i, w := range words {
		if w.deceives && !(w.letters <= 3 && beside(rs, words, i)) {
			markAll(out, likes, w, wholly)
		}
	}
	return out
}

func inWord(r rune, l likeness) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) || l.when == mixed || l.when == wholly
}

// wide is true for full width punctuation beside a letter of that width, where
// it is the usual one.
func wide(rs []rune, i int) bool {
	full := func(i int) bool {
		return i >= 0 && i < len(rs) && (rs[i] >= 0x3001 && rs[i] <= 0x30ff || unicode.In(rs[i], unicode.Han, unicode.Hangul))
	}
	return strings.ContainsRune("！（），：；？", rs[i]) && (full(i-1) || full(i+1))
}

// judge reads one word, and marks what deceives beside Latin.
func (w *word) judge(rs []rune, likes []likeness, out []string) {
	latin, digits, alike, other := false, false, false, false
	for i := w.from; i < w.to; i++ {
		r, l := rs[i], likes[i]
		switch {
		case l.when == always:
			out[i] = l.ascii
			latin = latin || unicode.IsLetter(rune(l.ascii[0]))
		case '0' <= r && r <= '9':
			digits = true
		case unicode.Is(unicode.Latin, r):
			latin = true
		case unicode.IsMark(r):
		case l.when == wholly:
			alike = true
			w.letters++
		default:
			other = true
			w.genuine = w.genuine || unicode.IsLetter(r)
		}
	}
	w.genuine = w.genuine && !latin
	w.deceives = alike && !latin && !other
	if latin {
		markAll(out, likes, *w, mixed)
	}
	for i := w.from; i < w.to; i++ {
		// 1 and a digit of another script make a number for nobody.
		if (latin || digits) && rs[i] >= utf8.RuneSelf && unicode.IsDigit(rs[i]) && out[i] == "" {
			out[i] = cmp.Or(likes[i].ascii, unlike)
		}
	}
}

// markAll marks the characters of a word that deceive at least so often.
func markAll(out []string, likes []likeness, w word, least when) {
	for i := w.from; i < w.to; i++ {
		if likes[i].when >= least {
			out[i] = likes[i].ascii
		}
	}
}

// beside is true for a word with a genuine one before or after it, as in a
// sentence.
func beside(rs []rune, words []word, i int) bool {
	near := func(a, b word) bool {
		gap := string(rs[a.to:b.from])
		return gap == " " || gap == ", "
	}
	return i > 0 && words[i-1].genuine && near(words[i-1], words[i]) ||
		i+1 < len(words) && words[i+1].genuine && near(words[i], words[i+1])
}

// readTable reads lines of an ASCII character and the code points that pass for
// it.
func readTable(into map[rune]likeness, when when, text string) map[rune]likeness {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		for i := 1; i < len(fields); i++ {
			var r rune
			if _, err := fmt.Sscanf(fields[i], "%X", &r); err != nil {
				panic("show: look-alike " + fields[i])
			}
			into[r] = likeness{fields[0], when}
		}
	}
	return into
}
