package show

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits bound what is shown of arguments. Zero fields mean 400 and 120.
type Limits struct {
	Text  int // runes of one string
	Lines int // lines in all
}

// All are limits that leave out nothing of what a client may send.
var All = Limits{Text: 1 << 30, Lines: 1 << 30}

func (l Limits) orDefault() Limits {
	if l.Text <= 0 {
		l.Text = 400
	}
	if l.Lines <= 0 {
		l.Lines = 120
	}
	return l
}

// JSON lays raw JSON out, a member or element a line, in their own order, numbers
// as they are written. Each line is fit to show, whatever is in it. If there are
// more lines than the limit those in the middle are left out, which a line says.
// What is not JSON is shown as one text. It goes over raw once.
func JSON(raw []byte, l Limits) []string {
	if raw == nil {
		return nil
	}
	l = l.orDefault()
	p := layout{limit: l, first: l.Lines - l.Lines/3, last: l.Lines / 3}
	p.tokens = json.NewDecoder(bytes.NewReader(raw))
	p.tokens.UseNumber()
	if !utf8.Valid(raw) || !p.value("", 0) || p.tokens.More() {
		return []string{p.text(string(raw))}
	}
	if p.count <= l.Lines {
		return append(p.head, p.tail...)
	}
	note := fmt.Sprintf("⟨%d lines left out; %d bytes in all, SHA-256 %s…⟩", p.count-p.first-p.last, len(raw), Digest(string(raw))[:12])
	return append(append(p.head, note), p.tail[len(p.tail)-p.last:]...)
}

type layout struct {
	limit       Limits
	tokens      *json.Decoder
	first, last int // lines to keep at either end
	head, tail  []string
	count       int
}

// maxIndent bounds how far lines are moved to the right.
const maxIndent = 24

func (p *layout) add(depth int, text string) {
	indent := strings.Repeat("  ", min(depth, maxIndent))
	if depth > maxIndent {
		indent += fmt.Sprintf("⟨depth %d⟩ ", depth)
	}
	p.count++
	if len(p.head) < p.first {
		p.head = append(p.head, indent+text)
		return
	}
	if p.tail = append(p.tail, indent+text); len(p.tail) > 2*(p.last+1) && p.count > p.limit.Lines {
		p.tail = append(p.tail[:0], p.tail[len(p.tail)-p.last-1:]...)
	}
}

// comma follows the line that was added last.
func (p *layout) comma() {
	if len(p.tail) > 0 {
		p.tail[len(p.tail)-1] += ","
	} else {
		p.head[len(p.head)-1] += ","
	}
}

// value writes the next value behind its name, and reports false if there is
// none.
func (p *layout) value(name string, depth int) bool {
	token, err := p.tokens.Token()
	if err != nil {
		return false
	}
	switch t := token.(type) {
	case json.Delim:
		return p.parts(name, t, depth)
	case string:
		p.add(depth, name+p.text(t))
	case json.Number:
		p.add(depth, name+Line(t.String(), p.limit.Text))
	case nil:
		p.add(depth, name+"null")
	default:
		p.add(depth, name+fmt.Sprint(t))
	}
	return true
}

func (p *layout) parts(name string, open json.Delim, depth int) bool {
	closing := "]"
	if open == '{' {
		closing = "}"
	}
	if !p.tokens.More() {
		p.add(depth, name+open.String()+closing)
		_, err := p.tokens.Token()
		return err == nil
	}
	p.add(depth, name+open.String())
	for first := true; p.tokens.More(); first = false {
		if !first {
			p.comma()
		}
		member := ""
		if open == '{' {
			key, err := p.tokens.Token()
			if err != nil {
				return false
			}
			member = p.text(fmt.Sprint(key)) + ": "
		}
		if !p.value(member, depth+1) {
			return false
		}
	}
	p.add(depth, closing)
	_, err := p.tokens.Token()
	return err == nil
}

// text is a string in quotes. What is cut of it is said behind the quotes.
func (p *layout) text(s string) string {
	quote := func(s string) string {
		s = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(s)
		return `"` + mark(s) + `"`
	}
	if len(s) <= p.limit.Text {
		return quote(s)
	}
	head, tail := cut(s, p.limit.Text)
	if len(head)+len(tail) >= len(s) {
		return quote(s)
	}
	return quote(head) + " " + gap(s, len(s)-len(head)-len(tail)) + " " + quote(tail)
}
