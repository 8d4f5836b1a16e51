package place

import (
	"net/netip"
	"strconv"
	"strings"
)

// schemes that have no business in an argument, and how sure that is.
var schemes = map[string]bool{
	"file": false, "gopher": true, "dict": true, "ldap": true, "ldaps": true, "ldapi": true, "jar": true, "php": true, "phar": true, "expect": true, "zip": true, "netdoc": true, "tftp": true,
	"sftp": false, "ftp": false, "smb": true, "unc": true, "javascript": true, "vbscript": true, "data": false, "view-source": true, "ogg": true, "rar": true, "compress.zlib": true, "glob": true, "rmi": true, "jndi": true, "cpan": true, "mailto": false, "dns": false,
}

// metadata are hosts where a cloud hands credentials to whoever asks from within.
var metadata = []string{"metadata.google.internal", "metadata.goog", "metadata", "instance-data", "instance-data.ec2.internal", "metadata.azure.internal", "metadata.tencentyun.com", "metadata.packet.net", "metadata.platformequinix.com", "metadata.oraclecloud.com", "rancher-metadata", "metadata.nicp.net"}

var metadataAddrs = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("169.254.170.2"), netip.MustParseAddr("169.254.170.23"), netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200"),
	netip.MustParseAddr("192.0.0.192"), netip.MustParseAddr("168.63.129.16"), netip.MustParseAddr("169.254.0.23"), netip.MustParseAddr("fd20:ce::254"), netip.MustParseAddr("169.254.42.42"),
}

// wildcards answer with the address that the name holds.
var wildcards = []string{".nip.io", ".sslip.io", ".xip.io", ".localtest.me", ".lvh.me", ".vcap.me", ".lacolhost.com", ".1u.ms", ".rbndr.us", ".oastify.com", ".burpcollaborator.net", ".interact.sh", ".oast.fun", ".oast.pro", ".dnslog.cn", ".spoofed.burpcollaborator.net", ".ceye.io"}

// services listen on ports where nobody reads web pages.
var services = map[string]bool{"22": true, "25": true, "2375": true, "2376": true, "2379": true, "2380": true, "3306": true, "4243": true, "5432": true, "5984": true, "6379": true, "6443": true, "8500": true, "9200": true, "9300": true, "10250": true, "10255": true, "10256": true, "11211": true, "27017": true, "27018": true, "1433": true, "1521": true, "5985": true, "5986": true, "9042": true, "873": true, "139": true, "445": true, "3389": true, "23": true, "21": true, "389": true, "110": true}

// URL judges a text that is an address.
func URL(text string) (hits []Hit) {
	text = strings.Trim(text, " \t\r\n<>\"'")
	if text == "" || len(text) > 8192 {
		return nil
	}
	hit := func(rule string, strong bool, plain string) { hits = append(hits, Hit{rule, strong, plain}) }
	scheme, rest, ok := strings.Cut(text, ":")
	scheme = strings.ToLower(scheme)
	if strong, known := schemes[scheme]; known && ok {
		if file := strings.TrimLeft(rest, "/"); scheme == "file" || scheme == "netdoc" || scheme == "php" || scheme == "view-source" {
			file, _ = unfold(file)
			_, file, ok = strings.Cut("/"+file, "resource=")
			if !ok {
				file = strings.TrimPrefix(strings.TrimLeft(rest, "/"), "localhost")
			}
			if is, strong := Secret(file); is {
				hit("path.sensitive", strong || scheme == "file", file)
			}
		}
		if scheme == "data" && (strings.Contains(rest, "text/html") || strings.Contains(rest, "script")) {
			strong = true
		}
		if scheme != "mailto" {
			hit("url.scheme", strong, "")
		}
		if scheme == "file" || scheme == "data" || scheme == "javascript" || scheme == "mailto" {
			return hits
		}
	}
	if strings.HasPrefix(text, "//") {
		rest = text
	}
	if !strings.HasPrefix(strings.ReplaceAll(rest, `\`, "/"), "//") {
		return hits
	}
	return append(hits, authority(rest)...)
}

// authority judges the host, as the laxest of readers would find it.
func authority(rest string) (hits []Hit) {
	hit := func(rule string, strong bool, plain string) { hits = append(hits, Hit{rule, strong, plain}) }
	raw := strings.TrimLeft(rest, `/\`)
	if k := strings.IndexAny(raw, "/?#"); strings.Contains(raw[:max(k, 0)], `\@`) || k < 0 && strings.Contains(raw, `\@`) {
		hit("url.userinfo", true, "") // readers differ on where the host is
	}
	rest = strings.ReplaceAll(raw, `\`, "/")
	auth, tail := rest, ""
	if k := strings.IndexAny(rest, "/?#"); k >= 0 {
		auth, tail = rest[:k], rest[k:]
	}
	host := auth
	if k := strings.LastIndexByte(auth, '@'); k >= 0 {
		host = auth[k+1:]
		if user := auth[:k]; strings.Contains(user, ".") && !strings.Contains(user, ":") || strings.Contains(user, "@") || odd(user) {
			hit("url.userinfo", true, host)
		}
	}
	if strings.HasPrefix(tail, "#@") || strings.HasPrefix(tail, "?@") {
		hit("url.userinfo", true, strings.TrimPrefix(tail[2:], "@"))
	}
	name, port := split(host)
	rule, plain, written := Host(name)
	internal := rule == "url.loopback" || rule == "url.private" || rule == "url.link_local" || rule == "url.unspecified"
	if rule != "" {
		hit(rule, rule == "url.metadata", plain)
	}
	if !written && rule != "" {
		hit("url.odd_address", internal || rule == "url.metadata", plain)
	}
	low := strings.ToLower(tail)
	if internal && (services[port] || reaches(low) || rule == "url.unspecified") {
		hit("url.internal_service", false, "")
	}
	if strings.Contains(low, "/latest/meta-data") || strings.Contains(low, "/computemetadata/v1") || strings.Contains(low, "/metadata/instance") || strings.Contains(low, "/latest/user-data") || strings.Contains(low, "/metadata/v1") || strings.Contains(low, "/opc/v1/instance") {
		hit("url.metadata", internal || rule == "url.metadata", "")
	}
	return hits
}

// reaches reports a path where an internal service gives its controls away.
func reaches(tail string) bool {
	for _, p := range []string{"/admin", "/actuator", "/containers/", "/_cat", "/_cluster", "/pods", "/exec", "/debug/pprof", "/server-status", "/manager/html", "/console", "/v1/kv", "/jolokia", "/etc/passwd", "/_nodes", "/run", "/env", "/solr/admin"} {
		if strings.HasPrefix(tail, p) {
			return true
		}
	}
	return false
}

func odd(user string) bool {
	_, _, written := Host(user)
	return !written
}

func split(host string) (name, port string) {
	if end := strings.IndexByte(host, ']'); strings.HasPrefix(host, "[") && end > 0 {
		return host[:end+1], strings.TrimPrefix(host[end+1:], ":")
	}
	name, port, _ = strings.Cut(host, ":")
	return name, port
}

// Host judges a host, and says whether it is written as one is.
func Host(name string) (rule, plain string, written bool) {
	written = true
	if n, layers := unfold(name); layers > 0 {
		name, written = n, false
	}
	if folded := fold(name); folded != name {
		name, written = folded, false
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	for _, w := range wildcards {
		if strings.HasSuffix(name, w) || name == w[1:] {
			return "url.wildcard_dns", name, false
		}
	}
	for _, m := range metadata {
		if name == m {
			return "url.metadata", name, written
		}
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") || name == "localhost.localdomain" || name == "ip6-localhost" || name == "kubernetes.default" || strings.HasPrefix(name, "kubernetes.default.svc") {
		return "url.loopback", name, written
	}
	addr, canonical, ok := lax(strings.Trim(name, "[]"))
	if !ok {
		return "", "", written
	}
	written = written && canonical
	return class(addr), addr.String(), written
}

func class(a netip.Addr) string {
	for _, m := range metadataAddrs {
		if a == m {
			return "url.metadata"
		}
	}
	switch {
	case a.IsLoopback():
		return "url.loopback"
	case a.IsUnspecified(), a.Is4() && a.As4()[0] == 0:
		return "url.unspecified"
	case a.IsLinkLocalUnicast():
		return "url.link_local"
	case a.IsPrivate(), a.Is4() && a.As4()[0] == 100 && a.As4()[1]&0xc0 == 64:
		return "url.private"
	}
	return ""
}

// lax reads an address as inet_aton does: fewer parts, octal, hexadecimal, one
// number. It reports whether it was written in the one canonical way.
func lax(name string) (a netip.Addr, canonical, ok bool) {
	if a, err := netip.ParseAddr(strings.SplitN(name, "%", 2)[0]); err == nil {
		in := a.Unmap()
		if b := a.As16(); a.Is6() && !a.Is4In6() && (strings.HasPrefix(a.String(), "64:ff9b::") || strings.HasPrefix(a.String(), "2002:") || strings.HasPrefix(a.String(), "::") && !a.IsLoopback() && !a.IsUnspecified()) {
			in = netip.AddrFrom4([4]byte(b[12:]))
			if strings.HasPrefix(a.String(), "2002:") {
				in = netip.AddrFrom4([4]byte(b[2:6]))
			}
		}
		return in, in == a, true
	}
	parts := strings.Split(name, ".")
	if len(parts) > 4 || name == "" {
		return a, false, false
	}
	var sum uint64
	for i, p := range parts {
		n, err := strconv.ParseUint(octal(p), 0, 64)
		if err != nil || strings.ContainsAny(p, "_oObB") && !strings.HasPrefix(strings.ToLower(p), "0x") {
			return a, false, false
		}
		if i == len(parts)-1 {
			sum |= n & (1<<(8*(5-len(parts))) - 1)
			break
		}
		sum |= (n & 0xff) << (24 - 8*i)
	}
	b := uint32(sum)
	return netip.AddrFrom4([4]byte{byte(b >> 24), byte(b >> 16), byte(b >> 8), byte(b)}), false, true
}

// octal writes 017 as Go reads it, and 08 as a plain number.
func octal(p string) string {
	if len(p) > 1 && p[0] == '0' && p[1] >= '0' && p[1] <= '9' {
		rest := strings.TrimLeft(p, "0")
		if rest == "" {
			return "0"
		}
		if strings.ContainsAny(rest, "89") {
			return rest
		}
		return "0o" + rest
	}
	return p
}

// fold writes full-width and circled letters and digits, and the other dots, as
// plain ones: resolvers do.
func fold(name string) string {
	plain := true
	for i := range len(name) {
		plain = plain && name[i] < 0x80
	}
	if plain {
		return name
	}
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\u3002' || c == '\uff0e' || c == '\uff61':
			return '.'
		case c >= '\uff01' && c <= '\uff5e':
			return c - '\uff01' + '!'
		case c >= '\u2460' && c <= '\u2468':
			return c - '\u2460' + '1'
		case c == '\u24ea':
			return '0'
		case c >= '\u24d0' && c <= '\u24e9':
			return c - '\u24d0' + 'a'
		case c >= '\u24b6' && c <= '\u24cf':
			return c - '\u24b6' + 'a'
		}
		return c
	}, name)
}
