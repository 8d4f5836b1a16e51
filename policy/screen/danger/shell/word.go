package shell

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Unknown stands for a piece of a word that only execution would tell.
const Unknown = "\x00"

// word is what a word becomes: its fields, split where an expansion splits it,
// and what flows into it from substitutions.
func (r *Reader) word(w *syntax.Word) ([]string, Flow) {
	if w == nil || r.nodes <= 0 {
		return []string{Unknown}, 0
	}
	r.nodes--
	e := expansion{Reader: r, lits: len(w.Parts)}
	e.parts(w.Parts, false)
	text := e.b.String()
	if len(w.Parts) == 1 {
		if l, ok := w.Parts[0].(*syntax.Lit); ok && strings.HasPrefix(l.Value, "{") && strings.Contains(l.Value, ",") && strings.HasSuffix(l.Value, "}") {
			return strings.Split(l.Value[1:len(l.Value)-1], ","), e.Flow
		}
	}
	if e.split {
		if fields := strings.Fields(text); len(fields) > 0 {
			return fields, e.Flow
		}
		return nil, e.Flow
	}
	return []string{text}, e.Flow
}

type expansion struct {
	*Reader
	b     strings.Builder
	Flow  Flow
	split bool
	lits  int
}

func (e *expansion) parts(parts []syntax.WordPart, quoted bool) {
	for _, p := range parts {
		if e.b.Len() > maxWord {
			return
		}
		switch p := p.(type) {
		case *syntax.Lit:
			e.b.WriteString(unescape(p.Value, quoted))
		case *syntax.SglQuoted:
			if p.Dollar {
				e.b.WriteString(unquoteC(p.Value))
			} else {
				e.b.WriteString(p.Value)
			}
		case *syntax.DblQuoted:
			e.parts(p.Parts, true)
		case *syntax.ParamExp:
			e.param(p, quoted)
		case *syntax.CmdSubst:
			e.subst(p.Stmts, quoted)
		case *syntax.ProcSubst:
			e.subst(p.Stmts, true)
		default:
			e.inside(p, 0)
			e.b.WriteString(Unknown)
		}
	}
}

// subst judges a substitution. What echo and printf say in one is known.
func (e *expansion) subst(stmts []*syntax.Stmt, quoted bool) {
	var out Flow
	for _, s := range stmts {
		out |= e.stmt(s, 0)
	}
	e.Flow |= out
	if len(stmts) == 1 && len(stmts[0].Redirs) == 0 {
		if c, ok := stmts[0].Cmd.(*syntax.CallExpr); ok && len(c.Args) > 1 {
			if name := c.Args[0].Lit(); name == "echo" || name == "printf" {
				for i, a := range c.Args[1:] {
					fields, _ := e.word(a)
					if i > 0 {
						e.b.WriteByte(' ')
					}
					e.b.WriteString(strings.Join(fields, " "))
				}
				e.split = e.split || !quoted
				return
			}
		}
	}
	e.b.WriteString(Unknown)
}

func (e *expansion) param(p *syntax.ParamExp, quoted bool) {
	if p.Param == nil {
		e.b.WriteString(Unknown)
		return
	}
	var word string
	if p.Exp != nil && p.Exp.Word != nil {
		fields, f := e.word(p.Exp.Word)
		word = strings.Join(fields, " ")
		e.Flow |= f
	}
	v, set := e.vars[p.Param.Value]
	e.Flow |= v.Flow
	switch name := p.Param.Value; {
	case name == "IFS":
		e.b.WriteByte(' ')
		e.split = e.split || !quoted
	case name == "HOME" && !set:
		e.b.WriteByte('~')
	case name == "PWD" && !set:
		e.b.WriteByte('.')
	case strings.Trim(name, "@*123456789") == "" && name != "" && e.lits > 1 && !quoted && p.Exp == nil:
	case p.Slice != nil && set:
		e.b.WriteString(slice(v.text, p.Slice))
	case set && p.Exp == nil && p.Repl == nil && !p.Length && !p.Excl && p.Index == nil:
		e.b.WriteString(v.text)
		e.split = e.split || !quoted && strings.Contains(v.text, " ")
	case p.Exp != nil && (p.Exp.Op == syntax.DefaultUnset || p.Exp.Op == syntax.DefaultUnsetOrNull) && !set && word != "":
		e.b.WriteString(word)
	default:
		e.b.WriteString(Unknown)
	}
}

// slice is ${text:offset:length} where both are plain numbers.
func slice(text string, s *syntax.Slice) string {
	from, ok := literal(s.Offset)
	if !ok || from > len(text) {
		return Unknown
	}
	n := len(text) - from
	if s.Length != nil {
		if n, ok = literal(s.Length); !ok {
			return Unknown
		}
	}
	return text[from:min(from+n, len(text))]
}

func literal(a syntax.ArithmExpr) (int, bool) {
	w, ok := a.(*syntax.Word)
	if !ok {
		return 0, false
	}
	return number(w.Lit())
}

func number(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 0 && n < 1<<20
}

// unescape takes the backslashes off a literal.
func unescape(s string, quoted bool) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (!quoted || strings.IndexByte("$`\"\\\n", s[i+1]) >= 0) {
			i++
			if s[i] == '\n' {
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// unquoteC reads the escapes of $'…' and printf.
func unquoteC(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 >= len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; {
		case c == 'n':
			b.WriteByte('\n')
		case c == 't':
			b.WriteByte('\t')
		case c == 'x' || c == 'u':
			i += escape(&b, s[i+1:], 16, map[byte]int{'x': 2, 'u': 4}[c])
		case c >= '0' && c <= '7':
			i += escape(&b, s[i:], 8, 3) - 1
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// escape writes the character whose number starts s and says how long that is.
func escape(b *strings.Builder, s string, base, most int) int {
	n := 0
	for n < min(most, len(s)) && strings.IndexByte("0123456789abcdef"[:base], s[n]|0x20*btoi(s[n] >= 'A')) >= 0 {
		n++
	}
	if c, err := strconv.ParseUint(s[:n], base, 32); err == nil && c > 0 {
		b.WriteRune(rune(c))
	}
	return n
}

func btoi(b bool) byte {
	if b {
		return 1
	}
	return 0
}
