package fold

import "unicode/utf8"

// writer folds one text.
type writer struct {
	t        *Table
	text     string
	out      []byte
	f        Folded
	wordEnd  int  // how far the last word of another script was looked at
	alike    bool // whether it is read as what it looks like
	native   int8 // whether the text has words of such a script: 0 not known yet
	run      int
	smuggled []byte
	flag     bool // inside the tags of a flag
	selector int  // variation selectors in a row
}

// step notes where in the original the next byte comes from.
func (w *writer) step(in int) {
	o, i := int32(len(w.out)), int32(in)
	if n := len(w.f.marks); n > 0 {
		if last := &w.f.marks[n-1]; last.out == o {
			last.in = i
			return
		} else if i-last.in == o-last.out {
			return
		}
	} else if o == i {
		return
	}
	w.f.marks = append(w.f.marks, step{o, i})
}

// rune folds the rune at i, which is not ASCII, and returns its length.
func (w *writer) rune(i int) int {
	r, n := utf8.DecodeRuneInString(w.text[i:])
	if scripted(r) {
		w.step(i)
		w.scripted(r, i, n)
		return n
	}
	v := w.t.get(r)
	switch {
	case v == keep:
		w.step(i)
		w.out = append(w.out, w.text[i:i+n]...)
		w.flag = r == 0x1F3F4
	case v == drop:
	case v <= variation:
		w.unseen(r, v, i, n)
	default:
		w.step(i)
		for ; v != 0; v >>= 8 {
			w.out = append(w.out, byte(v))
		}
	}
	return n
}

// unseen leaves a rune out and keeps what it says.
func (w *writer) unseen(r rune, v uint32, i, n int) {
	if k := len(w.f.Unseen); k > 0 && w.f.Unseen[k-1].End == i {
		w.f.Unseen[k-1].End = i + n
		w.run++
	} else {
		w.run = 1
		w.selector = 0
		w.f.Unseen = append(w.f.Unseen, Span{i, i + n})
	}
	switch v {
	case zero:
		w.f.Zero++
		w.f.ZeroRun = max(w.f.ZeroRun, w.run)
	case joiner:
		w.f.ZeroRun = max(w.f.ZeroRun, w.run)
		if w.between(i, n) {
			w.f.Zero++
		}
	case bidi:
		w.f.Bidi++
	case tagged:
		if c := byte(r & 0x7F); c >= 0x20 && c < 0x7F && !w.flag {
			w.smuggled = append(w.smuggled, c)
		}
	case variation:
		if w.selector++; w.selector > 1 {
			c := byte(r - 0xE0100 + 16)
			if r < 0xE0100 {
				c = byte(r - 0xFE00)
			}
			if c >= 0x20 && c < 0x7F {
				w.smuggled = append(w.smuggled, c)
			}
		}
	}
}

// between says whether ASCII letters stand on both sides of text[i:i+n].
func (w *writer) between(i, n int) bool {
	return i > 0 && i+n < len(w.text) && isLetter(w.text[i-1]) && isLetter(w.text[i+n])
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// scripted writes a letter of Greek, Cyrillic or Armenian: as it looks in a word
// that has Latin letters as well, and as it sounds otherwise.
func (w *writer) scripted(r rune, i, n int) {
	if i >= w.wordEnd {
		w.look(i)
	}
	if c := Latin(r); c != 0 && w.alike {
		w.out = append(w.out, byte(c)|0x20)
		return
	}
	if s := sound(r); s != "" {
		w.out = append(w.out, s...)
		return
	}
	w.out = append(w.out, w.text[i:i+n]...)
}

// look decides how the word at i is read.
func (w *writer) look(i int) {
	const most = 64
	mixed := len(w.out) > 0 && isLetter(w.out[len(w.out)-1])
	whole := true
	end := min(len(w.text), i+most)
	j := i
	for j < end {
		c := w.text[j]
		if c < utf8.RuneSelf {
			if !isLetter(c) {
				break
			}
			mixed = true
			j++
			continue
		}
		r, n := utf8.DecodeRuneInString(w.text[j:])
		if scripted(r) {
			whole = whole && Latin(r) != 0
		} else if v := w.t.get(r); v == keep {
			break
		}
		j += n
	}
	w.wordEnd = max(j, i+1)
	w.alike = mixed || whole && !w.isNative()
}

func (w *writer) isNative() bool {
	if w.native == 0 {
		w.native = -1
		for _, r := range w.text {
			if scripted(r) && Latin(r) == 0 {
				w.native = 1
				break
			}
		}
	}
	return w.native > 0
}
