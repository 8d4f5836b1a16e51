package shell

import (
	"slices"
	"strings"
)

// publishers are hosts where installers that are piped into a shell are the
// documented way: worth a note, not a refusal.
var publishers = []string{"deb.nodesource.com", "rpm.nodesource.com", "sh.rustup.rs", "get.docker.com", "install.python-poetry.org", "astral.sh",
	"bun.sh", "deno.land", "get.helm.sh", "get.k3s.io", "bootstrap.pypa.io", "brew.sh", "get.pnpm.io", "get.sdkman.io", "cli.github.com", "packages.cloud.google.com", "apt.llvm.org",
	"sdk.cloud.google.com", "install.determinate.systems", "nixos.org", "starship.rs", "tailscale.com", "fly.io", "ollama.com", "opencode.ai", "claude.ai", "volta.sh", "mise.run", "foundry.paradigm.xyz", "golangci-lint.run"}

// flows carries what a command reads on to what it writes, and finds code that
// runs what came from elsewhere.
func (r *Reader) flows(c *Command, in Flow) Flow {
	in |= 0
	if runsInput(c) {
		r.feeds(c, in|c.Flow)
		return in&(Fetched|Trusted) | Session
	}
	if c.Is("eval", "iex", "invoke-expression", "source", ".") {
		r.feeds(c, in|c.Flow|r.Files[c.Operand(0)])
	}
	if c.Is("source", ".") && (strings.HasPrefix(c.Operand(0), "/dev/stdin")) {
		r.feeds(c, in)
	}
	if script := c.Operand(0); (Shells[c.Name] || Interpreters[c.Name]) && script != "" {
		if f := r.Files[script]; f&(Fetched|Decoded) != 0 {
			r.Hit("shell.download_and_run", f&Trusted == 0)
		}
		if !c.Has("-c", "-e") && c.Flow&(Fetched|Decoded) != 0 {
			r.feeds(c, c.Flow)
		}
	} else if Shells[c.Name] && c.Flow&(Fetched|Decoded) != 0 {
		r.feeds(c, c.Flow)
	}
	switch {
	case Fetchers[c.Name]:
		return r.fetchedBy(c)
	case c.Is("nc", "ncat", "netcat", "telnet", "socat", "openssl") && (c.Name != "openssl" || c.Operand(0) == "s_client"):
		return Fetched
	case c.Is("mkfifo", "mknod"):
		r.Fifo = r.Fifo || c.Name == "mkfifo" || slices.Contains(c.Args, "p")
		for _, o := range c.Operands() {
			r.Files[o] |= Pipe
		}
		return 0
	case c.Is("printenv", "set", "export", "declare") && c.Operand(0) == "" && (c.Name == "printenv" || c.Name != "set" && (c.Has("-p") || len(c.Args) == 0) || len(c.Args) == 0):
		return Environ
	case c.Is("env") && len(c.Args) == 0:
		return Environ
	case c.Is("echo", "printf"):
		return c.Flow&^Local | r.literal(c)
	}
	return r.through(c, in)
}

// literal reads what echo says, so that a decoder behind it can be followed.
func (r *Reader) literal(c *Command) Flow {
	text := strings.Join(c.Operands(), " ")
	if c.Name == "printf" || c.Has("-e") {
		text = unquoteC(text)
	}
	r.Said = text
	return 0
}

// through is for programs that write what they read or what is in files.
func (r *Reader) through(c *Command, in Flow) Flow {
	out := in & (Fetched | Trusted | Session | Pipe)
	decodes := c.Is("base64", "base32", "xxd", "openssl") && c.Has("-d", "-D", "-r", "-rp", "--decode", "-base64") || c.Is("gunzip", "zcat", "rev") || c.Is("tr") && len(c.Args) == 2 && strings.Contains(c.Line(), "N-Z")
	if Opens[c.Name] || passes[c.Name] || c.Is("python", "python3", "perl") {
		out |= in
		for _, p := range c.Operands() {
			out |= r.Contents(p) &^ Local
			if c.Name != "tee" {
				out |= Local
			}
		}
	}
	if decodes && in&Fetched == 0 {
		out |= Decoded
		if c.Is("rev") {
			b := []rune(r.Said)
			slices.Reverse(b)
			r.Said = string(b)
		} else if plain, ok := decode(r.Said); ok {
			r.Said = plain
		}
	}
	if c.Is("tar", "zip", "7z") && len(c.Operands()) > 0 {
		out |= Local
	}
	return out
}

// feeds is about code that runs what flowed into it.
func (r *Reader) feeds(c *Command, in Flow) {
	if in&Pipe != 0 && r.Fifo {
		in |= Session
	}
	switch {
	case in&Fetched != 0:
		r.Hit("shell.download_and_run", in&Trusted == 0)
	case in&Decoded != 0:
		r.Hit("shell.decoded_and_run", true)
	}
	if said := r.Said; said != "" && !Fetchers[c.Name] && in&Fetched == 0 {
		r.Said = ""
		r.Nested(said)
	}
}

// runsInput reports an interpreter that runs what it reads.
func runsInput(c *Command) bool {
	if !Shells[c.Name] && !Interpreters[c.Name] {
		return false
	}
	for i, a := range c.Args {
		switch {
		case a == "-" || a == "-s" || a == "/dev/stdin":
			return true
		case strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.HasSuffix(a, "c") && Shells[c.Name]:
			return false
		case a == "-c" || a == "-e" || a == "-m" || a == "-r" || a == "-p" || a == "-E" || a == "-pe" || a == "-ne" || a == "-ep" || a == "-command":
			return false
		case !strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "+") && (i == 0 || c.Args[i-1] != "-o"):
			return false
		}
	}
	return true
}

// documentOf is where wget writes to: -O file, -Ofile, -qO-.
func documentOf(c *Command) (to []string) {
	for i, a := range c.Args {
		if len(a) < 2 || a[0] != '-' || a[1] == '-' {
			continue
		}
		k := strings.IndexByte(a, 'O')
		switch {
		case k > 0 && k < len(a)-1:
			to = append(to, a[k+1:])
		case k > 0 && i+1 < len(c.Args):
			to = append(to, c.Args[i+1])
		}
	}
	return to
}

// fetchedBy is what a downloader writes, and where to.
func (r *Reader) fetchedBy(c *Command) Flow {
	f := Fetched
	for _, a := range c.Args {
		_, rest, ok := strings.Cut(a, "https://")
		host, _, _ := strings.Cut(rest, "/")
		if ok && slices.ContainsFunc(publishers, func(p string) bool { return host == p || strings.HasSuffix(host, "."+p) }) {
			f |= Trusted
		}
	}
	if !strings.Contains(strings.Join(c.Args, " "), ".") {
		f |= Trusted // a variable or the machine's own name
	}
	to := c.After("-o", "--output", "-OutFile", "-outfile", "--output-document")
	if c.Is("wget") {
		to = append(to, documentOf(c)...)
	}
	if c.Is("wget") && len(to) == 0 || c.Is("curl") && c.Has("-O", "--remote-name") {
		for _, a := range c.Operands() {
			if k := strings.LastIndexByte(a, '/'); k >= 0 && strings.Contains(a, "://") {
				to = append(to, a[k+1:], "./"+a[k+1:])
			}
		}
	}
	for _, name := range to {
		if name != "-" && name != "" {
			r.Files[name] |= f
		}
	}
	if len(to) > 0 && to[0] != "-" && to[0] != "/dev/stdout" || c.Is("wget") && len(to) == 0 {
		return 0
	}
	return f
}
