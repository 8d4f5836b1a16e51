package danger

import (
	"strings"

	"sallyport/policy/screen/danger/shell"
)

// ofWindows judges commands of PowerShell and cmd.exe, whose paths have
// backslashes that a shell's parser would have eaten.
func (r rules) windows(c *shell.Command) {
	low := strings.ToLower(strings.Join(c.Words, " "))
	remote := has(low, "http://") || has(low, "https://") || has(low, `\\`) && has(low, ".")
	switch {
	case c.Is("remove-item", "ri", "del", "erase", "rd", "rmdir"):
		all := has(low, "-recurse") || has(low, "-r ") || has(low, "/s")
		for _, a := range c.Args {
			if all && vital(strings.TrimSuffix(a, ",")) && !(c.Is("rmdir", "rd", "ri") && !has(low, "/s") && !has(low, "-rec")) {
				r.Hit("shell.destructive", true)
			}
		}
	case c.Is("format") && len(c.Args) > 0 && len(c.Args[0]) == 2 && c.Args[0][1] == ':', c.Is("format-volume", "clear-disk"), c.Is("cipher") && has(low, "/w"), c.Is("diskpart") && has(low, "clean"):
		r.Hit("shell.destructive", true)
	case c.Is("stop-computer", "restart-computer"):
		r.Hit("shell.shutdown", true)
	case c.Is("iex", "invoke-expression"):
		low = strings.ToLower(r.Text)
		if has(low, "download") || has(low, "iwr") || has(low, "irm ") || has(low, "invoke-web") || has(low, "frombase64") {
			r.Hit("shell.download_and_run", true)
		}
	case c.Is("certutil") && (has(low, "urlcache") || has(low, "-decode")), c.Is("bitsadmin", "start-bitstransfer") && remote:
		r.Hit("shell.download_and_run", true)
	case c.Is("regsvr32", "mshta", "rundll32", "cscript", "wscript") && (remote || has(low, "javascript:") || has(low, "vbscript:") || has(low, "/i:http")), c.Is("wmic") && has(low, "process call create"):
		r.Hit("shell.download_and_run", true)
	case c.Is("new-object"):
		if has(low, "tcpclient") {
			r.Hit("shell.reverse_shell", true)
		}
	case c.Is("invoke-webrequest", "iwr", "invoke-restmethod", "irm"):
		for _, file := range c.After("-InFile", "-infile") {
			if is, _ := r.IsSecret(file); is {
				r.Hit("shell.exfiltration", true)
			}
		}
	case c.Is("set-executionpolicy") && (has(low, "bypass") || has(low, "unrestricted")):
		r.Hit("shell.disable_protection", false)
	case c.Is("set-mppreference", "add-mppreference"):
		r.weakens(c)
	case c.Is("get-content", "gc"):
		r.shows(c)
	}
}
