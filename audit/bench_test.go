package audit

import (
	"sync"
	"testing"
)

func BenchmarkDecided(b *testing.B) {
	for _, tier := range []Risk{RiskRead, RiskModify} {
		b.Run(string(tier), func(b *testing.B) {
			l := newLog(b, Options{})
			r := testRecord()
			r.Risk = tier
			b.ReportAllocs()
			for b.Loop() {
				if _, err := l.Decided(r); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(string(tier)+"-64-callers", func(b *testing.B) {
			l := newLog(b, Options{})
			r := testRecord()
			r.Risk = tier
			b.ReportAllocs()
			jobs := make(chan struct{}, 64)
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() {
					for range jobs {
						for range 10 {
							if _, err := l.Decided(r); err != nil {
								b.Error(err)
								return
							}
						}
					}
				})
			}
			n := 0
			for b.Loop() {
				if n++; n%10 == 0 {
					jobs <- struct{}{}
				}
			}
			close(jobs)
			wg.Wait()
		})
	}
}

// BenchmarkCall is a whole call: decided, spent, done.
func BenchmarkCall(b *testing.B) {
	l := newLog(b, Options{})
	r := testRecord()
	r.Digest = Digest(r.Params)
	bound := Binding{Server: r.Server, Method: r.Method, Name: r.Tool, Digest: r.Digest}
	result := []byte(`{"content":[{"type":"text","text":"NAME READY STATUS RESTARTS AGE"}]}`)
	b.ReportAllocs()
	for b.Loop() {
		t, err := l.Decided(r)
		if err != nil {
			b.Fatal(err)
		}
		if err := t.Spend(bound); err != nil {
			b.Fatal(err)
		}
		if err := t.Done(Outcome{Result: result, Tokens: 12}); err != nil {
			b.Fatal(err)
		}
	}
}
