package show

import (
	"fmt"
	"strings"
)

// The frame of a question. A line begins with four spaces, which a client that
// renders Markdown shows as it stands.
const (
	opening = "sallyport asks: may this call be made?\n\n"
	closing = "    End of the question. What stands behind │ is the call's, not sallyport's.\n"

	margin = "    "
	gutter = margin + "│ "
	column = 12 // of labels

	mostName    = 120 // runes of a name
	mostMessage = 20  // lines of the operator's words

	screen      = 80 // columns of a narrow window
	fieldWidth  = screen - len(margin) - column
	valuesWidth = screen - len(margin) - 2 // the gutter takes two
)

// Question is all that is said of one call.
type Question struct {
	Role, Server, Tool string
	Agent              string // what the client calls itself; nobody verified it
	Tier               string // such as "delete"
	TierBy, TierAt     string // why: such as `tool "kubectl_delete"`, "policy.hcl:14"; may be empty
	Rule, RuleAt       string // the rule that asks, and where it stands; may be empty, or what says the tier
	Message            string // the operator's own words for the rule; may be empty
	Arguments          []byte // raw JSON of the arguments, nil if none
	Also               []byte // raw JSON object of other members of the request that go on to the server; nil if none
	Quorum, Approvals  int    // how many different people must approve, and how many did; shown if more than one must
}

// Text is the question in plain text, fit for an elicitation message, a
// terminal or a chat. The arguments, and what else is sent, stand behind a
// gutter; they change nothing outside of it but their own size and digest.
func (q Question) Text(l Limits) string {
	p := page{limits: l.orDefault()}
	p.WriteString(opening)
	for _, f := range q.fields(l.orDefault()) {
		p.field(f.Label, f.Text)
	}
	if q.Also != nil {
		p.values("Also sent", q.Also)
	}
	p.values("Arguments", q.Arguments)
	p.WriteString(closing)
	return p.String()
}

// Field is one line of what is said of a call: a label, and what stands there. A
// line that goes on from the one before has no label.
type Field struct{ Label, Text string }

// Fields are the lines above the arguments, each fit to show.
func (q Question) Fields() []Field { return q.fields(Limits{}.orDefault()) }

func (q Question) fields(l Limits) []Field {
	var all []Field
	add := func(label, text string) { all = append(all, Field{label, text}) }
	add("Role", name(q.Role))
	if q.Agent == "" {
		add("Client", "did not say what it is")
	} else {
		add("Client", name(q.Agent)+" (its own words, unverified)")
	}
	add("Server", name(q.Server))
	add("Tool", name(q.Tool))
	add("Tier", name(q.Tier)+reason(", by ", q.TierBy, q.TierAt))
	if q.Rule != "" && (q.Rule != q.TierBy || q.RuleAt != q.TierAt) {
		add("Asked by", reason("", q.Rule, q.RuleAt))
	}
	all = append(all, message(q.Message, l)...)
	if q.Quorum > 1 {
		add("Approvals", fmt.Sprintf("%d of %d (by different people)", q.Approvals, q.Quorum))
	}
	return all
}

// Size says how large raw JSON is, and the beginning of its SHA-256.
func Size(raw []byte) string {
	if len(raw) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d bytes, SHA-256 %s", len(raw), short(raw))
}

// name shows a name as it is if it is a plain one, and otherwise in quotes: its
// end must be seen.
func name(s string) string {
	plain := s != "" && len(s) <= mostName
	for _, c := range []byte(s) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		plain = plain && (letter || c >= '-' && c <= ':' || c == '_' || c == '@') // - . / digits :
	}
	if plain {
		return s
	}
	return quote(s, mostName)
}

// reason says what a policy says, and where.
func reason(lead, by, at string) (text string) {
	if by != "" {
		text = lead + Line(by, 2*mostName)
	}
	if at != "" {
		text += " at " + Line(at, 2*mostName)
	}
	return text
}

// page is what a question is written on.
type page struct {
	strings.Builder
	limits Limits
}

func (p *page) field(label, value string) {
	for _, line := range fold(value, fieldWidth) {
		fmt.Fprintf(p, "%s%-*s%s\n", margin, column, label, line)
		label = ""
	}
}

// message is the operator's words line by line.
func message(text string, l Limits) (all []Field) {
	label := "Message"
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		if i == mostMessage {
			return append(all, Field{"", fmt.Sprintf("%s%d lines⟩", gapMark, len(lines)-i)})
		}
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, Field{label, Line(line, l.Text)})
			label = ""
		}
	}
	return all
}

// values shows JSON behind the gutter, and its size and digest before.
func (p *page) values(label string, raw []byte) {
	if len(raw) == 0 {
		p.field(label, "none")
		return
	}
	lines := sheet{limits: p.limits, commas: true, width: valuesWidth}.lay(raw)
	p.field(label, Size(raw)+partly(lines))
	for _, line := range lines {
		p.WriteString(gutter + line + "\n")
	}
}

// partly says so if not all is shown. The marks cannot be imitated.
func partly(lines []string) string {
	for _, line := range lines {
		if strings.Contains(line, cutMark) || strings.Contains(line, gapMark) {
			return " (NOT ALL SHOWN)"
		}
	}
	return ""
}
