package sign

import (
	"strings"
	"unicode/utf8"
)

// Filtered is what a filtered part is replaced by. It ends what stands before it.
const Filtered = "[FILTERED]"

// open looks at a < or [: a part that was filtered before, or a comment that is
// not shown.
func (s *scanner) open(i int) int {
	t := s.text[i:]
	if t[0] == '[' && strings.HasPrefix(t, Filtered) {
		s.word += 64
		s.sentence += 2
		s.bol, s.head = false, false
		return len(Filtered)
	}
	if strings.HasPrefix(t, "<!--") {
		const most = 4096
		end := -1
		if i >= s.unclosed {
			end = strings.Index(t[:min(len(t), most)], "-->")
		}
		if end < 0 {
			end = min(len(t), most)
			s.unclosed = max(s.unclosed, i+end)
		}
		if n := len(s.hidden); n == 0 || s.hidden[n-1].End <= i {
			s.hidden = append(s.hidden, Span{i, i + end})
		}
		s.sentence++
		return 4
	}
	switch {
	case t[0] == '[':
		if k := strings.IndexByte(t[:min(len(t), 80)], ']'); k > 0 && k+1 < len(t) && (t[k+1] == '(' || t[k+1] == ':') {
			s.link(i)
		}
	case len(t) > 8 && 'a' <= t[1]|0x20 && t[1]|0x20 <= 'z':
		s.element(i)
	}
	return 0
}

// escape counts what stands for a character, reads \n as the end of a line, and
// returns how many bytes it took.
func (s *scanner) escape(i int) int {
	t := s.text
	if i+2 >= len(t) {
		return 1
	}
	switch c := t[i+1]; t[i] {
	case '\\':
		switch c {
		case 'n', 'r', 't':
			s.line()
			return 2
		case 'u', 'x', 'U':
			s.escapes++
		}
	case '%':
		if isHex(c) && isHex(t[i+2]) {
			s.escapes++
		}
	case '&':
		if k := strings.IndexByte(t[i:min(len(t), i+10)], ';'); k > 2 {
			s.escapes++
		}
	}
	return 1
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// mail reads the rest of an address, whose words are nobody's, and returns its
// length.
func (s *scanner) mail(i int) int {
	t := s.text
	if i == 0 || i+1 == len(t) || classes[t[i-1]] != letter || classes[t[i+1]] != letter {
		return 1
	}
	j := i + 1
	for j < len(t) && (classes[t[j]] == letter || t[j] == '-' || t[j] == '.') {
		j++
	}
	if strings.IndexByte(t[i:j], '.') > 0 {
		s.emit(0, 1<<isMail, i, j)
		return j - i
	}
	return 1
}

func (s *scanner) phone(i int) {
	j := i + 1
	for j < len(s.text) && j < i+20 && ('0' <= s.text[j] && s.text[j] <= '9' || s.text[j] == '.' || s.text[j] == '-') {
		j++
	}
	if j-i >= 9 {
		s.emit(0, 1<<isPhone, i, j)
	}
}

// wideRune reads what is not ASCII: a term of a script without spaces, or a mark.
func (s *scanner) wideRune(i int) int {
	r, n := utf8.DecodeRuneInString(s.text[i:])
	if e := s.lex.wideTerm(r, s.text[i:]); e != nil {
		s.word++
		s.bol, s.empty = false, false
		if e.talk > 0 {
			s.talk |= 1 << (e.talk - 1)
			s.talks++
		}
		s.emit(e.id, 0, i, i+len(e.word))
		return len(e.word)
	}
	switch r {
	case '。', '！', '？', '।', '؟':
		s.sentence++
		return n
	}
	if s.widened++; s.widened%3 == 0 || !s.inWide {
		s.word++
	}
	s.inWide, s.empty = true, false
	return n
}

// letter keeps a word of one letter: many in a row may be one word, spaced out.
func (s *scanner) letter(i int) {
	const most = 256
	if n := len(s.single); n > 0 && (int(s.single[n-1])+5 < i || n == most) {
		s.endSingle()
	}
	s.single = append(s.single, int32(i))
}

// endSingle reads the single letters as words.
func (s *scanner) endSingle() {
	const least = 6
	if len(s.single) < least {
		s.single = s.single[:0]
		return
	}
	var b strings.Builder
	for _, at := range s.single {
		b.WriteByte(s.text[at])
	}
	joined := b.String()
	for i := 0; i < len(joined); {
		n := 0
		for k := min(len(joined), i+16); k > i+2; k-- {
			if e := s.lex.find(joined, i, k); e != nil && len(e.word) == k-i {
				s.word++
				s.emit(e.id, 1<<isSpaced, int(s.single[i]), int(s.single[k-1])+1)
				n = k - i
				break
			}
		}
		i += max(n, 1)
	}
	s.single = s.single[:0]
}

// blob takes what may be encoded text around the long word text[i:j], and returns
// its end.
func (s *scanner) blob(i, j int) int {
	t := s.text
	for i > s.blobEnd && encodes(t[i-1]) {
		i--
	}
	for j < len(t) && (encodes(t[j]) || t[j] == '\n' && j-i >= 60 && j+1 < len(t) && encodes(t[j+1])) {
		j++
	}
	for j < len(t) && t[j] == '=' {
		j++
	}
	s.blobEnd = j
	const least = 24
	if j-i < least || strings.IndexByte(t[i:j], '_') >= 0 && strings.IndexByte(t[i:j], '/') >= 0 {
		return 0
	}
	s.blobs = append(s.blobs, Span{i, j})
	if j-i < 64 {
		return 0
	}
	return j
}

// encodes says whether a byte may stand in base64 or hex.
func encodes(c byte) bool {
	return classes[c] == letter || c == '+' || c == '/' || c == '-'
}
