// Package danger finds dangerous values in a call's arguments by their kind; it
// is pure and bounded.
//
// Why: the same text is harmless in a document and fatal in a command. So each
// argument is given a kind first (by the tool's schema, by its name, by the
// shape of its value) and then read as what it is: a command by its syntax tree,
// SQL by its tokens, a path as a file system would, an address as a resolver
// would. What has no kind is read as whatever its shape allows.
//
// Findings are strong or weak. A strong one has no everyday meaning; a weak one
// has, and counts only together with another. What stands in documents is always
// weak and has the kind "document": documents quote.
//
// What cannot be seen here: a command that is harmful only because of what the
// machine holds, and values that only execution would make. Roles, tiers, rules on
// argument values and the sandbox answer those.
package danger

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"sallyport/policy/screen/danger/kind"
	"sallyport/policy/screen/danger/place"
	"sallyport/policy/screen/danger/shell"
	"sallyport/policy/screen/danger/sql"
	"sallyport/policy/screen/danger/template"
)

// Kind is what an argument is, and so how it is read.
type Kind = kind.Kind

// Facts are what is known of a tool before it is called.
type Facts = kind.Facts

// Finding is one dangerous thing in one argument.
type Finding struct {
	Kind       Kind
	Rule       string // stable, such as shell.destructive
	Path       string // of the argument, like a.b.0
	Start, End int    // bytes of that argument's text
	Strong     bool   // it has no everyday meaning
	Decoded    string // what it means, if the text does not say so plainly
}

// Options narrow what is looked for.
type Options struct {
	Roots     []string // folders that paths may be in; none is no limit
	Documents string   // "log", the default: weak findings only; "off": none; "judge": as if they were anything else
	Off       []string // rules, or groups of them such as "sql.*"
}

const (
	maxFindings = 64
	maxStrings  = 4096
	maxDepth    = 32
)

// Plan is what a tool's arguments are and how they are judged. A nil Plan knows
// nothing but their names.
type Plan struct {
	tree    *kind.Tree
	options Options
}

// Kinds prepares a tool's arguments once.
func Kinds(f Facts) *Plan { return &Plan{tree: kind.Of(f)} }

// With is the same plan with options.
func (p *Plan) With(o Options) *Plan {
	q := Plan{options: o}
	if p != nil {
		q.tree = p.tree
	}
	return &q
}

// Args judges all texts in a call's arguments.
func (p *Plan) Args(args map[string]any) []Finding {
	w := walk{Plan: p}
	if p == nil {
		w.Plan = &Plan{}
	}
	w.object(args, w.tree.Root(), "", 0)
	return w.found
}

// Text judges one text of which nothing is known. A JSON object is read as
// arguments.
func Text(text string) []Finding {
	if t := strings.TrimSpace(text); strings.HasPrefix(t, "{") && strings.HasSuffix(t, "}") {
		var args map[string]any
		d := json.NewDecoder(strings.NewReader(t))
		d.UseNumber()
		if d.Decode(&args) == nil && !d.More() {
			return (*Plan)(nil).Args(args)
		}
	}
	w := walk{Plan: &Plan{}}
	w.judge(text, kind.None)
	return w.found
}

// walk goes through one call's arguments.
type walk struct {
	*Plan
	found    []Finding
	path     string
	kind     Kind
	base     int    // where the text that is judged starts in the argument
	decoded  string // what it was before, if it was decoded
	whole    int    // the length of the argument, if it was decoded
	strings  int
	declared bool // the argument is for a command
	commands bool // the text is a command of its own
}

func (w *walk) object(m map[string]any, at *kind.Node, path string, depth int) {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		w.value(m[name], at.Of(name, w.tree), join(path, name), depth+1)
	}
}

func (w *walk) value(v any, at *kind.Node, path string, depth int) {
	if depth > maxDepth || len(w.found) >= maxFindings {
		return
	}
	switch v := v.(type) {
	case string:
		if w.strings++; w.strings <= maxStrings {
			w.path = path
			w.judge(v, at.Kind)
		}
	case []any:
		for i, e := range v {
			w.value(e, at.Item(), path+"."+strconv.Itoa(i), depth+1)
		}
		w.vector(v, at, path)
	case map[string]any:
		w.object(v, at, path, depth)
	}
}

// vector judges a command that comes as a list of words.
func (w *walk) vector(v []any, at *kind.Node, path string) {
	if at.Kind != kind.Shell && at.Kind != kind.None || len(v) < 2 || len(v) > 64 {
		return
	}
	var b strings.Builder
	for i, e := range v {
		s, ok := e.(string)
		if !ok {
			return
		}
		if i == 0 && !shell.Likely(s) {
			return
		}
		b.WriteString("'" + strings.ReplaceAll(s, "'", `'\''`) + "' ")
	}
	w.path, w.decoded, w.whole = path+".0", b.String(), len(v[0].(string))
	w.kind = kind.Shell
	w.shell(b.String())
	w.decoded = ""
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// add notes a finding about bytes of the text that is judged.
func (w *walk) add(rule string, start, end int, strong bool, decoded string) {
	if len(w.found) >= maxFindings || w.off(rule) {
		return
	}
	f := Finding{w.kind, rule, w.path, w.base + start, w.base + end, strong, clip(decoded)}
	if w.decoded != "" {
		f.Start, f.End = 0, w.whole
		if f.Decoded == "" {
			f.Decoded = clip(w.decoded)
		}
	}
	for i, have := range w.found {
		if have.Rule == rule && have.Path == f.Path && (have.Start == f.Start && have.End == f.End || w.decoded != "") {
			w.found[i].Strong = have.Strong || f.Strong
			return
		}
	}
	w.found = append(w.found, f)
}

func clip(s string) string {
	if len(s) > 200 {
		s = s[:200]
	}
	return strings.ToValidUTF8(s, "")
}

func (w *walk) off(rule string) bool {
	return slices.ContainsFunc(w.options.Off, func(o string) bool {
		group, ok := strings.CutSuffix(o, "*")
		return o == rule || ok && strings.HasPrefix(rule, group)
	})
}

// judge reads a text as its kind says.
func (w *walk) judge(text string, k Kind) {
	if text == "" {
		return
	}
	w.kind, w.commands, w.declared = k, false, k == kind.Shell
	if k == kind.Document || k == kind.None && kind.Prose(text) {
		w.kind = kind.Document
		switch w.options.Documents {
		case "off":
			return
		case "judge":
			w.kind = kind.None
		default:
			w.document(text)
			return
		}
	}
	switch w.kind {
	case kind.Shell:
		w.shell(text)
		w.floor(text)
		return
	case kind.Code:
		w.code(text)
		w.floor(text)
		return
	case kind.SQL:
		if w.sql(text); sql.Starts(text) {
			return
		}
	case kind.URL:
		w.url(text)
	case kind.Host:
		w.host(text)
	case kind.Path:
		w.file(text)
	case kind.None:
		w.shaped(text)
	}
	w.value1(text)
	w.floor(text)
}

// value1 judges what should be one value and may be more: a command, a piece of
// SQL or a template hung on. It is read as it is, and decoded.
func (w *walk) value1(text string) {
	w.hung(text)
	if strings.IndexByte(text, '%') < 0 || len(text) > 1024 {
		return
	}
	if plain := place.Plain(text); plain != text {
		w.decoded, w.whole = plain, len(text)
		w.hung(plain)
		w.decoded = ""
	}
}

func (w *walk) hung(text string) {
	if start, end, strong, found := template.Find(text); found {
		w.add("template.injection", start, end, strong, "")
	}
	w.chained(text)
	if sql.Suspect(text) && !w.commands && !sql.Starts(text) {
		for _, h := range sql.Fragment(text) {
			w.add(h.Rule, h.Start, h.End, h.Strong, "")
		}
	}
	if w.kind == kind.Word && (strings.Contains(text, "..") || strings.Contains(text, "%")) && !strings.Contains(text, " ") {
		w.file(text)
	}
}

var judged = shell.Judge{Secret: place.Secret, Command: command, Written: written}

func (w *walk) shell(text string) {
	if shell.Likely(text) {
		for _, h := range judged.Find(text) {
			// What is meant to be run and cannot be read is not let through.
			unread := h.Rule == shell.Unreadable && w.declared
			w.add(h.Rule, h.Start, h.End, h.Strong || unread, h.Decoded)
		}
	}
}

func (w *walk) code(text string) {
	if !suspectCode(text) {
		return
	}
	for _, h := range judged.Read(text, func(r *shell.Reader) { rules{r}.Code(text) }) {
		w.add(h.Rule, h.Start, h.End, h.Strong, h.Decoded)
	}
}

func (w *walk) sql(text string) {
	for _, h := range sql.Statement(text) {
		w.add(h.Rule, h.Start, h.End, h.Strong, "")
	}
}

func (w *walk) url(text string) {
	for _, h := range place.URL(text) {
		w.add(h.Rule, 0, len(text), h.Strong, h.Decoded)
	}
}

func (w *walk) host(text string) {
	if rule, plain, written := place.Host(text); rule != "" {
		w.add(rule, 0, len(text), rule == "url.metadata", plain)
		if !written {
			w.add("url.odd_address", 0, len(text), true, plain)
		}
	}
}

func (w *walk) file(text string) {
	if k := strings.Index(text, "://"); k > 0 && k < 12 {
		w.url(text)
		return
	}
	for _, h := range place.Path(text, w.options.Roots) {
		w.add(h.Rule, 0, len(text), h.Strong, h.Decoded)
	}
}
