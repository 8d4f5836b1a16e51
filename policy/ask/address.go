package ask

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Listen checks an address to listen on: a loopback IP and a port, so that
// nobody on the network is asked, or answers, by accident.
func Listen(address string) error {
	host, err := netip.ParseAddrPort(address)
	switch {
	case err != nil:
		return errors.New("is not an IP address and a port, such as \"127.0.0.1:0\" (0 is any free port)")
	case !host.Addr().IsLoopback() || host.Addr().Zone() != "":
		return errors.New("is not a loopback address. Listen on 127.0.0.1 or [::1], put a reverse proxy with TLS in front, and name it in url")
	}
	return nil
}

// Origin checks a URL that is scheme, host and port alone, and gives it as
// browsers write it: in lower case, without the scheme's own port.
func Origin(text string) (string, error) {
	u, err := private(text)
	if err != nil {
		return "", err
	}
	if u.Path != "" || u.RawQuery != "" || u.ForceQuery {
		return "", fmt.Errorf("holds more than scheme, host and port. Write %s://%s", u.Scheme, u.Host)
	}
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	} else {
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host, nil
}

// Endpoint checks a URL that questions are sent to.
func Endpoint(text string) error {
	_, err := private(text)
	return err
}

var hostShape = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

// private is a URL whose traffic nobody reads on the way.
func private(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("is not a URL such as \"https://approvals.example.com\"")
	case u.User != nil:
		return nil, errors.New("holds a user name. Leave it out; secrets are named by secret_env or secret_file")
	case u.Fragment != "" || strings.Contains(text, "#"):
		return nil, errors.New("holds a fragment, which is never sent. Leave out what begins with #")
	case !hostShape.MatchString(u.Host) || !usablePort(u.Port()):
		return nil, errors.New("has no usable host. Write it in ASCII, with a port from 1 to 65535 if one is needed")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, errors.New("is not encrypted on its way. Use https; http is for loopback addresses only")
	}
	return u, nil
}

func usablePort(port string) bool {
	n, err := strconv.Atoi(port)
	return port == "" || err == nil && n >= 1 && n <= 65535
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}
