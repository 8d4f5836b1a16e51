package approval

import (
	"time"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/proxy/approval/form"
	"sallyport/proxy/show"
)

// Key is what an answer is bound to. Two calls share an answer only if their
// keys are equal.
type Key struct {
	Principal, Role, Server, Method, Tool string
	// Arguments is the digest of all that the person is shown of the request
	// and that goes on to the server.
	Arguments [32]byte
	// Definition is the digest of the tool as its server defined it; zero if it
	// lists no such tool.
	Definition [32]byte
	Policy     string // digest
	Asker      string // the tier and the line of the policy that asks
}

// differs names the first part in which a call is not the one that was
// approved; empty if it is.
func (k Key) differs(now Key) string {
	switch {
	case k.Policy != now.Policy:
		return "the policy"
	case k.Definition != now.Definition:
		return "the tool's definition"
	case k.Arguments != now.Arguments:
		return "the arguments"
	case k.Principal != now.Principal || k.Role != now.Role:
		return "the caller"
	case k != now:
		return "the call"
	}
	return ""
}

// Subject is what a question is about.
type Subject struct {
	Key
	Session, Call, Agent, Trace string
	Decision                    policy.Decision // which needs a person
	Params                      []byte          // the arguments, raw JSON; nil if there are none
	Also                        []byte          // other members that go on to the server, a raw object; nil if there are none
}

// Terms are those of the policy.
func (s *Subject) Terms() *policy.Terms { return s.Decision.Terms() }

func (s *Subject) offer() form.Offer {
	t := s.Terms()
	return form.Offer{Remember: t.Remember, Any: t.Widen == "tool"}
}

// question is what a person is shown.
func (s *Subject) question(approvals int) show.Question {
	d := s.Decision
	return show.Question{Role: s.Role, Agent: s.Agent, Server: s.Server, Tool: s.Tool, Tier: d.Tier().String(),
		TierBy: d.TierRule(), TierAt: d.TierAt(), Rule: d.Rule(), RuleAt: d.At(), Message: d.Note(),
		Arguments: s.Params, Also: s.Also, Quorum: s.Terms().Quorum, Approvals: approvals}
}

// event is the beginning of every record about the subject.
func (s *Subject) event(code, status string) audit.Event {
	d := s.Decision
	return audit.Event{Type: audit.TypeNotice, Code: code, ApprovalStatus: status, Agent: s.Agent, Session: s.Session, Call: s.Call,
		Method: s.Method, Server: s.Server, Tool: s.Tool, Role: s.Role, Risk: audit.Risk(d.Tier().String()),
		Rule: d.Rule(), RuleAt: d.At(), Policy: s.Policy, Trace: s.Trace}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// The channels. A webhook's is "webhook/" and its name.
const (
	Elicitation = "elicitation"
	Web         = "web"
	CommandLine = "command_line"
)

// What approval_status says in the log.
const (
	StatusAsked      = "asked"
	StatusApproved   = "approved"
	StatusRemembered = "remembered"
	StatusDeclined   = "declined"
	StatusCancelled  = "cancelled"
	StatusUnanswered = "unanswered"
	StatusInvalid    = "invalid"
	StatusWithdrawn  = "withdrawn"
	StatusVoid       = "void"
	StatusForged     = "forged"
	StatusExpired    = "expired"
	StatusReplayed   = "replayed"
	StatusMismatch   = "mismatch"
	StatusDeskFull   = "desk_full"
	StatusRevoked    = "revoked"
	StatusNobody     = "nobody_to_ask"
	StatusUnrecorded = "unrecorded"
)
