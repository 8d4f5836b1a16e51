package danger

import (
	"strings"

	"sallyport/policy/screen/danger/kind"
	"sallyport/policy/screen/danger/shell"
	"sallyport/policy/screen/danger/sql"
)

// shaped reads a text of which no name tells what it is.
func (w *walk) shaped(text string) {
	if kind.Address(text) {
		w.kind = kind.URL
		w.url(text)
		return
	}
	if sql.Looks(text) {
		w.kind = kind.SQL
		w.sql(text)
		return
	}
	w.kind = kind.Shell
	before := len(w.found)
	w.shell(text)
	w.kind = kind.None
	first, _, _ := strings.Cut(strings.TrimLeft(text, "@ \t\n"), " ")
	w.commands = strings.HasPrefix(text, "#!") || shell.Interesting(first)
	if len(w.found) > before && !strings.HasPrefix(text, ".") {
		return
	}
	if kind.Pathlike(text) {
		w.kind = kind.Path
		w.file(text)
	}
	if !w.commands && suspectCode(text) {
		w.kind = kind.Code
		w.code(text)
	}
}

// document notes what a text quotes that would be fatal as a command. Documents
// do that: nothing is strong.
func (w *walk) document(text string) {
	if len(text) > 256<<10 {
		text = text[:256<<10]
	}
	w.floor(text)
	if k := strings.Index(text, "${jndi:"); k >= 0 {
		w.add("template.injection", k, k+7, false, "")
	}
}

// floor finds the three that are always worth a note: rm -rf, DROP TABLE, ; curl.
func (w *walk) floor(text string) {
	if k := strings.Index(text, "rm -"); k >= 0 && !w.has("floor.rm_rf") {
		for _, f := range []string{"rm -rf", "rm -fr", "rm -Rf", "rm -r -f"} {
			if k := strings.Index(text, f); k >= 0 && (k == 0 || !letter(text[k-1])) && w.own(text, k) {
				w.add("floor.rm_rf", k, k+len(f), w.kind != kind.Document, "")
				break
			}
		}
	}
	for rest, at := text, 0; w.kind != kind.SQL && !w.has("floor.drop_table"); {
		k := strings.IndexAny(rest, "dD")
		if k < 0 {
			break
		}
		if n := dropTable(rest[k:]); n > 0 && w.own(text, at+k) {
			w.add("floor.drop_table", at+k, at+k+n, w.kind != kind.Document, "")
			break
		}
		at += k + 1
		rest = rest[k+1:]
	}
	for at := strings.IndexByte(text, ';'); at >= 0; {
		rest := strings.TrimLeft(text[at+1:], " ")
		if strings.HasPrefix(rest, "curl") && (len(rest) == 4 || !letter(rest[4])) {
			w.add("floor.curl", at, len(text)-len(rest)+4, w.kind != kind.Document, "")
			break
		}
		next := strings.IndexByte(text[at+1:], ';')
		if next < 0 {
			break
		}
		at += 1 + next
	}
}

func (w *walk) has(rule string) bool {
	for _, f := range w.found {
		if f.Rule == rule && f.Path == w.path {
			return true
		}
	}
	return false
}

// own reports that what stands at k is not in the middle of a sentence.
func (w *walk) own(text string, k int) bool {
	if w.kind == kind.Document {
		return true
	}
	before := strings.TrimRight(text[:k], " \t\"'`")
	return before == "" || !letter(before[len(before)-1]) || strings.HasSuffix(before, "sudo")
}

func dropTable(s string) int {
	if len(s) < 10 || !strings.EqualFold(s[:4], "drop") {
		return 0
	}
	rest := strings.TrimLeft(s[4:], " \t\n")
	if len(rest) == len(s)-4 || len(rest) < 5 || !strings.EqualFold(rest[:5], "table") {
		return 0
	}
	return len(s) - len(rest) + 5
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// suspectCode reports words of code that could do harm.
func suspectCode(text string) bool {
	if len(text) > 64<<10 {
		text = text[:64<<10]
	}
	for _, part := range []string{"socket", "os.system", "subprocess", "child_process", "exec(", "eval(", "system(", "popen", "rmtree", "rmSync", "rm_rf", "pty.spawn", "urlopen", "shadow", ".ssh/", ".aws/", "fsockopen", "credentials", "TCPClient"} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

var probing = shell.Set(`id whoami uname cat ls ps env printenv pwd hostname ifconfig ip netstat sleep ping curl wget nc ncat netcat bash sh zsh dash python python3 perl ruby php node rm touch nslookup dig
chmod dir ipconfig systeminfo powershell cmd tasklist sudo kill mkfifo telnet uptime w who last df arp route ss lsof nmap phpinfo tftp socat crontab shutdown reboot net reg ver type echo`)
