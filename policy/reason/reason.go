// Package reason is the closed set of reasons for a decision, each with the one
// sentence that an agent is told: what happened, and what can be done instead.
package reason

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
	Screened            Code = "screened"
	ByRule              Code = "rule"
	RuleError           Code = "rule_error"
	NeedsPerson         Code = "needs_person"
	ApprovalDeclined    Code = "approval_declined"
	ApprovalCancelled   Code = "approval_cancelled"
	ApprovalUnanswered  Code = "approval_unanswered"
	ApprovalInvalid     Code = "approval_invalid"
	ApprovalVoid        Code = "approval_void"
	ApprovalForged      Code = "approval_forged"
	ApprovalExpired     Code = "approval_expired"
	ApprovalReplayed    Code = "approval_replayed"
	ApprovalMismatch    Code = "approval_mismatch"
	ApprovalDeskFull    Code = "approval_desk_full"
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
	Screened:            "the screen found something that is not let through; do without it, or ask the operator",
	ByRule:              "a rule of the policy refuses these arguments",
	RuleError:           "a rule of the policy could not be evaluated for these arguments, so the call is refused",
	NeedsPerson:         "this needs a person, and nobody could be asked; ask the operator to approve it another way or to change the policy",
	ApprovalDeclined:    "a person was asked and refused; do not retry",
	ApprovalCancelled:   "the person who was asked closed the question without an answer; call again only if it is still needed",
	ApprovalUnanswered:  "a person was asked and nobody answered in time; call again when somebody is there, or do without",
	ApprovalInvalid:     "the answer was not one of those that the question offered, so it does not count; call again to be asked anew",
	ApprovalVoid:        "the policy or the tool's definition changed between the question and the call, so the answer no longer counts; call again",
	ApprovalForged:      "the request state is not one that sallyport made for this call; call again without it",
	ApprovalExpired:     "the request state is too old; call again without it to be asked anew",
	ApprovalReplayed:    "the request state was used before, and counts once; call again without it to be asked anew",
	ApprovalMismatch:    "the request state belongs to another call, caller or policy; call again without it, and keep the arguments as they were asked about",
	ApprovalDeskFull:    "too many questions wait for a person already; wait until some are answered and call again",
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
