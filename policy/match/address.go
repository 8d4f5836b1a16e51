package match

import (
	"errors"
	"net/netip"
	"path"
	"strconv"
	"strings"
)

// address is the part of a URL that decides where a request goes.
type address struct {
	scheme, host string
	port         int64 // 0 = neither written nor known
}

var (
	errHiddenChars = errors.New("the URL holds spaces, control characters, backslashes or letters that readers understand differently")
	errUserinfo    = errors.New("the URL holds an @ before its host")
	errNoHost      = errors.New("the URL has no plain host")
	errOddHost     = errors.New("the URL's host is not a plain name or address")
	errOddPort     = errors.New("the URL's port is not a number up to 65535")
)

func webPort(scheme string) int64 {
	switch scheme {
	case "http", "ws":
		return 80
	case "https", "wss":
		return 443
	case "ftp":
		return 21
	}
	return 0
}

// parseAddress reads a URL more strictly than browsers, curl or net/url do:
// whatever they read in different ways is an error. Text that is no URL at all
// gives the zero address.
func parseAddress(s string) (address, error) {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == '\\' {
			return address{}, errHiddenChars
		}
	}
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || !validScheme(scheme) {
		if strings.HasPrefix(s, "//") {
			return address{}, errNoHost
		}
		return address{}, nil
	}
	a := address{scheme: strings.ToLower(scheme)}
	a.port = webPort(a.scheme)
	rest, ok = strings.CutPrefix(rest, "//")
	if !ok {
		if a.port != 0 {
			return address{}, errNoHost // browsers read http:host as http://host
		}
		return a, nil
	}
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority = rest[:i]
	}
	return a.at(authority)
}

func (a address) at(authority string) (address, error) {
	if strings.Contains(authority, "@") {
		return address{}, errUserinfo
	}
	host, port, hasPort := strings.Cut(authority, ":")
	if strings.HasPrefix(authority, "[") {
		end := strings.Index(authority, "]")
		if end < 0 {
			return address{}, errOddHost
		}
		host = authority[:end+1]
		port, hasPort = strings.CutPrefix(authority[end+1:], ":")
		if !hasPort && port != "" {
			return address{}, errOddHost
		}
	}
	if hasPort {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return address{}, errOddPort
		}
		a.port = int64(n)
	}
	var err error
	a.host, err = plainHost(host)
	if a.host == "" && err == nil && (a.scheme != "file" || hasPort) {
		err = errNoHost
	}
	if err != nil {
		return address{}, err
	}
	return a, nil
}

// plainHost is a lower-case name without a final dot, or an IP address in its
// usual form. Numbers that other readers take for addresses are errors.
func plainHost(h string) (string, error) {
	if inner, ok := strings.CutPrefix(h, "["); ok {
		ip, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if err != nil || ip.Zone() != "" || !ip.Is6() {
			return "", errOddHost
		}
		return ip.Unmap().String(), nil
	}
	h = strings.TrimSuffix(strings.ToLower(h), ".")
	if h == "" {
		return "", nil
	}
	label := ""
	for label = range strings.SplitSeq(h, ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return "", errOddHost
		}
	}
	if numberLike(label) {
		if ip, err := netip.ParseAddr(h); err != nil || !ip.Is4() {
			return "", errOddHost
		}
	}
	return h, nil
}

// numberLike: the URL standard reads a host whose last label is a number,
// decimal, octal or hexadecimal, as an IPv4 address.
func numberLike(label string) bool {
	if strings.Trim(label, "0123456789") == "" {
		return label != ""
	}
	hex, ok := strings.CutPrefix(label, "0x")
	return ok && strings.Trim(hex, "0123456789abcdef") == ""
}

func validScheme(s string) bool {
	for i := range len(s) {
		letter := s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z'
		if !letter && (i == 0 || !isAlnum(s[i]) && strings.IndexByte("+-.", s[i]) < 0) {
			return false
		}
	}
	return s != ""
}

// block reads a CIDR block or a single address.
func block(s string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(s); err == nil && ip.Zone() == "" {
		return netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4In6() {
		return p, errors.New(`a block is written like "10.0.0.0/8" or "::1"`)
	}
	return p.Masked(), nil
}

// inBlock is false for a host name, true or false for an address, and an error
// for what only looks like one.
func inBlock(s, in string) (bool, error) {
	b, err := block(in)
	if err != nil {
		return false, err
	}
	ip, err := netip.ParseAddr(s)
	if err != nil {
		if strings.ContainsAny(s, ":[]%/@") || numberLike(strings.ToLower(s[strings.LastIndex(s, ".")+1:])) {
			return false, errors.New("the value is not a plain IP address or host name")
		}
		return false, nil
	}
	if ip.Zone() != "" {
		return false, errors.New("the address has a zone")
	}
	return b.Contains(ip.Unmap()), nil
}

func absolute(dir string) error {
	if !strings.HasPrefix(dir, "/") {
		return errors.New("a directory must be an absolute path such as \"/data\"")
	}
	_, err := cleanPath(dir)
	return err
}

// under compares paths by their text alone: symbolic links are not resolved,
// and a case-insensitive file system is not known.
func under(p, dir string) (bool, error) {
	p, err := cleanPath(p)
	if err != nil {
		return false, err
	}
	dir, err = cleanPath(dir)
	if err != nil {
		return false, err
	}
	return dir == "/" || p == dir || strings.HasPrefix(p, dir+"/"), nil
}

func cleanPath(p string) (string, error) {
	if !strings.HasPrefix(p, "/") {
		return "", errors.New("the path is not absolute")
	}
	if strings.IndexByte(p, 0) >= 0 {
		return "", errors.New("the path holds a NUL")
	}
	for part := range strings.FieldsFuncSeq(p, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == ".." {
			return "", errors.New("the path holds \"..\"")
		}
	}
	return path.Clean(p), nil
}
