// Package sarif writes what was found as a SARIF 2.1.0 log, as code scanning reads
// it.
//
// # Why not a library
//
// The best one adds 1.1 MB and a second validator of JSON schemas, which can fetch
// what a schema refers to, for some twenty members. The official schema that it
// carries is used in tests.
package sarif

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
)

// Level is how much it matters.
type Level string

// The levels of a finding.
const (
	Error   Level = "error"
	Warning Level = "warning"
	Note    Level = "note"
)

// Text is one text in which something was found. It stands in a file, or in what
// a server says of itself.
type Text struct {
	File     string
	Server   *Place
	Content  string
	Findings []Finding
}

// Place is where a text stands in what a server says of itself. All of it must
// be fit to be shown.
type Place struct {
	Name string // of the definition
	Kind string
	Full string // names the text among all texts of all servers
}

// Finding is one thing that was found.
type Finding struct {
	Rule, About string // about: what the rule finds, a sentence
	Level       Level
	Message     string // fit to be shown
	Start, End  int    // bytes of the text
}

// Log is a log of one run.
type Log struct {
	version string
	folder  string // that relative names are of
	rules   []rule
	index   map[string]int // of rules
	results []result
	seen    map[[2]string]int // how often a rule found the same words in the same place
}

// New returns a log of the given version of the program. Names of files are those
// of the folder.
func New(version, folder string) *Log {
	return &Log{version: version, folder: folder, rules: []rule{}, index: map[string]int{}, results: []result{}, seen: map[[2]string]int{}}
}

// Add adds what was found in a text.
func (l *Log) Add(t Text) {
	at := position{text: t.Content, line: 1, column: 1}
	for _, f := range t.Findings {
		at = at.to(f.Start)
		r := result{RuleID: f.Rule, RuleIndex: l.rule(f), Level: f.Level, Message: message{plain(f.Message)}}
		where := t.File
		if t.Server != nil {
			where = t.Server.Full
			r.Locations = []location{{Logical: []logical{{Name: t.Server.Name, Full: t.Server.Full, Kind: t.Server.Kind}}}}
			r.Properties = map[string]int{"start": f.Start, "end": f.End}
		} else {
			end := at.to(f.End)
			r.Locations = []location{{Physical: &physical{l.artifact(t.File), region{
				at.line, at.column, end.line, end.column, f.Start, f.End - f.Start}}}}
		}
		r.Fingerprints = map[string]string{"sallyport/v1": l.fingerprint(where, f.Rule, t.Content[f.Start:f.End])}
		l.results = append(l.results, r)
	}
}

// help is shown next to a result: code scanning wants one for each rule.
const help = "%s (%s). Read the text as a model would: is it an order to whoever reads it, and who wrote it? " +
	"Documents quote attacks, so one sign alone is a note; an error is what the default policy would cut out or refuse."

// rule returns the index of a finding's rule.
func (l *Log) rule(f Finding) int {
	i, ok := l.index[f.Rule]
	if !ok {
		i = len(l.rules)
		l.index[f.Rule] = i
		about := message{plain(f.About)}
		l.rules = append(l.rules, rule{f.Rule, about, about, message{plain(fmt.Sprintf(help, f.About, f.Rule))}, map[string][]string{"tags": {"security"}}})
	}
	return i
}

// fingerprint stays the same when lines are added around what was found.
func (l *Log) fingerprint(where, rule, words string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q", where, rule, words)
	key := [2]string{where, string(h.Sum(nil))}
	l.seen[key]++
	fmt.Fprintf(h, " %d", l.seen[key])
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// artifact names a file by its way from the folder, if it is inside.
func (l *Log) artifact(file string) artifact {
	if file == "-" {
		return artifact{URI: "stdin"}
	}
	path := file
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.folder, path)
	}
	if inside, err := filepath.Rel(l.folder, path); err == nil && filepath.IsLocal(inside) {
		return artifact{(&url.URL{Path: filepath.ToSlash(inside)}).String(), "%SRCROOT%"}
	}
	return artifact{URI: (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()}
}

// Write writes the log. A run that failed says why; that must be fit to be shown.
func (l *Log) Write(w io.Writer, failed error) error {
	i := invocation{Successful: failed == nil, Notifications: []notification{}}
	if failed != nil {
		i.Notifications = append(i.Notifications, notification{Error, message{plain(failed.Error())}})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(log{
		Schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json", Version: "2.1.0",
		Runs: []run{{
			Tool:    tool{driver{"sallyport", l.version, l.rules}},
			Columns: "utf16CodeUnits", Invocations: []invocation{i}, Results: l.results,
		}},
	})
}

// plain makes a text one without links and placeholders, which a viewer would
// otherwise see in brackets and braces.
func plain(text string) string {
	return strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `{`, `{{`, `}`, `}}`).Replace(text)
}

// position is a place in a text: lines and columns from 1, columns in UTF-16 as
// editors and code hosts count them.
type position struct {
	text         string
	at           int
	line, column int
}

// to is the position of a byte, soonest found behind this one.
func (p position) to(at int) position {
	if at < p.at {
		p.at, p.line, p.column = 0, 1, 1
	}
	for _, r := range p.text[p.at:at] {
		switch {
		case r == '\n':
			p.line, p.column = p.line+1, 1
		case r > 0xffff:
			p.column += 2
		default:
			p.column++
		}
	}
	p.at = at
	return p
}
