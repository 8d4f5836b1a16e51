// Package sql finds what a statement would destroy or give away, and pieces of
// SQL where none belong.
//
// Why: there are thirty dialects, and a grammar of one of them refuses the
// others. Words, texts, comments and what separates statements are alike in all,
// and are enough to say what a statement is. Nothing here depends on a
// statement's being well formed.
package sql

import "strings"

type sort uint8

const (
	word   sort = iota + 1
	number      // also 0x41
	text        // in quotes, of whatever kind
	sign        // an operator, a bracket, a comma
	stop        // what ends a statement
	remark      // a comment
)

type token struct {
	sort       sort
	text       string // words in lower case
	start, end int
	open       bool // a text or a comment without an end
}

const (
	maxText   = 64 << 10
	maxTokens = 8000
)

// tokens reads text. In a fragment the hash sign starts a comment, as MySQL has it.
func tokens(s string, fragment bool) (all []token) {
	if len(s) > maxText {
		s = s[:maxText]
	}
	for i := 0; i < len(s) && len(all) < maxTokens; {
		if s[i] <= ' ' {
			i++
			continue
		}
		t := next(s, i, fragment)
		i = t.end
		if t.sort == remark && strings.HasPrefix(t.text, "/*!") && !t.open { // MySQL runs what is in it
			all = append(all, executed(t)...)
			continue
		}
		if t.sort == word {
			t.text = strings.ToLower(t.text)
		}
		all = append(all, t)
	}
	return all
}

// next is the token that starts at i.
func next(s string, i int, fragment bool) token {
	t := token{start: i, sort: sign}
	c := s[i]
	i++
	switch {
	case c == '-' && i < len(s) && s[i] == '-', c == '#' && fragment:
		t.sort = remark
		i, t.open = after(s, i, "\n")
	case c == '/' && i < len(s) && s[i] == '*':
		t.sort = remark
		i, t.open = after(s, i+1, "*/")
	case c == '\'' || c == '"' || c == '`':
		t.sort = text
		i, t.open = closing(s, t.start)
	case c == '$' && dollars(s[t.start:]) > 0:
		t.sort = text
		n := dollars(s[t.start:])
		i, t.open = after(s, t.start+n, s[t.start:t.start+n])
	case c >= '0' && c <= '9':
		t.sort = number
		for i < len(s) && (alnum(s[i]) || s[i] == '.') {
			i++
		}
	case alpha(c) || c == '@' || c >= 0x80:
		t.sort = word
		for i < len(s) && (alnum(s[i]) || s[i] == '@' || s[i] >= 0x80 || s[i] == '$') {
			i++
		}
	case c == ';':
		t.sort = stop
	case i < len(s) && strings.IndexByte("=<>|&!", c) >= 0 && strings.IndexByte("=><|&", s[i]) >= 0:
		i++
	}
	t.end = i
	t.text = s[t.start:i]
	return t
}

// after is where the next end of a text or a comment is over.
func after(s string, i int, end string) (int, bool) {
	if k := strings.Index(s[i:], end); k >= 0 {
		return i + k + len(end), false
	}
	return len(s), true
}

// executed is the words inside /*! … */.
func executed(t token) []token {
	body := strings.TrimLeft(strings.TrimSuffix(t.text[3:], "*/"), "0123456789")
	if strings.Contains(body, "/*") || len(body) > 256 {
		return nil
	}
	all := tokens(body, false)
	for i := range all {
		all[i].start, all[i].end = t.start, t.end
	}
	return all
}

// closing is where the text that starts at i ends. A doubled quote and an
// escaped one do not end it.
func closing(s string, i int) (end int, open bool) {
	q := s[i]
	for i++; i < len(s); i++ {
		switch {
		case s[i] == '\\' && q != '`' && i+1 < len(s):
			i++
		case s[i] == q && i+1 < len(s) && s[i+1] == q:
			i++
		case s[i] == q:
			return i + 1, false
		}
	}
	return len(s), true
}

// dollars is the length of the tag that starts a dollar-quoted text, or 0.
func dollars(s string) int {
	for i := 1; i < len(s) && i < 64; i++ {
		if s[i] == '$' {
			return i + 1
		}
		if !alnum(s[i]) {
			return 0
		}
	}
	return 0
}

func alpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func alnum(c byte) bool { return alpha(c) || c >= '0' && c <= '9' }

// run is tokens to be looked through by their words.
type run []token

func (r run) at(i int) string {
	if i < 0 || i >= len(r) {
		return ""
	}
	return r[i].text
}

// is reports whether the words at i are these.
func (r run) is(i int, words ...string) bool {
	for k, w := range words {
		if r.at(i+k) != w {
			return false
		}
	}
	return true
}

func (r run) find(words ...string) int {
	for i := range r {
		if r[i].sort == word && r.is(i, words...) {
			return i
		}
	}
	return -1
}

// plain is tokens without comments.
func plain(all []token) run {
	out := make(run, 0, len(all))
	for _, t := range all {
		if t.sort != remark {
			out = append(out, t)
		}
	}
	return out
}
