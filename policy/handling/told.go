package handling

import (
	"fmt"
	"strconv"
	"strings"
)

// Source is where the verdict comes from: a block of the policy, or the screen
// itself.
func (v Verdict) Source() Source {
	if v.By == nil {
		return Source{Rule: "screen"}
	}
	return *v.By
}

// Refusal tells the caller what was found, where, and what can be done. It quotes
// nothing of the text, nor anything in its place that could be read as a sentence.
func (v Verdict) Refusal(p Place, found []Finding) string {
	remedy := "leave it out, or ask the operator to allow it"
	switch {
	case p == Definitions:
		remedy = "the operator has to look at it"
	case p != Arguments:
		remedy = "ask for something else, or ask the operator to look at it"
	case v.Worst >= 0 && v.Worst < len(found) && found[v.Worst].Family == "secret":
		remedy = "the server gets what it needs from its environment: leave it out, or ask the operator to allow it"
	}
	by := ""
	if v.By != nil {
		by = v.By.Rule + ": "
	}
	return by + v.told(found) + "; " + remedy
}

// Question tells a person what was found, and where.
func (v Verdict) Question(found []Finding) string { return v.told(found) }

func (v Verdict) told(found []Finding) string {
	if v.Worst < 0 || v.Worst >= len(found) {
		return "the screen found something"
	}
	f := &found[v.Worst]
	more := ""
	if n := len(found) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	at := strconv.Quote(Plain(f.At))
	if f.At == "" {
		at = "the text"
	}
	return "the screen found " + f.Rule + ", " + Meaning(f.Family) + ", in " + at + more
}

// Plain is a place in a message of which nothing can be read as a sentence: each
// name of it is one short word, or a gap.
func Plain(at string) string {
	const longest, most = 40, 12
	parts := strings.Split(at, ".")
	for i, part := range parts {
		if len(part) > longest || strings.ContainsFunc(part, func(r rune) bool {
			return r >= 0x7f || !strings.ContainsRune("$-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", r)
		}) {
			parts[i] = "…"
		}
	}
	if len(parts) > most {
		parts = append(parts[:most], "…")
	}
	return strings.Join(parts, ".")
}

// Meaning says in a few words what a family is.
func Meaning(family string) string {
	if m, ok := meanings()[family]; ok {
		return m
	}
	return "a sign of an injection"
}

func meanings() map[string]string {
	return map[string]string{
		"override":   "words that take back a model's instructions",
		"steer":      "words that steer a model",
		"role":       "the marks of a role or a turn",
		"authority":  "a claim of authority over a model",
		"pretext":    "a pretext to make a model act",
		"tool":       "orders about tools",
		"solicit":    "a request for credentials",
		"persona":    "another persona for a model",
		"conceal":    "words that hide something from the user",
		"send":       "orders to send data away",
		"address":    "words addressed to a model",
		"tamper":     "orders to change what another tool does",
		"exec":       "orders to run something",
		"consent":    "consent that is claimed for the user",
		"deed":       "an order to act",
		"hidden":     "text that nobody sees",
		"floor":      "a command that destroys or fetches",
		"shell":      "a dangerous command",
		"sql":        "dangerous SQL",
		"path":       "a dangerous path",
		"url":        "a dangerous address",
		"template":   "a template that would run code",
		"secret":     "a key or token",
		"classifier": "the classifier's suspicion",
	}
}
