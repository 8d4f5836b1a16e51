package policy

import (
	"fmt"

	"sallyport/policy/reason"
)

// Code is the reason for a decision: a stable word from a closed set, written
// to the audit log and shown to the client.
type Code = reason.Code

type verdict uint8

const (
	refuse verdict = iota // the zero verdict refuses
	waits
	allow
)

// Decision is the answer to one Call. Its zero value refuses, and outside this
// package it can only be narrowed (Refuse) or, when it waits for a person,
// answered (Grant). Decisions are values: both return a new one.
type Decision struct {
	verdict verdict
	tier    Tier
	code    Code
	by      *source
	message string
	limits  *Limits
	tierBy  *source
	terms   *Terms
	note    string
}

// Allowed reports whether the call may go on now.
func (d Decision) Allowed() bool { return d.verdict == allow }

// NeedsPerson reports whether the call waits for a person: it is not allowed,
// and Grant would allow it.
func (d Decision) NeedsPerson() bool { return d.verdict == waits }

// Tier is the call's risk tier, never zero: what is not known is Delete.
func (d Decision) Tier() Tier { return d.tier.OrDelete() }

// Code is the reason, never empty: a zero Decision says Internal.
func (d Decision) Code() Code {
	if d.code == "" {
		return reason.Internal
	}
	return d.code
}

// Rule names the line of the policy that decided, such as `deny "*/shell_exec"`
// or `rule "only our namespaces"`; empty when no single line did.
func (d Decision) Rule() string {
	if d.by == nil {
		return ""
	}
	return d.by.Rule
}

// At is where Rule stands, as "file:line", or empty.
func (d Decision) At() string {
	if d.by == nil {
		return ""
	}
	return d.by.At
}

// TierRule names what decided the tier, such as `tool "kubectl_delete"`,
// `risk of server "x"` or `risk_if "much"`; empty for what is no tool.
func (d Decision) TierRule() string {
	if d.tierBy == nil {
		return ""
	}
	return d.tierBy.Rule
}

// TierAt is where TierRule stands, as "file:line", or empty.
func (d Decision) TierAt() string {
	if d.tierBy == nil {
		return ""
	}
	return d.tierBy.At
}

// Terms are those on which a person is asked: not nil exactly when NeedsPerson.
// They are shared and must not be changed.
func (d Decision) Terms() *Terms {
	if d.verdict != waits {
		return nil
	}
	return d.terms
}

// Note is the operator's own message of the rule that asks, or empty.
func (d Decision) Note() string {
	if d.verdict != waits {
		return ""
	}
	return d.note
}

// Message is a sentence for the agent: what was refused, why, and what could
// be done instead. It may quote the caller's own request, and nothing else
// that is private. It is empty when the call is allowed.
func (d Decision) Message() string {
	switch {
	case d.verdict == allow:
		return ""
	case d.message == "":
		return d.Code().Sentence()
	default:
		return d.message
	}
}

// Limits are the role's limits; the zero Limits for an unknown role.
func (d Decision) Limits() Limits {
	if d.limits == nil {
		return Limits{}
	}
	return *d.limits
}

// Refuse narrows d to a refusal for the given reason; an empty message means
// the code's own sentence. A decision that refuses already keeps its first
// reason; one that was allowed is not any more by the line that allowed it. A code that is no reason to refuse becomes Internal.
func (d Decision) Refuse(code Code, message string) Decision {
	if d.verdict == refuse && d.code != "" {
		return d
	}
	if code.Sentence() == "" {
		code, message = reason.Internal, ""
	}
	if d.verdict == allow {
		d.by = nil
	}
	d.verdict, d.code, d.message = refuse, code, message
	return d
}

// Grant is a person's yes: it allows a decision that needs a person and
// returns any other unchanged.
func (d Decision) Grant() Decision {
	if d.verdict != waits {
		return d
	}
	d.verdict, d.code, d.message = allow, reason.Allowed, ""
	return d
}

func (d Decision) allow(by *source) Decision {
	d.verdict, d.code, d.by, d.message = allow, reason.Allowed, by, ""
	return d
}

func (d Decision) ask(by *source, why string, terms *Terms) Decision {
	d.verdict, d.code, d.by, d.terms = waits, reason.NeedsPerson, by, terms
	d.message = why + ": this needs a person"
	return d
}

// untold refuses because of a condition that has no answer.
func (d Decision) untold(by *source, err error) Decision {
	return d.refuse(reason.RuleError, by, "%s could not be evaluated for these arguments: %v", by.Rule, err)
}

func (d Decision) refuse(code Code, by *source, format string, a ...any) Decision {
	d.verdict, d.code, d.by = refuse, code, by
	d.message = fmt.Sprintf(format, a...)
	return d
}
