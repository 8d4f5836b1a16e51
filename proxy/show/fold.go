package show

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// onward begins a line that goes on with the one before. No line of a layout
// begins so.
const onward = "↳ "

func (s sheet) fold(line string) []string { return fold(line, s.width) }

// fold breaks a safe line so that no window of that many columns has to, before
// a space if there is one near the end. It never breaks a mark, nor parts a
// letter from its accents.
func fold(line string, width int) []string {
	if width <= 0 || len(line) <= width {
		return []string{line}
	}
	begin, indent := onward, 2
	if strings.Contains(line, rtlMark) {
		begin += rtlMark // each part has to run from left to right
		indent += utf8.RuneCountInString(rtlMark) + 2
	}
	var out []string
	from, columns := 0, 0
	space, spaceColumns := 0, 0 // where the last space is
	for i := 0; i < len(line); {
		n, w := piece(line[i:])
		if line[i] == ' ' && i > 0 && line[i-1] != ' ' {
			space, spaceColumns = i, columns
		}
		for columns+w > width && i > from && w > 0 { // twice, if what follows the space is too long as well
			end, used := i, columns
			if space > from && spaceColumns > width*2/3 {
				end, used = space, spaceColumns
			}
			out = append(out, line[from:end])
			from, columns, space = end, indent+columns-used, 0
		}
		columns += w
		i += n
	}
	out = append(out, line[from:])
	for i := range out[1:] {
		out[i+1] = begin + out[i+1]
	}
	return out
}

// piece is the length of a mark or of one rune, and how many columns it may take.
func piece(s string) (length, columns int) {
	r, n := utf8.DecodeRuneInString(s)
	switch {
	case r == '⟨':
		if end := strings.Index(s, "⟩"); end > 0 {
			return end + len("⟩"), utf8.RuneCountInString(s[:end]) + 3
		}
	case r < 0x300:
		return n, 1
	case unicode.IsMark(r):
		return n, 0
	case r >= 0x1100:
		return n, 2
	}
	return n, 1
}
