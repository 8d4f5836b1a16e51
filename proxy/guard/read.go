package guard

import (
	"bytes"
	"context"
	"math"
	"slices"

	"sallyport/policy/handling"
	"sallyport/policy/screen"
	"sallyport/proxy/leaf"
	"sallyport/proxy/wire"
)

const (
	// shortest is the length in bytes below which a text says nothing, and
	// shortestName that of a member's name.
	shortest     = 6
	shortestName = 14
	// seam is how much of each of two texts that follow one another is read
	// together.
	seam = 240
)

// read looks at every text of a message. Short ones are first looked at together:
// nearly always there is nothing in any of them.
func (s *Seen) read(raw []byte) {
	s.raw = raw
	var few batch
	var before part // the text that stands before, if the two are read on
	hit := false
	s.each(raw, func(w *leaf.Walk, text string) {
		if len(text) <= short {
			hit = few.add(s, text) || hit
		} else {
			s.look(w, text)
		}
		if w.Leaf().Name || string(w.Member(w.Depth()-1)) != "text" {
			return
		}
		here := part{text, w.Leaf().Span, w.Path()}
		if before.text != "" {
			s.across(before, here)
		}
		before = here
	})
	if few.flush(s) || hit {
		s.each(raw, func(w *leaf.Walk, text string) {
			if len(text) <= short {
				s.look(w, text)
			}
		})
		s.order()
	}
}

// order puts what was found in the order of the message.
func (s *Seen) order() {
	by := make([]int, len(s.Found))
	for i := range by {
		by[i] = i
	}
	slices.SortStableFunc(by, func(a, b int) int { return s.leaves[a].span.Start - s.leaves[b].span.Start })
	found, leaves := make([]handling.Finding, len(by)), make([]place, len(by))
	for i, k := range by {
		found[i], leaves[i] = s.Found[k], s.leaves[k]
	}
	s.Found, s.leaves = found, leaves
}

// each goes over the texts that say anything.
func (s *Seen) each(raw []byte, f func(w *leaf.Walk, text string)) {
	for w := leaf.New(raw); w.Next(); {
		l := w.Leaf()
		if n := l.Span.End - l.Span.Start - 2; n < shortest || l.Name && n < shortestName || w.Depth() <= 2 && opaque(w) {
			continue
		}
		f(w, w.Text())
	}
}

// look looks at one text by itself.
func (s *Seen) look(w *leaf.Walk, text string) {
	found, score := s.guard.look(text, s.direction)
	s.score = max(s.score, score)
	if len(found) == 0 {
		return
	}
	p := place{span: w.Leaf().Span, fixed: w.Leaf().Name || s.fixed(w)}
	at := w.Path()
	for _, f := range found {
		f.At, f.Fixed = at, p.fixed
		s.add(f, p)
	}
}

const (
	short = 256     // bytes of a text that is looked at with others
	most  = 4 << 10 // bytes that are looked at together
)

// batch is texts that are looked at together, a paragraph each.
type batch struct{ text []byte }

func (b *batch) add(s *Seen, text string) (hit bool) {
	if len(b.text)+len(text) > most {
		hit = b.flush(s)
	}
	b.text = append(append(b.text, text...), "\n\n"...)
	return hit
}

// flush reports whether there is anything in the texts so far.
func (b *batch) flush(s *Seen) bool {
	if len(b.text) == 0 {
		return false
	}
	text := string(b.text)
	b.text = b.text[:0]
	found, _ := s.guard.look(text, s.direction)
	return len(found) > 0
}

// opaque reports what only the protocol reads: states, cursors, ids.
func opaque(w *leaf.Walk) bool {
	name := w.Member(w.Depth() - 1)
	switch string(name) {
	case "requestState", "nextCursor", "progressToken", "taskId", "requestId":
		return true
	}
	return bytes.HasPrefix(name, []byte("io.modelcontextprotocol/"))
}

// part is one of two texts that follow one another.
type part struct {
	text string
	span wire.Span
	at   string
}

// across looks at the seam of two texts. What acts only there is found in both.
func (s *Seen) across(a, b part) {
	head := a.text[boundary(a.text, max(0, len(a.text)-seam)):]
	tail := b.text[:boundary(b.text, min(len(b.text), seam))]
	whole := head + "\n" + tail
	found, _ := s.guard.look(whole, s.direction)
	for _, f := range found {
		if !f.Acts || f.End <= len(head)+1 || f.Start >= len(head) {
			continue
		}
		first, second := f, f
		first.Start, first.End = len(a.text)-len(head)+f.Start, len(a.text)
		second.Start, second.End = 0, f.End-len(head)-1
		first.At, second.At = a.at, b.at
		s.add(first, place{span: a.span})
		s.add(second, place{span: b.span})
	}
}

// boundary is the nearest start of a rune at or before i.
func boundary(text string, i int) int {
	for i > 0 && i < len(text) && text[i]&0xC0 == 0x80 {
		i--
	}
	return i
}

// fixed reports a text that others rely on being what it is: names, references,
// what a schema compares values with.
func (s *Seen) fixed(w *leaf.Walk) bool {
	last := w.Depth() - 1
	if s.subject.Place != handling.Definitions {
		return false
	}
	switch string(w.Member(last)) {
	case "name", "uri", "uriTemplate", "mimeType", "type", "pattern", "format", "const", "default",
		"$ref", "$id", "$schema", "$anchor", "$dynamicRef":
		return true
	case "": // the element of an array
		switch string(w.Member(last - 1)) {
		case "enum", "required", "type", "default":
			return true
		}
	}
	return false
}

// classify asks the classifier about all texts together. Its score is one more
// family of signs: it makes others act, and never acts itself.
func (s *Seen) classify(ctx context.Context) {
	c := s.guard.classifier
	if c == nil {
		return
	}
	score, failed := c.Score(ctx, s.words(), [...]string{"arguments", "description", "result"}[min(s.direction, screen.Result)])
	f := handling.Finding{Family: "classifier", Rule: "classifier/score", Severity: uint8(math.Round(score * 6))}
	if failed {
		f.Rule = "classifier/failed"
	}
	if score < 0.5 && !failed {
		return
	}
	for i := range s.Found {
		o := &s.Found[i]
		if o.Family != secrets && !o.Acts && 1-(1-float64(o.Severity)/10)*(1-score*0.6) >= acting {
			o.Acts = true
		}
	}
	s.add(f, place{fixed: true})
}

// acting is the weight at which signs act, as the screen has it.
const acting = 0.7

// words are all texts of the message, one a line, as far as a classifier reads.
func (s *Seen) words() string {
	const most = 64 << 10
	var b []byte
	for w := leaf.New(s.raw); w.Next() && len(b) < most; {
		if l := w.Leaf(); !l.Name && l.Span.End-l.Span.Start > shortest {
			b = append(append(b, w.Text()...), '\n')
		}
	}
	return string(b)
}
