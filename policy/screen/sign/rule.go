package sign

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

//go:embed rules.txt
var ruleList string

// Rule is a sign: concepts that stand together.
type Rule struct {
	Family   string
	Name     string
	number   int
	Severity int    // 1 (alone it says nothing) to 10
	where    string // directions: A arguments, D descriptions, R results
	cross    bool   // may go on in the next sentence
	set      int    // in any order within this many words; 0: in this order
	elems    []elem
	anchor   int    // the element that is rarest
	needs    []Mask // for each element, what one of must be near
}

// elem is one place of a rule: any of these, with at most gap other words before
// it.
type elem struct {
	any      Mask // of the plain alternatives
	conj     []conj
	gap      int32
	optional bool
}

type conj struct{ all, none Mask }

func (e *elem) is(m Mask) bool {
	if m.any(e.any) {
		return true
	}
	for i := range e.conj {
		if c := &e.conj[i]; m.all(c.all) && !m.any(c.none) {
			return true
		}
	}
	return false
}

// For says whether a rule is made for a direction.
func (r *Rule) For(direction byte) bool { return strings.IndexByte(r.where, direction) >= 0 }

// Book is the rules by the concepts that anchor them.
type Book struct {
	lex     *Lexicon
	aids    Aids
	rules   []Rule
	by      [concepts][]uint16
	gates   [concepts]Mask // one of these is near whenever one of those rules holds
	hot     []bool         // for each meaning of a word, whether it anchors a rule
	hotOwn  uint32         // and how a word stands, if that does
	anchors Mask
	talk    Mask
	not     Mask
	told    Mask
}

// NewBook reads the vocabulary and the rules.
func NewBook(aids Aids) *Book {
	b := &Book{aids: aids, lex: newLexicon(aids.Turns)}
	b.talk, b.not, b.told = bit(b.lex.names["mention"]), bit(b.lex.names["negate"]), bit(b.lex.names["described"])
	for line := range strings.Lines(ruleList) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		r := b.parse(line)
		if r.number = len(b.rules); r.number == maxRules {
			panic("rules.txt: too many rules")
		}
		b.rules = append(b.rules, r)
		e := &r.elems[r.anchor]
		m := e.any
		for _, c := range e.conj {
			m = m.or(bit(b.rarest(c.all)))
		}
		b.anchors = b.anchors.or(m)
		for i := m.next(); i >= 0; i = m.next() {
			b.by[i] = append(b.by[i], uint16(len(b.rules)-1))
			if len(r.needs) > 0 {
				b.gates[i] = b.gates[i].or(r.needs[0])
			} else {
				b.gates[i] = b.gates[i].or(bit(i))
			}
		}
	}
	b.hot, b.hotOwn = make([]bool, len(b.lex.masks)), uint32(b.anchors.a)&(1<<ownConcepts-1)&^(1<<isRead)
	for i := range b.hot {
		m := b.lex.masks[i].and(b.anchors)
		m.a &^= 1 << isRead
		b.hot[i] = !m.zero()
	}
	return b
}

// parse reads "family name severity where pattern".
func (b *Book) parse(line string) Rule {
	f := strings.Fields(line)
	if len(f) < 5 {
		panic("rules.txt: " + line)
	}
	sev, err := strconv.Atoi(f[2])
	if err != nil {
		panic("rules.txt: " + line)
	}
	r := Rule{Family: f[0], Name: f[0] + "/" + f[1], Severity: sev, where: f[3], cross: strings.Contains(f[3], "+")}
	gap := int32(2)
	for _, p := range f[4:] {
		if n, ok := strings.CutPrefix(p, "~"); ok {
			g, err := strconv.Atoi(n)
			if err != nil || g > 24 {
				panic("rules.txt: " + line)
			}
			gap = int32(g)
			continue
		}
		if n, ok := strings.CutPrefix(p, "set"); ok {
			if r.set, err = strconv.Atoi(n); err != nil {
				panic("rules.txt: " + line)
			}
			continue
		}
		r.elems = append(r.elems, b.elem(p, gap, line))
		gap = 2
	}
	best := 100
	for i := range r.elems {
		if c := b.commonness(&r.elems[i]); c < best && !r.elems[i].optional {
			r.anchor, best = i, c
		}
	}
	span := int32(r.set)
	for i := range r.elems {
		span += r.elems[i].gap + 1
	}
	b.need(&r)
	if r.set == 0 && span > reach+3 || r.set > reach {
		panic("rules.txt: reaches too far: " + line)
	}
	return r
}

// need notes what must be near the anchor, the rarest first: it is what is missing.
func (b *Book) need(r *Rule) {
	var common []int
	for i := range r.elems {
		e := &r.elems[i]
		if i == r.anchor || e.optional {
			continue
		}
		m := e.any
		for _, c := range e.conj {
			m = m.or(bit(b.rarest(c.all)))
		}
		at, _ := slices.BinarySearch(common, b.commonness(e))
		common = slices.Insert(common, at, b.commonness(e))
		r.needs = slices.Insert(r.needs, at, m)
	}
}

func (b *Book) elem(p string, gap int32, line string) elem {
	e := elem{gap: gap}
	p, e.optional = strings.CutSuffix(p, "?")
	for alt := range strings.SplitSeq(p, "|") {
		var c conj
		n := 0
		for part := range strings.SplitSeq(alt, "&") {
			name, neg := strings.CutPrefix(part, "!")
			i, ok := b.lex.names[name]
			if !ok {
				panic(fmt.Sprintf("rules.txt: no concept %q: %s", name, line))
			}
			if neg {
				c.none = c.none.or(bit(i))
			} else {
				c.all = c.all.or(bit(i))
			}
			n++
		}
		if n == 1 {
			e.any = e.any.or(c.all)
		} else {
			e.conj = append(e.conj, c)
		}
	}
	return e
}

func (b *Book) commonness(e *elem) int {
	most := 0
	m := e.any
	for i := m.next(); i >= 0; i = m.next() {
		most = max(most, b.lex.common[i])
	}
	for _, c := range e.conj {
		most = max(most, b.lex.common[b.rarest(c.all)])
	}
	return most
}

func (b *Book) rarest(m Mask) int {
	best := -1
	for i := m.next(); i >= 0; i = m.next() {
		if best < 0 || b.lex.common[i] < b.lex.common[best] {
			best = i
		}
	}
	return best
}

// Names are the names of all rules, in the order of the book.
func Names() []string {
	var names []string
	for line := range strings.Lines(ruleList) {
		if f := strings.Fields(line); len(f) > 1 && f[0][0] != '#' {
			names = append(names, f[0]+"/"+f[1])
		}
	}
	return names
}
