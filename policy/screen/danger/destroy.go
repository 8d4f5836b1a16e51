package danger

import (
	"path"
	"slices"
	"strings"

	"sallyport/policy/screen/danger/shell"
)

// vital reports a place whose loss is the loss of a machine or of a home.
func vital(target string) bool {
	t := strings.TrimSuffix(strings.TrimSuffix(target, "*"), ".*")
	if t == "" && target != "" || t == "/" || t == "~" || t == "~/" || t == "." && target == "." || t == "./" && target == "./*" || target == ".." || target == "../*" {
		return true
	}
	if len(t) > 1 && t[1] == ':' && len(strings.Trim(t[2:], `\/`)) == 0 && letter(t[0]) {
		return true
	}
	lower := strings.ToLower(t)
	if strings.HasPrefix(lower, `c:\windows`) || strings.HasPrefix(lower, `c:\users`) || strings.HasPrefix(lower, "%systemroot%") || strings.HasPrefix(lower, "%userprofile%") || strings.HasPrefix(lower, "$env:") {
		return true
	}
	t = path.Clean(t)
	if rest, ok := strings.CutPrefix(t, "~/"); ok {
		return homes[rest]
	}
	if !strings.HasPrefix(t, "/") {
		return false
	}
	parts := strings.Split(t[1:], "/")
	switch {
	case len(parts) == 1:
		return roots[parts[0]]
	case len(parts) == 2 && (parts[0] == "home" || parts[0] == "Users"):
		return true
	case len(parts) == 2:
		return inner[t]
	}
	return false
}

var (
	roots = shell.Set("bin boot dev etc home lib lib32 lib64 media mnt opt proc root run sbin srv sys usr var data Users System Library Applications Volumes")
	inner = shell.Set("/usr/bin /usr/lib /usr/sbin /usr/shell.Local /var/lib /var/log /var/www /var/spool /var/db /etc/ssh /etc/pam.d /etc/ssl /etc/kubernetes /var/backups /var/mail /lib/modules /usr/include /lib/systemd")
	homes = shell.Set(".ssh .gnupg .config .Local .aws .kube Documents Desktop Pictures Downloads Music Movies Library projects src code work repos")
	// built is what a build makes anew.
	built = shell.Set(`dist build out target bin obj node_modules .venv venv env vendor .cache cache coverage .next .nuxt .turbo .pytest_cache .mypy_cache .ruff_cache .tox
__pycache__ tmp temp .tmp release docs _build generated .gradle .eggs site public`)
)

func device(p string) bool {
	rest, ok := strings.CutPrefix(p, "/dev/")
	if !ok {
		rest, ok = strings.CutPrefix(strings.ToLower(p), `\\.\physicaldrive`)
		return ok && rest != ""
	}
	if rest == "mem" || rest == "kmem" || strings.HasPrefix(rest, "mapper/") || strings.HasPrefix(rest, "disk/by-") {
		return true
	}
	for _, kind := range []string{"sd", "hd", "vd", "xvd", "nvme", "mmcblk", "disk", "rdisk", "md", "dm-"} {
		if n, ok := strings.CutPrefix(rest, kind); ok && n != "" && n == strings.ToLower(n) {
			return true
		}
	}
	return false
}

// destroys finds the loss of files, disks and machines.
func (r rules) destroys(c *shell.Command) {
	switch {
	case c.Is("rm"):
		r.removes(c)
	case c.Is("find"):
		kills := c.Has("-delete") || c.Has("-exec", "-execdir") && slices.ContainsFunc(c.Args, func(a string) bool { return a == "rm" || a == "shred" || a == "unlink" })
		if kills && len(c.Args) > 0 && vital(c.Args[0]) && !c.Has("-mtime", "-atime", "-ctime", "-mmin", "-newer") {
			r.Hit("shell.destructive", true)
		}
	case strings.HasPrefix(c.Name, "mkfs") || c.Is("mke2fs", "mkswap", "wipefs", "blkdiscard", "sgdisk", "shred"):
		if slices.ContainsFunc(c.Args, device) || c.Name == "shred" && slices.ContainsFunc(c.Args, vital) {
			r.Hit("shell.destructive", true)
		}
	case c.Is("dd"):
		for _, a := range c.Args {
			if of, ok := strings.CutPrefix(a, "of="); ok && (device(of) || vital(of)) {
				r.Hit("shell.destructive", true)
			}
		}
	case c.Is("mv", "cp", "ln", "install"):
		o := c.Operands()
		if n := len(o); n > 1 && (c.Name == "mv" && o[n-1] == "/dev/null" || device(o[n-1]) || c.Name == "mv" && slices.ContainsFunc(o[:n-1], vital) && !strings.HasPrefix(o[0], "*") && !strings.HasPrefix(o[0], "./")) {
			r.Hit("shell.destructive", true)
		}
	case c.Is("chmod"):
		r.modes(c)
	case c.Is("chown", "chgrp", "chattr", "setfacl", "icacls", "takeown"):
		if c.Has("-R", "--recursive") && len(c.Operands()) > 1 && slices.ContainsFunc(c.Operands()[1:], shared) {
			r.Hit("shell.destructive", true)
		}
	case c.Is("truncate"):
		if slices.ContainsFunc(c.Operands(), system) {
			r.Hit("shell.destructive", true)
		}
	case c.Is("shutdown", "reboot", "halt", "poweroff") && !c.Has("--help", "-c", "--version"), c.Is("init", "telinit") && (c.Line() == "0" || c.Line() == "6"),
		c.Is("systemctl") && slices.Contains([]string{"poweroff", "reboot", "halt", "kexec"}, c.Operand(0)):
		r.Hit("shell.shutdown", c.Name != "reboot" || c.Has("-f", "--force"))
	case c.Is("kill") && c.Has("-1") && c.Args[len(c.Args)-1] == "-1", c.Is("killall5"), c.Is("pkill") && c.Has("-u") && c.Line() != "" && slices.Contains(c.Args, "root"):
		r.Hit("shell.destructive", true)
	}
}

// vitalRoot is vital without the words that mean only the folder at hand.
func vitalRoot(t string) bool {
	return vital(t) && !strings.HasPrefix(t, ".") && !strings.HasPrefix(t, "*")
}

// shared reports folders that belong to the machine and to no user or service.
func shared(t string) bool {
	return vitalRoot(t) && !strings.HasPrefix(t, "~") && !strings.HasPrefix(t, "/home/") && !strings.HasPrefix(t, "/Users/") && t != "/run" && t != "/opt" && t != "/data" && t != "/srv"
}

// system reports a file that the machine or a service lives by.
func system(p string) bool {
	for _, dir := range []string{"/etc/", "/boot/", "/var/lib/", "/usr/bin/", "/bin/", "/sbin/", "/lib/", "/usr/lib/"} {
		if strings.HasPrefix(p, dir) {
			return true
		}
	}
	return false
}

func (r rules) removes(c *shell.Command) {
	if !c.Has("-r", "-R", "--recursive") {
		for _, t := range c.Operands() {
			if strings.Contains(t, "_history") || strings.HasPrefix(t, "/var/log/") {
				r.Hit("shell.history", strings.Contains(t, "_history") || strings.Contains(t, "auth") || strings.HasSuffix(t, "*"))
			}
			if system(t) && t != "/etc/motd" && strings.Count(t, "/") == 2 && !strings.Contains(t, "*.") {
				r.Hit("shell.destructive", t == "/etc/passwd" || t == "/etc/shadow" || t == "/etc/fstab")
			}
		}
		return
	}
	ordinary, unguarded := true, c.Has("--no-preserve-root")
	for _, t := range c.Operands() {
		if unguarded || vital(t) {
			r.Hit("shell.destructive", true)
		}
		if strings.HasPrefix(t, "/var/log/") {
			r.Hit("shell.history", false)
		}
		ordinary = ordinary && replaceable(t)
	}
	if c.Has("-f", "--force") { // of what a build makes it is a note
		r.Hit("floor.rm_rf", !ordinary)
	}
	// Handed to a shell as text, or .git: worth a second finding.
	if r.Inside() && !ordinary || slices.ContainsFunc(c.Operands(), func(t string) bool {
		return path.Base(t) == ".git" && !strings.HasPrefix(t, "/tmp/") && t != shell.Unknown+"/.git"
	}) {
		r.Hit("shell.destructive", false)
	}
}

// replaceable reports what a build or a package manager makes again.
func replaceable(p string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(p, "./"), "/")
	switch {
	case strings.Contains(p, ".."):
		return false
	case built[first], built[path.Base(p)], strings.Contains(p, shell.Unknown), strings.Contains(first, "."), strings.HasSuffix(p, ".egg-info"):
		return true
	}
	for _, dir := range []string{"/tmp/", "/var/tmp/", "/var/lib/apt/lists/", "/var/cache/", "/usr/share/doc/", "/root/.cache", "/usr/local/lib/android", "/usr/share/dotnet", "/opt/hostedtoolcache"} {
		if strings.HasPrefix(p, dir) {
			return true
		}
	}
	return false
}

func (r rules) modes(c *shell.Command) {
	o := c.Operands()
	if len(o) < 2 {
		return
	}
	mode, files := o[0], o[1:]
	open := strings.HasSuffix(mode, "777") || strings.HasSuffix(mode, "666") || mode == "a+rwx" || mode == "a+rw" || mode == "o+w" || mode == "ugo+rwx"
	if c.Has("-R", "--recursive") && slices.ContainsFunc(files, vitalRoot) && (open || strings.Trim(mode, "0") == "" || strings.HasPrefix(mode, "a-") || mode == "-x") {
		r.Hit("shell.destructive", true)
	}
	suid := mode == "u+s" || mode == "+s" || mode == "g+s" || mode == "ug+s" || len(mode) == 4 && (mode[0] == '4' || mode[0] == '6')
	for _, f := range files {
		switch {
		case suid && (shell.Shells[shell.Program(f)] || shell.Interpreters[shell.Program(f)] || strings.HasPrefix(f, "/tmp/") || slices.Contains([]string{"find", "vim", "cp", "nmap", "env"}, shell.Program(f))):
			r.Hit("shell.privilege", true)
		case open && (strings.HasPrefix(f, "/etc/") || device(f) || strings.HasPrefix(f, "/root") || strings.HasSuffix(f, "docker.sock")):
			r.Hit("shell.privilege", true)
		}
	}
}

// weakens finds protection that is switched off, rights that are raised and ways
// out of a container.
func (r rules) weakens(c *shell.Command) {
	line := c.Line()
	low := strings.ToLower(line)
	switch {
	case c.Is("setenforce") && (line == "0" || strings.EqualFold(line, "permissive")), c.Is("ufw") && (c.Operand(0) == "disable" || c.Operand(0) == "reset"),
		c.Is("iptables", "ip6tables", "nft") && (c.Has("-F", "--flush") && c.Operand(0) == "" || strings.HasPrefix(line, "flush ruleset") || strings.HasPrefix(line, "-P INPUT ACCEPT")),
		c.Is("auditctl") && (c.Has("-D") || line == "-e 0"), c.Is("csrutil") && c.Operand(0) == "disable", c.Is("spctl") && strings.Contains(line, "disable"),
		c.Is("set-mppreference", "add-mppreference") && (strings.Contains(low, "-disable") || strings.Contains(low, "-exclusion")),
		c.Is("netsh") && strings.Contains(low, "firewall") && strings.Contains(low, "off"), c.Is("bcdedit") && strings.Contains(low, "/set"):
		r.Hit("shell.disable_protection", true)
	case c.Is("systemctl", "service"):
		guards := strings.Contains(low, "firewall") || strings.Contains(low, "ufw") || strings.Contains(low, "auditd") || strings.Contains(low, "apparmor") || strings.Contains(low, "falco") || strings.Contains(low, "fail2ban") || strings.Contains(low, "rsyslog") || strings.Contains(low, "crowdstrike") || strings.Contains(low, "clamav")
		if guards && (strings.Contains(low, "stop") || strings.Contains(low, "disable") || strings.Contains(low, "mask")) {
			r.Hit("shell.disable_protection", true)
		}
	case c.Is("usermod", "gpasswd", "adduser", "addgroup"):
		for _, g := range []string{"sudo", "wheel", "root", "admin", "docker", "disk", "shadow"} {
			if slices.Contains(c.Args, g) || slices.Contains(strings.Split(strings.Join(c.After("-G", "-aG", "--groups"), ","), ","), g) {
				r.Hit("shell.privilege", g != "docker")
			}
		}
	case c.Is("useradd") && slices.Contains(c.After("-u", "--uid"), "0"), c.Is("passwd") && c.Operand(0) == "root" && !c.Has("-l"), c.Is("chpasswd") && strings.HasPrefix(c.Input, "root:"), c.Is("setcap") && strings.Contains(line, "setuid"),
		c.Is("net") && (strings.HasPrefix(low, "user") || strings.HasPrefix(low, "localgroup")) && strings.Contains(low, "/add"):
		r.Hit("shell.privilege", true)
	case c.Is("insmod"), c.Is("modprobe") && strings.HasPrefix(c.Operand(0), "/"):
		r.Hit("shell.escape", strings.Contains(line, "/tmp/") || strings.Contains(line, "/dev/shm/") || strings.Contains(line, "/home/"))
	case c.Is("nsenter") && (slices.Contains(c.After("-t", "--target"), "1") || strings.Contains(line, "/proc/1/")), c.Is("mount") && device(c.Operand(0)) && r.Inside():
		r.Hit("shell.escape", true)
	case c.Is("docker", "podman", "nerdctl"):
		r.containers(c)
	case shell.Fetchers[c.Name] && c.Has("--unix-socket") && strings.Contains(line, "docker.sock") && strings.Contains(line, "/containers"):
		r.Hit("shell.escape", true)
	}
}

func (r rules) containers(c *shell.Command) {
	mounts := append(c.After("-v", "--volume"), c.After("--mount")...)
	for _, m := range mounts {
		if strings.HasPrefix(m, "/:") || strings.Contains(m, "source=/,") || strings.Contains(m, "src=/,") {
			r.Hit("shell.escape", true)
		}
		if from, _, ok := strings.Cut(m, ":"); ok {
			if is, strong := r.IsSecret(from); is && strong {
				r.Hit("shell.credential_read", true)
			}
		}
	}
	if c.Has("--privileged") && (c.Has("--pid") || c.Has("--net")) && strings.Contains(c.Line(), "host") {
		r.Hit("shell.escape", false)
	}
}
