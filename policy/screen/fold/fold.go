// Package fold writes text as plain Latin letters where it can be read so, and
// knows where in the original each of them stood.
//
// Full width, mathematical and accented letters, letters of other scripts that
// look Latin, and what is not seen at all come to the same words as plain ones.
// Cyrillic and Greek words that are what they look like are written as they
// sound. Other scripts are left alone. The result is never longer than the text
// plus what four bytes for a rune of two or three can add; time is linear.
package fold

import (
	"sort"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Span is a part of a text, in bytes.
type Span struct{ Start, End int }

// Folded is a text after folding, with the way back.
type Folded struct {
	Text     string
	marks    []step
	from     string // the text it was made of
	Unseen   []Span // runs of what is not seen, in the original
	Zero     int    // zero-width characters that no script or emoji asks for
	ZeroRun  int    // the most of them in a row
	Bidi     int    // overrides of direction
	Smuggled string // what tag characters and variation selectors spell
}

// step says that from byte out on, the text was made of the original from in on.
type step struct{ out, in int32 }

// What a rune becomes: up to four bytes of ASCII, or one of these.
const (
	keep      = 0
	drop      = 1 // combining marks
	zero      = 2
	joiner    = 3 // as zero, but emoji and some scripts need it
	bidi      = 4
	tagged    = 5
	variation = 6
)

// Table is what runes become, by pages of 256.
type Table struct{ pages map[rune]*[256]uint32 }

// NewTable makes the table.
func NewTable() *Table {
	t := &Table{pages: map[rune]*[256]uint32{}}
	for _, p := range []rune{0x00, 0x01, 0x02, 0x1E, 0x20, 0x21, 0x24, 0x30, 0xFB, 0xFE, 0xFF, 0x1D4, 0x1D5, 0x1D6, 0x1D7, 0x1F1} {
		for r := p << 8; r < p<<8+256; r++ {
			if r >= utf8.RuneSelf {
				t.set(r, plain(r))
			}
		}
	}
	for i := 0; i < len(lookalikes); {
		r, n := utf8.DecodeRuneInString(lookalikes[i:])
		if !scripted(r) && t.get(r) == keep {
			t.set(r, uint32(lookalikes[i+n])|0x20)
		}
		i += n + 1
	}
	for r := rune(0x300); r < 0x370; r++ {
		t.set(r, drop)
	}
	for pair := range strings.FieldsSeq("ø:o Ø:o ł:l Ł:l đ:d Đ:d ß:ss æ:ae œ:oe þ:th ð:d ı:i ‘:' ’:' ‚:' “:\" ”:\" „:\" «:\" »:\" ‹:' ›:' –:- —:- ‐:- ‑:- −:- ⁄:/ …:... 「:\" 」:\"") {
		r, n := utf8.DecodeRuneInString(pair)
		t.set(r, pack(pair[n+1:]))
	}
	t.unseen()
	return t
}

func (t *Table) unseen() {
	for _, r := range []rune{0xAD, 0x34F, 0x61C, 0x180E, 0x200B, 0x2060, 0x2061, 0x2062, 0x2063, 0x2064, 0xFEFF, 0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800} {
		t.set(r, zero)
	}
	for _, r := range []rune{0x200C, 0x200D, 0x200E, 0x200F, 0xAD, 0x61C} {
		t.set(r, joiner)
	}
	for _, r := range []rune{0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x2069} {
		t.set(r, bidi)
	}
	for r := rune(0xE0000); r < 0xE0080; r++ {
		t.set(r, tagged)
	}
	for r := rune(0xFE00); r < 0xFE10; r++ {
		t.set(r, variation)
	}
	for r := rune(0xE0100); r < 0xE01F0; r++ {
		t.set(r, variation)
	}
}

func (t *Table) set(r rune, v uint32) {
	p := t.pages[r>>8]
	if p == nil {
		p = new([256]uint32)
		t.pages[r>>8] = p
	}
	p[r&255] = v
}

func (t *Table) get(r rune) uint32 {
	if p := t.pages[r>>8]; p != nil {
		return p[r&255]
	}
	return keep
}

func pack(s string) uint32 {
	v := uint32(0)
	for i := range min(len(s), 4) {
		v |= uint32(s[i]) << (8 * i)
	}
	return v
}

// plain is the compatible form of a rune without its accents, if that is ASCII.
func plain(r rune) uint32 {
	var b [4]byte
	n := 0
	for _, c := range norm.NFKD.String(string(r)) {
		switch {
		case c >= 0x300 && c < 0x370:
		case c >= utf8.RuneSelf || n == len(b):
			return keep
		default:
			b[n] = byte(c)
			n++
		}
	}
	if n == 0 {
		return drop
	}
	return pack(string(b[:n]))
}

// Fold folds a text.
func (t *Table) Fold(text string) Folded {
	w := writer{t: t, text: text, out: make([]byte, 0, len(text)+16), f: Folded{from: text}}
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			j := i + 1
			for j < len(text) && text[j] < utf8.RuneSelf {
				j++
			}
			w.step(i)
			w.out = append(w.out, text[i:j]...)
			i = j
			continue
		}
		i += w.rune(i)
	}
	w.f.Text = string(w.out)
	w.f.Smuggled = string(w.smuggled)
	return w.f
}

// Origin is the place in the original of byte i of the folded text.
func (f *Folded) Origin(i int) int {
	in := i
	k := sort.Search(len(f.marks), func(k int) bool { return int(f.marks[k].out) > i }) - 1
	if k >= 0 {
		in = int(f.marks[k].in) + i - int(f.marks[k].out)
	}
	if k+1 < len(f.marks) {
		in = min(in, int(f.marks[k+1].in)-1)
	}
	in = max(0, min(in, len(f.from)))
	for in > 0 && in < len(f.from) && !utf8.RuneStart(f.from[in]) {
		in--
	}
	return in
}

// OriginEnd is the place in the original behind what byte end-1 was made of.
func (f *Folded) OriginEnd(end int) int {
	if end == 0 {
		return 0
	}
	if end >= len(f.Text) {
		return len(f.from)
	}
	in := f.Origin(end-1) + 1
	if k := sort.Search(len(f.marks), func(k int) bool { return int(f.marks[k].out) >= end }); k < len(f.marks) && int(f.marks[k].out) == end {
		in = max(in, int(f.marks[k].in))
	}
	for in < len(f.from) && !utf8.RuneStart(f.from[in]) {
		in++
	}
	return in
}
