package shell

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

// command is a simple command with its words resolved.
type Command struct {
	Words   []string
	Name    string   // the program, without folder, in lower case
	Args    []string // the words after it
	Flow    Flow     // what substitutions put into the words
	Reads   []string // files
	Writes  []string
	Appends bool
	Input   string // a here-document or here-string
	Plain   bool   // read without a grammar: backslashes are as written
	hidden  bool
}

// Has reports a flag: a long one by its name, or with "=" after it; a short one
// by its letter, alone or among others.
func (c *Command) Has(flags ...string) bool {
	for _, a := range c.Args {
		for _, f := range flags {
			if a == f || strings.HasPrefix(f, "--") && strings.HasPrefix(a, f+"=") {
				return true
			}
			if len(f) == 2 && f[0] == '-' && f[1] != '-' && len(a) > 2 && a[0] == '-' && a[1] != '-' && len(a) < 8 && strings.IndexByte(a[1:], f[1]) >= 0 {
				return true
			}
		}
	}
	return false
}

// After is what follows a flag: the next word, or what stands behind "=".
func (c *Command) After(flags ...string) (all []string) {
	for i, a := range c.Args {
		for _, f := range flags {
			switch {
			case a == f && i+1 < len(c.Args):
				all = append(all, c.Args[i+1])
			case strings.HasPrefix(f, "--") && strings.HasPrefix(a, f+"="):
				all = append(all, a[len(f)+1:])
			case len(f) == 2 && f[1] != '-' && len(a) > 2 && strings.HasPrefix(a, f):
				all = append(all, a[2:])
			}
		}
	}
	return all
}

// Operands are the words that are no flags.
func (c *Command) Operands() (all []string) {
	for _, a := range c.Args {
		if a != "" && (a[0] != '-' || a == "-") {
			all = append(all, a)
		}
	}
	return all
}

// Operand is the operand at i, or nothing.
func (c *Command) Operand(i int) string {
	if o := c.Operands(); i < len(o) {
		return o[i]
	}
	return ""
}

// Line is the arguments in one.
func (c *Command) Line() string { return strings.Join(c.Args, " ") }

// Is reports whether the program has one of these names.
func (c *Command) Is(names ...string) bool { return slices.Contains(names, c.Name) }

// Program is the name of the program that a word runs.
func Program(word string) string {
	word = strings.TrimSuffix(word, "\\")
	if k := strings.LastIndexAny(word, `/\`); k >= 0 {
		word = word[k+1:]
	}
	return strings.TrimSuffix(strings.ToLower(word), ".exe")
}

// run judges a command that reads in, and says what it writes.
func (r *Reader) run(c *Command, in Flow) Flow {
	for range 12 { // wrappers around wrappers
		if len(c.Words) == 0 {
			return in
		}
		word := c.Words[0]
		c.Name, c.Args = Program(word), c.Words[1:]
		if len(c.Args) > maxArgs && Interesting(c.Name) {
			r.Hit(Unreadable, false)
			c.Args = c.Args[:maxArgs]
		}
		if c.hidden && Interesting(c.Name) {
			r.Hit("shell.obfuscated", false)
		}
		c.hidden = false
		if f, ok := r.Files[word]; ok && f&(Fetched|Decoded) != 0 {
			r.Hit("shell.download_and_run", f&Trusted == 0)
		}
		rest := unwrap(c)
		if rest == nil {
			break
		}
		c.Words = rest
	}
	if strings.Contains(c.Name, Unknown) {
		return in | c.Flow
	}
	if text, ok := r.handed(c); ok {
		r.Nested(text)
	}
	r.Command(r, c, in)
	return r.flows(c, in)
}

// unwrap takes off a program that runs the one named in its arguments, and
// returns that one's words, or nil.
func unwrap(c *Command) []string {
	takes, ok := wrappers[c.Name]
	if !ok {
		return nil
	}
	skip := 0
	if c.Name == "timeout" || c.Name == "chroot" || c.Name == "flock" || c.Name == "su-exec" || c.Name == "gosu" {
		skip = 1
	}
	for i := 0; i < len(c.Args); i++ {
		a := c.Args[i]
		switch {
		case a == "--":
			return nonempty(c.Args[i+1:])
		case strings.HasPrefix(a, "-") && a != "-":
			if len(a) == 2 && strings.Contains(takes, a[1:]) {
				i++
			}
		case strings.Contains(a, "=") && (c.Name == "env" || c.Name == "sudo" || c.Name == "doas"):
		case skip > 0:
			skip--
		default:
			return nonempty(c.Args[i:])
		}
	}
	return nil
}

func nonempty(words []string) []string {
	if len(words) == 0 {
		return nil
	}
	return words
}

// handed is the text that a command hands to a shell.
func (r *Reader) handed(c *Command) (string, bool) {
	switch {
	case Shells[c.Name]:
		for i, a := range c.Args {
			if len(a) > 1 && a[0] == '-' && a[1] != '-' && strings.HasSuffix(a, "c") && i+1 < len(c.Args) {
				return c.Args[i+1], true
			}
		}
		return c.Input, c.Input != ""
	case c.Is("eval"):
		return c.Line(), true
	case c.Is("su", "script", "watch", "runuser", "flock"):
		if all := c.After("-c", "--command"); len(all) > 0 {
			return all[0], true
		}
		return strings.Join(c.Operands(), " "), c.Name == "watch"
	case c.Is("find", "fd"):
		for i := 0; i < len(c.Args); i++ {
			if a := c.Args[i]; a == "-exec" || a == "-execdir" || a == "-ok" || a == "-x" {
				start := i + 1
				for i++; i < len(c.Args) && c.Args[i] != ";" && c.Args[i] != "+"; i++ {
				}
				r.within(c.Args[start:i], c.Flow)
			}
		}
	case c.Is("ssh"):
		return far(c.Args)
	case c.Is("docker", "podman", "kubectl", "nerdctl", "oc"):
		for i, a := range c.Args {
			if a == "--" || Shells[Program(a)] {
				r.within(c.Args[i+int(btoi(a == "--")):], c.Flow)
				break
			}
		}
	case c.Is("powershell", "pwsh"):
		return r.powershell(c)
	case c.Is("cmd"):
		for i, a := range c.Args {
			if strings.EqualFold(a, "/c") || strings.EqualFold(a, "/k") {
				return strings.Join(c.Args[i+1:], " "), true
			}
		}
	case c.Is("trap"):
		return c.Operand(0), true
	}
	return "", false
}

// far is the command that ssh is to run, behind its flags and the host.
func far(args []string) (string, bool) {
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case len(a) == 2 && a[0] == '-' && strings.IndexByte("oiplFJLRDEbcmWw", a[1]) >= 0:
			i++
		case strings.HasPrefix(a, "-"):
		default:
			return strings.Join(args[i+1:], " "), i+1 < len(args)
		}
	}
	return "", false
}

// within judges a command that stands in the words of another.
func (r *Reader) within(words []string, f Flow) {
	if r.nodes -= len(words); r.depth >= maxDepth || r.nodes <= 0 {
		return
	}
	start, end, depth := r.start, r.end, r.depth
	r.depth = max(depth, 0) + 1
	r.run(&Command{Words: words, Flow: f}, 0)
	r.start, r.end, r.depth = start, end, depth
}

// powershell is the text of -Command, or of -EncodedCommand, Decoded.
func (r *Reader) powershell(c *Command) (string, bool) {
	for i, a := range c.Args {
		flag := strings.ToLower(strings.TrimLeft(a, "-/"))
		if a == "" || (a[0] != '-' && a[0] != '/') || i+1 >= len(c.Args) || flag == "" {
			continue
		}
		if flag == "ec" || strings.HasPrefix("encodedcommand", flag) {
			raw, err := base64.StdEncoding.DecodeString(c.Args[i+1])
			if err != nil {
				continue
			}
			r.Hit("shell.obfuscated", false)
			return strings.ToValidUTF8(strings.ReplaceAll(string(raw), "\x00", ""), ""), true
		}
		if strings.HasPrefix("command", flag) {
			return strings.Join(c.Args[i+1:], " "), true
		}
	}
	return "", false
}

// decode is what base64 -d, xxd -r and the like make of text.
func decode(text string) (string, bool) {
	text = strings.Join(strings.Fields(text), "")
	if len(text) < 4 || len(text) > 16<<10 {
		return "", false
	}
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding} {
		if b, err := e.DecodeString(text); err == nil {
			return strings.ToValidUTF8(string(b), ""), true
		}
	}
	if b, err := hex.DecodeString(text); err == nil {
		return strings.ToValidUTF8(string(b), ""), true
	}
	return "", false
}
