package show

import (
	"fmt"
	"strings"
)

// Question is all that is said of one call.
type Question struct {
	Role, Agent, Server, Tool string // Agent is what the client calls itself
	Tier, TierBy, TierAt      string // why it has the tier; the latter two may be empty
	Rule, RuleAt              string // what asks; may be empty, or the same as TierBy
	Message                   string // the operator's own words
	Arguments                 []byte // raw JSON; nil if there are none
	Also                      []byte // other members that go on to the server, a raw object; nil if there are none
	Quorum, Approvals         int    // how many must approve, and how many did
}

// The first line of a question, and its last.
const (
	Opening = "sallyport asks: may this call be made?"
	closing = "    End of the question."
	gutter  = "    │ "
)

// Field is one line of a question: a label, and what is said there.
type Field struct{ Label, Text string }

const maxField = 200

// Fields are the lines above the arguments, fit to show.
func (q Question) Fields() []Field {
	var all []Field
	add := func(label, text string) {
		if text != "" {
			all = append(all, Field{label, text})
		}
	}
	add("Role", Line(q.Role, maxField))
	if q.Agent != "" {
		add("Client", Line(q.Agent, maxField)+" (as it calls itself)")
	}
	add("Server", Line(q.Server, maxField))
	add("Tool", Line(q.Tool, maxField))
	add("Tier", Line(q.Tier, maxField)+because(q.TierBy, q.TierAt))
	if q.Rule != q.TierBy {
		add("Asked by", Line(q.Rule, maxField)+at(q.RuleAt))
	}
	add("Policy says", Line(q.Message, maxField))
	if q.Quorum > 1 {
		add("Approvals", fmt.Sprintf("%d of %d different people", q.Approvals, q.Quorum))
	}
	return all
}

func because(by, where string) string {
	if by == "" {
		return ""
	}
	return ", by " + Line(by, maxField) + at(where)
}

func at(where string) string {
	if where == "" {
		return ""
	}
	return " at " + Line(where, maxField)
}

// Size says how large raw JSON is, and the beginning of its digest.
func Size(raw []byte) string {
	if raw == nil {
		return "none"
	}
	return fmt.Sprintf("%d bytes, SHA-256 %s…", len(raw), Digest(string(raw))[:12])
}

// Text is the question in plain text, fit for a form, a terminal or a chat.
func (q Question) Text(l Limits) string {
	var b strings.Builder
	b.WriteString(Opening + "\n\n")
	line := func(label, text string) { fmt.Fprintf(&b, "    %-12s %s\n", label, text) }
	for _, f := range q.Fields() {
		line(f.Label, f.Text)
	}
	part := func(label string, raw []byte) {
		line(label, Size(raw))
		for _, text := range JSON(raw, l) {
			b.WriteString(gutter + text + "\n")
		}
	}
	part("Arguments", q.Arguments)
	if q.Also != nil {
		part("Also sent", q.Also)
	}
	b.WriteString(closing)
	return b.String()
}
