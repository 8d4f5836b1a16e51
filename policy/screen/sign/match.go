package sign

import "sync"

// Hit is a sign that was found.
type Hit struct {
	Rule       *Rule
	Start, End int
	Mentioned  bool // the sentence spoke of attacks before
	Explained  bool // it does so afterwards
	Negated    bool // "never ignore …"
	Disguised  bool // read through digits or spaces
	merged     int
}

// Reading is what one pass over a text found.
type Reading struct {
	Hits    []Hit
	Blobs   []Span // perhaps encoded
	Hidden  []Span // not shown by a renderer
	Escapes int    // characters written as escapes
	Talk    int    // different words of security talk
	Talks   int    // all of them
	Words   int
	last    [maxRules]uint16 // for each rule its last hit, plus one
}

// maxHits bounds what one text can make us keep; beyond it the last hit grows to
// the end of the text.
const maxHits = 512

// Hits of one rule that begin less than apart after the last are one; after many
// such, what anchors the rule is taken for one more without a look.
const (
	apart    = 48
	many     = 16
	maxRules = 256
)

var scanners = sync.Pool{New: func() any { return new(scanner) }}

// Read finds the signs in a text, into r, whose room is used again.
func (b *Book) Read(text string, r *Reading) {
	s := scanners.Get().(*scanner)
	defer scanners.Put(s)
	s.reset(b.lex, text)
	*r = Reading{Hits: r.Hits[:0], Blobs: r.Blobs[:0], Hidden: r.Hidden[:0]}
	from := 0
	for {
		done := s.fill()
		s.survey()
		upto := len(s.tokens)
		if !done {
			upto -= overlap / 2
		}
		for i := from; i < upto; i++ {
			if m := s.tokens[i].mask.and(b.anchors); !m.zero() {
				b.try(s, i, m, r)
			}
		}
		if done {
			break
		}
		keep := len(s.tokens) - overlap
		s.tokens = append(s.tokens[:0], s.tokens[keep:]...)
		from = overlap / 2
	}
	r.Blobs = append(r.Blobs, s.blobs...)
	r.Hidden = append(r.Hidden, s.hidden...)
	r.Escapes, r.Talks, r.Words = s.escapes, s.talks, int(s.word)
	for t := s.talk; t != 0; t &= t - 1 {
		r.Talk++
	}
	s.text = ""
}

// survey notes which concepts stand near each block of tokens.
func (s *scanner) survey() {
	var own [blocks]Mask
	n := (len(s.tokens) + block - 1) / block
	for i := range s.tokens {
		own[i/block] = own[i/block].or(s.tokens[i].mask)
	}
	for k := range n {
		m := own[k]
		for d := 1; d <= reach/block; d++ {
			if k >= d {
				m = m.or(own[k-d])
			}
			if k+d < n {
				m = m.or(own[k+d])
			}
		}
		s.near[k] = m
	}
}

// try tries the rules that the token at i anchors.
func (b *Book) try(s *scanner, i int, m Mask, r *Reading) {
	tokens, near := s.tokens, &s.near[i/block]
	for c := m.next(); c >= 0; c = m.next() {
		for _, n := range b.by[c] {
			rule := &b.rules[n]
			if k := r.last[n]; k > 0 {
				if h := &r.Hits[k-1]; h.merged >= many && int(tokens[i].start) < h.End+apart {
					h.End = max(h.End, int(tokens[i].end))
					continue
				}
			}
			if !rule.possible(near) || !rule.elems[rule.anchor].is(tokens[i].mask) {
				continue
			}
			first, last := i, i
			ok := false
			if rule.set > 0 {
				first, last, ok = rule.around(tokens, i)
			} else {
				first, last, ok = rule.inOrder(tokens, i)
			}
			if ok {
				b.add(tokens, [2]int{first, last}, rule, r)
			}
		}
	}
}

// possible says whether all that the rule needs is among the concepts near.
func (r *Rule) possible(near *Mask) bool {
	for i := range r.needs {
		if !near.any(r.needs[i]) {
			return false
		}
	}
	return true
}

// inOrder matches the elements after the anchor, and then those before it.
func (r *Rule) inOrder(tokens []token, i int) (first, last int, ok bool) {
	first, last = i, i
	for k := r.anchor + 1; k < len(r.elems); k++ {
		n := r.forward(tokens, last, &r.elems[k])
		if n < 0 && !r.elems[k].optional {
			return 0, 0, false
		}
		if n >= 0 {
			last = n
		}
	}
	for k := r.anchor - 1; k >= 0; k-- {
		n := r.backward(tokens, first, k)
		if n < 0 && !r.elems[k].optional {
			return 0, 0, false
		}
		if n >= 0 {
			first = n
		}
	}
	return first, last, true
}

func (r *Rule) forward(tokens []token, from int, e *elem) int {
	t := &tokens[from]
	for i := from + 1; i < len(tokens); i++ {
		n := &tokens[i]
		if n.word-t.word > e.gap+1 || n.sentence != t.sentence && (!r.cross || n.sentence > t.sentence+1) {
			return -1
		}
		if e.is(n.mask) {
			return i
		}
	}
	return -1
}

func (r *Rule) backward(tokens []token, from, k int) int {
	t := &tokens[from]
	e := &r.elems[k]
	gap := r.elems[k+1].gap
	for i := from - 1; i >= 0; i-- {
		n := &tokens[i]
		if t.word-n.word > gap+1 || n.sentence != t.sentence && (!r.cross || n.sentence < t.sentence-1) {
			return -1
		}
		if e.is(n.mask) {
			return i
		}
	}
	return -1
}

// around finds each element of a set near the anchor.
func (r *Rule) around(tokens []token, i int) (first, last int, ok bool) {
	first, last = i, i
	t := &tokens[i]
	lo, hi := i, i
	for lo > 0 && t.word-tokens[lo-1].word <= int32(r.set) && tokens[lo-1].sentence == t.sentence {
		lo--
	}
	for hi+1 < len(tokens) && tokens[hi+1].word-t.word <= int32(r.set) && tokens[hi+1].sentence == t.sentence {
		hi++
	}
	for k := range r.elems {
		if k == r.anchor {
			continue
		}
		found := -1
		for j := lo; j <= hi; j++ {
			if j != i && r.elems[k].is(tokens[j].mask) && (found < 0 || near(j, i) < near(found, i)) {
				found = j
			}
		}
		if found < 0 {
			if r.elems[k].optional {
				continue
			}
			return 0, 0, false
		}
		first, last = min(first, found), max(last, found)
	}
	return first, last, true
}

func near(a, b int) int { return max(a-b, b-a) }

// add keeps a hit, with what the words around it say.
func (b *Book) add(tokens []token, span [2]int, rule *Rule, r *Reading) {
	first, last := span[0], span[1]
	h := Hit{Rule: rule, Start: int(tokens[first].start), End: int(tokens[last].end)}
	if k := r.last[rule.number]; k > 0 {
		if o := &r.Hits[k-1]; h.Start < o.End+apart && h.End > o.Start {
			o.Start, o.End, o.merged = min(o.Start, h.Start), max(o.End, h.End), o.merged+1
			return
		}
	}
	if len(r.Hits) == maxHits {
		r.last[rule.number] = 0
		r.Hits[maxHits-1].End = max(r.Hits[maxHits-1].End, h.End)
		return
	}
	for i := first; i <= last; i++ {
		h.Disguised = h.Disguised || tokens[i].mask.any(bit(isLeet).or(bit(isSpaced)))
	}
	at := &tokens[first]
	for i := first - 1; i >= 0 && i >= first-16 && at.word-tokens[i].word <= 14 && tokens[i].sentence == at.sentence; i-- {
		h.Mentioned = h.Mentioned || tokens[i].mask.any(b.talk)
		h.Negated = h.Negated || i == first-1 && at.word-tokens[i].word <= 2 && tokens[i].mask.any(b.not)
	}
	end := &tokens[last]
	for i := last + 1; i < len(tokens) && i <= last+8 && tokens[i].word-end.word <= 8 && tokens[i].sentence == end.sentence; i++ {
		h.Explained = h.Explained || tokens[i].mask.any(b.talk)
	}
	r.Hits = append(r.Hits, h)
	r.last[rule.number] = uint16(len(r.Hits))
}
