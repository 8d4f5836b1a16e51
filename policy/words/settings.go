package words

import (
	"math"
	"regexp"
	"time"
)

// Wire bounds the messages that are read at all.
type Wire struct {
	MaxMessage int64 // bytes
	MaxDepth   int   // nested arrays and objects
}

// Limits of one role. A zero field is no limit of that kind, and is dangerous
// for exactly that reason; Timeout and ResultSize are never zero in a loaded
// policy.
type Limits struct {
	Calls      int64         // calls in a session
	Tokens     int64         // tokens of arguments and results in a session
	Timeout    time.Duration // of one call, without the time a person takes
	Rate       float64       // calls per second
	Burst      int           // calls that may come at once; at least 1 when Rate is set
	Concurrent int           // calls in flight
	ResultSize int64         // bytes of one result
}

const (
	defaultMaxMessage = 16 << 20
	defaultMaxDepth   = 512
	defaultTimeout    = 120 * time.Second
)

// Wire reads a block that may be absent.
func (r *Reader) Wire(b *WireBlock) Wire {
	if b == nil {
		b = &WireBlock{}
	}
	return Wire{
		MaxMessage: r.Size(b.MaxMessage, defaultMaxMessage, 1<<30),
		MaxDepth:   int(r.Count(b.MaxDepth, defaultMaxDepth, 10000)),
	}
}

var separatorShape = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,4}$`)

// Separator reads a block that may be absent.
func (r *Reader) Separator(b *NamesBlock) string {
	if b == nil || b.Separator == nil {
		return "__"
	}
	s := r.Text(b.Separator, "__")
	if !separatorShape.MatchString(s) {
		r.Mistake(b.Separator.Expr.Range(), "Unusable separator", "%q must be 1 to 4 of the characters A–Z a–z 0–9 _ . - so that all clients accept the names. The default is \"__\".", s)
	}
	return s
}

// Limits reads a block that may be absent. No result may be larger than a
// message.
func (r *Reader) Limits(b *LimitsBlock, wire Wire) Limits {
	if b == nil {
		b = &LimitsBlock{}
	}
	limits := Limits{
		Calls:      r.Count(b.Calls, 0, math.MaxInt32),
		Tokens:     r.Count(b.Tokens, 0, math.MaxInt64>>1),
		Timeout:    r.Duration(b.Timeout, defaultTimeout),
		Rate:       r.Rate(b.Rate),
		Burst:      int(r.Count(b.Burst, 0, 1_000_000)),
		Concurrent: int(r.Count(b.Concurrent, 0, 1_000_000)),
		ResultSize: r.Size(b.ResultSize, wire.MaxMessage, 1<<30),
	}
	if b.Burst != nil && b.Rate == nil {
		r.Mistake(b.Burst.Range, "burst without rate", "A burst has a meaning only beside a rate. Add rate = \"10/s\", or leave burst out.")
	}
	if limits.Rate > 0 && limits.Burst == 0 {
		limits.Burst = max(1, int(math.Ceil(limits.Rate)))
	}
	if b.ResultSize != nil && limits.ResultSize > wire.MaxMessage {
		r.Mistake(b.ResultSize.Expr.Range(), "result_size above max_message", "No message may be larger than wire.max_message (%d bytes). Lower this, or raise that.", wire.MaxMessage)
	}
	return limits
}
