package policy

import (
	"fmt"
)

// Code is the reason for a decision: a stable word from a closed set, written
// to the audit log and shown to the client.
type Code string

// The codes. A decision that has none is Internal.
const (
	Allowed             Code = "allowed"
	RoleUnknown         Code = "role_unknown"
	KindUnknown         Code = "kind_unknown"
	NotAllowed          Code = "not_allowed"
	Denied              Code = "denied"
	ToolUnknown         Code = "tool_unknown"
	Quarantined         Code = "quarantined"
	ArgumentsInvalid    Code = "arguments_invalid"
	ByRule              Code = "rule"
	RuleError           Code = "rule_error"
	NeedsPerson         Code = "needs_person"
	LimitCalls          Code = "limit_calls"
	LimitTokens         Code = "limit_tokens"
	LimitRate           Code = "limit_rate"
	LimitConcurrent     Code = "limit_concurrent"
	TimedOut            Code = "timeout"
	ResultTooLarge      Code = "result_too_large"
	UpstreamUnavailable Code = "upstream_unavailable"
	UpstreamBadAnswer   Code = "upstream_bad_answer"
	AuditFailed         Code = "audit_failed"
	Malformed           Code = "malformed"
	Cancelled           Code = "cancelled"
	AmbiguousURI        Code = "ambiguous_uri"
	MethodNotAllowed    Code = "method_not_allowed"
	Internal            Code = "internal"
)

// sentences are what an agent is told: what happened, what can be done
// instead, and nothing of the call.
var sentences = map[Code]string{
	RoleUnknown:         "the caller's role is not in the policy; the operator has to give the caller a role that is",
	KindUnknown:         "this kind of request is not one that the policy can judge",
	NotAllowed:          "this is not on the role's allow list; use something that is listed, or ask the operator to allow it",
	Denied:              "this is on the role's deny list; do not retry",
	ToolUnknown:         "the server lists no such tool; list the tools again and use one of those",
	Quarantined:         "the tool's definition was not accepted, so it cannot be called; the operator has to look at it",
	ArgumentsInvalid:    "the arguments do not fit the tool's input schema; correct them and call again",
	ByRule:              "a rule of the policy refuses these arguments",
	RuleError:           "a rule of the policy could not be evaluated for these arguments, so the call is refused",
	NeedsPerson:         "this needs a person; nobody can be asked yet",
	LimitCalls:          "the role's number of calls is used up",
	LimitTokens:         "the role's number of tokens is used up",
	LimitRate:           "too many calls in too short a time; wait and call again",
	LimitConcurrent:     "too many calls at the same time; wait for one to end and call again",
	TimedOut:            "the call took longer than the role's timeout; ask for less at a time",
	ResultTooLarge:      "the result is larger than the role may receive; ask for less at a time",
	UpstreamUnavailable: "the server behind this tool is not available; try again later",
	UpstreamBadAnswer:   "the server's answer was not acceptable and was dropped",
	AuditFailed:         "the audit log cannot be written, so nothing is let through; the operator has to repair it",
	Malformed:           "the request is malformed; correct it and send it again",
	Cancelled:           "the request was cancelled",
	AmbiguousURI:        "the URI can be read in more than one way (dot segments, encoded or doubled characters); write it plainly",
	MethodNotAllowed:    "this method is not one that the policy lets pass",
	Internal:            "an internal error; the call is refused",
}

// Sentence is what an agent is told when a decision has no message of its own;
// empty for Allowed and for a code outside the set.
func (c Code) Sentence() string { return sentences[c] }

type verdict uint8

const (
	refuse verdict = iota // the zero verdict refuses
	ask
	allow
)

// source is the line of the policy that decided, kept ready to print.
type source struct {
	rule string // for instance: allow "fs/*"
	at   string // file:line
}

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
}

// Allowed reports whether the call may go on now.
func (d Decision) Allowed() bool { return d.verdict == allow }

// NeedsPerson reports whether the call waits for a person: it is not allowed,
// and Grant would allow it.
func (d Decision) NeedsPerson() bool { return d.verdict == ask }

// Tier is the call's risk tier, never zero: what is not known is Delete.
func (d Decision) Tier() Tier { return d.tier.OrDelete() }

// Code is the reason, never empty: a zero Decision says Internal.
func (d Decision) Code() Code {
	if d.code == "" {
		return Internal
	}
	return d.code
}

// Rule names the line of the policy that decided, such as `deny "*/shell_exec"`
// or `rule "only our namespaces"`; empty when no single line did.
func (d Decision) Rule() string {
	if d.by == nil {
		return ""
	}
	return d.by.rule
}

// At is where Rule stands, as "file:line", or empty.
func (d Decision) At() string {
	if d.by == nil {
		return ""
	}
	return d.by.at
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
// reason. A code that is no reason to refuse becomes Internal.
func (d Decision) Refuse(code Code, message string) Decision {
	if d.verdict == refuse && d.code != "" {
		return d
	}
	if code.Sentence() == "" {
		code, message = Internal, ""
	}
	d.verdict, d.code, d.message = refuse, code, message
	return d
}

// Grant is a person's yes: it allows a decision that needs a person and
// returns any other unchanged.
func (d Decision) Grant() Decision {
	if d.verdict != ask {
		return d
	}
	d.verdict, d.code, d.message = allow, Allowed, ""
	return d
}

func (d Decision) allow(by *source) Decision {
	d.verdict, d.code, d.by, d.message = allow, Allowed, by, ""
	return d
}

func (d Decision) ask(by *source, why string) Decision {
	d.verdict, d.code, d.by = ask, NeedsPerson, by
	d.message = why + ": " + NeedsPerson.Sentence()
	return d
}

func (d Decision) refuse(code Code, by *source, format string, a ...any) Decision {
	d.verdict, d.code, d.by = refuse, code, by
	d.message = fmt.Sprintf(format, a...)
	return d
}
