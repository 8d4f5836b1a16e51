package limit

import (
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// spent takes from the budget and returns why it was refused, nil if it was
// not. An admitted call stays in flight.
func spent(t *testing.T, b *Budget, tokens int) *Spent {
	t.Helper()
	_, err := b.Take(tokens)
	if err == nil {
		return nil
	}
	var s *Spent
	if !errors.As(err, &s) {
		t.Fatalf("Take: %v is not a *Spent", err)
	}
	return s
}

// TestTake asks each budget several times at one instant. Every control has a
// case that passes only while it is there.
func TestTake(t *testing.T) {
	for _, tc := range []struct {
		name   string
		limits Limits
		ask    []int
		want   []*Spent
		used   Usage
	}{
		{"no limits", Limits{}, []int{1, math.MaxInt}, []*Spent{nil, nil}, Usage{2, math.MaxInt64, 2}},
		{"calls", Limits{Calls: 2}, []int{1, 1, 1},
			[]*Spent{nil, nil, {Kind: Calls, Limit: 2, Used: 2}}, Usage{2, 2, 2}},
		{"tokens to the last one", Limits{Tokens: 10}, []int{4, 7, 6, 0},
			[]*Spent{nil, {Kind: Tokens, Limit: 10, Used: 4}, nil, {Kind: Tokens, Limit: 10, Used: 10}}, Usage{2, 10, 2}},
		{"tokens do not overflow", Limits{Tokens: math.MaxInt64}, []int{math.MaxInt, 1},
			[]*Spent{nil, {Kind: Tokens, Limit: math.MaxInt64, Used: math.MaxInt64}}, Usage{1, math.MaxInt64, 1}},
		{"negative tokens give nothing back", Limits{Tokens: 10}, []int{5, -5, 6},
			[]*Spent{nil, nil, {Kind: Tokens, Limit: 10, Used: 5}}, Usage{2, 5, 2}},
		{"concurrent", Limits{Concurrent: 1}, []int{1, 1},
			[]*Spent{nil, {Kind: Concurrent, Limit: 1, Used: 1}}, Usage{1, 1, 1}},
		{"rate", Limits{Rate: 2, Burst: 1}, []int{0, 0},
			[]*Spent{nil, {Kind: Rate, Limit: 1, Used: 1, Retry: 500 * time.Millisecond}}, Usage{1, 0, 1}},
		{"burst is the rate rounded up", Limits{Rate: 1.5}, []int{0, 0, 0},
			[]*Spent{nil, nil, {Kind: Rate, Limit: 2, Used: 2, Retry: 666666667}}, Usage{2, 0, 2}},
		{"a rate of almost nothing", Limits{Rate: 1e-300}, []int{0, 0},
			[]*Spent{nil, {Kind: Rate, Limit: 1, Used: 1, Retry: math.MaxInt64}}, Usage{1, 0, 1}},
		{"an endless rate", Limits{Rate: math.Inf(1)}, []int{0, 0}, []*Spent{nil, nil}, Usage{2, 0, 2}},
		{"a negative limit refuses", Limits{Calls: -1}, []int{0}, []*Spent{{Kind: Calls}}, Usage{}},
		{"a rate that is no number refuses", Limits{Rate: math.NaN()}, []int{0}, []*Spent{{Kind: Calls}}, Usage{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := NewBudget(tc.limits)
				var got []*Spent
				for _, tokens := range tc.ask {
					got = append(got, spent(t, b, tokens))
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("Take (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tc.used, b.Used()); diff != "" {
					t.Errorf("Used (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestZeroRefuses(t *testing.T) {
	var zero Budget
	for _, b := range []*Budget{nil, {}, &zero} {
		if spent(t, b, 0) == nil {
			t.Error("a budget that nobody made let a call in")
		}
	}
	var l *Lease
	l.Charge(1)
	l.Release()
	(&Lease{}).Charge(1)
	(&Lease{}).Release()
}

// TestRefusedTakeConsumesNothing spends nothing of any kind on a call that
// another kind of limit refused.
func TestRefusedTakeConsumesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(Limits{Calls: 5, Tokens: 100, Concurrent: 1, Rate: 1, Burst: 2})
		lease, err := b.Take(10)
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			if s := spent(t, b, 10); s == nil || s.Kind != Concurrent {
				t.Fatalf("Take = %v, want concurrent", s)
			}
			if s := spent(t, b, 1000); s == nil || s.Kind != Tokens {
				t.Fatalf("Take = %v, want tokens", s)
			}
		}
		lease.Release()
		// The burst still has one, and asking too early does not put it off.
		if s := spent(t, b, 10); s != nil {
			t.Fatalf("Take = %v, want a call", s)
		}
		want := Usage{Calls: 2, Tokens: 20, Concurrent: 1}
		if diff := cmp.Diff(want, b.Used()); diff != "" {
			t.Errorf("Used (-want +got):\n%s", diff)
		}
	})
}

func TestRateComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(Limits{Rate: 4, Burst: 1})
		for range 20 {
			if s := spent(t, b, 0); s != nil {
				t.Fatalf("Take = %v, want a call", s)
			}
			s := spent(t, b, 0)
			if s == nil || s.Retry <= 0 {
				t.Fatalf("Take = %v, want a time to retry", s)
			}
			time.Sleep(s.Retry - time.Millisecond)
			if s := spent(t, b, 0); s == nil {
				t.Fatal("a call came before its time")
			}
			time.Sleep(time.Millisecond)
		}
	})
}

func TestLease(t *testing.T) {
	b := NewBudget(Limits{Tokens: 100, Concurrent: 1})
	lease, err := b.Take(10)
	if err != nil {
		t.Fatal(err)
	}
	lease.Charge(20)
	lease.Charge(-500)
	lease.Release()
	lease.Release()
	lease.Charge(100) // a late result still counts
	if diff := cmp.Diff(Usage{Calls: 1, Tokens: 130}, b.Used()); diff != "" {
		t.Errorf("Used (-want +got):\n%s", diff)
	}
	want := &Spent{Kind: Tokens, Limit: 100, Used: 130}
	if diff := cmp.Diff(want, spent(t, b, 0)); diff != "" {
		t.Errorf("Take (-want +got):\n%s", diff)
	}
	lease.Charge(math.MaxInt)
	if got := b.Used().Tokens; got != math.MaxInt64 {
		t.Errorf("Used = %d tokens, want the largest number", got)
	}
}

// TestNeverMore lets many callers run at random and holds at every moment that
// no more are in flight, and in the end that no more got in, than the limits
// say.
func TestNeverMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers, calls, concurrent, tokens = 64, 300, 7, 2000
		b := NewBudget(Limits{Calls: calls, Concurrent: concurrent, Tokens: tokens, Rate: 500, Burst: 9})
		var flying, admitted, paid atomic.Int64
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(i), 9))
				for range 40 {
					n := r.IntN(12)
					lease, err := b.Take(n)
					if err == nil {
						admitted.Add(1)
						paid.Add(int64(n))
						if now := flying.Add(1); now > concurrent {
							t.Errorf("%d in flight, want at most %d", now, concurrent)
						}
					}
					time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
					if err == nil {
						flying.Add(-1)
						lease.Release()
						lease.Release()
					}
				}
			})
		}
		wg.Wait()
		if n := admitted.Load(); n > calls || n == 0 {
			t.Errorf("%d calls, want some and at most %d", n, calls)
		}
		if n := paid.Load(); n > tokens {
			t.Errorf("%d tokens, want at most %d", n, tokens)
		}
		want := Usage{Calls: admitted.Load(), Tokens: paid.Load()}
		if diff := cmp.Diff(want, b.Used()); diff != "" {
			t.Errorf("Used (-want +got):\n%s", diff)
		}
	})
}

func BenchmarkTake(b *testing.B) {
	budget := NewBudget(Limits{Calls: math.MaxInt64, Tokens: math.MaxInt64, Concurrent: 10, Rate: 1e12})
	b.ReportAllocs()
	for b.Loop() {
		lease, err := budget.Take(10)
		if err != nil {
			b.Fatal(err)
		}
		lease.Charge(10)
		lease.Release()
	}
}

// TestCheck: what Take would refuse is refused before anybody is asked, and
// nothing is taken by that.
func TestCheck(t *testing.T) {
	b := NewBudget(Limits{Calls: 2, Tokens: 100, Concurrent: 1})
	for range 5 {
		if err := b.Check(10); err != nil {
			t.Fatalf("nothing is used yet: %v", err)
		}
	}
	if err := b.Check(101); err == nil {
		t.Error("more tokens than there are pass")
	}
	lease, err := b.Take(10)
	if err != nil {
		t.Fatal(err)
	}
	var spent *Spent
	if err := b.Check(10); !errors.As(err, &spent) || spent.Kind != Concurrent {
		t.Errorf("while one is in flight: %v", err)
	}
	lease.Release()
	if lease, err = b.Take(10); err != nil {
		t.Fatal(err)
	}
	lease.Release()
	if err := b.Check(10); !errors.As(err, &spent) || spent.Kind != Calls {
		t.Errorf("after two of two calls: %v", err)
	}
	if (*Budget)(nil).Check(1) == nil || NewBudget(Limits{Calls: -1}).Check(1) == nil {
		t.Error("no budget, or one that makes no sense, lets pass")
	}
}
