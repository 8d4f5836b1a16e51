// Package shell finds what a command would do that nobody should do unasked:
// it reads the command's syntax tree and runs nothing.
//
// Why: a substring says that two letters occur, a tree says what is run. The
// text "What does rm -rf do?" runs a program named What; `r”m -r -f ~` deletes
// a home. So words are resolved as far as that needs no execution (quotes,
// escapes, variables set in the same text, echo in a substitution), wrappers are
// taken off, text handed to another shell is read in turn, and what flows through
// a pipe carries marks: fetched, decoded, secret.
//
// What cannot be parsed is read by a plain tokenizer instead, which also reads
// PowerShell and cmd.exe. Everything is bounded: the length of the text, the
// depth of nesting, the number of commands, how often text is read in turn.
package shell

import (
	"slices"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// Hit is one thing found: a rule and the bytes that it speaks of.
type Hit struct {
	Rule       string
	Start, End int
	Strong     bool
	Decoded    string // the inner command, if it was handed to another reader
}

// Judge holds the rules that a command is judged by, and which files are secret.
// This package knows only how text becomes commands and what flows between them.
type Judge struct {
	Secret  func(path string) (is, strong bool)
	Command func(r *Reader, c *Command, in Flow)               // about each command
	Written func(r *Reader, path string, c *Command, out Flow) // about each file that is written
}

// Unreadable is the rule for what is too long, too deep or too much to be read.
const Unreadable = "shell.unreadable"

const (
	maxText    = 64 << 10
	maxNesting = 48      // brackets open at once; the parser's cost grows with it
	maxNodes   = 6000    // statements and words
	maxArgs    = 1000    // of one command
	maxDepth   = 4       // text read in turn
	maxValue   = 4 << 10 // of a variable
	maxWord    = 16 << 10
	maxHits    = 64
)

// Flow is what a stream of bytes carries.
type Flow uint16

const (
	Fetched    Flow = 1 << iota // it came over the network
	Decoded                     // it was encoded before
	Credential                  // it holds a credential
	Environ                     // it is the environment
	Session                     // it is what a shell says
	Local                       // it was read from this machine
	Pipe                        // it comes out of a named pipe
	Trusted                     // it was Fetched from where installers are published
)

type value struct {
	text string
	Flow Flow
}

// Reader is one text being read.
type Reader struct {
	*Judge
	hits       []Hit
	vars       map[string]value
	Files      map[string]Flow // what was written to files by the same text
	nodes      int
	depth      int
	base       int // where the text that is being parsed starts
	start, end int // the command at hand
	inner      string
	Fifo       bool
	Text       string // what is being read
	Said       string // what echo last said
}

// Find reads text as a command.
func (j *Judge) Find(text string) []Hit {
	long := len(text) > maxText
	if long {
		text = head(text, maxText)
	}
	r := &Reader{Judge: j, vars: map[string]value{}, Files: map[string]Flow{}, nodes: maxNodes}
	r.all(text)
	if (long || r.nodes <= 0) && len(r.hits) < maxHits { // the rest was not read
		r.hits = append(r.hits, Hit{Rule: Unreadable, End: len(text)})
	}
	return r.hits
}

// Hit notes a rule about the command at hand.
func (r *Reader) Hit(rule string, strong bool) {
	h := Hit{rule, r.start, r.end, strong, r.inner}
	for i, have := range r.hits {
		if have.Rule == rule && have.Start == h.Start && have.End == h.End {
			r.hits[i].Strong = have.Strong || strong
			return
		}
	}
	if len(r.hits) < maxHits {
		r.hits = append(r.hits, h)
	}
}

// read parses text and walks it. What is left after a mistake in the syntax is
// read by the plain tokenizer.
func (r *Reader) read(text string) {
	text = blankExpressions(text)
	if nesting(text) > maxNesting {
		r.Hit(Unreadable, false)
		r.light(text, false)
		return
	}
	var stmts []*syntax.Stmt
	failed := 0
	func() {
		defer func() {
			if recover() != nil {
				failed = 1
			}
		}()
		for s, err := range syntax.NewParser(syntax.Variant(syntax.LangBash)).StmtsSeq(strings.NewReader(text)) {
			if err != nil {
				failed = 1
				break
			}
			stmts = append(stmts, s)
		}
	}()
	for _, s := range stmts {
		r.stmt(s, 0)
	}
	if failed == 0 {
		return
	}
	rest := 0
	if n := len(stmts); n > 0 {
		rest = min(int(stmts[n-1].End().Offset()), len(text))
	}
	if r.depth == 0 {
		r.base = rest
		r.light(text[rest:], false)
		r.base = 0
	} else {
		r.light(text[rest:], false)
	}
}

// Nested reads text that the command at hand hands to another shell.
func (r *Reader) Nested(text string) {
	if r.depth >= maxDepth || r.nodes <= 0 || text == "" || len(text) > maxText {
		return
	}
	inner := r.inner
	r.depth++
	r.inner = clip(text)
	r.all(text)
	r.depth--
	r.inner = inner
}

// Read has rules judge text that is no command, such as a program in another
// language; what they find is about all of it.
func (j *Judge) Read(text string, rules func(*Reader)) []Hit {
	r := &Reader{Judge: j, vars: map[string]value{}, Files: map[string]Flow{}, nodes: maxNodes, end: len(text), depth: 1}
	rules(r)
	return r.hits
}

func (r *Reader) all(text string) {
	outer := r.Text
	r.Text = text
	r.read(text)
	if windows(text) {
		r.light(text, true)
	}
	r.Text = outer
}

// head is the first bytes of text, up to a rune's edge.
func head(text string, n int) string {
	for n > 0 && n > maxText-utf8.UTFMax && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

func clip(text string) string {
	const most = 200
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return text
}

// Inside reports that the command was handed to another shell as text.
func (r *Reader) Inside() bool { return r.inner != "" }

// at sets the command that hits speak of. Inside nested text that stays the
// outer command, whose bytes are in the text.
func (r *Reader) at(n syntax.Node) {
	if r.depth == 0 {
		r.start, r.end = int(n.Pos().Offset()), int(n.End().Offset())
	}
}

// blankExpressions replaces ${{ … }}, which workflow files put into shell, by as
// many letters: what it yields is not known.
func blankExpressions(text string) string {
	if !strings.Contains(text, "${{") {
		return text
	}
	b := []byte(text)
	for i := 0; i+3 < len(b); i++ {
		if b[i] != '$' || b[i+1] != '{' || b[i+2] != '{' {
			continue
		}
		end := strings.Index(text[i:], "}}")
		if end < 0 {
			break
		}
		for k := i; k < i+end+2; k++ {
			b[k] = 'X'
		}
		i += end + 1
	}
	return string(b)
}

// nesting is how many brackets and words that open a block are open at most,
// whatever the quotes: an upper bound.
func nesting(text string) int {
	deepest, open := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '(', '{':
			open++
			deepest = max(deepest, open)
		case ')', '}':
			open = max(open-1, 0)
		}
	}
	blocks := strings.Count(text, "if ") + strings.Count(text, "while ") + strings.Count(text, "until ")
	if blocks > 400 {
		deepest = max(deepest, blocks-strings.Count(text, "fi")-strings.Count(text, "done"))
	}
	return deepest
}

// windows reports words that only PowerShell and cmd.exe use.
func windows(text string) bool {
	found := false
	words(text, func(word string) bool {
		found = ofWindows[word] || strings.HasPrefix(word, "/") && len(word) == 2
		return !found
	})
	return found || strings.Contains(text, `:\`)
}

// words calls yield with each word of text in lower case, until that says no.
func words(text string, yield func(string) bool) {
	var buf [32]byte
	n := 0
	for i := 0; i <= len(text); i++ {
		c := byte(' ')
		if i < len(text) {
			c = text[i]
		}
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
			fallthrough
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '/':
			if n < len(buf) {
				buf[n] = c
				n++
			}
		default:
			if n > 1 && !yield(string(buf[:n])) {
				return
			}
			n = 0
		}
	}
}

// Likely reports whether text could run something of interest: a word where a
// command may stand is one, or hides itself, or a redirection goes to a place.
// It is what makes clean text cheap.
func Likely(text string) bool {
	command := true // a command may stand here
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\r':
		case c == '(' && strings.HasPrefix(text[i:], "()"):
			return true // a function
		case c == '\n' || c == ';' || c == '|' || c == '&' || c == '(' || c == '`' || c == '{' || c == '!' || c == '@':
			command = true
		case c == '>' || c == '<':
			if place(text[i+1:]) {
				return true
			}
		case (c == '$' || c == '\\' || c == '\'' || c == '"') && command:
			return true
		default:
			end := i + strings.IndexAny(text[i:], " \t\r\n;|&(`'\"<>\\$),")
			if end < i {
				end = len(text)
			}
			if end == i {
				command = false
				continue
			}
			word := text[i:end]
			if command && (Interesting(word) || end < len(text) && strings.IndexByte("'\"\\$", text[end]) >= 0 && !strings.Contains(word, "=")) {
				return true
			}
			command = command && (keeps(word) || strings.Contains(word, "="))
			i = end - 1
		}
	}
	return false
}

// place reports that a redirection goes to somewhere that matters.
func place(rest string) bool {
	rest = strings.TrimLeft(rest, "&>| \t\"'")
	return rest != "" && (strings.HasPrefix(rest, "(") || rest[0] == '~' || rest[0] == '$' || rest[0] == '.' || rest[0] == '/' && !strings.HasPrefix(rest, "/dev/null"))
}

// keeps reports words after which a command still stands.
func keeps(word string) bool {
	return slices.Contains([]string{"then", "do", "else", "elif", "if", "while", "until", "time", "@"}, word)
}

// Interesting reports a program that some rule speaks of.
func Interesting(word string) bool {
	if strings.HasPrefix(word, "HIST") {
		return true
	}
	if len(word) > 64 {
		return false
	}
	if k := strings.LastIndexByte(word, '/'); k >= 0 {
		word = word[k+1:]
	}
	if ofUnix[word] || word == "." {
		return true
	}
	var buf [24]byte
	if len(word) > len(buf) {
		return false
	}
	for i := range len(word) {
		c := word[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf[i] = c
	}
	b := buf[:len(word)]
	if ext := len(b) - 4; ext > 0 && string(b[ext:]) == ".exe" {
		b = b[:ext]
	}
	if dot := strings.IndexByte(string(b), '.'); dot > 0 { // mkfs.ext4, python3.12
		return ofUnix[string(b[:dot])] || ofWindows[string(b)]
	}
	return ofWindows[string(b)]
}
