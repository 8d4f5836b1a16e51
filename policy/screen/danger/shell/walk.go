package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// stmt judges a statement that reads in, and says what it writes.
func (r *Reader) stmt(s *syntax.Stmt, in Flow) Flow {
	if s == nil || r.nodes <= 0 {
		return 0
	}
	r.nodes--
	var c Command
	for _, redir := range s.Redirs {
		in |= r.redirect(&c, redir, s)
	}
	switch cmd := s.Cmd.(type) {
	case nil:
		r.at(s)
		return r.written(&c, in)
	case *syntax.CallExpr:
		r.call(&c, cmd)
		r.at(s)
		return r.written(&c, r.run(&c, in))
	case *syntax.BinaryCmd:
		if cmd.Op == syntax.Pipe || cmd.Op == syntax.PipeAll {
			return r.written(&c, r.stmt(cmd.Y, r.stmt(cmd.X, in)))
		}
		return r.written(&c, r.stmt(cmd.X, in)|r.stmt(cmd.Y, in))
	case *syntax.FuncDecl:
		r.at(s)
		r.forks(cmd)
	case *syntax.DeclClause:
		for _, a := range cmd.Args {
			r.assign(a)
		}
		return 0
	}
	return r.written(&c, r.inside(s.Cmd, in))
}

// inside walks what is in a compound command.
func (r *Reader) inside(n syntax.Node, in Flow) (out Flow) {
	if f, ok := n.(*syntax.FuncDecl); ok {
		return r.stmt(f.Body, in)
	}
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Stmt:
			out |= r.stmt(n, in)
			return false
		case *syntax.Word:
			r.word(n)
			return false
		case *syntax.WordIter:
			r.iterate(n)
			return false
		}
		return r.nodes > 0
	})
	return out
}

// iterate gives the variable of a for loop the first of its values.
func (r *Reader) iterate(n *syntax.WordIter) {
	var v value
	for _, w := range n.Items {
		fields, f := r.word(w)
		v.Flow |= f
		if v.text == "" {
			v.text = strings.Join(fields, " ")
		}
	}
	r.vars[n.Name.Value] = v
}

func (r *Reader) assign(a *syntax.Assign) {
	if a.Name == nil {
		return
	}
	v := value{}
	if a.Value != nil {
		fields, f := r.word(a.Value)
		v = value{strings.Join(fields, " "), f}
	}
	if a.Array != nil {
		for _, e := range a.Array.Elems {
			if e.Value != nil {
				fields, f := r.word(e.Value)
				v.Flow |= f
				v.text = strings.TrimSpace(v.text + " " + strings.Join(fields, " "))
			}
		}
	}
	if a.Append {
		v.text = r.vars[a.Name.Value].text + v.text
	}
	if len(v.text) > maxValue {
		v.text = ""
	}
	if (a.Name.Value == "HISTFILE" && (v.text == "" || v.text == "/dev/null")) || (a.Name.Value == "HISTSIZE" && v.text == "0") {
		r.at(a)
		r.Hit("shell.history", true)
	}
	r.vars[a.Name.Value] = v
}

func (r *Reader) call(c *Command, call *syntax.CallExpr) {
	for _, a := range call.Assigns {
		r.assign(a)
	}
	for i, w := range call.Args {
		fields, f := r.word(w)
		c.Flow |= f
		if i == 0 {
			c.hidden = hides(w)
		}
		c.Words = append(c.Words, fields...)
	}
}

// hides reports a command's name that is written so as not to be read: quotes or
// escapes inside the word, pieces cut out of variables.
func hides(w *syntax.Word) bool {
	letters := false
	for i, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.Lit:
			for k := 0; k+1 < len(p.Value); k++ {
				if p.Value[k] == '\\' && letter(p.Value[k+1]) && (k > 0 || len(p.Value) > 2 && strings.Contains(p.Value[1:], `\`)) {
					return true
				}
			}
			letters = letters || p.Value != "" && letter(p.Value[len(p.Value)-1])
		case *syntax.SglQuoted:
			if p.Dollar && strings.Contains(p.Value, `\`) || letters && i < len(w.Parts)-1 {
				return true
			}
		case *syntax.DblQuoted:
			if letters && i < len(w.Parts)-1 && len(p.Parts) == 0 {
				return true
			}
		case *syntax.ParamExp:
			if p.Slice != nil || p.Exp != nil && len(w.Parts) > 1 && len(p.Param.Value) == 1 {
				return true
			}
		}
	}
	return false
}

// redirect notes where a statement reads from and writes to.
func (r *Reader) redirect(c *Command, redir *syntax.Redirect, s *syntax.Stmt) (in Flow) {
	if redir.Word == nil {
		return 0
	}
	fields, f := r.word(redir.Word)
	target := strings.Join(fields, " ")
	r.at(s)
	if strings.HasPrefix(target, "/dev/tcp/") || strings.HasPrefix(target, "/dev/udp/") {
		r.Hit("shell.reverse_shell", true)
	}
	switch redir.Op {
	case syntax.Hdoc, syntax.DashHdoc:
		if redir.Hdoc != nil {
			body, bf := r.word(redir.Hdoc)
			c.Input, in = strings.Join(body, " "), bf
		}
	case syntax.WordHdoc:
		c.Input, in = target, f
	case syntax.RdrIn, syntax.RdrInOut:
		c.Reads = append(c.Reads, target)
		in = r.Contents(target) | f
	case syntax.DplIn:
	case syntax.DplOut:
		if _, digit := number(target); !digit && target != "-" {
			c.Writes = append(c.Writes, target)
		}
	default:
		c.Writes = append(c.Writes, target)
		c.Appends = c.Appends || redir.Op == syntax.AppOut
	}
	return in
}

// Contents is what reading a file yields.
func (r *Reader) Contents(path string) (f Flow) {
	f = r.Files[path]
	if is, _ := r.IsSecret(path); is {
		f |= Credential
	}
	if path != "" && path != "/dev/null" && f&Pipe == 0 {
		f |= Local
	}
	return f
}

// IsSecret asks which files are secret.
func (r *Reader) IsSecret(path string) (is, strong bool) {
	if r.Secret == nil || path == "" || len(path) > 1024 {
		return false, false
	}
	return r.Secret(path)
}

// written judges the files that a command's output goes to, and remembers them.
func (r *Reader) written(c *Command, out Flow) Flow {
	for _, w := range c.Writes {
		r.Written(r, w, c, out)
		if w != "/dev/stdout" && w != "/dev/stderr" && len(r.Files) < 256 {
			r.Files[w] |= out
		}
	}
	if len(c.Writes) > 0 {
		return out &^ (Credential | Environ | Local)
	}
	return out
}

// forks finds a function that calls itself in a pipe: a bomb.
func (r *Reader) forks(f *syntax.FuncDecl) {
	if f.Name == nil || f.Body == nil {
		return
	}
	calls := func(s *syntax.Stmt) bool {
		c, ok := s.Cmd.(*syntax.CallExpr)
		return ok && len(c.Args) > 0 && c.Args[0].Lit() == f.Name.Value
	}
	seen := 0
	syntax.Walk(f.Body, func(n syntax.Node) bool {
		seen++
		if b, ok := n.(*syntax.BinaryCmd); ok && (b.Op == syntax.Pipe || b.Op == syntax.PipeAll) && calls(b.X) && calls(b.Y) {
			r.Hit("shell.destructive", true)
		}
		return seen < 200
	})
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
