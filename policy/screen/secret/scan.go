package secret

import (
	"encoding/binary"
	"math/bits"
	"strings"
)

// A text is looked at in blocks of 64 bytes: what each byte is becomes a bit of
// a word, and only where a token or an assignment may begin is anything read.

const (
	block = 64
	ahead = 24 // bytes behind a block that its last byte is judged by
)

// scan is the search of one text.
type scan struct {
	*Finder
	text  string
	found []Finding
	next  int // what is before belongs to a finding

	// What was read in vain is not read again for each beginning in it.
	spent  int // up to here
	tries  int // that often
	footer int // the next end of a PEM block
	bare   int // up to where there is none

	work    int // bytes that were looked at more closely, for tests
	skipped int // how often enough was enough, for tests
}

// vain notes that text[i:end] was no secret.
func (s *scan) vain(i, end int) {
	if i >= s.spent {
		s.tries = 0
	}
	s.tries++
	s.spent = max(s.spent, end)
}

// enough says that what is at i was read often enough.
func (s *scan) enough(i int) bool {
	if i < s.spent && s.tries >= 2 {
		s.skipped++
		return true
	}
	return false
}

// window is the byte before a block, the block, and what is behind it.
type window = [1 + block + ahead]byte

// run goes through the text in pieces that are copied to where the compiler knows
// their size.
func (s *scan) run() {
	const piece = 16 * block
	var buf [1 + piece + ahead]byte
	last := uint64(0)
	for at := 0; at < len(s.text); at += piece {
		buf[0] = buf[piece]
		n := copy(buf[1:], s.text[at:])
		clear(buf[1+n:])
		for k := 0; k < min(n, piece); k += block {
			last = s.step((*window)(buf[k:]), at+k, last)
		}
	}
}

// step searches the block at a place of the text. The last bit says whether a
// word goes on there.
func (s *scan) step(w *window, at int, last uint64) uint64 {
	plain, signs := classify(w)
	todo := s.starts(w, plain&^(plain<<1|last))
	for ; signs != 0; signs &= signs - 1 {
		k := low(signs)
		if s.promising(w, k, at) {
			todo |= 1 << k
		}
	}
	for ; todo != 0; todo &= todo - 1 {
		if i := at + low(todo); i >= s.next {
			s.look(i)
		}
	}
	return plain >> 63
}

// starts are the words that start with the first three bytes of a prefix.
func (s *scan) starts(w *window, words uint64) (todo uint64) {
	p := s.prefixes
	for ; words != 0; words &= words - 1 {
		k := low(words)
		if p.slot(binary.LittleEndian.Uint32(w[1+k:5+k])) != 0 {
			todo |= 1 << k
		} else if w[k] == '\\' && p.slot(binary.LittleEndian.Uint32(w[2+k:6+k])) != 0 {
			todo |= 1 << k // the letter of an escape, and a word behind it
		}
	}
	return todo
}

func low(set uint64) int { return bits.TrailingZeros64(set) & (block - 1) }

const (
	ones = 0x0101010101010101
	high = 0x80 * ones
)

// classify gives a bit to each letter or digit, and to each of : ; < = in a block.
func classify(w *window) (plain, signs uint64) {
	for k := range 8 {
		x := binary.LittleEndian.Uint64(w[1+8*k : 9+8*k])
		b := x &^ high
		fold := b | 0x20*ones
		// The highest bit of a sum says that a byte is at least so much.
		colon := b + (0x80-':')*ones
		letter := (fold + (0x80-'a')*ones) ^ (fold + (0x80-'z'-1)*ones)
		digit := (b + (0x80-'0')*ones) ^ colon
		sign := colon ^ (b + (0x80-'>')*ones)
		x = ^x & high
		plain = plain>>1 | (letter|digit)&x
		signs = signs>>1 | sign&x
	}
	return turned(plain), turned(signs)
}

// turned makes bit 8a+b bit 8b+a.
func turned(x uint64) uint64 {
	t := (x ^ x>>7) & 0x00aa00aa00aa00aa
	x ^= t ^ t<<7
	t = (x ^ x>>14) & 0x0000cccc0000cccc
	x ^= t ^ t<<14
	t = (x ^ x>>28) & 0x00000000f0f0f0f0
	return x ^ t ^ t<<28
}

// promising says whether the sign at k may belong to an address, or have a value
// of eight bytes behind it and a secret's name in front.
func (s *scan) promising(w *window, k, at int) bool {
	v := k + 2
	if c := w[v-1]; c != ':' && c != '=' {
		return false
	}
	switch w[v] {
	case ' ':
		v++
	case '/':
		if w[v+1] == '/' {
			return true
		}
	}
	if c := w[v]; c != ' ' && c != '=' && c != '>' && c != '\t' {
		// The first two may be a quote in a string.
		if valued[w[v+2]]&valued[w[v+3]]&valued[w[v+4]]&valued[w[v+5]]&valued[w[v+6]]&valued[w[v+7]] == 0 {
			return false
		}
	}
	return likely(s.text, at+k)
}

// valued is 1 for what a secret may be made of.
var valued = func() (is [256]uint8) {
	for b := range is {
		if class[b]&secret != 0 {
			is[b] = 1
		}
	}
	return is
}()

// look reads what may begin at i.
func (s *scan) look(i int) {
	c := s.text[i]
	if c == '=' || c == ':' {
		s.sign(i)
		return
	}
	if i > 0 && s.text[i-1] == '\\' && s.word(i+1) {
		return
	}
	s.word(i)
}

// word looks at the word that begins at i.
func (s *scan) word(i int) bool {
	if rule, start, end := s.prefixed(i); end > 0 {
		s.add(rule, start, end)
		return true
	}
	return i < len(s.text) && s.text[i]|0x20 == 'b' && s.bearer(i)
}

// prefixed is the token of a known format that begins at i, or is what stands
// behind the dashes of a PEM block.
func (s *scan) prefixed(i int) (rule string, start, end int) {
	if i+4 > len(s.text) || s.enough(i) {
		return "", 0, 0
	}
	t := s.text[i:]
	all := s.prefixes.formats[s.prefixes.slot(three(t))]
	inside := !s.boundary(i)
	s.work += len(all)
	for k := range all {
		f := &all[k]
		start := i - f.lead
		if f.next != 0 && f.next != t[3] || inside && f.lead == 0 || start < s.next || !strings.HasPrefix(s.text[start:], f.prefix) || f.lead > 0 && !s.boundary(start) {
			continue
		}
		if n := s.length(f, start); n > 0 {
			return f.rule, start, start + n
		}
	}
	return "", 0, 0
}

// boundary says whether a word may begin at i: also behind the letter of an
// escape, since a text often holds another as a string.
func (s *scan) boundary(i int) bool {
	if i == 0 || class[s.text[i-1]]&word == 0 {
		return true
	}
	c := s.text[i-1]
	return i > 1 && s.text[i-2] == '\\' && (c == 'n' || c == 'r' || c == 't')
}

func (s *scan) add(rule string, start, end int) {
	if len(s.found) == maxFindings {
		rule, end = "many", len(s.text)
	}
	s.found = append(s.found, Finding{rule, start, end})
	s.next = end
}
