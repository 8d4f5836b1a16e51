package sql

import (
	"slices"
	"strings"
)

// Hit is one thing found: a rule and the bytes that it speaks of.
type Hit struct {
	Rule       string
	Start, End int
	Strong     bool
}

const maxHits = 32

type judge struct {
	hits []Hit
	weak bool // nothing is strong here
}

func (j *judge) hit(r run, rule string, strong bool) {
	if len(j.hits) >= maxHits || len(r) == 0 || j.weak && len(j.hits) > 0 {
		return
	}
	h := Hit{rule, r[0].start, r[len(r)-1].end, strong && !j.weak}
	for i, have := range j.hits {
		if have.Rule == rule {
			j.hits[i].Strong = have.Strong || h.Strong
			return
		}
	}
	j.hits = append(j.hits, h)
}

// Looks reports whether text is a statement: a verb with what belongs to it.
func Looks(s string) bool {
	if !starters[leading(s)] {
		return false
	}
	head := s
	if len(head) > 400 {
		head = head[:400]
	}
	r := plain(tokens(head, false))
	for len(r) > 0 && (r[0].text == "(" || r[0].text == "explain" || r[0].text == "analyze" || r[0].text == "begin" || r[0].sort == stop) {
		r = r[1:]
	}
	switch r.at(0) {
	case "select":
		return len(r) > 1 && (r.find("from") > 0 || r.find("into") > 0 || slices.ContainsFunc(r, func(t token) bool { return t.text == "(" || t.text == "*" || t.sort == number }))
	case "with":
		return r.find("as") > 0 && r.find("select") > 0
	case "insert", "replace", "merge":
		return r.find("into") == 1 || r.find("into") == 2 || r.find("values") > 0
	case "update":
		return r.find("set") > 1 && r.find("set") < 8
	case "delete":
		return r.find("from") > 0 && r.find("from") < 4
	case "drop", "create", "alter":
		for _, t := range r[1:min(len(r), 5)] {
			if objects[t.text] {
				return true
			}
		}
	case "truncate":
		return r.is(1, "table") || len(r) == 2 || len(r) == 3 && r[2].sort == stop
	case "grant", "revoke":
		return r.find("to") > 0 || r.find("from") > 0
	case "exec", "execute", "call":
		return len(r) > 1 && (strings.HasPrefix(r.at(1), "xp_") || strings.HasPrefix(r.at(1), "sp_") || r.at(1) == "master" || r.at(1) == "immediate")
	case "attach":
		return r.is(1, "database")
	case "copy":
		return r.find("from") > 0 || r.find("to") > 0
	case "load":
		return r.is(1, "data")
	case "waitfor":
		return r.is(1, "delay")
	case "pragma":
		return len(r) < 6
	case "shutdown":
		return len(r) > 1 && len(r) < 6 && (r[1].sort == stop || r.is(1, "with"))
	}
	return false
}

// loud are words without which a statement has no finding.
var loud = func() map[string]bool {
	m := map[string]bool{"drop": true, "truncate": true, "delete": true, "update": true, "alter": true, "grant": true, "superuser": true, "sysadmin": true, "identified": true, "pg_execute_server_program": true,
		"shutdown": true, "or": true, "waitfor": true, "outfile": true, "dumpfile": true, "program": true, "attach": true}
	for w := range reach {
		m[w] = true
	}
	for w := range delays {
		m[w] = true
	}
	return m
}()

// stirs reports whether one of the words is in text, or "||".
func stirs(s string, set map[string]bool) bool {
	var buf [32]byte
	n := 0
	for i := 0; i <= len(s); i++ {
		c := byte(' ')
		if i < len(s) {
			c = s[i]
		}
		if alnum(c) {
			if n < len(buf) {
				buf[n] = lower(c)
			}
			n++
			continue
		}
		if n > 1 && n <= len(buf) && set[string(buf[:n])] || c == '|' && i+1 < len(s) && s[i+1] == '|' {
			return true
		}
		n = 0
	}
	return false
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// Starts reports whether text starts as statements do, whatever follows: a piece
// of SQL that is hung on a value never does.
func Starts(s string) bool {
	s = strings.TrimSpace(s)
	return starters[leading(s)] && strings.ContainsAny(s, " \n\t")
}

// leading is the first word, behind brackets and comments.
func leading(s string) string {
	for range 64 {
		s = strings.TrimLeft(s, " \t\r\n(;")
		end := ""
		switch {
		case strings.HasPrefix(s, "--"):
			end = "\n"
		case strings.HasPrefix(s, "/*"):
			end = "*/"
		}
		if end == "" {
			break
		}
		k := strings.Index(s, end)
		if k < 0 {
			return ""
		}
		s = s[k+len(end):]
	}
	n := 0
	for n < len(s) && n < 12 && alpha(s[n]) {
		n++
	}
	return strings.ToLower(s[:n])
}

var starters = map[string]bool{"select": true, "insert": true, "update": true, "delete": true, "create": true, "drop": true, "alter": true, "with": true, "truncate": true, "declare": true, "begin": true, "loop": true, "set": true, "use": true, "merge": true,
	"explain": true, "show": true, "describe": true, "values": true, "call": true, "copy": true, "analyze": true, "grant": true, "revoke": true, "if": true, "while": true, "comment": true, "pivot": true, "unpivot": true, "from": true, "let": true, "replace": true, "vacuum": true, "commit": true, "start": true, "do": true, "print": true, "execute": true, "exec": true, "prepare": true, "attach": true, "load": true, "waitfor": true, "pragma": true, "shutdown": true}

var objects = map[string]bool{"table": true, "database": true, "schema": true, "view": true, "index": true, "user": true, "role": true, "function": true, "procedure": true, "trigger": true, "column": true, "login": true, "sequence": true, "type": true, "extension": true, "tablespace": true, "materialized": true, "keyspace": true, "collection": true}

// Statement judges text that is meant to be SQL.
func Statement(s string) []Hit {
	var j judge
	if !stirs(s, loud) {
		return nil
	}
	all := tokens(s, false)
	r := plain(all)
	start := 0
	for i := 0; i <= len(r); i++ {
		if i == len(r) || r[i].sort == stop || r[i].text == "go" && i > 0 && strings.IndexByte(s[r[i-1].end:r[i].start], '\n') >= 0 {
			j.statement(r[start:i])
			start = i + 1
		}
	}
	j.calls(r)
	j.tautologies(r)
	if t := j.has("sql.tautology"); t && len(all) > 0 && all[len(all)-1].sort == remark && all[len(all)-1].open {
		j.hit(run(all[len(all)-1:]), "sql.comment", false)
	}
	return j.hits
}

func (j *judge) has(rule string) bool {
	return slices.ContainsFunc(j.hits, func(h Hit) bool { return h.Rule == rule })
}

// statement judges one statement by its kind.
func (j *judge) statement(r run) {
	for len(r) > 1 && (r[0].text == "(" || r[0].text == "explain" || r[0].text == "begin" || r[0].text == "then" || r[0].text == "else") {
		r = r[1:]
	}
	if r.is(0, "if") {
		if k := r.find("drop"); k > 0 {
			r = r[k:]
			j.drops(r, true)
			return
		}
	}
	switch r.at(0) {
	case "drop":
		j.drops(r, false)
	case "truncate":
		j.hit(r, "sql.destructive", false)
	case "delete":
		if r.find("where") < 0 && r.find("using") < 0 && r.find("limit") < 0 && r.find("join") < 0 {
			j.hit(r, "sql.destructive", false)
		} else if k := r.find("where"); k > 0 {
			j.everything(r, k)
		}
	case "update":
		if set := r.find("set"); set > 0 && r.find("where") < 0 && r.find("from") < 0 && r.find("limit") < 0 && r.find("join") < 0 {
			j.hit(r, "sql.destructive", false)
			if slices.ContainsFunc(r, func(t token) bool { return strings.Contains(t.text, "passw") }) {
				j.hit(r, "sql.privilege", false)
			}
		} else if k := r.find("where"); k > 0 {
			j.everything(r, k)
		}
	case "alter":
		if k := r.find("drop"); k > 0 && r.is(1, "table") && r.is(k+1, "column") && r.find("exists") < 0 {
			j.hit(r, "sql.destructive", false)
		}
		j.rights(r)
	case "grant", "create":
		j.rights(r)
	case "shutdown":
		if len(r) < 4 {
			j.hit(r, "sql.shutdown", true)
		}
	}
}

// scratch reports a table whose name says that it does not last.
func scratch(r run) bool {
	name := r.at(2)
	if k := r.find("exists"); k > 0 {
		name = r.at(k + 1)
	}
	if r.at(1) == "temporary" || strings.Contains(name, "#") {
		return true
	}
	for _, part := range strings.FieldsFunc(strings.ToLower(name), func(c rune) bool { return c == '_' || c == '.' || c == '`' || c == '"' }) {
		switch part {
		case "tmp", "temp", "scratch", "staging", "stg", "test", "foo", "bar":
			return true
		}
	}
	return false
}

// drops judges what a statement takes away.
func (j *judge) drops(r run, guarded bool) {
	what := r.at(1)
	if what == "temporary" || what == "external" || what == "foreign" {
		what = r.at(2)
	}
	guarded = guarded || r.find("exists") > 0
	switch what {
	case "table":
		j.hit(r, "floor.drop_table", !scratch(r))
		if !guarded && r.at(1) == "table" && !strings.Contains(r.at(2), "#") {
			j.hit(r, "sql.destructive", false)
		}
	case "database", "schema", "keyspace", "tablespace":
		j.hit(r, "sql.destructive", !guarded)
	case "user", "role", "login":
		j.hit(r, "sql.destructive", false)
	}
}

// everything finds a condition that is true of every row.
func (j *judge) everything(r run, where int) {
	rest := r[where+1:]
	if len(rest) == 1 && (rest[0].text == "1" || rest[0].text == "true") || len(rest) == 3 && always(rest, 0) {
		j.hit(r, "sql.destructive", false)
		j.hit(r, "sql.tautology", false)
	}
}

func (j *judge) rights(r run) {
	all := r.is(0, "grant") && (r.at(1) == "all" || r.at(1) == "super")
	wide := false
	for i := range r {
		if r.at(i) == "*" && r.at(i+1) == "." && r.at(i+2) == "*" {
			wide = true
		}
	}
	switch {
	case all && wide, r.find("superuser") > 0 && (r.at(1) == "user" || r.at(1) == "role"), r.find("sysadmin") > 0, r.find("pg_execute_server_program") > 0, r.is(0, "grant", "dba"):
		j.hit(r, "sql.privilege", true)
	case all && r.find("public") > 0, r.find("identified") > 0 && r.at(1) == "user":
		j.hit(r, "sql.privilege", false)
	}
}

// reach are functions that leave the database: files, programs, the network.
var reach = map[string]bool{"load_file": true, "pg_read_file": true, "pg_read_binary_file": true, "pg_ls_dir": true, "lo_import": true, "lo_export": true, "xp_cmdshell": true, "xp_dirtree": true, "xp_regread": true, "xp_fileexist": true, "xp_regwrite": true,
	"sp_oacreate": true, "sp_oamethod": true, "utl_http": true, "utl_file": true, "utl_inaddr": true, "dbms_ldap": true, "httpuritype": true, "load_extension": true, "sys_exec": true, "sys_eval": true, "dbms_scheduler": true, "dbms_java": true, "xp_subdirs": true, "fn_trace_gettable": true, "sp_execute_external_script": true, "writefile": true, "readfile": true, "pg_logdir_ls": true, "query_to_xml": false, "database_to_xml": true, "dblink_connect": true}

var delays = map[string]bool{"sleep": true, "pg_sleep": true, "pg_sleep_for": true, "benchmark": true, "dbms_lock": true, "randomblob": false, "dbms_pipe": true}

// calls judges the functions that are called, wherever.
func (j *judge) calls(r run) {
	for i := range r {
		if r[i].sort != word {
			continue
		}
		w := r[i].text
		called := r.at(i+1) == "(" || r.at(i+1) == "."
		switch {
		case reach[w] && (called || strings.HasPrefix(w, "xp_") || strings.HasPrefix(w, "sp_")):
			j.hit(r[i:min(i+4, len(r))], "sql.reach", true)
		case delays[w] && called && r.at(i-1) != "." && r.at(i-1) != "function" && (i+2 < len(r) && (r[i+2].sort == number || r.at(i-1) == "select" || r.at(i+2) == "receive_message" || r.at(i+1) == ".")):
			j.hit(r[i:min(i+4, len(r))], "sql.delay", true)
		case w == "waitfor" && (r.is(i+1, "delay") || r.is(i+1, "time")):
			j.hit(r[i:min(i+3, len(r))], "sql.delay", false)
		case w == "into" && (r.is(i+1, "outfile") || r.is(i+1, "dumpfile")):
			j.hit(r[i:min(i+3, len(r))], "sql.reach", i+2 < len(r) && strings.ContainsAny(r[i+2].text, `/\:`))
		case w == "program" && i+1 < len(r) && r[i+1].sort == text && (r.at(i-1) == "to" || r.at(i-1) == "from"):
			j.hit(r[i:min(i+2, len(r))], "sql.reach", true)
		case w == "attach" && r.is(i+1, "database") && i+2 < len(r):
			file := strings.Trim(r.at(i+2), "'\"")
			bad := strings.HasPrefix(file, "/var/www") || strings.HasSuffix(file, ".php") || strings.HasSuffix(file, ".jsp")
			j.hit(r[i:min(i+3, len(r))], "sql.reach", bad)
		}
	}
}

// tautologies finds an alternative that is always so.
func (j *judge) tautologies(r run) {
	for i := range r {
		if (r[i].text == "or" || r[i].text == "||" && r[i].sort == sign) && always(r, i+1) {
			j.hit(r[i:min(i+4, len(r))], "sql.tautology", false)
		}
	}
}

// always reports a comparison of two constants at i that holds.
func always(r run, i int) bool {
	for r.at(i) == "(" || r.at(i) == "not" {
		i++
	}
	if i+2 >= len(r) {
		return false
	}
	a, op, b := r[i], r[i+1].text, r[i+2]
	if a.sort == word || b.sort == word || a.sort == sign || b.sort == sign {
		return a.sort == word && a.text == b.text && op == "=" && len(a.text) < 3 && a.sort == b.sort
	}
	x, y := strings.Trim(a.text, "'\"`"), strings.Trim(b.text, "'\"`")
	switch op {
	case "=", "like", "<=>", ">=", "<=":
		return x == y
	case "<>", "!=", ">", "<", "is":
		return x != y
	}
	return false
}
