// Package place finds paths and addresses that lead where a call has no
// business: out of a folder, into a secret, to the machine itself, to a cloud's
// metadata.
//
// Why: filters that compare text miss what a file system or a resolver makes of
// it. So a path is decoded as often as a careless server might, and a host is
// read as the oldest C library would read it, before either is judged.
package place

import (
	"path"
	"strings"
)

// Hit is one thing found about the whole of a text.
type Hit struct {
	Rule    string
	Strong  bool
	Decoded string // what the text means, if it does not say so plainly
}

const maxPath = 4096

type secret struct {
	part   string
	strong bool
}

// secrets are files that hold credentials, by what a cleaned path ends in or
// contains. A leading "=" asks for the end, "^" for the start.
var secrets = []secret{
	{"/.ssh/id_", true}, {"/.ssh/identity", true}, {"=/.ssh", false}, {"/.aws/credentials", true}, {"/.aws/config", false}, {"/.config/gcloud/", true}, {"=/.netrc", true}, {"=/_netrc", true}, {"=/.git-credentials", true}, {"=/.npmrc", true}, {"=/.pypirc", true},
	{"/.kube/config", true}, {"/.docker/config.json", true}, {"/.gnupg/", true}, {"=/.pgpass", true}, {"=/.my.cnf", true}, {"/.azure/", true}, {"/.vault-token", true}, {"/.config/gh/hosts.yml", true}, {"/.config/op/", true},
	{"/.password-store/", true}, {"/.local/share/keyrings/", true}, {"/library/keychains/", true}, {"=/.cargo/credentials", true}, {"=/.cargo/credentials.toml", true}, {"=/.gem/credentials", true}, {"/.terraform.d/credentials", true}, {"=/.terraformrc", false},
	{"=/etc/shadow", true}, {"=/etc/shadow-", true}, {"=/etc/gshadow", true}, {"=/etc/master.passwd", true}, {"=/etc/security/passwd", true}, {"=/etc/passwd", false}, {"=/etc/passwd-", false}, {"=/etc/sudoers", true}, {"/etc/sudoers.d/", false},
	{"/etc/ssh/ssh_host_", true}, {"/etc/ssl/private", true}, {"/etc/kubernetes/admin.conf", true}, {"/etc/kubernetes/pki", true}, {"/etc/krb5.keytab", true}, {"^/run/secrets/", true}, {"/var/run/secrets/", true}, {"/etc/rancher/k3s/k3s.yaml", true},
	{"=/.viminfo", false}, {"^/proc/self/environ", true}, {"/environ", false}, {"^/proc/1/environ", true}, {"^/proc/kcore", true}, {"^/dev/mem", true}, {"^/proc/self/", false}, {"^/proc/1/", false},
	{"/login data", true}, {"=/cookies.sqlite", true}, {"=/logins.json", true}, {"=/key4.db", true}, {"=/wallet.dat", true}, {"/.electrum/", true}, {"/.bitcoin/", false}, {"=/keystore.jks", false}, {"=/id_rsa", true}, {"=/id_ed25519", true}, {"=/id_ecdsa", true}, {"=/id_dsa", true},
	{"/windows/system32/config/", true}, {"/windows/win.ini", true}, {"/boot.ini", true}, {"/windows/repair/sam", true}, {"/ntds.dit", true}, {"/unattend.xml", true}, {"/windows/system32/drivers/etc/hosts", true}, {"/web-inf/web.xml", true}, {"=/wp-config.php", true}, {"=/.htpasswd", true}, {"=/web.config", false},
	{"/.git/config", false}, {"=/.git/head", false}, {"=/terraform.tfstate", false}, {"=/credentials.json", false}, {"=/service-account.json", false}, {"=/secrets.yml", false}, {"=/secrets.yaml", false}, {"=/.env", true}, {"/.env.", true}, {"=/.envrc", false}, {"=/.s3cfg", true}, {"=/.boto", true}, {"/docker.sock", true}, {"/etc/rsyncd.secrets", true}, {"=/.dockercfg", true},
	{"/claude_desktop_config.json", false}, {"/.cursor/mcp.json", false}, {"=/.claude.json", false}, {"/.codex/auth.json", true}, {"/.gemini/oauth_creds", true},
}

var harmless = []string{".pub", ".example", ".sample", ".template", ".dist", ".defaults", ".md", "known_hosts", ".test", ".schema"}

// Secret reports a file that holds credentials, and whether there is no other
// reason to name it.
func Secret(name string) (is, strong bool) {
	if name == "" || len(name) > maxPath || strings.IndexByte(name, '\n') >= 0 {
		return false, false
	}
	p := "/" + strings.ToLower(strings.TrimLeft(strings.ReplaceAll(name, `\`, "/"), "/ "))
	for _, end := range harmless {
		if strings.HasSuffix(p, end) {
			return false, false
		}
	}
	p = path.Clean(p)
	if strings.Contains(p, "_history") {
		return true, true
	}
	for at := 0; at+2 < len(p); at++ {
		if p[at] != '/' {
			continue
		}
		for _, s := range byStart[p[at+1:at+3]] {
			if s.at(p, at) {
				return true, s.strong
			}
		}
	}
	return false, false
}

// at reports whether the file is named at that place in a path.
func (s secret) at(p string, at int) bool {
	switch part := s.part; part[0] {
	case '=':
		return p[at:] == part[1:]
	case '^':
		return at == 0 && strings.HasPrefix(p, part[1:])
	default:
		return strings.HasPrefix(p[at:], part) || p[at:] == strings.TrimSuffix(part, "/")
	}
}

// byStart has the files by the two letters behind their first slash.
var byStart = func() map[string][]secret {
	m := map[string][]secret{}
	for _, s := range secrets {
		key := strings.TrimLeft(s.part, "=^")[1:3]
		m[key] = append(m[key], s)
	}
	return m
}()

// Path judges a text that names a file. Roots are the folders that it may be
// in; none is no limit.
func Path(text string, roots []string) (hits []Hit) {
	if text == "" || len(text) > maxPath {
		return nil
	}
	plain, layers := unfold(text)
	p := strings.ReplaceAll(plain, `\`, "/")
	coded := layers > 0
	hit := func(rule string, strong bool) {
		h := Hit{Rule: rule, Strong: strong}
		if coded {
			h.Decoded = plain
		}
		hits = append(hits, h)
	}
	if k := strings.IndexByte(p, 0); k >= 0 {
		hit("path.null", true)
		p = p[:k]
	}
	up, climbs := ups(p)
	switch {
	case up && coded, climbs > 4, climbs > 0 && strings.Contains(plain, `..\`) && strings.Contains(plain, "../"), strings.Contains(p, "..../") || strings.Contains(p, "..;/"):
		hit("path.traversal", true)
	case climbs > 2, climbs > 0 && strings.HasPrefix(p, "/"), climbs > 0 && !strings.HasPrefix(p, ".."):
		hit("path.traversal", false)
	}
	if is, strong := Secret(down(p)); is {
		hit("path.sensitive", strong || climbs > 0 || strings.HasSuffix(strings.ToLower(p), "/etc/passwd"))
	} else if climbs > 0 && systemic(p) {
		hit("path.sensitive", false)
	}
	if len(roots) > 0 && !within(p, roots) {
		hit("path.outside", true)
	}
	return hits
}

// down is a path without the climbs that it starts with.
func down(p string) string {
	for {
		rest := strings.TrimPrefix(strings.TrimPrefix(strings.TrimLeft(p, "/"), "../"), "./")
		if rest == p || len(rest) == len(p) {
			return p
		}
		p = rest
	}
}

// systemic reports folders of the machine, behind a climb.
func systemic(p string) bool {
	p = "/" + strings.TrimLeft(p, "./")
	for _, dir := range []string{"/etc/", "/proc/", "/root/", "/windows/", "/winnt/", "/var/log/", "/var/www/", "/home/", "/usr/", "/boot", "/bin/"} {
		if strings.Contains(strings.ToLower(p), dir) {
			return true
		}
	}
	return false
}

// ups reports whether a path goes up at all, and by how many folders it leaves
// where it started.
func ups(p string) (up bool, out int) {
	depth := 0
	for part := range strings.SplitSeq(p, "/") {
		switch part {
		case "", ".":
		case "..":
			up = true
			depth--
			out = max(out, -depth)
		default:
			depth++
		}
	}
	return up, out
}

func within(p string, roots []string) bool {
	if strings.HasPrefix(p, "~") {
		return false
	}
	if _, out := ups(p); !path.IsAbs(p) && !(len(p) > 1 && p[1] == ':') {
		return out == 0
	}
	p = path.Clean(p)
	for _, r := range roots {
		r = path.Clean(strings.ReplaceAll(r, `\`, "/"))
		if p == r || r == "/" || strings.HasPrefix(p, r+"/") {
			return true
		}
	}
	return false
}

// Plain is text with its percent signs decoded.
func Plain(text string) string {
	plain, _ := unfold(text)
	return plain
}

// unfold decodes percent signs as often as a careless server might, overlong
// UTF-8, and the %u and 0x of older ones.
func unfold(text string) (string, int) {
	layers := 0
	for ; layers < 4 && strings.IndexByte(text, '%') >= 0; layers++ {
		next := unpercent(text)
		if next == text {
			break
		}
		text = next
	}
	if strings.Contains(text, "0x2f") || strings.Contains(text, "0x5c") || strings.Contains(text, "0x2e") {
		text = strings.NewReplacer("0x2f", "/", "0x5c", `\`, "0x2e", ".").Replace(text)
		layers++
	}
	for _, o := range [...][2]string{{"\xc0\xaf", "/"}, {"\xc0\xae", "."}, {"\xc1\x9c", `\`}, {"\xe0\x80\xaf", "/"}, {"\xe0\x80\xae", "."}, {"\xe0\x40\xae", "."}, {"\xc0\x2f", "/"}, {"\xc0\x2e", "."}, {"\xc0\x5c", `\`}, {"\xc1\x1c", "/"}, {"\xc1\xaf", "/"}, {"\u2215", "/"}, {"\u2216", `\`}, {"\uff0e", "."}, {"\uff0f", "/"}, {"\uff3c", `\`}, {"\u2024", "."}} {
		if strings.Contains(text, o[0]) {
			text = strings.ReplaceAll(text, o[0], o[1])
			layers++
		}
	}
	return strings.ToValidUTF8(text, "?"), layers
}

func unpercent(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			b.WriteByte(text[i])
			continue
		}
		if i+5 < len(text) && (text[i+1] == 'u' || text[i+1] == 'U') {
			if hi, ok := hexByte(text[i+2:]); ok {
				if lo, ok := hexByte(text[i+4:]); ok {
					b.WriteRune(rune(hi)<<8 | rune(lo))
					i += 5
					continue
				}
			}
		}
		c, ok := hexByte(text[i+1:])
		if !ok {
			b.WriteByte('%')
			continue
		}
		b.WriteByte(c)
		i += 2
	}
	return b.String()
}

func hexByte(s string) (byte, bool) {
	if len(s) < 2 {
		return 0, false
	}
	hi, ok1 := nibble(s[0])
	lo, ok2 := nibble(s[1])
	return hi<<4 | lo, ok1 && ok2
}

func nibble(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return (c | 0x20) - 'a' + 10, true
	}
	return 0, false
}
