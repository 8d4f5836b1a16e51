// Package handling says what is done about what the screen finds: by place,
// family of signs, server, tool and role. It finds nothing itself, and it is pure.
//
// Why a finding carries whether it acts: how much it takes before a sign counts
// (a second one near it, a hidden place) is told from the text alone. What follows
// then is the operator's.
//
// What a policy does not speak of is handled as the screen's promise says: what
// acts is refused in arguments and filtered everywhere else, one weak sign is
// logged.
package handling

import (
	"path"
	"slices"
	"strings"
)

// Place is where a text stands. The zero Place is the strictest.
type Place uint8

// The places.
const (
	Arguments    Place = iota // of a call
	Definitions               // of tools, prompts, resources and templates
	Results                   // of tools, and all that has no place of its own
	Resources                 // what was read
	Prompts                   // what was got
	Instructions              // what a server says of itself
	Elicitations              // what a server asks of the client, its user or its model
	places
)

// Places are the names of all places, in order.
func Places() []string {
	return []string{"arguments", "definitions", "results", "resources", "prompts", "instructions", "elicitations"}
}

func (p Place) String() string { return Places()[min(p, places-1)] }

// Action is what is done about a finding. The zero value refuses.
type Action uint8

// The actions, the severest first.
const (
	Refuse     Action = iota // the whole message; of a list, the element
	Quarantine               // the tool
	Ask                      // a person, before the call
	Filter                   // the words are replaced
	Annotate                 // a note beside the text says what it holds
	Log                      // nothing but a line in the log
	Off                      // nothing at all
	actions
)

// Actions are the names of all actions, in order.
func Actions() []string {
	return []string{"refuse", "quarantine", "ask", "filter", "annotate", "log", "off"}
}

func (a Action) String() string {
	if a >= actions {
		a = Refuse
	}
	return Actions()[a]
}

// Fits says whether an action, by its name, can be done in a place, by its name.
func Fits(action, place string) bool {
	a, p := Action(slices.Index(Actions(), action)), Place(slices.Index(Places(), place))
	switch a {
	case Quarantine:
		return p == Definitions
	case Ask:
		return p == Arguments
	case Annotate:
		return p != Arguments && p != Elicitations
	}
	return true
}

// Finding is one sign in one text.
type Finding struct {
	Family, Rule string // a rule's name begins with its family
	Severity     uint8  // 1 to 10
	At           string // the text's place in the message, as member names and indices with dots
	Start, End   int    // bytes of that text, on rune boundaries
	Decoded      string // what hidden or encoded text says; short, and without secrets
	Acts         bool   // it takes no more than this to act
	Danger       bool   // it is about what the arguments would do
	Fixed        bool   // the text cannot be replaced: others rely on what it says
}

// Subject is whose text it is.
type Subject struct {
	Place        Place
	Server, Tool string // Tool is empty where none is concerned
}

// Table is what applies to one role: the first block that speaks of a finding
// decides. A nil Table is the default.
type Table struct{ Blocks []Block }

// Block is a screen block with a label.
type Block struct {
	Label       string
	In          []string                     // names of places; nil: wherever Then and Alone fit
	Servers     []string                     // nil: all
	Tools       map[string]func(string) bool // by server, whether a tool is meant; nil: all, and what is no tool's
	Then, Alone string                       // what is done about what acts, and about what does not; empty: not said
	By          Source
}

// Source is the line of the policy that decided.
type Source struct {
	Rule string // such as `screen "override"`
	At   string // file:line
}

// Verdict is what is done about all findings in one message.
type Verdict struct {
	Action Action   // the severest; Off if there is nothing
	By     *Source  // the block that says so; nil: the default
	Worst  int      // the finding that asks for it; -1: none
	Each   []Action // of each finding
}

// Judge says what is done about each finding, and about the message.
func (t *Table) Judge(s Subject, found []Finding) Verdict {
	v := Verdict{Action: Off, Worst: -1}
	for i := range found {
		a, by := t.Of(s, &found[i])
		v.Each = append(v.Each, a)
		if a < v.Action || a == v.Action && v.Worst >= 0 && found[i].Severity > found[v.Worst].Severity {
			v.Action, v.By, v.Worst = a, by, i
		}
	}
	return v
}

// Of says what is done about one finding, and which block says so. What is to be
// filtered and cannot be is refused.
func (t *Table) Of(s Subject, f *Finding) (Action, *Source) {
	a, by := t.of(s, f)
	if a == Filter && f.Fixed {
		a = Refuse
	}
	return a, by
}

func (t *Table) of(s Subject, f *Finding) (Action, *Source) {
	for i := 0; t != nil && i < len(t.Blocks); i++ {
		b := &t.Blocks[i]
		said := b.Alone
		if f.Acts {
			said = b.Then
		}
		if said != "" && b.covers(s, f, said) {
			return Action(slices.Index(Actions(), said)), &b.By
		}
	}
	switch {
	case !f.Acts:
		return Log, nil
	case s.Place == Arguments:
		return Refuse, nil
	}
	return Filter, nil
}

func (b *Block) covers(s Subject, f *Finding, said string) bool {
	switch place := s.Place.String(); {
	case !Named(b.Label, f.Rule), b.In != nil && !slices.Contains(b.In, place), b.In == nil && !Fits(said, place):
		return false
	case b.Servers != nil && !slices.Contains(b.Servers, s.Server):
		return false
	case b.Tools == nil:
		return true
	}
	meant := b.Tools[s.Server]
	return meant != nil && s.Tool != "" && meant(s.Tool)
}

// Named reports whether a label speaks of a rule: "*", a family, or a pattern of
// rules' names.
func Named(label, rule string) bool {
	family, _, _ := strings.Cut(rule, "/")
	matched, _ := path.Match(label, rule)
	return label == "*" || label == family || matched
}

// Then is a table in which the blocks of after follow those of t.
func (t *Table) Then(after *Table) *Table { return &Table{slices.Concat(t.Blocks, after.Blocks)} }

// Unwritten are the rules of the screen that stand in no book: those of package
// danger, which is held to this list by its tests, and the screen's own.
func Unwritten() []string {
	return strings.Fields(`floor/curl floor/drop_table floor/rm_rf path/null path/outside path/sensitive path/traversal
shell/attack_tool shell/chained shell/credential_read shell/decoded_and_run shell/destructive shell/disable_protection
shell/download_and_run shell/escape shell/exfiltration shell/history shell/obfuscated shell/persistence shell/privilege
shell/remote_delete shell/remote_wide shell/reverse_shell shell/shutdown shell/tunnel shell/unreadable
sql/comment sql/delay sql/destructive sql/privilege sql/probe sql/reach sql/shutdown sql/stacked sql/tautology sql/union
template/injection
url/internal_service url/link_local url/loopback url/metadata url/odd_address url/private url/scheme url/unspecified url/userinfo url/wildcard_dns
hidden/bidi hidden/smuggled hidden/zero-width hidden/zero-width-run classifier/score classifier/failed`)
}
