package wire

// Span is a range of bytes of some text, [Start, End).
type Span struct{ Start, End int }

// Of returns the bytes of raw that the span covers.
func (s Span) Of(raw []byte) []byte { return raw[s.Start:s.End:s.End] }

func (s Span) shift(n int) Span { return Span{s.Start + n, s.End + n} }

// An Edit replaces the bytes of a span. An empty span inserts.
type Edit struct {
	Span Span
	With []byte
}

// Splice appends raw to dst with the edits made; every byte outside of their
// spans stays as it was. Edits must be sorted, within raw and not overlap; if
// not, Splice panics.
func Splice(dst, raw []byte, edits ...Edit) []byte {
	done := 0
	for _, e := range edits {
		dst = append(dst, raw[done:e.Span.Start]...)
		dst = append(dst, e.With...)
		done = e.Span.End
	}
	return append(dst, raw[done:]...)
}
