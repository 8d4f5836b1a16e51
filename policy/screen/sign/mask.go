// Package sign reads text as words with meanings, and finds the signs of an
// injection that such words make together.
//
// Why not phrases: a list of phrases finds the attacks that somebody has seen.
// words.txt gives each word its concepts (ignore, disregard and forget all
// "drop" something), and rules.txt says which concepts, in which order and how
// near each other, are a sign. A new wording, or another language, needs no new
// rule. One pass reads the words; rules are tried only at the rare concepts
// that anchor them, and look at a few words around, so that the time is linear
// whatever the text says.
package sign

import "math/bits"

// concepts is how many there may be.
const concepts = 256

// Mask is a set of concepts. It is a struct and not an array because the compiler
// keeps only the former in registers.
type Mask struct{ a, b, c, d uint64 }

func bit(i int) Mask {
	switch i >> 6 {
	case 0:
		return Mask{a: 1 << (i & 63)}
	case 1:
		return Mask{b: 1 << (i & 63)}
	case 2:
		return Mask{c: 1 << (i & 63)}
	default:
		return Mask{d: 1 << (i & 63)}
	}
}

func (m Mask) or(o Mask) Mask  { return Mask{m.a | o.a, m.b | o.b, m.c | o.c, m.d | o.d} }
func (m Mask) and(o Mask) Mask { return Mask{m.a & o.a, m.b & o.b, m.c & o.c, m.d & o.d} }
func (m Mask) any(o Mask) bool { return m.a&o.a|m.b&o.b|m.c&o.c|m.d&o.d != 0 }
func (m Mask) all(o Mask) bool {
	return m.a&o.a == o.a && m.b&o.b == o.b && m.c&o.c == o.c && m.d&o.d == o.d
}
func (m Mask) zero() bool { return m.a|m.b|m.c|m.d == 0 }

// next takes the lowest concept out of a mask.
func (m *Mask) next() int {
	for i, w := range [...]*uint64{&m.a, &m.b, &m.c, &m.d} {
		if *w != 0 {
			n := bits.TrailingZeros64(*w)
			*w &= *w - 1
			return i<<6 + n
		}
	}
	return -1
}

// The first concepts are not in words.txt: they say where and how a word stands.
const (
	atLineStart = iota // the first word of a line
	beforeColon        // a colon follows
	inCapitals
	asTag     // <word>, [WORD]
	asAngle   // <word>
	asSpecial // <|word|>, <<word>>
	asHeading // behind #, *, = or - at the start of a line
	asName    // snake_case or in backticks
	inPath    // behind a slash, a dot or a tilde
	isURL
	isMail
	isPhone
	isLeet    // read through digits for letters
	isSpaced  // put together from single letters
	isRead    // any word of the vocabulary
	atStart   // the first word of a clause, where an order has its verb
	asCalled  // a comma or a colon follows: who is spoken to
	isSlot    // an address with a place left open in its query
	inPicture // the same, of a picture, which is loaded without a click
	ownConcepts
)

var ownNames = [ownConcepts]string{"bol", "colon", "caps", "tag", "angle", "special", "head", "name", "path", "url", "mail", "phone", "leet", "spaced", "word", "start", "called", "slot", "picture"}
