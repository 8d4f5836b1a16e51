package sql

import (
	"slices"
	"strings"
)

const (
	maxFragment = 2048
	maxEntries  = 8 // quotes tried as the end of the text that a value is put in
)

// Suspect reports whether a value could hold a piece of SQL: it is what makes
// clean values cheap.
func Suspect(s string) bool {
	if len(s) > maxFragment {
		return false
	}
	quote := strings.ContainsAny(s, "'\"")
	if quote && (strings.Contains(s, "--") || strings.ContainsAny(s, "#;*=")) {
		return true
	}
	return strings.Contains(s, "@@") || strings.Contains(s, "&&") || stirs(s, hung)
}

// hung are words that join a piece to a statement, or that only probes use.
var hung = func() map[string]bool {
	m := map[string]bool{"or": true, "and": true, "xor": true, "union": true, "having": true, "select": true, "order": true, "group": true, "waitfor": true, "outfile": true, "dumpfile": true, "char": true, "chr": true, "program": true, "attach": true,
		"drop": true, "truncate": true, "delete": true, "insert": true, "update": true, "exec": true, "execute": true, "declare": true, "shutdown": true, "alter": true, "extractvalue": true, "updatexml": true, "group_concat": true,
		"concat_ws": true, "procedure": true, "information_schema": true, "sqlite_master": true, "sysobjects": true, "syscolumns": true, "pg_catalog": true, "pg_shadow": true, "ctxsys": true}
	for w := range reach {
		m[w] = true
	}
	for w := range delays {
		m[w] = true
	}
	return m
}()

// Fragment judges a value that is no SQL and may end up inside a statement. It is
// read as if the statement had ended before it, and after each of its quotes.
func Fragment(s string) []Hit {
	if len(s) > maxFragment {
		return nil
	}
	var j judge
	first := strings.IndexAny(s, "'\"")
	j.enter(s, 0, false)
	for n := 0; n < maxEntries && first >= 0; n++ {
		j.enter(s, first+1, true)
		next := strings.IndexAny(s[first+1:], "'\"")
		if next < 0 {
			break
		}
		first += 1 + next
	}
	return j.hits
}

// prose reports that enough words stand before at for a sentence.
func prose(s string, at int) bool {
	n := 0
	for _, w := range strings.Fields(s[:at]) {
		if w = strings.Trim(w, ",.:;!?"); len(w) > 1 && strings.Trim(strings.ToLower(w), "abcdefghijklmnopqrstuvwxyz") == "" {
			n++
		}
	}
	return n > 2
}

// enter judges what stands at a place, as the rest of a statement.
func (j *judge) enter(s string, at int, quoted bool) {
	all := tokens(s[at:], true)
	for i := range all {
		all[i].start += at
		all[i].end += at
	}
	j.weak = prose(s, at)
	r := plain(all)
	lead := 0
	for lead < len(r) && lead < 6 && (r[lead].sort == sign && strings.Contains("(),%+", r[lead].text) || r[lead].sort == number || r[lead].sort == text && !quoted || !quoted && lead == 0 && r[lead].sort == word && !joins[r[lead].text] && r[lead].text != "union" && r[lead].text != "order" && r[lead].text != "having") {
		lead++
	}
	rest := r[lead:]
	j.joined(rest, quoted || lead > 0 || at == 0)
	j.stacked(r)
	j.probes(r)
	if quoted && len(all) > 0 {
		k := 0
		for k < len(all) && all[k].sort == sign && (all[k].text == ")" || all[k].text == ",") {
			k++
		}
		if k < len(all) && all[k].sort == remark && k == len(all)-1 && len(s)-all[k].start < 12 {
			j.hit(run(all[k:]), "sql.comment", true)
		}
	}
	if last := len(all) - 1; last >= 0 && all[last].sort == remark && len(j.hits) > 0 && all[last].end-all[last].start < 12 {
		j.hit(run(all[last:]), "sql.comment", false)
	}
	j.weak = false
}

var joins = map[string]bool{"or": true, "and": true, "||": true, "&&": true, "xor": true}

// joined judges a condition that is hung on.
func (j *judge) joined(r run, entered bool) {
	if len(r) < 2 || !entered {
		return
	}
	switch w := r[0].text; {
	case joins[w]:
		i := 1
		for r.at(i) == "(" || r.at(i) == "not" || r.at(i) == "-" {
			i++
		}
		switch {
		case always(r, i):
			j.hit(r, "sql.tautology", true)
		case compares(r, i):
			j.hit(r, "sql.tautology", w != "&&" && w != "||")
		case r.is(i, "select") || r.is(i, "exists") || r.is(i, "if", "(") || r.is(i, "case") || r.is(i, "row", "("):
			j.hit(r, "sql.probe", true)
		case r.at(i) == "true" && len(r) < i+3 && w == "or":
			j.hit(r, "sql.tautology", true)
		}
	case w == "union":
		i := 1
		for r.at(i) == "all" || r.at(i) == "distinct" || r.at(i) == "(" {
			i++
		}
		if strings.HasPrefix(r.at(i), "select") {
			j.hit(r, "sql.union", true)
		}
	case w == "having" && (always(r, 1) || compares(r, 1)), w == "order" && r.at(1) == "by" && len(r) > 2 && r[2].sort == number, w == "group" && r.at(1) == "by" && r.find("having") > 0:
		j.hit(r, "sql.probe", false)
	}
}

// compares reports constants, or a constant and what a probe asks, compared at i.
func compares(r run, i int) bool {
	if i+2 >= len(r) {
		return false
	}
	op := r.at(i + 1)
	if op != "=" && op != "<" && op != ">" && op != "like" && op != "<>" && op != "!=" && op != "between" && op != "in" && op != "is" {
		return false
	}
	constant := func(t token) bool { return t.sort == number || t.sort == text }
	return constant(r[i]) && (constant(r[i+2]) || op == "in" || op == "between") || r[i].sort == word && r[i].open
}

// stacked finds a statement after a semicolon.
func (j *judge) stacked(r run) {
	for i := range r {
		if r[i].sort != stop || i+1 >= len(r) {
			continue
		}
		rest := r[i+1:]
		object := objects[rest.at(1)] || objects[rest.at(2)]
		switch rest.at(0) {
		case "drop", "create", "alter", "truncate":
			if object || rest.at(0) == "truncate" && len(rest) < 4 {
				j.hit(rest, "sql.stacked", true)
				j.statement(rest)
			}
		case "delete", "insert", "select", "update", "exec", "execute", "declare", "waitfor", "shutdown", "grant", "merge", "copy", "attach", "load", "call", "replace", "set":
			w := rest.at(0)
			if rest.find("from") > 0 && w != "set" || rest.find("into") == 1 || rest.find("set") == 2 || w == "waitfor" && rest.is(1, "delay") || w == "declare" && strings.HasPrefix(rest.at(1), "@") || strings.HasPrefix(rest.at(1), "xp_") || strings.HasPrefix(rest.at(1), "sp_") || w == "exec" && rest.at(1) == "(" || w == "shutdown" && len(rest) < 4 || w == "select" && (rest.at(2) == "(" || rest.at(1) == "*") || w == "set" && strings.HasPrefix(rest.at(1), "@") || strings.HasPrefix(w, "exec") && rest.at(1) == "master" {
				j.hit(rest, "sql.stacked", true)
			}
		}
	}
}

// probes judges words that nobody uses but to feel a database's way.
func (j *judge) probes(r run) {
	if j.weak {
		return
	}
	j.calls(r)
	for i := range r {
		switch w := r[i].text; {
		case r[i].sort != word:
		case w == "information_schema" || w == "sysobjects" || w == "syscolumns" || w == "sqlite_master" || w == "pg_catalog" || w == "all_tables" && r.find("select") >= 0 || w == "pg_shadow":
			j.hit(r, "sql.probe", r.find("select") >= 0)
		case (w == "extractvalue" || w == "updatexml" || w == "ctxsys" || w == "procedure" && r.is(i+1, "analyse") || w == "group_concat" || w == "concat_ws") && (r.at(i+1) == "(" || w == "procedure" || r.at(i+1) == "."):
			j.hit(r, "sql.probe", slices.ContainsFunc(r, func(t token) bool { return t.text == "select" || t.text == "concat" }) || w == "updatexml" || w == "extractvalue")
		case w == "@@version" || w == "@@hostname" || w == "@@datadir":
			j.hit(r, "sql.probe", len(r) < 12)
		case (w == "char" || w == "chr") && r.at(i+1) == "(" && i+2 < len(r) && r[i+2].sort == number && (r.at(i+4) == "+" || r.at(i+4) == "|" || r.at(i+4) == "||" || r.at(i+4) == ","):
			j.hit(r, "sql.probe", r.at(i+4) != ",")
		case w == "union" && i > 0:
			k := i + 1
			for r.at(k) == "all" || r.at(k) == "distinct" || r.at(k) == "(" {
				k++
			}
			if strings.HasPrefix(r.at(k), "select") && i < 8 {
				j.hit(r[i:], "sql.union", true)
			}
		}
	}
}
