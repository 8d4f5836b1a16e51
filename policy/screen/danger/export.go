package danger

import (
	"slices"
	"strings"

	"sallyport/policy/screen/danger/place"
	"sallyport/policy/screen/danger/shell"
)

// fetches judges the addresses that a command talks to, as far as nobody talks
// to them by a command line.
func (r rules) fetches(c *shell.Command) {
	if !shell.Fetchers[c.Name] {
		return
	}
	for _, a := range c.Args {
		for _, h := range place.URL(a) {
			if h.Rule == "url.metadata" || h.Rule == "url.odd_address" {
				r.Hit(h.Rule, h.Strong)
			}
		}
	}
}

// exports finds secrets that leave, and shells that are handed out.
func (r rules) exports(c *shell.Command, in shell.Flow) {
	line := c.Line()
	inputs := in
	for _, p := range c.Reads {
		inputs |= r.Contents(p)
	}
	leaks := inputs & (shell.Credential | shell.Environ)
	switch {
	case shell.Fetchers[c.Name]:
		r.uploads(c, inputs)
	case c.Is("nc", "ncat", "netcat", "telnet"):
		if c.Is("nc", "ncat", "netcat") && (c.Has("-e", "--exec", "--sh-exec", "--lua-exec") || len(c.After("-c")) > 0 && c.Has("-c")) {
			r.Hit("shell.reverse_shell", true)
		}
		if in&shell.Session != 0 || r.Fifo && in&shell.Pipe != 0 {
			r.Hit("shell.reverse_shell", true)
		}
		if leaks != 0 {
			r.Hit("shell.exfiltration", true)
		} else if inputs&shell.Local != 0 {
			r.Hit("shell.exfiltration", false)
		}
	case c.Is("socat"):
		low := strings.ToLower(line)
		if (has(low, "exec:") || has(low, "system:")) && (has(low, "tcp") || has(low, "udp") || has(low, "openssl")) {
			r.Hit("shell.reverse_shell", true)
		}
	case c.Is("openssl") && c.Operand(0) == "s_client" && in&(shell.Session|shell.Pipe) != 0:
		r.Hit("shell.reverse_shell", true)
	case c.Is("scp", "rsync", "sftp", "rclone", "gsutil", "aws", "ftp", "tftp", "azcopy", "croc", "s3cmd", "mc"):
		o := c.Operands()
		away := slices.ContainsFunc(o, func(a string) bool { return strings.Contains(a, ":") && !strings.HasPrefix(a, "C:") })
		if slices.ContainsFunc(o, func(a string) bool { return r.Contents(a)&shell.Credential != 0 }) && (away || c.Is("sftp", "ftp", "tftp", "croc")) {
			r.Hit("shell.exfiltration", true)
		}
	case c.Is("mail", "mailx", "sendmail", "mutt", "gh", "pbcopy", "xclip"):
		if leaks != 0 || slices.ContainsFunc(c.Args, func(a string) bool { is, strong := r.IsSecret(a); return is && strong }) {
			r.Hit("shell.exfiltration", true)
		}
	case c.Is("dig", "nslookup", "host", "ping", "drill", "resolvectl"):
		if c.Flow != 0 && has(line, ".") || strings.Contains(line, shell.Unknown+".") {
			r.Hit("shell.exfiltration", c.Flow&(shell.Credential|shell.Environ|shell.Decoded|shell.Local) != 0 || c.Name != "ping")
		}
	case c.Is("ngrok", "chisel", "cloudflared", "frpc") && !strings.Contains(line, "version"):
		r.Hit("shell.tunnel", false)
	case c.Is("ssh") && len(c.After("-R")) > 0:
		r.Hit("shell.tunnel", false)
	}
}

// uploads judges what curl, wget and the like send.
func (r rules) uploads(c *shell.Command, in shell.Flow) {
	if c.Flow&(shell.Credential|shell.Environ) != 0 {
		r.Hit("shell.exfiltration", true)
	}
	sent := c.After("-d", "--data", "--data-binary", "--data-raw", "--data-ascii", "--data-urlencode", "--json", "-F", "--form", "-b")
	files := append(c.After("-T", "--upload-file", "--post-file", "--body-file"), c.After("-InFile", "-infile")...)
	for _, s := range sent {
		if _, file, ok := strings.Cut(s, "@"); ok {
			files = append(files, strings.SplitN(file, ";", 2)[0])
		} else if _, file, ok := strings.Cut(s, "=<"); ok {
			files = append(files, file)
		}
	}
	for _, f := range files {
		switch is := r.Contents(f)&shell.Credential != 0; {
		case is, (f == "-" || f == "." || f == "/dev/stdin") && in&(shell.Credential|shell.Environ) != 0:
			r.Hit("shell.exfiltration", true)
		case f == "-" && in&shell.Local != 0 && c.Has("-T", "--upload-file"):
			r.Hit("shell.exfiltration", false)
		}
	}
}
