package guard

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"sallyport/policy/handling"
	"sallyport/policy/screen"
	"sallyport/proxy/leaf"
	"sallyport/proxy/wire"
)

const (
	// rounds is how often a text is looked at again after something was replaced,
	// before all of it is.
	rounds = 8
	// nested bounds JSON in texts of JSON.
	nested = 3
)

// Edits are the changes in the value that was looked at which the verdict asks
// for: words that are filtered, and notes. What they leave is looked at once more;
// where that asks for more changes there is one edit for the whole value. ok is
// false if something is to be replaced that cannot be, or if it does not come to
// an end; then nothing of it may pass.
func (s *Seen) Edits() (edits []wire.Edit, ok bool) {
	edits, ok = s.edits()
	if !ok || s.Action > handling.Filter || len(edits) == 0 {
		return edits, ok
	}
	raw := wire.Splice(nil, s.raw, edits...)
	for n := range rounds {
		next := &Seen{guard: s.guard, direction: s.direction, subject: s.subject, table: s.table}
		next.read(raw)
		next.Verdict = s.table.Judge(s.subject, next.Found)
		more, ok := next.cuts()
		switch {
		case !ok:
			return nil, false
		case len(more) == 0 && n == 0:
			return edits, true
		case len(more) == 0:
			return []wire.Edit{{Span: wire.Span{End: len(s.raw)}, With: raw}}, true
		}
		raw = wire.Splice(nil, raw, more...)
	}
	return nil, false
}

// edits are the changes of one round.
func (s *Seen) edits() (edits []wire.Edit, ok bool) {
	if s.Action > handling.Annotate {
		return nil, true
	}
	if edits, ok = s.cuts(); !ok {
		return nil, false
	}
	if note := s.note(); note != "" {
		edits = s.annotate(edits, note)
		slices.SortFunc(edits, byStart)
	}
	return edits, true
}

func byStart(a, b wire.Edit) int { return cmp.Compare(a.Span.Start, b.Span.Start) }

// cuts are the words of one round that are filtered.
func (s *Seen) cuts() (edits []wire.Edit, ok bool) {
	cut := map[wire.Span][]handling.Finding{}
	for i, f := range s.Found {
		switch p := s.leaves[i]; {
		case s.Each[i] != handling.Filter:
		case p.fixed || p.span.End == p.span.Start:
			return nil, false
		default:
			cut[p.span] = append(cut[p.span], f)
		}
	}
	for span, found := range cut {
		text, with := s.text(span), ""
		if with = s.clean(text, found, 0); with == text {
			continue // it stands across a seam, and the other side was enough
		}
		edits = append(edits, wire.Edit{Span: span, With: wire.Quote(nil, with)})
	}
	edits = s.same(edits)
	slices.SortFunc(edits, byStart)
	return edits, true
}

// settle finds the texts of findings that are known by their path alone.
func (s *Seen) settle() {
	missing := map[string][]int{}
	for i := range s.Found {
		if s.leaves[i].span.End == 0 && !s.leaves[i].fixed {
			missing[s.Found[i].At] = append(missing[s.Found[i].At], i)
		}
	}
	for w := leaf.New(s.raw); len(missing) > 0 && w.Next(); {
		if w.Leaf().Name {
			continue
		}
		at := w.Path()
		for _, i := range missing[at] {
			s.leaves[i].span = w.Leaf().Span
		}
		delete(missing, at)
	}
	for _, lost := range missing {
		for _, i := range lost {
			s.Found[i].Fixed, s.leaves[i].fixed = true, true
		}
	}
}

func (s *Seen) text(span wire.Span) string {
	t, _ := wire.Text(span.Of(s.raw))
	return t
}

// picks says whether a finding is to be replaced.
func (s *Seen) picks(f *handling.Finding) bool {
	a, _ := s.table.Of(s.subject, f)
	return a <= handling.Filter
}

// clean replaces in a text what was found, and looks again: what was cut can
// bring other words together.
func (s *Seen) clean(text string, found []handling.Finding, depth int) string {
	if jsonLike(text) && depth < nested {
		return s.cleanJSON(text, depth)
	}
	return s.cleanText(text, found)
}

func (s *Seen) cleanText(text string, found []handling.Finding) string {
	for range rounds {
		if len(found) == 0 {
			return text
		}
		text = replace(text, found)
		found = s.again(text)
	}
	if len(found) == 0 {
		return text
	}
	return screen.Filtered
}

// again is what is still to be replaced in a text.
func (s *Seen) again(text string) []handling.Finding {
	found, _ := s.guard.look(text, s.direction)
	return slices.DeleteFunc(found, func(f handling.Finding) bool { return !s.picks(&f) })
}

// cleanJSON replaces within the texts of JSON, so that it stays JSON.
func (s *Seen) cleanJSON(text string, depth int) string {
	var edits []wire.Edit
	for w := leaf.New([]byte(text)); w.Next(); {
		inner := w.Text()
		found := s.again(inner)
		if len(found) == 0 {
			continue
		}
		if w.Leaf().Name {
			return `"` + screen.Filtered + `"`
		}
		edits = append(edits, wire.Edit{Span: w.Leaf().Span, With: wire.Quote(nil, s.clean(inner, found, depth+1))})
	}
	out := string(wire.Splice(nil, []byte(text), edits...))
	rest := s.again(out)
	if len(rest) == 0 {
		return out
	}
	// What acts only as a whole: all texts that it touches go.
	edits = nil
	for w := leaf.New([]byte(out)); w.Next(); {
		l := w.Leaf()
		if !l.Name && slices.ContainsFunc(rest, func(f handling.Finding) bool { return f.Start < l.Span.End && l.Span.Start < f.End }) {
			edits = append(edits, wire.Edit{Span: l.Span, With: []byte(`"` + screen.Filtered + `"`)})
		}
	}
	out = string(wire.Splice(nil, []byte(out), edits...))
	if len(s.again(out)) > 0 || !json.Valid([]byte(out)) {
		return `"` + screen.Filtered + `"`
	}
	return out
}

// jsonLike reports a text that is an object or array in JSON.
func jsonLike(text string) bool {
	t := strings.TrimSpace(text)
	return len(t) > 1 && (t[0] == '{' || t[0] == '[') && json.Valid([]byte(t))
}

// replace replaces what was found. Findings that touch become one.
func replace(text string, found []handling.Finding) string {
	found = slices.Clone(found)
	slices.SortFunc(found, func(a, b handling.Finding) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End))
	})
	var b strings.Builder
	from := 0
	for i := 0; i < len(found); {
		start, end, with := max(found[i].Start, from), found[i].End, mark(&found[i])
		for i++; i < len(found) && found[i].Start <= end; i++ {
			if m := mark(&found[i]); m != with {
				with = screen.Filtered
			}
			end = max(end, found[i].End)
		}
		end = min(end, len(text))
		if start < end {
			b.WriteString(text[from:start])
			b.WriteString(with)
			from = end
		}
	}
	b.WriteString(text[from:])
	return b.String()
}

// mark is what stands for a finding.
func mark(f *handling.Finding) string {
	if f.Family != secrets {
		return screen.Filtered
	}
	return "[REDACTED:" + strings.TrimPrefix(f.Rule, secrets+"/") + "]"
}

// Shift moves edits by the bytes that stand before the value that they are for.
func Shift(edits []wire.Edit, by int) []wire.Edit {
	for i := range edits {
		edits[i].Span.Start += by
		edits[i].Span.End += by
	}
	return edits
}

// Rewritten is a request of the client's with what was looked at, the parameter of
// that name, as the edits leave it; it reports false if nothing is to be changed.
// Arguments that would still do harm then are not rewritten, and what was found in
// them cannot be filtered any more.
func (s *Seen) Rewritten(m *wire.Message, name string) (wire.Message, bool) {
	span, found := m.ParamSpan(name)
	edits, ok := s.Edits()
	if !found || !ok || len(edits) == 0 {
		return wire.Message{}, false
	}
	args := wire.Splice(nil, s.raw, edits...)
	decoded, _ := wire.Decode(args)
	object, _ := decoded.(map[string]any)
	quick := &Guard{screen: s.guard.screen, secrets: s.guard.secrets}
	if quick.Arguments(context.Background(), s.table, s.subject, Args{Raw: args, Decoded: object, Plan: s.plan}).Action <= handling.Filter {
		for i := range s.Found {
			s.Found[i].Fixed = true
		}
		s.Verdict = s.table.Judge(s.subject, s.Found)
		return wire.Message{}, false
	}
	raw := wire.Splice(nil, m.Raw, wire.Edit{Span: span, With: args})
	out, fault := wire.ParseFaithful(raw, wire.Bounds{Message: len(raw)})
	if fault != nil { // the same message with other texts in it
		panic("rewriting arguments: " + fault.Error())
	}
	return out, true
}
