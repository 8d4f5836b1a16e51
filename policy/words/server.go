package words

import (
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// Server is one upstream as the operator describes it.
type Server struct {
	Name    string
	Command []string // empty when the command line gives it
	Dir     string   // working directory; empty = the proxy's own
	Env     []EnvValue
	Inherit []string // names taken over from the proxy's environment
	// InheritAll takes over the proxy's whole environment, secrets included.
	InheritAll bool
	Sandbox    Sandbox
	// SkipSchemas turns off the check of arguments against inputSchema.
	SkipSchemas               bool
	Reading                   Reading       // of its arguments
	StartTimeout, StopTimeout time.Duration // never zero
}

// EnvValue is one variable of an upstream's environment. Exactly one source is
// meant: FromEnv (the name of a variable of the proxy's environment), FromFile
// (a path; relative to the policy's folder, already joined), or Literal.
// Loading a policy never reads a secret.
type EnvValue struct {
	Name, Literal, FromEnv, FromFile string
}

const (
	defaultStartTimeout = 30 * time.Second
	defaultStopTimeout  = time.Second // a stage; clients wait some two seconds for all of them
)

// Server reads a block, all but its name and the risks of its tools.
func (r *Reader) Server(b *ServerBlock) Server {
	command := r.List(b.Command)
	s := Server{
		Name:         b.Name,
		Command:      Texts(command),
		Dir:          r.Resolve(r.Text(b.Dir, "")),
		Env:          r.env(b.Env),
		Sandbox:      r.sandbox(b),
		SkipSchemas:  r.Choice(b.Schemas, "enforce", "enforce", "off") == "off",
		StartTimeout: r.Duration(b.StartTimeout, defaultStartTimeout),
		StopTimeout:  r.Duration(b.StopTimeout, defaultStopTimeout),
	}
	if command != nil && (len(command) == 0 || command[0].Text == "") {
		r.Mistake(b.Command.Expr.Range(), "Empty command", "Write the program and its arguments as a list, or leave command out and give it to wrap.")
	}
	s.Inherit, s.InheritAll = r.inherit(b.Inherit)
	return s
}

func (r *Reader) inherit(a *hcl.Attribute) (names []string, all bool) {
	if a == nil {
		return nil, false
	}
	if _, diags := hcl.ExprList(a.Expr); diags.HasErrors() {
		if w, ok := r.Word(a.Expr); ok && w.Text != "all" {
			r.Mistake(w.Range, "Unknown inherit", "%q is neither \"all\" nor a list. Write inherit = [\"PATH\", \"HOME\"].", w.Text)
		}
		return nil, true
	}
	list := r.List(a)
	for _, w := range list {
		r.variableName(w)
	}
	return Texts(list), false
}

func (r *Reader) variableName(w Word) {
	if w.Text == "" || strings.ContainsAny(w.Text, "=\x00") {
		r.Mistake(w.Range, "Unusable variable name", "The name of an environment variable must not be empty nor hold \"=\".")
	}
}

// env reads { NAME = value } where a value is text, secret_env("NAME") or
// secret_file("/path"). Secrets are only named here, never read.
func (r *Reader) env(a *hcl.Attribute) []EnvValue {
	var out []EnvValue
	seen := map[string]hcl.Range{}
	for name, value := range r.Pairs(a, `{ NAME = "value", TOKEN = secret_env("TOKEN") }`) {
		r.variableName(name)
		r.Label(seen, "environment variable", name.Text, name.Range)
		v := EnvValue{Name: name.Text}
		switch text, function := r.TextOr(value, "secret_env", "secret_file"); function {
		case "secret_env":
			v.FromEnv = text
		case "secret_file":
			v.FromFile = r.Resolve(text)
		default:
			v.Literal = text
		}
		out = append(out, v)
	}
	return out
}

// Resolve joins a relative path with the policy's folder.
func (r *Reader) Resolve(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.Folder, path)
}

var serverShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)

// ServerName checks a server's name, which becomes part of the names of tools
// where there are several servers.
func (r *Reader) ServerName(b *ServerBlock, several bool, sep string) {
	if b.Name != "" && !serverShape.MatchString(b.Name) {
		r.Mistake(b.Range, "Unusable server name", "%q must begin with a letter or digit and hold at most 64 of A–Z a–z 0–9 _ . -, for it becomes part of patterns and tool names.", b.Name)
	}
	if several && strings.Index(b.Name+sep, sep) != len(b.Name) {
		r.Mistake(b.Range, "Ambiguous server name", "With several servers a tool is shown as server%stool, so %q must not hold the separator %q, nor end in a part of it. Rename the server, or choose another names { separator = … }.", sep, b.Name, sep)
	}
}
