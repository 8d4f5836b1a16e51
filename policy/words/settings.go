package words

import (
	"math"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
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

// Audit says where and how the log is written.
type Audit struct {
	File       string   // joined with the policy's folder
	SyncAlways bool     // false: only calls above tier read wait for the disk
	Redact     []string // member names (globs) or dotted paths, in lower case
	MaxBody    int      // bytes of one body that is written out
}

const defaultMaxBody = 8 << 10

// Audit reads a block that may be absent.
func (r *Reader) Audit(b *AuditBlock) Audit {
	if b == nil {
		b = &AuditBlock{}
	}
	a := Audit{File: r.Resolve(r.Text(b.File, "sallyport.audit.jsonl")),
		SyncAlways: r.Choice(b.Sync, "by_tier", "by_tier", "always") == "always", MaxBody: int(r.Size(b.MaxBody, defaultMaxBody, 1<<30))}
	if a.File == "" {
		r.Mistake(b.File.Expr.Range(), "Empty file name", "The audit log cannot be switched off. Name a file, or leave the line out.")
	}
	// The file adds to these names; it cannot take one away.
	a.Redact = []string{"password", "passwd", "passphrase", "authorization", "cookie", "set-cookie",
		"*secret*", "*token*", "*api_key*", "*apikey*", "*api-key*", "*private_key*", "*credential*"}
	for _, w := range r.List(b.Redact) {
		if w.Text == "" || utf8.RuneCountInString(w.Text) > r.Longest {
			r.Mistake(w.Range, "Unusable name", "Name a member such as \"password\", \"*token*\" or \"headers.authorization\".")
		}
		a.Redact = append(a.Redact, strings.ToLower(w.Text))
	}
	return a
}
