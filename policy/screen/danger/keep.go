package danger

import (
	"slices"
	"strings"

	"sallyport/policy/screen/danger/shell"
)

// credentials finds commands that show a secret.
func (r rules) credentials(c *shell.Command) {
	line := c.Line()
	low := strings.ToLower(line)
	switch {
	case shell.Opens[c.Name] || c.Is("openssl", "python", "python3", "perl", "ruby", "node"):
		r.shows(c)
	case c.Is("printenv") && has(low, "key") || c.Is("printenv") && (has(low, "token") || has(low, "secret") || has(low, "password")):
		r.Hit("shell.credential_read", true)
	case c.Is("security") && (has(line, "find-generic-password") || has(line, "find-internet-password") || has(line, "dump-keychain") || has(line, "export")):
		r.Hit("shell.credential_read", has(line, "dump") || c.Has("-w", "-g", "-d"))
	case c.Is("kubectl", "oc") && c.Operand(0) == "get" && (strings.HasPrefix(c.Operand(1), "secret")) && c.Has("-o", "--output", "-A", "--all-namespaces"):
		r.Hit("shell.credential_read", true)
	case c.Is("gcloud") && has(line, "print-access-token"), c.Is("gcloud") && has(line, "print-identity-token"), c.Is("az") && has(line, "get-access-token"), c.Is("gh", "glab") && has(line, "auth token"), c.Is("gh") && has(line, "auth status") && c.Has("--show-token", "-t"):
		r.Hit("shell.credential_read", false)
	case c.Is("aws") && (has(line, "configure get") && (has(low, "secret") || has(low, "token")) || has(line, "configure export-credentials")):
		r.Hit("shell.credential_read", true)
	case c.Is("aws") && (has(line, "secretsmanager get-secret-value") || has(line, "sts get-shell.Session-token") || has(line, "ssm get-parameter") && has(line, "with-decryption")), c.Is("gcloud") && has(line, "secrets versions access"), c.Is("secret-tool", "pass", "op", "vault") && (has(line, "lookup") || has(line, "show") || has(line, "read ") || has(line, "kv get")):
		r.Hit("shell.credential_read", false)
	case c.Is("mimikatz", "secretsdump", "secretsdump.py", "lazagne", "procdump") && (c.Name != "procdump" || has(low, "lsass")), has(low, "sekurlsa::"), has(low, "lsadump::"),
		c.Is("reg") && strings.HasPrefix(low, "save") && (has(low, `hklm\sam`) || has(low, `hklm\security`) || has(low, "hklmsam")), c.Is("netsh") && has(low, "key=clear"), c.Is("rundll32") && has(low, "comsvcs"), c.Is("cmdkey") && has(low, "/list"), c.Is("vaultcmd"):
		r.Hit("shell.credential_read", true)
	case c.Is("find", "locate", "rg"):
		for _, a := range c.After("-name", "-iname", "-path", "-wholename") {
			if is, strong := r.IsSecret(strings.ReplaceAll(a, "*", "")); is && strong && (c.Operand(0) == "/" || strings.HasPrefix(c.Operand(0), "~") || c.Operand(0) == "/home") {
				r.Hit("shell.credential_read", true)
			}
		}
	case c.Is("gdb", "strace") && c.Has("-p"), c.Is("tcpdump") && c.Has("-w", "-A"):
		r.Hit("shell.credential_read", false)
	case c.Is("nmap", "masscan", "hydra", "sqlmap", "msfvenom", "msfconsole", "xmrig", "responder", "john", "hashcat"):
		r.Hit("shell.attack_tool", c.Is("hydra", "sqlmap", "msfvenom", "msfconsole", "xmrig"))
	}
	if c.Is("history") && (c.Has("-c", "-d", "-w")) || c.Is("unset") && has(line, "HISTFILE") || c.Is("set") && line == "+o history" || c.Is("wevtutil") && strings.HasPrefix(low, "cl") || c.Is("clear-eventlog") || c.Is("dmesg") && c.Has("-C", "-c") && len(c.Args) == 1 || c.Is("journalctl") && has(line, "--vacuum-time=1s") {
		r.Hit("shell.history", true)
	}
}

// shows judges the files that a command opens to print or to copy.
func (r rules) shows(c *shell.Command) {
	from := append(slices.Clone(c.Operands()), c.Reads...)
	moves := c.Is("cp", "mv", "dd")
	if moves && c.Name != "dd" && len(from) > 1 {
		from = from[:len(from)-1]
	}
	for i, p := range from {
		if i == 0 && c.Is("grep", "egrep", "fgrep", "rg", "sed", "awk", "gawk", "jq", "yq") && len(from) > 1 {
			continue // what is searched for
		}
		p = strings.TrimPrefix(p, "if=")
		if strings.HasPrefix(p, "of=") {
			continue
		}
		if is, strong := r.IsSecret(p); is {
			if moves || c.Is("tar", "zip", "7z", "gzip") {
				for _, o := range c.Operands() {
					r.Files[o] |= shell.Credential // the copy is as secret
				}
			}
			r.Hit("shell.credential_read", strong && !moves && !c.Is("sed", "vi", "vim", "nano", "tar", "zip", "grep", "tee"))
		}
	}
}

// keeps are places that make something run again, and how sure that is meant.
var kept = []struct {
	part   string
	strong bool
}{
	{"/etc/cron", true}, {"/var/spool/cron", true}, {"authorized_keys", true}, {"/etc/ld.so.preload", true}, {"/etc/sudoers", true}, {"/etc/rc.Local", true}, {"/etc/pam.d/", true},
	{"/LaunchAgents/", true}, {"/LaunchDaemons/", true}, {"/.config/autostart", true}, {"/etc/passwd", true}, {"/etc/shadow", true}, {"Start Menu", true}, {"/etc/update-motd.d", true},
	{"/.bashrc", false}, {"/.bash_profile", false}, {"/.profile", false}, {"/.zshrc", false}, {"/.zprofile", false}, {"/.bash_login", false}, {"/etc/profile", false}, {"/etc/bash.bashrc", false},
	{"/etc/systemd/system", false}, {"/.config/systemd/user", false}, {"/usr/lib/systemd/system", false}, {"/etc/init.d", false}, {".git/hooks/", false}, {"/.ssh/config", false}, {"/.config/fish", false}, {"/etc/hosts", false},
}

// writes judges a file that a command writes.
func (r rules) writes(target string, c *shell.Command, out shell.Flow) {
	if device(target) || target == "/proc/sysrq-trigger" {
		r.Hit("shell.destructive", true)
	}
	if has(target, "_history") || strings.HasPrefix(target, "/var/log/") && !c.Appends && (len(c.Words) == 0 || c.Is("echo", "true", ":", "cat") && c.Operand(0) == "" || has(target, "auth") || has(target, "secure") || has(target, "wtmp")) {
		r.Hit("shell.history", true)
	}
	for _, k := range kept {
		if !has(target, k.part) {
			continue
		}
		strong := k.strong
		if !strong {
			said := strings.ToLower(c.Line() + c.Input)
			strong = out&(shell.Fetched|shell.Decoded) != 0 || has(said, "/dev/tcp") || has(said, "curl ") || has(said, "wget ") || has(said, "nc -") || has(said, "base64") || has(said, "| sh") || has(said, "|sh") || has(said, "| bash") || has(said, "|bash") || has(said, "python -c") || has(said, "alias sudo=")
		}
		if k.part == "/etc/passwd" && !c.Appends && !has(c.Line(), ":") {
			r.Hit("shell.destructive", true)
		}
		r.Hit("shell.persistence", strong)
		return
	}
}

// persists finds what makes a command run again later.
func (r rules) persists(c *shell.Command, in shell.Flow) {
	line := c.Line()
	low := strings.ToLower(line)
	switch {
	case c.Is("crontab"):
		if !c.Has("-l", "-e", "-h", "-V") {
			r.Hit("shell.persistence", c.Operand(0) == "-" || c.Has("-r") || c.Operand(0) == "")
		}
	case c.Is("tee"):
		for _, o := range c.Operands() {
			cc := *c
			cc.Appends = c.Has("-a", "--append")
			cc.Input = r.Said
			r.writes(o, &cc, in)
		}
	case c.Is("cp", "mv", "install", "ln"):
		if o := c.Operands(); len(o) > 1 {
			r.writes(o[len(o)-1], c, r.Files[o[0]])
		}
	case c.Is("sed") && c.Has("-i"):
		for _, o := range c.Operands() {
			if has(o, "sudoers") || has(o, "/etc/pam.d") || has(o, "/etc/passwd") || has(o, "sshd_config") && (has(low, "permitrootlogin yes") || has(low, "passwordauthentication yes")) {
				r.Hit("shell.persistence", true)
			}
		}
	case c.Is("dd"):
		for _, a := range c.Args {
			if of, ok := strings.CutPrefix(a, "of="); ok && !device(of) {
				r.writes(of, c, in)
			}
		}
	case c.Is("curl", "wget"):
		for _, o := range c.After("-o", "--output", "-O", "--output-document") {
			r.writes(o, c, shell.Fetched)
		}
	case c.Is("schtasks") && has(low, "/create"), c.Is("reg") && strings.HasPrefix(low, "add") && has(low, "run"), c.Is("sc") && strings.HasPrefix(low, "create"), c.Is("new-service", "register-scheduledtask"):
		r.Hit("shell.persistence", true)
	case c.Is("launchctl") && (strings.HasPrefix(line, "load") || strings.HasPrefix(line, "bootstrap") || strings.HasPrefix(line, "submit")):
		r.Hit("shell.persistence", has(line, "/tmp/") || has(line, "submit"))
	case c.Is("systemctl") && (has(line, "enable") || has(line, "start")) && (has(line, "/tmp/") || has(line, "/dev/shm/")), c.Is("at", "batch") && in != 0 && in&shell.Local == 0:
		r.Hit("shell.persistence", true)
	case c.Is("ssh-copy-id"):
		r.Hit("shell.persistence", false)
	}
}
