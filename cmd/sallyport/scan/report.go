package scan

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"sallyport/cmd/sallyport/scan/inspect"
	"sallyport/cmd/sallyport/scan/sarif"
	"sallyport/policy/handling"
	"sallyport/proxy/show"
)

// place is where a text stands: in a file, or in what a server says of itself.
type place struct {
	file   string
	server string // if it is not in a file
	nth    int    // definition of the server's
	kind   inspect.Kind
	name   string // of the definition
	path   string // within it
}

// thing is the file, or the definition.
func (p place) thing() string {
	switch {
	case p.server == "":
		return p.file
	case p.name == "":
		return string(p.kind)
	}
	return string(p.kind) + " " + strconv.Quote(p.name)
}

func (p place) id() string {
	if p.path == "" {
		return p.thing()
	}
	return p.thing() + ", " + p.path
}

// report tells of texts in one of the formats. Mistakes of writing stay with the
// buffer until it is flushed.
type report interface {
	add(p place, text string, r Result)
	end(summary string, failed error)
}

func reportIn(format string, out *bufio.Writer, version, folder string) report {
	switch format {
	case "text":
		return &people{out: out, head: -1}
	case "json":
		return records{out}
	case "sarif":
		return &scanning{out, sarif.New(version, folder)}
	}
	return nil
}

// people is a report for people. Of a server it shows only texts in which
// something was found.
type people struct {
	out  *bufio.Writer
	head int // the definition whose name was written last
}

func (w *people) add(p place, text string, r Result) {
	thing, indent := show.Line(p.thing(), 200), "  "
	if p.server != "" && len(r.Findings) == 0 {
		return
	}
	if p.path != "" {
		if w.head != p.nth {
			fmt.Fprintf(w.out, "%s\n", thing)
		}
		w.head, thing, indent = p.nth, "  "+show.Line(p.path, 400), "    "
	}
	fmt.Fprintf(w.out, "%s: %s (score %.2f)\n", thing, r.Action, r.Score)
	from, line := 0, 1
	for _, f := range r.Findings {
		if f.Start < from {
			from, line = 0, 1
		}
		line += strings.Count(text[from:f.Start], "\n")
		from = f.Start
		fmt.Fprintf(w.out, "%sline %d: %s, %s: %s\n", indent, line, f.Family, f.Rule, f.words)
	}
}

func (w *people) end(summary string, _ error) { _, _ = w.out.WriteString(summary) }

// records is a report of lines of JSON, one a text.
type records struct{ out *bufio.Writer }

func (w records) add(p place, _ string, r Result) {
	r.ID = p.id()
	e := json.NewEncoder(w.out)
	e.SetEscapeHTML(false)
	_ = e.Encode(r)
}

func (w records) end(string, error) {}

// scanning is a report for code scanning.
type scanning struct {
	out *bufio.Writer
	log *sarif.Log
}

func (w *scanning) add(p place, text string, r Result) {
	t := sarif.Text{File: p.file, Content: text}
	if p.server != "" {
		full := strings.TrimSuffix(p.server+"/"+string(p.kind)+"/"+p.name, "/") + "/" + p.path
		t.Server = &sarif.Place{Kind: string(p.kind), Full: show.Line(strings.TrimSuffix(full, "/"), 400)}
		t.Server.Name = show.Line(p.thing(), 200)
		if p.name != "" {
			t.Server.Name = show.Line(p.name, 200)
		}
	}
	for _, f := range r.Findings {
		about := handling.Meaning(f.Family)
		said := about + ": " + f.words
		if p.server != "" {
			said = show.Line(p.id(), 400) + ": " + said
		}
		t.Findings = append(t.Findings, sarif.Finding{Rule: f.Rule, About: about, Level: levels[f.action], Message: said, Start: f.Start, End: f.End})
	}
	w.log.Add(t)
}

func (w *scanning) end(_ string, failed error) {
	if failed != nil {
		failed = errors.New(show.Line(failed.Error(), 1000))
	}
	_ = w.log.Write(w.out, failed)
}

var levels = map[handling.Action]sarif.Level{
	handling.Refuse: sarif.Error, handling.Quarantine: sarif.Error, handling.Filter: sarif.Error,
	handling.Ask: sarif.Warning, handling.Annotate: sarif.Warning,
	handling.Log: sarif.Note, handling.Off: sarif.Note,
}
