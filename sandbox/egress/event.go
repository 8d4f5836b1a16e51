package egress

import (
	"net/netip"
	"time"
)

// Event is what is reported of a connection. An Opened is followed by one Closed.
// What was refused, or could not be connected to, has a Closed alone.
type Event struct {
	Phase   Phase
	Allowed bool   // false if a rule of ours ended it
	Reason  Reason // why it was refused or ended before its time; empty if it went well
	Detail  string // of the reason, for the operator; what it quotes is escaped

	Method    string // as the client sent it; empty if there was no request to read
	Host      string // asked for; empty if the target could not be read
	Port      uint16
	Address   netip.Addr // connected to, or the one that was refused
	BytesUp   int64      // to the host
	BytesDown int64      // from it
	Duration  time.Duration
}

// Phase is where a connection is.
type Phase uint8

// The phases.
const (
	Closed Phase = iota
	Opened
)

func (p Phase) String() string {
	if p == Opened {
		return "opened"
	}
	return "closed"
}

// Reason is a code.
type Reason string

// Reasons of a refusal.
const (
	Malformed Reason = "malformed"  // not a request that is understood here
	TooLarge  Reason = "too_large"  // a head beyond its limit
	BadTarget Reason = "bad_target" // a target that is not written plainly
	NotListed Reason = "not_listed"
	BadToken  Reason = "token"     // missing or wrong
	Address   Reason = "address"   // the host is at an address that it may not have
	SNI       Reason = "sni"       // the TLS server name is another host's, or cannot be read
	NotTLS    Reason = "not_tls"   // something else on port 443
	TooMany   Reason = "too_many"  // connections
	TooSlow   Reason = "too_slow"  // head or ClientHello
	Internal  Reason = "internal"  // a fault of ours
	Stopped   Reason = "stopped"   // the proxy was closed
	Idle      Reason = "idle"      // nothing went either way for too long
	Broken    Reason = "broken"    // one side ended in the middle, or answered nonsense
	Unknown   Reason = "unknown"   // the name has no address
	NoAnswer  Reason = "no_answer" // no connection could be made
)

// refusal is an answer of ours in place of the host's.
type refusal struct {
	status int
	reason Reason
	detail string // the client reads it too, so it holds no address
	at     netip.Addr
}

// ours tells whether it is a rule that refused, and not the network.
func (r *refusal) ours() bool {
	switch r.reason {
	case Idle, Broken, Unknown, NoAnswer, Stopped:
		return false
	}
	return true
}
