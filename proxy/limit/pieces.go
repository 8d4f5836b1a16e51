package limit

import (
	"sync"

	"github.com/tiktoken-go/tokenizer"
)

// The tokenizer cuts a text into pieces (words, short numbers, punctuation,
// blanks) and encodes each by itself, so the count of a text is the sum of
// those of its pieces, and most pieces have been seen before. To cut and look
// up costs some 25 ns a piece; to ask the tokenizer, 700 ns.
const (
	maxPieces = 8192 // remembered at a time
	longPiece = 32   // bytes; longer ones seldom come again
)

// memory counts pieces, and remembers. It is safe for concurrent use.
type memory struct {
	codec tokenizer.Codec

	mu     sync.RWMutex
	counts map[string]int // guarded by mu
}

// count sums up the pieces of a text. ok is false where the tokenizer failed.
func (m *memory) count(text []byte) (n int, ok bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for len(text) > 0 {
		p := text[:piece(text)]
		one, known := m.counts[string(p)]
		if !known {
			m.mu.RUnlock()
			one, ok = m.learn(p)
			m.mu.RLock()
			if !ok {
				return 0, false
			}
		}
		n += one
		text = text[len(p):]
	}
	return n, true
}

// learn asks the tokenizer.
func (m *memory) learn(p []byte) (n int, ok bool) {
	n, err := m.codec.Count(string(p))
	if err != nil {
		return 0, false
	}
	if len(p) <= longPiece {
		m.mu.Lock()
		defer m.mu.Unlock()
		if len(m.counts) >= maxPieces {
			clear(m.counts)
		}
		m.counts[string(p)] = n
	}
	return n, true
}

// piece is the length of the first piece of a text, as the expression of
// cl100k_base cuts it:
//
//	(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|
//	 ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
//
// That is exact for ASCII. A byte beyond is taken for a letter; the tokenizer
// itself then cuts the piece further.
func piece(s []byte) int {
	c := s[0]
	if n := contraction(s); n > 0 {
		return n
	}
	if letter(c) {
		return run(s, 0, letter)
	}
	if c != '\r' && c != '\n' && !digit(c) && len(s) > 1 && letter(s[1]) {
		return run(s, 1, letter)
	}
	if digit(c) {
		return min(run(s, 0, digit), 3)
	}
	start := 0
	if c == ' ' {
		start = 1
	}
	if end := run(s, start, mark); end > start {
		return run(s, end, newline)
	}
	end := run(s, 0, blank)
	for i := end; i > 0; i-- {
		if newline(s[i-1]) {
			return i
		}
	}
	if end == len(s) || end == 1 {
		return end
	}
	return end - 1 // the last blank belongs to what follows
}

// contraction is the length of an English ending such as 's or 'll, or 0.
func contraction(s []byte) int {
	if s[0] != '\'' || len(s) < 2 {
		return 0
	}
	switch s[1] | 0x20 {
	case 's', 't', 'm', 'd':
		return 2
	}
	if len(s) > 2 {
		switch string([]byte{s[1] | 0x20, s[2] | 0x20}) {
		case "re", "ve", "ll":
			return 3
		}
	}
	return 0
}

// run is where a run of a class that begins at i ends.
func run(s []byte, i int, class func(byte) bool) int {
	for i < len(s) && class(s[i]) {
		i++
	}
	return i
}

func letter(c byte) bool  { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80 }
func digit(c byte) bool   { return c >= '0' && c <= '9' }
func newline(c byte) bool { return c == '\r' || c == '\n' }
func blank(c byte) bool   { return c == ' ' || c >= '\t' && c <= '\r' }
func mark(c byte) bool    { return !letter(c) && !digit(c) && !blank(c) }
