package show

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits bound what is shown of arguments. Zero fields mean the defaults.
type Limits struct {
	Text  int // runes of one string; default 400
	Lines int // lines in all; default 120, at least 3
}

// All are limits that leave out nothing of what a client may send.
var All = Limits{Text: 1 << 30, Lines: 1 << 30}

const defaultLines = 120

func (l Limits) orDefault() Limits {
	if l.Text < 1 {
		l.Text = defaultText
	}
	if l.Lines < 1 {
		l.Lines = defaultLines
	}
	l.Lines = max(l.Lines, 3)
	return l
}

const (
	mostIndent = 20 // levels; deeper ones are numbered, or they would leave the screen

	notJSON = "⟨not JSON⟩ "
	gapMark = "⟨left out: " // how the mark of left out lines begins
)

// JSON lays raw JSON out, one member or element a line, indented by two spaces,
// members in their own order, numbers and literals exactly as they were
// written; each line is safe like one of Line. Strings are shown as JSON
// strings, over-long ones cut in the middle with length and digest of what they
// mean. If there are more than Limits.Lines lines, the middle ones are left
// out, and a line says how many and gives the size and SHA-256 of the whole.
// Without raw there are no lines; what is not valid JSON is shown as one quoted
// line that says so.
func JSON(raw []byte, l Limits) []string {
	return sheet{limits: l.orDefault(), commas: true}.lay(raw)
}

// sheet is what rows are written on.
type sheet struct {
	limits Limits
	commas bool
	width  int // columns to fold lines to; 0 for any
}

// row is one line of a layout, still as raw JSON.
type row struct {
	depth int
	key   []byte // in its quotes, or nil
	value []byte // a string, number or literal, or the brackets that stand here
	comma bool
}

// rows takes valid JSON apart in one pass: what reads each level anew takes
// quadratic time over deep nesting.
func rows(raw []byte) iter.Seq[row] {
	return func(yield func(row) bool) {
		r := row{}
		for i := 0; i < len(raw); {
			end := token(raw, i)
			next := skip(raw, end)
			switch c := raw[i]; {
			case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == ':':
				i++
				continue
			case c == '"' && at(raw, next) == ':':
				r.key = raw[i:end]
				i = next
				continue
			case (c == '{' || c == '[') && at(raw, next) == c+2:
				r.value = []byte{c, c + 2}
				end = next + 1
				next = skip(raw, end)
			case c == '}' || c == ']':
				r.depth--
				r.value = raw[i:end]
			default:
				r.value = raw[i:end]
			}
			r.comma = at(raw, next) == ','
			if !yield(r) {
				return
			}
			if opens := len(r.value) == 1 && (r.value[0] == '{' || r.value[0] == '['); opens {
				r.depth++
			}
			r.key = nil
			i = end
		}
	}
}

// token returns the end of the token at i.
func token(raw []byte, i int) int {
	switch raw[i] {
	case '"':
		for i++; raw[i] != '"'; i++ {
			if raw[i] == '\\' {
				i++
			}
		}
		return i + 1
	case '{', '[', '}', ']', ',', ':', ' ', '\t', '\n', '\r':
		return i + 1
	}
	for i++; i < len(raw) && bytes.IndexByte([]byte("}], \t\r\n"), raw[i]) < 0; i++ {
	}
	return i
}

func skip(raw []byte, i int) int {
	for i < len(raw) && (raw[i] == ' ' || raw[i] == '\t' || raw[i] == '\n' || raw[i] == '\r') {
		i++
	}
	return i
}

func at(raw []byte, i int) byte {
	if i < len(raw) {
		return raw[i]
	}
	return 0
}

// lay writes the rows that fit, in two passes so that those that are left out
// cost nothing but the reading.
func (s sheet) lay(raw []byte) []string {
	if len(raw) == 0 {
		return nil
	}
	if !json.Valid(raw) {
		return s.fold(notJSON + s.quote(string(raw)))
	}
	total := 0
	for range rows(raw) {
		total++
	}
	keep := s.limits.Lines
	var first, last [][]string // the lines of each row
	i := 0
	for r := range rows(raw) {
		if i < keep {
			first = append(first, s.fold(s.write(r)))
		} else if i >= total-keep {
			last = append(last, s.fold(s.write(r)))
		}
		i++
	}
	all := append(first, last...)
	if total == len(all) && fitting(all, keep) == total {
		return flat(all)
	}
	head := fitting(all[:min(keep, len(all)-1)], keep/2)
	tail := fitting(backwards(all[head:]), keep-1-keep/2)
	if head+tail == total {
		return flat(all)
	}
	gap := fmt.Sprintf("%s%d lines; %d bytes in all, SHA-256:⟩ ⟨%s⟩", gapMark, total-head-tail, len(raw), digest(raw))
	return append(append(flat(all[:head]), s.fold(gap)...), flat(all[len(all)-tail:])...)
}

// fitting counts how many rows from the first on have at most that many lines,
// but at least one: a row is shown whole.
func fitting(rows [][]string, lines int) int {
	for i, r := range rows {
		if lines -= len(r); lines < 0 {
			return max(i, 1)
		}
	}
	return len(rows)
}

func backwards(rows [][]string) [][]string {
	out := make([][]string, 0, len(rows))
	for i := len(rows) - 1; i >= 0; i-- {
		out = append(out, rows[i])
	}
	return out
}

func flat(rows [][]string) (lines []string) {
	for _, r := range rows {
		lines = append(lines, r...)
	}
	return lines
}

func (s sheet) write(r row) string {
	line := strings.Repeat("  ", min(r.depth, mostIndent))
	if r.depth > mostIndent {
		line += fmt.Sprintf("⟨level %d⟩ ", r.depth)
	}
	if r.key != nil {
		line += s.quote(meaning(r.key)) + ": "
	}
	if r.value[0] == '"' {
		line += s.quote(meaning(r.value))
	} else {
		line += Line(string(r.value), s.limits.Text)
	}
	if r.comma && s.commas {
		line += ","
	}
	return line
}

func (s sheet) quote(text string) string { return quote(text, s.limits.Text) }

// quote shows text as a JSON string.
func quote(text string, max int) string {
	return string(append(appendLine([]byte{'"'}, text, max, true), '"'))
}

// meaning decodes a JSON string, with half a surrogate pair as what UTF-8 would
// make of it: it must not be shown as the character that stands for an error.
func meaning(raw []byte) string {
	in := raw[1 : len(raw)-1]
	if bytes.IndexByte(in, '\\') < 0 {
		return string(in)
	}
	out := make([]byte, 0, len(in))
	for i := 0; i < len(in); i++ {
		if in[i] != '\\' {
			out = append(out, in[i])
			continue
		}
		i++
		if in[i] != 'u' {
			out = append(out, "\"\\/\b\f\n\r\t"[strings.IndexByte(`"\/bfnrt`, in[i])])
			continue
		}
		unit := func(at int) rune {
			if at+6 > len(in) || in[at] != '\\' || in[at+1] != 'u' {
				return -1
			}
			n, _ := strconv.ParseUint(string(in[at+2:at+6]), 16, 32)
			return rune(n)
		}
		r := unit(i - 1)
		i += 4
		switch low := unit(i + 1); {
		case r < 0xd800 || r > 0xdfff:
			out = utf8.AppendRune(out, r)
		case r < 0xdc00 && low >= 0xdc00 && low <= 0xdfff:
			out = utf8.AppendRune(out, (r-0xd800)<<10|(low-0xdc00)+0x10000)
			i += 6
		default:
			out = append(out, 0xed, 0x80|byte(r>>6&0x3f), 0x80|byte(r&0x3f))
		}
	}
	return string(out)
}
