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
// It looks for their rarest letters first.
func (w *walk) floor(text string) {
	if !w.has("floor.rm_rf") {
		each(text, '-', func(k int) bool {
			if k < 3 || text[k-3:k] != "rm " || k > 3 && letter(text[k-4]) || !w.own(text, k-3) {
				return false
			}
			for _, f := range []string{"-rf", "-fr", "-Rf", "-r -f"} {
				if strings.HasPrefix(text[k:], f) {
					w.add("floor.rm_rf", k-3, k+len(f), w.kind != kind.Document, "")
					return true
				}
			}
			return false
		})
	}
	if w.kind != kind.SQL && !w.has("floor.drop_table") {
		found := func(k int) bool {
			start := dropTable(text, k)
			if start < 0 || !w.own(text, start) {
				return false
			}
			w.add("floor.drop_table", start, k+3, w.kind != kind.Document, "")
			return true
		}
		if !each(text, 'b', found) {
			each(text, 'B', found)
		}
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

// each hands f the places of a letter until f says that it is enough.
func each(text string, c byte, f func(k int) bool) bool {
	for at := 0; ; {
		k := strings.IndexByte(text[at:], c)
		if k < 0 {
			return false
		}
		if f(at + k) {
			return true
		}
		at += k + 1
	}
}

// dropTable is where a DROP TABLE starts whose B stands at k, or -1.
func dropTable(text string, k int) int {
	if k < 7 || k+3 > len(text) || !strings.EqualFold(text[k-2:k+3], "table") {
		return -1
	}
	before := strings.TrimRight(text[:k-2], " \t\r\n")
	if len(before) == k-2 || len(before) < 4 || !strings.EqualFold(before[len(before)-4:], "drop") {
		return -1
	}
	return len(before) - 4
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
