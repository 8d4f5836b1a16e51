package place

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Target is a host and port that were asked for, read in the one way there is. Targets
// are equal if they mean the same. Only [Parse] makes one.
type Target struct {
	host string     // lower case, no final dot; of an address its usual form
	addr netip.Addr // valid if the host is an address
	port uint16
}

// Host is the name in lower case without its final dot, or the address in its usual
// form without brackets.
func (t Target) Host() string { return t.host }

// Addr is the host's address if that is what was asked for.
func (t Target) Addr() netip.Addr { return t.addr }

// Port is 0 only in the zero Target.
func (t Target) Port() uint16 { return t.port }

// String is host:port.
func (t Target) String() string { return net.JoinHostPort(t.host, strconv.Itoa(int(t.port))) }

// Parse reads host:port. Without a port it is the one given, if that is not 0.
func Parse(s string, port uint16) (Target, error) {
	host, rest, six := s, "", strings.HasPrefix(s, "[")
	if six {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return Target{}, errors.New("the bracket is not closed")
		}
		host, rest = s[1:end], s[end+1:]
	} else if i := strings.IndexByte(s, ':'); i >= 0 {
		host, rest = s[:i], s[i:]
	}
	t, err := parseHost(host)
	if err != nil {
		return Target{}, err
	}
	if t.addr.Is6() != six {
		return Target{}, errors.New("brackets are for IPv6 addresses, and for all of them")
	}
	if t.port = port; rest != "" {
		if t.port, err = parsePort(rest); err != nil {
			return Target{}, err
		}
	}
	if t.port == 0 {
		return Target{}, errors.New("there is no port")
	}
	return t, nil
}

// parsePort reads ":443". A number has one notation, so that nobody reads it as
// another.
func parsePort(s string) (uint16, error) {
	digits, ok := strings.CutPrefix(s, ":")
	n, err := strconv.ParseUint(digits, 10, 16)
	if !ok || err != nil || n == 0 || strconv.FormatUint(n, 10) != digits {
		return 0, errors.New("the port is not a plain number from 1 to 65535")
	}
	return uint16(n), nil
}

const maxName = 253 // as in DNS

// parseHost reads a name, or an address without brackets.
func parseHost(s string) (Target, error) {
	if strings.IndexByte(s, ':') >= 0 {
		return parseSix(s)
	}
	name := strings.TrimSuffix(s, ".")
	if name == "" || len(name) > maxName {
		return Target{}, errors.New("there is no host, or one that is too long")
	}
	label := ""
	for label = range strings.SplitSeq(name, ".") {
		if err := checkLabel(label); err != nil {
			return Target{}, err
		}
	}
	name = strings.ToLower(name)
	if !numberLike(strings.ToLower(label)) {
		return Target{host: name}, nil
	}
	addr, err := netip.ParseAddr(s)
	if err != nil || !addr.Is4() {
		return Target{}, errors.New("an IPv4 address is written as four plain decimal numbers")
	}
	return Target{host: name, addr: addr}, nil
}

func parseSix(s string) (Target, error) {
	addr, err := netip.ParseAddr(s)
	switch {
	case err != nil:
		return Target{}, errors.New("that is not an IPv6 address")
	case addr.Zone() != "":
		return Target{}, errors.New("an address with a zone is of this host's own network")
	case addr.Is4In6() || strings.IndexByte(s, '.') >= 0:
		return Target{}, errors.New("an IPv4 address is written without IPv6 around it")
	}
	return Target{host: addr.String(), addr: addr}, nil
}

func checkLabel(label string) error {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return errors.New("a part of the name is empty, too long, or has a hyphen at its end")
	}
	for i := range len(label) {
		c := label[i]
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
		case c >= 0x80:
			return errors.New("the name is not ASCII; write it in punycode (xn--…)")
		default:
			return fmt.Errorf("there is no %q in a host", c)
		}
	}
	return nil
}

// numberLike: the URL standard and inet_aton read a host whose last label is a
// number, decimal, octal or hexadecimal, as an IPv4 address.
func numberLike(label string) bool {
	if strings.Trim(label, "0123456789") == "" {
		return true
	}
	hex, ok := strings.CutPrefix(label, "0x")
	return ok && strings.Trim(hex, "0123456789abcdef") == ""
}
