package show

import "unicode"

// visible is false for what cannot be seen, for what changes its surroundings,
// and for what belongs to the question itself: marks and the gutter.
func visible(r rune) bool {
	if r < 0x7f {
		return r >= ' '
	}
	// A graphic character is assigned and is no control, format, private,
	// surrogate or separator of lines.
	return r < oddByte && unicode.IsGraphic(r) && !unicode.In(r, unicode.Zs, unicode.Variation_Selector,
		unicode.Other_Default_Ignorable_Code_Point, blank, ours)
}

// blank are graphic characters with nothing to see, or that stand for something
// that was lost.
var blank = table(
	0x2800, 0x2800, // the Braille pattern without dots
	0xfdfd, 0xfdfd, // a whole sentence in one, as wide as ten others
	0xfffc, 0xfffd, // for an object, and for what could not be read
	0x16fe4, 0x16fe4, // a filler
	0x1d159, 0x1d159, // a note without a head
)

// ours are the marks, the gutter, and whatever looks like them.
var ours = table(
	0x2329, 0x232a, // angle brackets
	0x239b, 0x23ae, // pieces of tall brackets
	0x23b8, 0x23bd, // lines that fill a cell
	0x23d0, 0x23d0, // a vertical line
	0x2500, 0x259f, // box drawing and blocks
	0x2758, 0x275a, // vertical bars
	0x276c, 0x2771, // angle brackets
	0x27e8, 0x27e9, // the marks
	0x29fc, 0x29fd, // curved angle brackets
	0x3008, 0x3009, // angle brackets
	0xfe31, 0xfe44, // vertical forms
	0xffe8, 0xffee, // half-width forms of some
	0x1fb00, 0x1fbaf, // blocks and box drawing
)

// overlays is true for marks that strike a letter out or enclose it.
func overlays(r rune) bool {
	return unicode.In(r, unicode.Me, overlay)
}

var overlay = table(0x0334, 0x0338, 0x20d0, 0x20ff)

// rightToLeft is true for letters that make text run from right to left.
func rightToLeft(r rune) bool { return r >= 0x590 && unicode.Is(leftward, r) && visible(r) }

// leftward are the blocks set aside for scripts of that direction.
var leftward = table(0x0590, 0x08ff, 0xfb1d, 0xfdcf, 0xfdf0, 0xfdff, 0xfe70, 0xfefe, 0x10800, 0x10fff, 0x1e800, 0x1efff)

// table makes a table of ranges in ascending order, each given by its first and
// last rune.
func table(bounds ...rune) *unicode.RangeTable {
	t := &unicode.RangeTable{}
	for i := 0; i < len(bounds); i += 2 {
		if lo, hi := bounds[i], bounds[i+1]; hi <= 0xffff {
			t.R16 = append(t.R16, unicode.Range16{Lo: uint16(lo), Hi: uint16(hi), Stride: 1})
		} else {
			t.R32 = append(t.R32, unicode.Range32{Lo: uint32(lo), Hi: uint32(hi), Stride: 1})
		}
	}
	return t
}
