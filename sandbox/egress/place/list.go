package place

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Endpoint is a place that may be connected to.
type Endpoint struct {
	Host    string // a name or an address; "*.example.com" is any name below
	Port    uint16
	Private bool // it may be at an address that is not public
}

// List is what may be connected to. The zero List is nothing.
type List struct {
	names map[at]Endpoint
	below map[at]Endpoint // by the name that theirs end in
}

type at struct {
	host string
	port uint16
}

// Read reads HOST, HOST:PORT, *.HOST or ADDRESS:PORT as an operator writes it; without a
// port it is 443. It says too whether the host is an address.
func Read(text string) (host string, port uint16, address bool, err error) {
	name, below := strings.CutPrefix(text, "*.")
	t, err := Parse(name, 443)
	switch {
	case err != nil:
		return "", 0, false, err
	case below && t.addr.IsValid():
		return "", 0, false, errors.New("nothing is below an address")
	case below:
		return "*." + t.host, t.port, false, nil
	}
	return t.host, t.port, t.addr.IsValid(), nil
}

func readEndpoint(e Endpoint) (where at, below bool, err error) {
	host, below := strings.CutPrefix(e.Host, "*.")
	t, err := parseHost(host)
	switch {
	case err != nil:
		return at{}, false, fmt.Errorf("endpoint %q: %w", e.Host, err)
	case below && t.addr.IsValid():
		return at{}, false, fmt.Errorf("endpoint %q: nothing is below an address", e.Host)
	case e.Port == 0:
		return at{}, false, fmt.Errorf("endpoint %q: there is no port", e.Host)
	}
	return at{t.host, e.Port}, below, nil
}

// NewList refuses what could never match, or would match in two ways.
func NewList(allow []Endpoint) (List, error) {
	l := List{names: map[at]Endpoint{}, below: map[at]Endpoint{}}
	for _, e := range allow {
		where, below, err := readEndpoint(e)
		if err != nil {
			return List{}, err
		}
		in := l.names
		if below {
			in = l.below
		}
		if other, ok := in[where]; ok && other.Private != e.Private {
			return List{}, fmt.Errorf("endpoint %q with port %d is listed twice, private and not", e.Host, e.Port)
		}
		in[where] = e
	}
	return l, nil
}

// Find returns the endpoint that a target is. The name itself counts before a
// wildcard, and a longer wildcard before a shorter. Nothing is listed that an address
// could be below.
func (l List) Find(t Target) (Endpoint, bool) {
	if e, ok := l.names[at{t.host, t.port}]; ok {
		return e, ok
	}
	for name := t.host; ; {
		_, above, more := strings.Cut(name, ".")
		if !more {
			return Endpoint{}, false
		}
		if e, ok := l.below[at{above, t.port}]; ok {
			return e, true
		}
		name = above
	}
}

const maxShown = 20

// String is what is told to a client that asked for something else.
func (l List) String() string {
	var all []string
	for k := range maps.Keys(l.names) {
		all = append(all, net.JoinHostPort(k.host, strconv.Itoa(int(k.port))))
	}
	for k := range maps.Keys(l.below) {
		all = append(all, fmt.Sprintf("*.%s:%d", k.host, k.port))
	}
	if len(all) == 0 {
		return "nothing"
	}
	slices.Sort(all)
	if n := len(all) - maxShown; n > 0 {
		all = append(all[:maxShown], fmt.Sprintf("and %d more", n))
	}
	return strings.Join(all, ", ")
}
