package lines

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

func BenchmarkReader(b *testing.B) {
	for _, n := range []int{100, 10_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(n) + 1)
			text := append(bytes.Repeat([]byte{'x'}, n), '\n')
			l := NewReader(&repeat{text: text}, 0)
			for b.Loop() {
				if line, err := l.Next(); err != nil || len(line) != n {
					b.Fatal(err)
				}
			}
		})
	}
}

// repeat is a reader of one text for ever.
type repeat struct {
	text []byte
	at   int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	return n, nil
}

func BenchmarkWriter(b *testing.B) {
	for _, n := range []int{100, 10_000, 1_000_000} {
		line := bytes.Repeat([]byte{'x'}, n)
		b.Run(fmt.Sprintf("one/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(n) + 1)
			o := NewWriter(io.Discard)
			for b.Loop() {
				if err := o.Send(line); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("many/100", func(b *testing.B) {
		b.ReportAllocs()
		o := NewWriter(io.Discard)
		line := bytes.Repeat([]byte{'x'}, 100)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				o.Send(line)
			}
		})
	})
}
