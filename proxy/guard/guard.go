// Package guard looks at the texts in a message with the policy's screen, and
// takes out of a message what must not pass.
//
// Every string of a message is read by itself, member names included, and where
// two texts follow one another also across their seam. Of a text that holds JSON
// the JSON stays valid. What is replaced is looked at again until nothing is left
// to replace, so filtering what was filtered changes nothing.
//
// What goes to a server is not rewritten behind the decision's back: arguments
// are cleaned before they are judged, so what was judged is what is sent.
package guard

import (
	"context"
	"strings"

	"sallyport/policy/handling"
	"sallyport/policy/screen"
	"sallyport/policy/screen/danger"
	"sallyport/policy/screen/secret"
	"sallyport/proxy/wire"
)

// Classifier gives a text a score from 0 to 1, or says that it failed: then the
// score is what its fail mode says. Direction is "arguments", "description" or
// "result".
type Classifier interface {
	Score(ctx context.Context, text, direction string) (score float64, failed bool)
}

// Guard is what looks at texts. It is made once and may be used by many at a
// time.
type Guard struct {
	screen     *screen.Screen
	secrets    *secret.Finder
	classifier Classifier // or nil
}

// New makes a guard; a nil classifier is none.
func New(c Classifier) *Guard {
	return &Guard{screen: screen.New(), secrets: secret.New(), classifier: c}
}

// Seen is what was found in one message, and what is done about it.
type Seen struct {
	handling.Verdict
	Found []handling.Finding

	guard     *Guard
	direction screen.Direction
	subject   handling.Subject
	table     *handling.Table
	raw       []byte
	plan      *danger.Plan
	score     float64
	leaves    []place // of each finding
}

// place is the text in which something was found.
type place struct {
	span  wire.Span // of the raw string, quotes included; empty: the whole message
	fixed bool      // it cannot be replaced
}

// direction is what a place's texts are to the model.
func direction(p handling.Place) screen.Direction {
	switch p {
	case handling.Arguments:
		return screen.Arguments
	case handling.Definitions, handling.Instructions:
		return screen.Description
	}
	return screen.Result
}

// Look looks at all texts of a JSON value.
func (g *Guard) Look(ctx context.Context, t *handling.Table, s handling.Subject, raw []byte) *Seen {
	seen := &Seen{guard: g, direction: direction(s.Place), subject: s, table: t}
	seen.read(raw)
	seen.classify(ctx)
	seen.Verdict = t.Judge(s, seen.Found)
	return seen
}

// Text looks at one text that stands by itself. One in arguments is also read as
// what it would do, or as arguments if it is an object in JSON.
func (g *Guard) Text(t *handling.Table, s handling.Subject, text string) *Seen {
	seen := &Seen{guard: g, direction: direction(s.Place), subject: s, table: t}
	found, score := g.look(text, seen.direction)
	for _, f := range found {
		seen.add(f, place{})
	}
	seen.score = score
	if s.Place == handling.Arguments {
		seen.dangers(danger.Text(text))
	}
	seen.Verdict = t.Judge(s, seen.Found)
	return seen
}

// Score is how much speaks against the message, from 0 to 1.
func (s *Seen) Score() float64 {
	score := s.score
	for i := range s.Found {
		if f := &s.Found[i]; f.Acts {
			score = max(score, max(0.7, float64(f.Severity)/10))
		} else {
			score = max(score, min(0.5, float64(f.Severity)/10))
		}
	}
	return score
}

// Part looks at what a message carries: its params, result or error. The edits are
// for the whole message. ok is false if it must not pass. A notification must not
// wait: no classifier is asked about it.
func (g *Guard) Part(ctx context.Context, t *handling.Table, s handling.Subject, m *wire.Message) (edits []wire.Edit, seen *Seen, ok bool) {
	span, found := m.BodySpan()
	if !found {
		return nil, nil, true
	}
	if m.Kind == wire.Notification {
		g = &Guard{screen: g.screen, secrets: g.secrets}
	}
	seen = g.Look(ctx, t, s, span.Of(m.Raw))
	if seen.Action <= handling.Quarantine {
		return nil, seen, false
	}
	edits, ok = seen.Edits()
	return Shift(edits, span.Start), seen, ok
}

// Args are a call's arguments, raw and decoded.
type Args struct {
	Raw     []byte
	Decoded map[string]any
	Plan    *danger.Plan // what is known of them; nil: nothing but their names
}

// Arguments looks at a call's arguments, and at what they would do.
func (g *Guard) Arguments(ctx context.Context, t *handling.Table, s handling.Subject, a Args) *Seen {
	s.Place = handling.Arguments
	seen := &Seen{guard: g, direction: screen.Arguments, subject: s, table: t, plan: a.Plan}
	seen.read(a.Raw)
	seen.dangers(a.Plan.Args(a.Decoded))
	seen.settle()
	seen.classify(ctx)
	seen.Verdict = t.Judge(s, seen.Found)
	return seen
}

// add notes a finding.
func (s *Seen) add(f handling.Finding, p place) {
	if len(s.Found) < maxFindings || f.Acts {
		s.Found = append(s.Found, f)
		s.leaves = append(s.leaves, p)
	}
}

// maxFindings bounds what is kept of what only is logged.
const maxFindings = 256

// look looks at one text.
func (g *Guard) look(text string, d screen.Direction) (found []handling.Finding, score float64) {
	v := g.screen.Text(text, d)
	for _, f := range v.Findings {
		found = append(found, handling.Finding{Family: f.Family, Rule: f.Rule, Severity: f.Severity, Start: f.Start, End: f.End,
			Decoded: g.Redact(f.Decoded), Acts: f.Action.AboveLog()})
	}
	for _, f := range g.secrets.Find(text) {
		one := handling.Finding{Family: secrets, Rule: secrets + "/" + f.Rule, Severity: 8, Start: f.Start, End: f.End, Acts: true}
		if !secret.Known(f.Rule) {
			one.Severity, one.Acts = 4, false
		}
		found = append(found, one)
	}
	return found, v.Score
}

const secrets = "secret"

// Redact replaces what looks like a secret.
func (g *Guard) Redact(text string) string { return secret.Redact(text, g.secrets.Find(text)) }

// dangers notes what the arguments would do. A weak sign acts together with
// another, or with words in the same argument that look like an injection.
func (s *Seen) dangers(found []danger.Finding) {
	rules := map[string]bool{}
	for _, f := range found {
		if f.Kind != "document" {
			rules[f.Rule] = true
		}
	}
	texts := len(s.Found)
	for _, f := range found {
		family, rule, _ := strings.Cut(f.Rule, ".")
		one := handling.Finding{Family: family, Rule: family + "/" + rule, Severity: 5, At: f.Path, Start: f.Start, End: f.End,
			Decoded: s.guard.Redact(f.Decoded), Danger: true, Acts: f.Strong}
		switch {
		case f.Strong:
			one.Severity = 9
		case f.Kind == "document": // documents quote
			one.Severity = 3
		default:
			one.Acts = len(rules) > 1
			for i := range s.Found[:texts] {
				if o := &s.Found[i]; o.At == f.Path && o.Severity >= 4 && o.Family != secrets {
					one.Acts, o.Acts = true, true
				}
			}
		}
		s.add(one, place{})
	}
}
