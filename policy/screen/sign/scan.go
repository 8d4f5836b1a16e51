package sign

import (
	"strings"
	"unicode/utf8"
)

// token is a word that means something, and where it stands. It is small: there are
// many.
type token struct {
	own        uint32 // how it stands, the first concepts of a mask
	id         uint16 // what it means
	start, end int32  // bytes
	word       int32  // how many words came before
	sentence   int32
}

// Span is a part of a text, in bytes.
type Span struct{ Start, End int }

// batch is how many tokens are read before the rules are tried, and overlap how
// many of them are kept as the context of the next.
const (
	batch   = 1024
	overlap = 96
	block   = 16
	reach   = 32 // the most words that a rule spans
	blocks  = batch/block + 8
)

type class uint8

const (
	mark class = iota // anything not below
	letter
	blank
	newline
	ender // . ! ?
	apostrophe
	opener // < [
	sigil  // # * = - at the start of a line
	escape // & \ %
	at
	plus
	wide // not ASCII
)

var classes = func() (t [256]class) {
	for c := range t {
		switch {
		case c >= utf8.RuneSelf:
			t[c] = wide
		case c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z':
			t[c] = letter
		}
	}
	for chars, k := range map[string]class{" \t": blank, "\n\r": newline, ".!?": ender, "'": apostrophe, "<[": opener,
		"#*=-": sigil, `&\%`: escape, "@": at, "+": plus} {
		for i := range len(chars) {
			t[chars[i]] = k
		}
	}
	return t
}()

// begins are the marks that a clause begins after.
var begins = func() (t [256]bool) {
	for _, c := range []byte(".,!?:;([{\"'>)]*`|-=") {
		t[c] = true
	}
	return t
}()

// scanner reads one text.
type scanner struct {
	lex                 *Lexicon
	book                *Book
	hots                []int32 // the tokens that anchor a rule
	text                string
	pos                 int
	tokens              []token
	word                int32
	sentence            int32
	bol                 bool // nothing but marks since the line began
	head                bool // marks of a heading among them
	empty               bool // the line has no word yet
	single              []int32
	widened             int
	inWide              bool
	blobEnd             int
	blobs               []Span
	escapes             int
	talk                uint64
	talks               int
	hidden              []Span       // what a renderer does not show
	kept                []Span       // what is made not to be seen
	own                 [blocks]Mask // the concepts of each block of tokens
	near                [blocks]Mask // and those near it
	knownOwn, knownNear [2]uint64    // which of them are known
	unclosed            int          // no comment is closed before here

	elementEnd int    // of what the last tag that hides holds
	untagged   int    // no tag ends before here
	turned     [2]int // words in ROT13, words backwards
}

func (s *scanner) reset(b *Book, text string) {
	s.book, s.lex, s.text, s.pos, s.word, s.sentence = b, b.lex, text, 0, 0, 0
	s.hots = s.hots[:0]
	s.tokens, s.single, s.blobs, s.hidden, s.kept = s.tokens[:0], s.single[:0], s.blobs[:0], s.hidden[:0], s.kept[:0]
	s.bol, s.head, s.empty, s.inWide = true, false, true, false
	s.turned, s.untagged = [2]int{}, 0
	s.elementEnd, s.widened, s.blobEnd, s.escapes, s.unclosed, s.talk, s.talks = 0, 0, 0, 0, 0, 0, 0
}

// fill reads words until the batch is full or the text ends, and says whether it
// has ended.
func (s *scanner) fill() bool {
	text, i := s.text, s.pos
	for i < len(text) && len(s.tokens) < batch {
		switch classes[text[i]] {
		case letter:
			j := i + 1
			for j < len(text) && classes[text[j]] == letter {
				j++
			}
			if j+1 < len(text) && text[j] == '\'' && classes[text[j+1]] == letter {
				j = s.contraction(j)
			}
			if i = s.read(i, j); i < len(text) && text[i] == ' ' {
				i++
			}
			continue
		case newline:
			s.line()
		case ender:
			if i+1 == len(text) || classes[text[i+1]] != letter && text[i+1] != '[' {
				s.sentence++
			}
		case opener:
			if n := s.open(i); n > 0 {
				i += n
				continue
			}
		case sigil:
			if s.bol && !s.head {
				s.head = true
				if text[i] == '-' { // an item of a list
					s.sentence++
				}
			}
		case escape:
			i += s.escape(i)
			continue
		case at:
			i += s.mail(i)
			continue
		case plus:
			s.phone(i)
		case wide:
			i += s.wideRune(i)
			continue
		}
		i++
	}
	s.pos = i
	if i < len(text) {
		return false
	}
	s.endSingle()
	return true
}

// line begins a new line. An empty line ends what was said before it.
func (s *scanner) line() {
	if s.empty {
		s.sentence++
	}
	s.bol, s.head, s.empty = true, false, true
}

// contraction takes "'t" in "don't" into the word; "you're" and "l'IA" are two.
func (s *scanner) contraction(j int) int {
	if s.text[j+1]|0x20 != 't' || j+2 < len(s.text) && classes[s.text[j+2]] == letter {
		return j
	}
	return j + 2
}

// read takes the word text[i:j], and returns where to go on.
func (s *scanner) read(i, j int) int {
	bol := s.bol
	s.bol, s.empty, s.inWide = false, false, false
	s.word++
	if j-i == 1 {
		s.letter(i)
	} else if len(s.single) > 0 {
		s.endSingle()
	}
	e := s.lex.find(s.text, i, j)
	if e == nil {
		return s.unknown(i, j)
	}
	if e.talk > 0 {
		s.talk |= 1 << (e.talk - 1)
		s.talks++
	}
	if e.turn > 0 {
		s.turned[e.turn-1]++
		return j
	}
	own := s.place(i, j, bol)
	s.emit(e.id, own, i, j)
	if own&(1<<isURL) != 0 {
		return s.skipURL(j)
	}
	return j
}

func (s *scanner) emit(id uint16, own uint32, i, j int) {
	if s.book.hot[id] || own&s.book.hotOwn != 0 {
		s.hots = append(s.hots, int32(len(s.tokens)))
	}
	s.tokens = append(s.tokens, token{own: own, id: id, start: int32(i), end: int32(j), word: s.word, sentence: s.sentence})
}

// mask is what a token means, and how it stands.
func (s *scanner) mask(t *token) Mask {
	m := s.lex.masks[t.id]
	m.a |= uint64(t.own)
	return m
}

// unknown looks behind a word that the vocabulary does not have: digits for
// letters, a name, something encoded.
func (s *scanner) unknown(i, j int) int {
	n := j - i
	if n >= 16 && i >= s.blobEnd {
		if end := s.blob(i, j); end > j {
			return end
		}
	}
	if n < 4 || n > 32 {
		return j
	}
	const letters = 0x4040404040404040
	k := loadWord(s.text, i, n)
	want := uint64(letters)
	if n < 8 {
		want &= 1<<(8*n) - 1
	}
	if k&letters != want && n <= 16 {
		var b [16]byte
		for x := range n {
			b[x] = unleet(s.text[i+x])
		}
		if e := s.lex.find(string(b[:n]), 0, n); e != nil {
			s.emit(e.id, 1<<isLeet, i, j)
			return j
		}
	}
	if low(k) || n > 8 && low(loadWord(s.text, j-8, 8)) || n > 16 && strings.IndexByte(s.text[i+8:j-8], '_') >= 0 || i > 0 && s.text[i-1] == '`' {
		s.pieces(i, j)
	}
	return j
}

// low says whether one of eight bytes of a word, in lower case, was a _, which is
// 0x7F there: only that carries into the high bit.
func low(k uint64) bool { return (k+0x0101010101010101)&0x8080808080808080 != 0 }

// pieces reads a name in_pieces as what they mean when it is a tag, or when only
// one of them is a word and the rest are marks around it.
func (s *scanner) pieces(i, j int) {
	inTag := i > 0 && (s.text[i-1] == '<' || s.text[i-1] == '/' && i > 1 && s.text[i-2] == '<')
	name, known := strings.Trim(s.text[i:j], "_"), false
	if many := strings.IndexByte(name, '_') >= 0; name != "" && (inTag || !many) {
		own := uint32(1 << asName)
		if many {
			own |= 1<<asTag | 1<<asAngle
		}
		for piece := range strings.SplitSeq(name, "_") {
			if e := s.lex.find(piece, 0, len(piece)); piece != "" && e != nil {
				s.emit(e.id, own, i, j)
				known = true
			}
		}
	}
	if !known {
		s.emit(0, 1<<asName, i, j)
	}
}

func unleet(c byte) byte {
	const digits = "oizeasgtbg"
	if '0' <= c && c <= '9' {
		return digits[c-'0']
	}
	return c
}

// place says how a word stands.
func (s *scanner) place(i, j int, bol bool) uint32 {
	var m uint32
	t := s.text
	if bol {
		m |= 1 << atLineStart
		if s.head {
			m |= 1 << asHeading
		}
	}
	if t[i]&0x20 == 0 && t[j-1]&0x20 == 0 && j-i > 1 {
		m |= 1 << inCapitals
	}
	k := j
	for k < len(t) && k < j+3 && t[k] == '*' {
		k++
	}
	if k < len(t) && t[k] == ',' {
		m |= 1 << asCalled
	}
	if k < len(t) && t[k] == ':' {
		m |= 1<<beforeColon | 1<<asCalled
		if strings.HasPrefix(t[k:], "://") {
			m |= 1 << isURL
		}
	}
	if i == 0 {
		return m | 1<<atStart
	}
	if t[i-1] == ' ' {
		if bol || i > 1 && begins[t[i-2]] {
			m |= 1 << atStart
		}
		return m
	}
	if bol || begins[t[i-1]] {
		m |= 1 << atStart
	}
	switch t[i-1] {
	case '/', '.', '~', '\\':
		m |= 1 << inPath
		if i > 1 && t[i-1] == '/' && (t[i-2] == '<' || t[i-2] == '[' || t[i-2] == '|') {
			m |= s.tag(i-2, j)
		}
	case '<', '[', '|':
		m |= s.tag(i-1, j)
	case '`':
		m |= 1 << asName
	}
	return m
}

// tag says whether the word that ends at j is a tag that text[i] opened.
func (s *scanner) tag(i, j int) uint32 {
	t := s.text
	for i > 0 && (t[i] == '|' || t[i] == '/') {
		i--
	}
	if t[i] != '<' && t[i] != '[' {
		return 0
	}
	special := t[i+1] == '|' || i > 0 && t[i-1] == '<'
	for k := j; k < len(t) && k < j+32; k++ {
		switch c := t[k]; {
		case c == '>' && t[i] == '<', c == ']' && t[i] == '[' && (k+1 == len(t) || t[k+1] != '('):
			if special && (t[k-1] == '|' || k+1 < len(t) && t[k+1] == '>') {
				return 1<<asTag | 1<<asSpecial
			}
			switch {
			case t[i] == '<':
				return 1<<asTag | 1<<asAngle
			case t[j-1]&0x20 == 0:
				return 1 << asTag
			}
			return 0
		case c == '<' || c == '[' || c == '\n' || c == '(' || c == ';':
			return 0
		}
	}
	return 0
}

// skipURL leaves out an address up to its query, whose words are nobody's.
func (s *scanner) skipURL(j int) int {
	t := s.text
	for j < len(t) && t[j] > ' ' && t[j] < utf8.RuneSelf && strings.IndexByte("\"'`<>()[]{}|?#", t[j]) < 0 {
		if t[j] == '%' || t[j] == '&' || t[j] == '\\' {
			s.escape(j)
			if t[j] == '\\' {
				break
			}
		}
		j++
	}
	return j
}
