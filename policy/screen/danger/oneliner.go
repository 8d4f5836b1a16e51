package danger

import (
	"slices"
	"strings"

	"sallyport/policy/screen/danger/shell"
	"sallyport/policy/screen/danger/sql"
)

// oneliner judges code on an interpreter's command line.
func (r rules) oneliner(c *shell.Command) {
	var flags []string
	switch {
	case strings.HasPrefix(c.Name, "python") || c.Is("pypy", "pypy3"):
		flags = []string{"-c"}
	case c.Is("perl", "ruby", "node", "nodejs", "lua", "osascript", "julia", "Rscript", "deno", "bun", "groovy", "scala"):
		flags = []string{"-e", "-E", "--eval", "-p", "-rsocket -e", "-MIO"}
	case c.Is("php"):
		flags = []string{"-r"}
	case c.Is("awk", "gawk", "mawk", "vim", "vi", "gdb", "nmap", "tclsh", "expect"):
		if l := c.Line(); has(l, "/inet/tcp/") || has(l, "/inet/udp/") || c.Is("vim", "vi") && has(l, ":!") {
			r.Hit("shell.reverse_shell", true)
		} else if has(l, "system(") {
			_, rest, _ := strings.Cut(l, "system(")
			r.Nested(quoted(rest))
		}
		return
	case c.Is("xterm") && c.Has("-display"):
		r.Hit("shell.reverse_shell", true)
		return
	default:
		return
	}
	code := strings.Join(c.After(flags...), "\n")
	if code == "" {
		code = c.Input
	}
	for i, a := range c.Args { // -MIO -e, -rsocket -e, -pe
		if len(a) > 2 && a[0] == '-' && strings.HasSuffix(a, "e") && i+1 < len(c.Args) {
			code += "\n" + c.Args[i+1]
		}
	}
	r.Code(code)
}

// Code judges a program in a scripting language: a socket that a shell hangs on,
// a download that is run, commands that it hands to a shell.
func (r rules) Code(code string) {
	if code == "" {
		return
	}
	low := strings.ToLower(code)
	any := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(low, w) })
	}
	socket := any("socket", "fsockopen", "net.connect", "tcpsocket", "io::socket", "createconnection", "tcpclient", "pf_inet")
	spawns := any("pty.spawn", "dup2", "/bin/sh", "/bin/bash", "cmd.exe", "exec(\"/bin", "open(stdin", "child_process", "popen(")
	execs := any("exec(", "eval(", "(eval)", "os.system", "subprocess", "popen", "compile(", "instance_eval", "system(", "iex", "invoke-expression")
	loads := any("urlopen", "requests.get", "urlretrieve", "http.get", "fetch(", "lwp::simple", "open-uri", "file_get_contents('http", "file_get_contents(\"http", "downloadstring")
	switch {
	case socket && spawns:
		r.Hit("shell.reverse_shell", true)
	case any("pty.spawn"):
		r.Hit("shell.reverse_shell", true)
	}
	if loads && execs && !any("raise_for_status") {
		r.Hit("shell.download_and_run", true)
	}
	if any("b64decode", "base64.decode", "frombase64", "buffer.from(", "base64_decode", "unhexlify", "bytes.fromhex", "marshal.loads") && any("exec(", "eval(", "(eval)", "os.system", "child_process") {
		r.Hit("shell.decoded_and_run", true)
	}
	for _, call := range []string{"os.system(", "os.popen(", "subprocess.run(", "subprocess.call(", "subprocess.check_output(", "subprocess.popen(", "execsync(", "exec(", "system(", "shell_exec(", "passthru(", "spawn(", "do shell script ", "exec \"", "exec '", "system \"", "system '"} {
		rest := code
		for range 8 {
			k := strings.Index(strings.ToLower(rest), call)
			if k < 0 {
				break
			}
			rest = rest[min(k+len(call), len(rest)):]
			from := rest
			if q := call[len(call)-1]; q == '"' || q == '\'' {
				from = string(q) + rest
			}
			r.Nested(quoted(from))
		}
	}
	if any("shutil.rmtree", "fs.rmsync", "rm_rf", "rmdirsync", "remove_tree", "removetree") {
		for _, call := range []string{"rmtree(", "rmSync(", "rm_rf(", "rmdirSync("} {
			if _, rest, ok := strings.Cut(code, call); ok && vital(quoted(rest)) {
				r.Hit("shell.destructive", true)
			}
		}
	}
	r.openedBy(code, any("open(", "readfile", "read_text", "file.read", "file_get_contents", "slurp"))
}

// openedBy judges the files that a program names as text.
func (r rules) openedBy(code string, reads bool) {
	if !reads {
		return
	}
	for n := 0; n < 64 && code != ""; n++ {
		k := strings.IndexAny(code, `'"`)
		if k < 0 {
			return
		}
		text := quoted(code[k:])
		if is, strong := r.IsSecret(text); is {
			r.Hit("shell.credential_read", strong)
		}
		code = code[min(k+len(text)+2, len(code)):]
	}
}

// quoted is the first text in quotes of code, with the elements of a list joined.
func quoted(code string) string {
	code = strings.TrimLeft(code, " \t\n")
	list := strings.HasPrefix(code, "[")
	var words []string
	for n := 0; n < 16; n++ {
		code = strings.TrimLeft(code, " \t\n[(,fbr")
		if code == "" || code[0] != '\'' && code[0] != '"' && code[0] != '`' {
			break
		}
		end := 1
		for end < len(code) && code[end] != code[0] {
			if code[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end, len(code))
		words = append(words, code[1:end])
		if code = code[min(end+1, len(code)):]; !list {
			break
		}
	}
	return strings.Join(words, " ")
}

// statements judges what is handed to a database's command line.
func (r rules) statements(c *shell.Command) {
	var all []string
	switch {
	case c.Is("psql", "cockroach", "snowsql", "usql", "duckdb"):
		all = append(c.After("-c", "--command", "-q"), c.Input)
	case c.Is("mysql", "mariadb", "cqlsh", "vertica", "trino"):
		all = append(c.After("-e", "--execute"), c.Input)
	case c.Is("sqlite3", "clickhouse-client", "sqlcmd", "bq", "osql"):
		all = append(c.After("-q", "-Q", "--query"), c.Input)
		if o := c.Operands(); c.Is("sqlite3", "bq") && len(o) > 1 {
			all = append(all, o[len(o)-1])
		}
	}
	for _, text := range all {
		if text == "" {
			continue
		}
		for _, h := range sql.Statement(text) {
			r.Hit(h.Rule, h.Strong)
		}
	}
}
