package screen

import "sallyport/policy/screen/decode"

// turned reads a text the other way, when two words or more of it are in ROT13 or
// backwards. Neither changes how long it is.
func (l *look) turned(text string, words [2]int) {
	if words[0] >= 2 {
		l.inside(decode.Rot13(text), func(f *find) {})
	}
	if words[1] >= 2 && ascii(text) {
		l.inside(decode.Backwards(text), func(f *find) {
			f.Start, f.End = len(text)-f.End, len(text)-f.Start
		})
	}
}

// inside reads what a text says when it is turned, once and no deeper, and keeps
// what is no accident.
func (l *look) inside(plain string, back func(*find)) {
	inner := look{s: l.s, d: l.d}
	inner.text(plain, maxDepth)
	for _, f := range inner.found {
		if f.Severity < 5 {
			continue
		}
		f.Hidden, f.Decoded = true, bounded(plain[f.Start:f.End])
		f.mentioned, f.explained, f.negated = false, false, false
		back(&f)
		l.found = append(l.found, f)
	}
}
