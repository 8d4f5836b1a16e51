// Package limit counts what a role may still use, and estimates tokens.
//
// # Why
//
// A runaway agent is stopped by arithmetic, not by judgement: calls, tokens,
// rate and calls in flight are counted under one mutex, and a call is let in
// only if all four still have room. Nothing here waits. A caller that is
// refused learns what ran out and, where time alone mends it, when to return.
package limit

import (
	"fmt"
	"math"
	"sync"
	"time"

	"sallyport/policy"
	"sallyport/policy/reason"

	"golang.org/x/time/rate"
)

// Limits is what one role may use. Zero means no limit of that kind. A
// negative figure, or a rate that is not a number, refuses every call.
type Limits struct {
	Calls      int64   // calls in all
	Tokens     int64   // tokens in all, over arguments and results
	Rate       float64 // calls per second
	Burst      int     // calls at once within Rate; 0 means Rate rounded up
	Concurrent int     // calls in flight
}

// Kind names what ran out.
type Kind string

// The kinds of limit, in the order in which [Budget.Take] checks them.
const (
	Calls      Kind = "calls"
	Tokens     Kind = "tokens"
	Concurrent Kind = "concurrent"
	Rate       Kind = "rate"
)

// Spent says which limit refused a call. For [Rate], Limit is the burst and
// Used is what is taken of it. Retry is above zero only where waiting helps
// by itself, which is for [Rate] alone.
type Spent struct {
	Kind        Kind
	Limit, Used int64
	Retry       time.Duration
}

func (e *Spent) Error() string {
	switch e.Kind {
	case Rate:
		return fmt.Sprintf("too many calls per second, retry in %v", e.Retry)
	case Concurrent:
		return fmt.Sprintf("too many calls in flight (%d of %d)", e.Used, e.Limit)
	default:
		return fmt.Sprintf("the budget of %s is spent (%d of %d)", e.Kind, e.Used, e.Limit)
	}
}

// Usage is what a budget has given out so far.
type Usage struct {
	Calls, Tokens int64
	Concurrent    int // leases not yet released
}

// Budget counts one role's use. It is safe for concurrent use. The zero
// Budget, and a nil one, refuse everything: make one with [NewBudget].
type Budget struct {
	limits Limits
	valid  bool
	pace   *rate.Limiter // nil: no limit of rate

	mu   sync.Mutex
	used Usage // guarded by mu
}

// NewBudget makes a full budget.
func NewBudget(l Limits) *Budget {
	b := &Budget{limits: l}
	b.valid = l.Calls >= 0 && l.Tokens >= 0 && l.Rate >= 0 && l.Burst >= 0 && l.Concurrent >= 0
	if b.valid && l.Rate > 0 && !math.IsInf(l.Rate, 1) {
		if b.limits.Burst == 0 {
			b.limits.Burst = int(min(math.Ceil(l.Rate), math.MaxInt32))
		}
		b.pace = rate.NewLimiter(rate.Limit(l.Rate), b.limits.Burst)
	}
	return b
}

// Take admits one call whose arguments are that many tokens, or refuses it
// with a [*Spent]. A refused Take consumes nothing. Tokens below zero count as
// none. An admitted call and its tokens stay spent whatever becomes of it; the
// lease gives back only the place among the calls in flight.
func (b *Budget) Take(tokens int) (*Lease, error) {
	if b == nil || !b.valid {
		return nil, &Spent{Kind: Calls}
	}
	n := int64(max(tokens, 0))
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.left(n); err != nil {
		return nil, err
	}
	// The rate comes last: it is the one check that consumes.
	if err := b.tick(time.Now()); err != nil {
		return nil, err
	}
	b.used.Calls++
	b.used.Concurrent++
	b.used.Tokens = saturate(b.used.Tokens, n)
	return &Lease{budget: b, held: true}, nil
}

// Check tells what Take would refuse for, other than the rate, and takes nothing:
// a person is not asked about a call that could not be made.
func (b *Budget) Check(tokens int) error {
	if b == nil || !b.valid {
		return &Spent{Kind: Calls}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.left(int64(max(tokens, 0)))
}

func (b *Budget) left(n int64) error {
	l, u := b.limits, b.used
	switch {
	case l.Calls > 0 && u.Calls >= l.Calls:
		return &Spent{Kind: Calls, Limit: l.Calls, Used: u.Calls}
	case l.Tokens > 0 && n > l.Tokens-u.Tokens, l.Tokens > 0 && u.Tokens >= l.Tokens:
		return &Spent{Kind: Tokens, Limit: l.Tokens, Used: u.Tokens}
	case l.Concurrent > 0 && u.Concurrent >= l.Concurrent:
		return &Spent{Kind: Concurrent, Limit: int64(l.Concurrent), Used: int64(u.Concurrent)}
	}
	return nil
}

// tick consumes one call of the rate, or says when there will be one.
func (b *Budget) tick(now time.Time) error {
	if b.pace == nil || b.pace.AllowN(now, 1) {
		return nil
	}
	left := b.pace.TokensAt(now)
	wait := math.Ceil((1 - left) / b.limits.Rate * float64(time.Second))
	retry := time.Duration(math.MaxInt64)
	if wait < math.MaxInt64 {
		retry = max(time.Duration(wait), 1)
	}
	burst := int64(b.limits.Burst)
	return &Spent{Kind: Rate, Limit: burst, Used: burst - int64(max(left, 0)), Retry: retry}
}

// Used reports what has been given out.
func (b *Budget) Used() Usage {
	if b == nil {
		return Usage{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// Lease is one admitted call. It is safe for concurrent use, and a nil or zero
// lease does nothing.
type Lease struct {
	budget *Budget
	held   bool // guarded by budget.mu
}

// Charge adds the tokens of a result. It may be called often, also after
// Release, and may take the budget past its limit: the next Take then refuses.
// Tokens below zero count as none, so nothing can be handed back.
func (l *Lease) Charge(tokens int) {
	if l != nil {
		l.budget.Charge(tokens)
	}
}

// Charge adds tokens that belong to no call under way, such as those of a task's
// result that is fetched later.
func (b *Budget) Charge(tokens int) {
	if b == nil || tokens <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used.Tokens = saturate(b.used.Tokens, int64(tokens))
}

// Release ends the call's place among those in flight. Only the first Release
// counts.
func (l *Lease) Release() {
	if l == nil || l.budget == nil {
		return
	}
	l.budget.mu.Lock()
	defer l.budget.mu.Unlock()
	if l.held {
		l.held = false
		l.budget.used.Concurrent--
	}
}

// saturate adds two counts that are not negative and stops at the largest, so
// that a sum never wraps round to an empty budget.
func saturate(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// Code is the reason as the policy knows it.
func (s *Spent) Code() policy.Code {
	switch s.Kind {
	case Calls:
		return reason.LimitCalls
	case Tokens:
		return reason.LimitTokens
	case Rate:
		return reason.LimitRate
	case Concurrent:
		return reason.LimitConcurrent
	}
	return reason.Internal
}

// Refuse narrows a decision by what a budget says.
func Refuse(d policy.Decision, err error) policy.Decision {
	if spent, ok := err.(*Spent); ok {
		return d.Refuse(spent.Code(), spent.Error())
	}
	return d.Refuse(reason.Internal, "")
}
