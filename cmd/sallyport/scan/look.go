package scan

import (
	"sallyport/policy/handling"
	"sallyport/proxy/guard"
	"sallyport/proxy/show"
)

// Finding is one thing that was found, as it is written.
type Finding struct {
	Family string `json:"family"`
	Rule   string `json:"rule"`
	Start  int    `json:"start"` // bytes of the text
	End    int    `json:"end"`
	Shown  string `json:"decoded,omitempty"`

	action handling.Action // what is done about this one
	words  string          // what was found, fit to be shown and without secrets
}

// Result is what was found in one text.
type Result struct {
	ID       string    `json:"id"`
	Action   string    `json:"action"` // pass, log, filter or refuse
	Score    float64   `json:"score"`
	Findings []Finding `json:"findings"`

	action handling.Action
}

// Look screens one text as calls, definitions and results are screened where the
// policy says nothing else.
func Look(g *guard.Guard, text string, p handling.Place) Result {
	seen := g.Text(nil, handling.Subject{Place: p}, text)
	r := Result{Action: word(seen.Action), Score: seen.Score(), Findings: []Finding{}, action: seen.Action}
	for i, f := range seen.Found {
		one := Finding{Family: f.Family, Rule: f.Rule, Start: f.Start, End: f.End, Shown: f.Decoded, action: seen.Each[i]}
		switch {
		case f.Decoded != "":
			one.words = show.Line(f.Decoded, 160)
		case f.Family == "secret":
			one.words = "[REDACTED]"
		default:
			one.words = show.Line(g.Redact(text[f.Start:f.End]), 160)
		}
		r.Findings = append(r.Findings, one)
	}
	return r
}

// word is an action's name; nothing at all is called pass.
func word(a handling.Action) string {
	if a == handling.Off {
		return "pass"
	}
	return a.String()
}

// aboveLog says whether something is to be done beyond a line in the log.
func aboveLog(a handling.Action) bool { return a < handling.Log }
