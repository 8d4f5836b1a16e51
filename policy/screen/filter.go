package screen

import (
	"cmp"
	"slices"
	"strings"

	"sallyport/policy/screen/sign"
)

// Filtered stands where something was.
const Filtered = sign.Filtered

// Replace replaces the spans of findings by Filtered. Spans that touch become one.
func Replace(text string, findings []Finding) string {
	if len(findings) == 0 {
		return text
	}
	spans := make([]sign.Span, 0, len(findings))
	for _, f := range findings {
		start, end := max(0, min(f.Start, len(text))), max(0, min(f.End, len(text)))
		if start < end {
			spans = append(spans, sign.Span{Start: start, End: end})
		}
	}
	slices.SortFunc(spans, func(a, b sign.Span) int { return cmp.Compare(a.Start, b.Start) })
	var b strings.Builder
	from, open := 0, false
	for _, s := range spans {
		if s.Start > from || !open {
			b.WriteString(text[from:max(s.Start, from)])
			b.WriteString(Filtered)
		}
		from, open = max(from, s.End), true
	}
	b.WriteString(text[from:])
	return b.String()
}

// Clean screens a text and filters it until nothing asks for more than a line in
// the log: what was cut can bring other words together. What does not come to an
// end is filtered whole. Clean of what Clean returns is that.
func (s *Screen) Clean(text string, d Direction) (string, Verdict) {
	first := s.Text(text, d)
	v := first
	for range 8 {
		if !v.Action.AboveLog() {
			return text, first
		}
		text = Replace(text, v.Acted())
		v = s.Text(text, d)
	}
	if !v.Action.AboveLog() {
		return text, first
	}
	return Filtered, first
}
