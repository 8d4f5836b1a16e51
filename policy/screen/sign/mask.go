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
const concepts = 192

// Mask is a set of concepts.
type Mask [concepts / 64]uint64

func bit(i int) Mask {
	var m Mask
	m[i>>6] = 1 << (i & 63)
	return m
}

func (m Mask) or(o Mask) Mask  { return Mask{m[0] | o[0], m[1] | o[1], m[2] | o[2]} }
func (m Mask) and(o Mask) Mask { return Mask{m[0] & o[0], m[1] & o[1], m[2] & o[2]} }
func (m Mask) any(o Mask) bool { return m[0]&o[0]|m[1]&o[1]|m[2]&o[2] != 0 }
func (m Mask) all(o Mask) bool { return m[0]&o[0] == o[0] && m[1]&o[1] == o[1] && m[2]&o[2] == o[2] }
func (m Mask) zero() bool      { return m[0]|m[1]|m[2] == 0 }

// next takes the lowest concept out of a mask.
func (m *Mask) next() int {
	for i := range m {
		if m[i] != 0 {
			n := bits.TrailingZeros64(m[i])
			m[i] &= m[i] - 1
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
	asSpecial // <|word|>, <<word>>
	asHeading // behind #, *, = or - at the start of a line
	asName    // snake_case or in backticks
	inPath    // behind a slash, a dot or a tilde
	isURL
	isMail
	isPhone
	isLeet   // read through digits for letters
	isSpaced // put together from single letters
	isRead   // any word of the vocabulary
	ownConcepts
)

var ownNames = [ownConcepts]string{"bol", "colon", "caps", "tag", "special", "head", "name", "path", "url", "mail", "phone", "leet", "spaced", "word"}
