package sign

import "sync"

// Hit is a sign that was found.
type Hit struct {
	Rule       *Rule
	Start, End int
	Mentioned  bool // the sentence spoke of attacks before
	Explained  bool // it does so afterwards
	Negated    bool // "never ignore …"
	Described  bool // "it ignores …": no order
	Disguised  bool // read through digits or spaces
	merged     int
}

// Reading is what one pass over a text found.
type Reading struct {
	Hits    []Hit
	Blobs   []Span // perhaps encoded
	Hidden  []Span // not shown by a renderer
	Kept    []Span // made not to be seen, by style
	Escapes int    // characters written as escapes
	Turned  [2]int // words in ROT13, words backwards
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
	maxRules = 512
)

var scanners = sync.Pool{New: func() any { return new(scanner) }}

// Read finds the signs in a text, into r, whose room is used again.
func (b *Book) Read(text string, r *Reading) {
	s := scanners.Get().(*scanner)
	defer scanners.Put(s)
	s.reset(b, text)
	r.reset()
	for {
		done := s.fill()
		s.knownNear, s.knownOwn = [2]uint64{}, [2]uint64{}
		upto := len(s.tokens)
		if !done {
			upto -= overlap / 2
		}
		keep := max(0, len(s.tokens)-overlap)
		later := s.hots[:0]
		for _, i := range s.hots {
			if int(i) < upto {
				b.try(s, int(i), s.mask(&s.tokens[i]).and(b.anchors), r)
			} else {
				later = append(later, i-int32(keep))
			}
		}
		if s.hots = later; done {
			break
		}
		s.tokens = append(s.tokens[:0], s.tokens[keep:]...)
	}
	r.Blobs = append(r.Blobs, s.blobs...)
	r.Hidden = append(r.Hidden, s.hidden...)
	r.Kept = append(r.Kept, s.kept...)
	r.Escapes, r.Turned, r.Talks, r.Words = s.escapes, s.turned, s.talks, int(s.word)
	for t := s.talk; t != 0; t &= t - 1 {
		r.Talk++
	}
	s.text = ""
}

// reset leaves the room, and nothing else.
func (r *Reading) reset() {
	for i := range r.Hits {
		r.last[r.Hits[i].Rule.number] = 0
	}
	r.Talk = 0
	r.Hits, r.Blobs, r.Hidden, r.Kept = r.Hits[:0], r.Blobs[:0], r.Hidden[:0], r.Kept[:0]
}

// around are the concepts near block k of tokens. They are put together when a rule
// first asks.
func (s *scanner) around(k int) *Mask {
	if s.knownNear[k>>6]&(1<<(k&63)) != 0 {
		return &s.near[k]
	}
	s.knownNear[k>>6] |= 1 << (k & 63)
	var m Mask
	for d := max(0, k-reach/block); d <= k+reach/block && d*block < len(s.tokens); d++ {
		if s.knownOwn[d>>6]&(1<<(d&63)) == 0 {
			s.knownOwn[d>>6] |= 1 << (d & 63)
			var own Mask
			for i := d * block; i < min(len(s.tokens), d*block+block); i++ {
				own = own.or(s.mask(&s.tokens[i]))
			}
			s.own[d] = own
		}
		m = m.or(s.own[d])
	}
	s.near[k] = m
	return &s.near[k]
}

// try tries the rules that the token at i anchors.
func (b *Book) try(s *scanner, i int, m Mask, r *Reading) {
	tokens, near := s.tokens, s.around(i/block)
	for c := m.next(); c >= 0; c = m.next() {
		if !near.any(b.gates[c]) {
			continue
		}
		for _, n := range b.by[c] {
			rule := &b.rules[n]
			if k := r.last[n]; k > 0 {
				if h := &r.Hits[k-1]; h.merged >= many && int(tokens[i].start) < h.End+apart {
					h.End = max(h.End, int(tokens[i].end))
					continue
				}
			}
			if !rule.possible(near) || !rule.elems[rule.anchor].is(s.mask(&tokens[i])) {
				continue
			}
			first, last := i, i
			ok := false
			if rule.set > 0 {
				first, last, ok = rule.around(s, i)
			} else {
				first, last, ok = rule.inOrder(s, i)
			}
			if ok {
				b.add(s, [2]int{first, last}, rule, r)
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
func (r *Rule) inOrder(s *scanner, i int) (first, last int, ok bool) {
	first, last = i, i
	for k := r.anchor + 1; k < len(r.elems); k++ {
		n := r.forward(s, last, &r.elems[k])
		if n < 0 && !r.elems[k].optional {
			return 0, 0, false
		}
		if n >= 0 {
			last = n
		}
	}
	for k := r.anchor - 1; k >= 0; k-- {
		n := r.backward(s, first, k)
		if n < 0 && !r.elems[k].optional {
			return 0, 0, false
		}
		if n >= 0 {
			first = n
		}
	}
	return first, last, true
}

func (r *Rule) forward(s *scanner, from int, e *elem) int {
	tokens := s.tokens
	t := &tokens[from]
	for i := from + 1; i < len(tokens); i++ {
		n := &tokens[i]
		if n.word-t.word > e.gap+1 || n.sentence != t.sentence && (!r.cross || n.sentence > t.sentence+1) {
			return -1
		}
		if e.is(s.mask(n)) {
			return i
		}
	}
	return -1
}

func (r *Rule) backward(s *scanner, from, k int) int {
	tokens := s.tokens
	t := &tokens[from]
	e := &r.elems[k]
	gap := r.elems[k+1].gap
	for i := from - 1; i >= 0; i-- {
		n := &tokens[i]
		if t.word-n.word > gap+1 || n.sentence != t.sentence && (!r.cross || n.sentence < t.sentence-1) {
			return -1
		}
		if e.is(s.mask(n)) {
			return i
		}
	}
	return -1
}

// around finds each element of a set near the anchor.
func (r *Rule) around(s *scanner, i int) (first, last int, ok bool) {
	tokens := s.tokens
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
			if j != i && r.elems[k].is(s.mask(&tokens[j])) && (found < 0 || near(j, i) < near(found, i)) {
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
func (b *Book) add(s *scanner, span [2]int, rule *Rule, r *Reading) {
	tokens := s.tokens
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
		h.Described = h.Described || s.mask(&tokens[i]).any(b.told)
		h.Disguised = h.Disguised || tokens[i].own&(1<<isLeet|1<<isSpaced) != 0
	}
	at := &tokens[first]
	for i := first - 1; i >= 0 && i >= first-16 && at.word-tokens[i].word <= 14 && tokens[i].sentence == at.sentence; i-- {
		h.Mentioned = h.Mentioned || s.mask(&tokens[i]).any(b.talk)
		h.Negated = h.Negated || i == first-1 && at.word-tokens[i].word <= 1 && s.mask(&tokens[i]).any(b.not)
	}
	end := &tokens[last]
	for i := last + 1; i < len(tokens) && i <= last+8 && tokens[i].word-end.word <= 8 && tokens[i].sentence == end.sentence; i++ {
		h.Explained = h.Explained || s.mask(&tokens[i]).any(b.talk)
	}
	r.Hits = append(r.Hits, h)
	r.last[rule.number] = uint16(len(r.Hits))
}
