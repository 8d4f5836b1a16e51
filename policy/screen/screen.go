// Package screen finds injections and hidden text in text; it is pure, bounded
// and linear.
//
// A text is read once as it stands, when it is plain ASCII without escapes, and
// otherwise after folding (accents, look-alikes, unseen characters) and
// unescaping. Runs that may be base64 or hex are decoded, and what they say is
// read in turn, a few levels deep; no level is longer than the one above. Text with
// words in ROT13 or backwards is read that way as well. What people do not see on a
// page, comments and what a style hides, counts as a hidden place.
//
// Why a finding does not refuse by itself: documents quote attacks. One weak sign
// is logged. It takes a strong one, two families near each other, or anything at
// all in a hidden or encoded place, to ask for more; words that show that a text
// speaks about attacks, or that quote, count against it.
//
// What cannot be found in text: an instruction that says nothing about being one
// ("please pay this invoice"). Labels, allow-lists, argument rules and approval
// answer those.
package screen

import (
	"strings"
	"sync"
	"unicode/utf8"

	"sallyport/policy/screen/decode"
	"sallyport/policy/screen/fold"
	"sallyport/policy/screen/markup"
	"sallyport/policy/screen/sign"
)

// Direction is what a text is to the client.
type Direction uint8

// The directions. Resources, prompts and what an upstream asks a person are
// results; a server's instructions are a description.
const (
	Arguments Direction = iota
	Description
	Result
)

func (d Direction) letter() byte { return "ADR"[min(d, Result)] }

// Action is what the default policy does about a text. The zero value refuses.
type Action uint8

// The actions, the severest first.
const (
	Refuse Action = iota
	Ask
	Filter
	Annotate
	Log
	Pass
)

func (a Action) String() string {
	if a > Pass {
		a = Refuse
	}
	return [...]string{"refuse", "ask", "filter", "annotate", "log", "pass"}[a]
}

// AboveLog says whether something is to be done beyond a line in the log.
func (a Action) AboveLog() bool { return a < Log }

// Finding is a sign of an injection, or something hidden.
type Finding struct {
	Family, Rule string
	Severity     uint8 // 1 to 10, after what the words around it say
	Start, End   int   // bytes of the text as it was given, on rune boundaries
	Decoded      string
	Hidden       bool
	Action       Action // Log, or what this finding, with others, asks for
}

// Verdict is what was found in a text.
type Verdict struct {
	Score    float64 // 0 to 1
	Action   Action
	Findings []Finding // in the order of the text
}

// Acted are the findings that ask for more than a line in the log.
func (v Verdict) Acted() []Finding {
	var out []Finding
	for _, f := range v.Findings {
		if f.Action.AboveLog() {
			out = append(out, f)
		}
	}
	return out
}

// Screen is the vocabulary, the rules and the tables. It is made once, and may be
// used by many at a time.
type Screen struct {
	book  *sign.Book
	table *fold.Table
	pool  sync.Pool
}

// aids are how text is kept from view, and how words are turned.
var aids = sign.Aids{MostTag: markup.MostTag, Spoken: markup.Spoken, Hides: markup.Hides, Open: markup.Open, Telling: markup.Telling,
	Until: markup.Until, Aside: markup.Aside, Link: markup.Link, Turns: [2]func(string) string{decode.Rot13, decode.Backwards}}

// New makes a Screen.
func New() *Screen {
	return &Screen{book: sign.NewBook(aids), table: fold.NewTable(), pool: sync.Pool{New: func() any { return new(sign.Reading) }}}
}

const (
	maxDepth   = 3   // of what is encoded in what is encoded
	maxDecoded = 256 // bytes that a finding keeps of it
	maxBlobs   = 64  // that hold something, until the rest is not read any more
)

// Text screens a text.
func (s *Screen) Text(text string, d Direction) Verdict {
	l := look{s: s, d: d}
	l.text(text, 0)
	return l.judge(text)
}

// look is the screening of one text.
type look struct {
	s     *Screen
	d     Direction
	found []find
	talk  int // words of security talk
	blobs int // that held something
}

// find is a finding before it is judged.
type find struct {
	Finding
	mentioned, explained bool
	negated, described   bool
	comment              bool // in what a renderer leaves out
	kept                 bool // in what a style keeps from view
}

// text reads a text, and what is encoded in it.
func (l *look) text(text string, depth int) {
	r := l.s.pool.Get().(*sign.Reading)
	defer l.s.pool.Put(r)
	if ascii(text) {
		l.s.book.Read(text, r)
		l.take(text, r, nil)
	} else {
		f := l.s.table.Fold(text)
		l.s.book.Read(f.Text, r)
		l.unseen(text, &f, depth)
		l.take(text, r, []*fold.Folded{&f})
	}
	if r.Talks > r.Talk+1 {
		l.talk = max(l.talk, r.Talk)
	}
	if depth >= maxDepth {
		return
	}
	if r.Escapes > 0 {
		l.escaped(text, depth)
	}
	l.turned(text, r.Turned)
	for _, b := range r.Blobs {
		l.blob(text, b, depth)
	}
}

// escaped reads a text again with its escapes written out.
func (l *look) escaped(text string, depth int) {
	u := fold.Unescape(text)
	if u.Text == text {
		return
	}
	inner := look{s: l.s, d: l.d}
	inner.text(u.Text, depth+1)
	l.talk = max(l.talk, inner.talk)
	for _, f := range inner.found {
		f.Start, f.End = u.Origin(f.Start), u.OriginEnd(f.End)
		if f.End <= f.Start || l.known(&f) {
			continue
		}
		if part := text[f.Start:f.End]; !f.Hidden && strings.ContainsAny(part, `\%&`) && letters(part) {
			f.Hidden = true
			f.Decoded = bounded(u.Text)
		}
		if !f.Hidden && !plainly(f.Family) {
			continue
		}
		l.found = append(l.found, f)
	}
}

// plainly says whether a family is found in an address or a string as well: the
// words of the others stand there by chance.
func plainly(family string) bool {
	return family == "override" || family == "role" || family == "conceal" || family == "persona"
}

// letters says whether an escape stands for a plain letter or digit, which needs
// none.
func letters(part string) bool {
	for i := 0; i+2 < len(part); i++ {
		if part[i] != '\\' && part[i] != '%' && part[i] != '&' {
			continue
		}
		one := fold.Unescape(part[i:min(len(part), i+10)])
		c := one.Text[0]
		if c != part[i] && ('a' <= c|0x20 && c|0x20 <= 'z') {
			return true
		}
	}
	return false
}

func (l *look) known(f *find) bool {
	for i := range l.found {
		if o := &l.found[i]; o.Rule == f.Rule && o.Start < f.End && f.Start < o.End {
			return true
		}
	}
	return false
}

// blob reads what a run of base64 or hex says.
func (l *look) blob(text string, b sign.Span, depth int) {
	plain, ok := decode.Text(text[b.Start:b.End])
	if !ok {
		return
	}
	if l.blobs >= maxBlobs {
		// So many that held something: the rest is taken to hold the same.
		l.found[len(l.found)-1].End = max(l.found[len(l.found)-1].End, b.End)
		return
	}
	inner := look{s: l.s, d: l.d}
	inner.text(plain, depth+1)
	var worst *find
	for i := range inner.found {
		if f := &inner.found[i]; worst == nil || f.Severity > worst.Severity {
			worst = f
		}
	}
	if worst == nil || worst.Severity < 3 {
		return
	}
	f := *worst
	f.Start, f.End, f.Hidden, f.Decoded = b.Start, b.End, true, bounded(plain)
	f.mentioned, f.explained, f.negated = false, false, false
	l.found = append(l.found, f)
	l.blobs++
}

// take keeps the signs of a reading, back in the places of the text.
func (l *look) take(text string, r *sign.Reading, way []*fold.Folded) {
	for i := range r.Hits {
		h := &r.Hits[i]
		if !h.Rule.For(l.d.letter()) {
			continue
		}
		f := find{Finding: Finding{Family: h.Rule.Family, Rule: h.Rule.Name, Severity: uint8(h.Rule.Severity), Start: h.Start, End: h.End, Hidden: h.Disguised},
			mentioned: h.Mentioned, explained: h.Explained, negated: h.Negated, described: h.Described}
		for _, c := range r.Hidden {
			f.comment = f.comment || c.Start < h.End && h.Start < c.End
		}
		for _, c := range r.Kept {
			f.kept = f.kept || c.Start < h.End && h.Start < c.End
		}
		for _, w := range way {
			f.Start, f.End = w.Origin(h.Start), w.OriginEnd(h.End)
			for _, u := range w.Unseen {
				if f.Start < u.End && u.Start < f.End && inWord(text, u.Start, u.End) {
					f.Hidden = true
				}
			}
		}
		if f.Hidden && f.Decoded == "" && len(way) > 0 {
			f.Decoded = bounded(way[0].Text[h.Start:h.End])
		}
		l.found = append(l.found, f)
	}
}

// inWord says whether what is not seen at text[i:j] stands inside a word.
func inWord(text string, i, j int) bool {
	return i > 0 && j < len(text) && letter(text[i-1]) && letter(text[j])
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// unseen makes findings of characters that nobody sees.
func (l *look) unseen(text string, f *fold.Folded, depth int) {
	if len(f.Unseen) == 0 {
		return
	}
	all := Finding{Family: "hidden", Start: f.Unseen[0].Start, End: f.Unseen[len(f.Unseen)-1].End, Hidden: true}
	switch {
	case len(f.Smuggled) >= 4:
		all.Rule, all.Severity, all.Decoded = "hidden/smuggled", 8, bounded(f.Smuggled)
		if depth < maxDepth {
			l.text2(f.Smuggled, depth+1, &all)
		}
	case f.ZeroRun >= 16:
		all.Rule, all.Severity = "hidden/zero-width-run", 7
	case f.Zero >= 3:
		all.Rule, all.Severity, all.Hidden = "hidden/zero-width", 3, false
	case f.Bidi > 0:
		all.Rule, all.Severity, all.Hidden = "hidden/bidi", 3, false
	default:
		return
	}
	l.found = append(l.found, find{Finding: all})
}

// text2 reads what was smuggled, and names the family of the worst sign in it.
func (l *look) text2(smuggled string, depth int, all *Finding) {
	inner := look{s: l.s, d: l.d}
	inner.text(smuggled, depth)
	for i := range inner.found {
		if f := &inner.found[i]; f.Severity >= all.Severity {
			all.Severity, all.Family = f.Severity, f.Family
		}
	}
}

func bounded(s string) string {
	if len(s) <= maxDecoded {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	n := maxDecoded
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.ToValidUTF8(s[:n], "\uFFFD") + "…"
}

func ascii(s string) bool {
	for len(s) >= 8 {
		if (uint64(s[0])|uint64(s[1])<<8|uint64(s[2])<<16|uint64(s[3])<<24|
			uint64(s[4])<<32|uint64(s[5])<<40|uint64(s[6])<<48|uint64(s[7])<<56)&0x8080808080808080 != 0 {
			return false
		}
		s = s[8:]
	}
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
