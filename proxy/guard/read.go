package guard

import (
	"context"
	"math"
	"strings"

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

// read looks at every text of a message.
func (s *Seen) read(raw []byte) {
	w := leaf.New(raw)
	var before part // the text that stands before, if the two are read on
	for w.Next() {
		l := w.Leaf()
		if n := l.Span.End - l.Span.Start - 2; n < shortest || l.Name && n < shortestName || w.Depth() <= 2 && opaque(w) {
			continue
		}
		text := w.Text()
		found, score := s.guard.look(text, s.direction)
		s.score = max(s.score, score)
		if len(found) > 0 {
			p := place{span: l.Span, fixed: l.Name || s.fixed(w)}
			for _, f := range found {
				f.At, f.Fixed = w.Path(), p.fixed
				s.add(f, p)
			}
		}
		if l.Name || w.Member(w.Depth()-1) != "text" {
			continue
		}
		if before.text != "" {
			s.across(before, part{text, l.Span, w.Path()})
		}
		before = part{text, l.Span, w.Path()}
	}
	s.raw = raw
}

// opaque reports what only the protocol reads: states, cursors, ids.
func opaque(w *leaf.Walk) bool {
	switch name := w.Member(w.Depth() - 1); name {
	case "requestState", "nextCursor", "progressToken", "taskId", "requestId":
		return true
	default:
		return strings.HasPrefix(name, "io.modelcontextprotocol/")
	}
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
	switch w.Member(last) {
	case "name", "uri", "uriTemplate", "mimeType", "type", "pattern", "format", "const", "default",
		"$ref", "$id", "$schema", "$anchor", "$dynamicRef":
		return !(last > 0 && w.Member(last-1) == "properties")
	case "": // the element of an array
		switch w.Member(last - 1) {
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
