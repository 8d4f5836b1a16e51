package sign

import "strings"

// mostKept is how much of what one tag keeps from view is looked at.
const mostKept = 2048

// Aids are what a book leaves to packages markup and decode: how a page keeps text
// from view, and how words look in ROT13 and backwards. All are required.
type Aids struct {
	Turns                [2]func(word string) string
	MostTag              int // bytes of a tag
	Spoken               func(tag string) (parts [4]struct{ Start, End int }, n int)
	Hides, Open, Telling func(string) bool
	Until                func(tag, behind string) int
	Aside                func(line string) int
	Link                 func(text string) (address struct{ Start, End int }, ok bool)
}

// element looks at the tag that begins at byte i: what people do not see of it
// becomes hidden. It looks at no more than the tag and, behind one that hides, for
// the end of it.
func (s *scanner) element(i int) {
	markup := &s.book.aids
	t := s.text
	if i < s.elementEnd {
		return
	}
	from, most := max(i, s.untagged), min(len(t), i+markup.MostTag)
	end := strings.IndexByte(t[min(from, most):most], '>')
	if end < 0 {
		s.untagged = most
		return
	}
	end += from - i
	if end < 8 || strings.IndexByte(t[i+1:i+end], '<') >= 0 {
		return
	}
	tag := t[i : i+end]
	if strings.IndexByte(tag, '=') > 0 {
		parts, n := markup.Spoken(tag)
		for _, p := range parts[:n] {
			s.hide(i+p.Start, i+p.End)
		}
	}
	if !markup.Hides(tag) {
		return
	}
	from = i + end + 1
	upto := from + markup.Until(tag, t[from:min(len(t), from+mostKept)])
	s.elementEnd = upto
	s.kept = append(s.kept, Span{i, upto})
}

// hide notes a part that is not shown. What begins in another is part of it.
func (s *scanner) hide(start, end int) {
	if n := len(s.hidden); n == 0 || s.hidden[n-1].End <= start {
		s.hidden = append(s.hidden, Span{start, end})
	}
}

// link looks at [text](address), and at a line that is an aside.
func (s *scanner) link(i int) {
	markup := &s.book.aids
	t := s.text[i:min(len(s.text), i+mostKept)]
	if s.bol {
		if n := markup.Aside(t); n > 0 {
			s.hide(i, i+n)
		}
	}
	a, ok := markup.Link(t)
	if !ok || !markup.Open(t[a.Start:a.End]) {
		return
	}
	own := uint32(1 << isSlot)
	if i > 0 && s.text[i-1] == '!' {
		own |= 1 << inPicture
	}
	if markup.Telling(t[a.Start:a.End]) {
		own |= 1 << asName
	}
	s.emit(0, own, i, i+a.End)
}
