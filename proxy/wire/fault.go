package wire

import (
	"cmp"
	"fmt"
	"strconv"
)

// Bounds limit one message. A field that is zero or negative means its default,
// never "unlimited".
type Bounds struct {
	Message  int // bytes of one message; default 16 MiB
	Depth    int // nested objects and arrays, the message itself included; default 512, at most 10,000
	Number   int // bytes of one number literal; default 512
	Exponent int // largest absolute exponent written in a number; default 1000, at most 2^30
}

// DefaultBounds returns the bounds that a zero [Bounds] stands for.
func DefaultBounds() Bounds {
	return Bounds{Message: 16 << 20, Depth: 512, Number: 512, Exponent: 1000}
}

// mostDepth is where encoding/json and jsontext give up as well.
const mostDepth = 10_000

// maxName bounds an id and a method, in bytes: both are echoed, logged and kept
// in tables, so neither may be as long as a message.
const maxName = 1024

func (b Bounds) orDefault() Bounds {
	d := DefaultBounds()
	return Bounds{
		Message:  cmp.Or(max(b.Message, 0), d.Message),
		Depth:    min(cmp.Or(max(b.Depth, 0), d.Depth), mostDepth),
		Number:   cmp.Or(max(b.Number, 0), d.Number),
		Exponent: min(cmp.Or(max(b.Exponent, 0), d.Exponent), 1<<30),
	}
}

// Reason says why a message was refused. The set is closed and the words are
// stable: they may be logged and counted.
type Reason string

// The reasons of a [Fault].
const (
	InvalidJSON      Reason = "invalid_json"
	BadUTF8          Reason = "bad_utf8"
	LoneSurrogate    Reason = "lone_surrogate"
	TrailingData     Reason = "trailing_data"
	NotAnObject      Reason = "not_an_object"
	Batch            Reason = "batch"
	MessageTooLong   Reason = "message_too_long"
	TooDeep          Reason = "too_deep"
	NumberTooLong    Reason = "number_too_long"
	ExponentTooLarge Reason = "exponent_too_large"
	DuplicateKey     Reason = "duplicate_key"
	CaseCollision    Reason = "case_collision"
	BadEnvelope      Reason = "bad_envelope"
	BadID            Reason = "bad_id"
)

// JSON-RPC 2.0 error codes that a [Fault] carries.
const (
	ParseError     = -32700
	InvalidRequest = -32600
)

// A Fault says why bytes are not a message. Its texts are short, printable and
// safe to send back: they show at most two pieces of 48 bytes of the input.
type Fault struct {
	Code   int    // ParseError or InvalidRequest
	Reason Reason // stable code
	Detail string // a sentence for people
	Offset int    // byte in the input where it was noticed
	ID     ID     // id of the faulty message if it was found unambiguously, else absent
}

func (f *Fault) Error() string {
	return fmt.Sprintf("%s: %s (byte %d)", f.Reason, f.Detail, f.Offset)
}

func newFault(r Reason, offset int, detail string) *Fault {
	f := &Fault{Code: InvalidRequest, Reason: r, Detail: detail, Offset: offset}
	switch r {
	case InvalidJSON, BadUTF8, LoneSurrogate, TrailingData:
		f.Code = ParseError
	}
	return f
}

// quoted makes a piece of input safe to show.
func quoted[T string | []byte](s T) string {
	const most = 48
	if len(s) <= most {
		return strconv.QuoteToASCII(string(s))
	}
	return strconv.QuoteToASCII(string(s[:most])) + "…"
}
