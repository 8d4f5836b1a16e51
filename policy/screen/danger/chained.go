package danger

import (
	"strings"

	"sallyport/policy/screen/danger/kind"
	"sallyport/policy/screen/danger/shell"
)

const maxChained = 1024

// chained finds a command behind what should be one value: after a separator,
// after a quote that is closed first, in a substitution.
func (w *walk) chained(text string) {
	if len(text) > maxChained || w.kind == kind.Shell || w.kind == kind.SQL || w.kind == kind.Code {
		return
	}
	spaces := 0
	for i := 0; i < len(text); i++ {
		n := 0
		switch c := text[i]; {
		case c == ' ':
			spaces++
		case c == ';' || c == '\n' || c == '\r':
			n = 1
		case c == '|' || c == '&':
			n = 1
			if i+1 < len(text) && text[i+1] == c {
				n = 2
			}
		case c == '`', c == '$' && strings.HasPrefix(text[i:], "$("), (c == '<' || c == '>') && strings.HasPrefix(text[i+1:], "("):
			n = 1 + len(strings.TrimPrefix(text[i:i+1], "`"))
		}
		if n == 0 {
			continue
		}
		left := strings.TrimRight(strings.ReplaceAll(text[:i], "${IFS}", " "), " \t\r\n'\")")
		if w.hangs(left, text[i:], n) {
			w.rest(text, i, i+n)
			return
		}
		i += n - 1
	}
}

// hangs reports that a value ends before a separator and a command starts after
// it.
func (w *walk) hangs(left, right string, n int) bool {
	name, known := leads(right[n:])
	if !known {
		return false
	}
	sep := right[0]
	words := len(strings.Fields(left))
	if w.kind == kind.URL && sep == '&' && !strings.ContainsAny(right, " `$") {
		return false // a query's parameters
	}
	if w.kind == kind.Word || w.kind == kind.Path || w.kind == kind.Host || w.kind == kind.URL {
		return words < 6
	}
	switch {
	case sep == '`' || sep == '$' || sep == '<' || sep == '>':
		return words < 2 && name != "echo" && name != "type" && !strings.Contains(left, "=")
	case words == 0:
		return sep != '\n' && (left == "" || sep != '&') && name != "type"
	case words > 1:
		return false
	}
	if name == "echo" || name == "type" || name == "ver" {
		return false
	}
	if sep == '&' && n == 1 && !strings.ContainsAny(right, " \t") && strings.Contains(left, "=") {
		return false
	}
	return datum(left)
}

// datum reports a word that is more likely a value than a program.
func datum(word string) bool {
	if shell.Interesting(word) || strings.HasPrefix(word, "./") || strings.ContainsAny(word, "$={(") {
		return false
	}
	return len(word) < 128
}

// leads is the program that text starts with, if it is one that is used to see
// whether a command runs.
func leads(text string) (string, bool) {
	for range 4 {
		text = strings.TrimLeft(text, " \t\r\n'\"({;&|")
		text = strings.TrimPrefix(text, "${IFS}")
		text = strings.TrimPrefix(text, "$IFS")
	}
	end := strings.IndexAny(text, " \t\r\n;|&`)'\"$<>{}")
	if end < 0 {
		end = len(text)
	}
	word := text[:end]
	if k := strings.LastIndexByte(word, '/'); k >= 0 && (strings.HasPrefix(word, "/bin/") || strings.HasPrefix(word, "/usr/bin/")) {
		word = word[k+1:]
	}
	if len(word) > 12 {
		return "", false
	}
	return word, probing[word]
}

// rest notes the command behind a value, and judges it.
func (w *walk) rest(text string, sep, start int) {
	before := w.kind
	w.add("shell.chained", sep, len(text), true, "")
	tail := text[start:]
	if text[sep] == '`' || text[sep] == '$' {
		tail = strings.TrimRight(tail, "`)")
	}
	if text[sep] == ';' && strings.HasSuffix(tail, "'") && strings.Count(tail, "'") == 1 {
		tail = strings.TrimRight(tail, "';")
	}
	base := w.base
	w.base += start
	w.kind = kind.Shell
	w.shell(tail)
	w.base, w.kind = base, before
}
