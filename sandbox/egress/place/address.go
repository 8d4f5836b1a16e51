package place

import (
	"errors"
	"net/netip"
	"slices"
)

// kind is what an address is good for. The zero kind is never connected to.
type kind uint8

const (
	never    kind = iota
	metadata      // hands out a cloud's credentials to whoever asks
	private       // within reach of this host only, or of those around it
	public
)

// block is a range of addresses that is not public, with what it is called.
type block struct {
	prefix netip.Prefix
	kind   kind
	called string
}

func blocks(kind kind, called string, prefixes ...string) []block {
	var out []block
	for _, p := range prefixes {
		out = append(out, block{netip.MustParsePrefix(p), kind, called})
	}
	return out
}

// special is read from top to bottom. Of IPv4 what is not here is public; of IPv6
// what is not here is not.
var special = concat(
	// The list of package policy/screen/danger/place, and what has come since. Not all
	// of them are link-local: Azure's is a public address.
	blocks(metadata, "a cloud's metadata service", "169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", "169.254.0.23/32",
		"169.254.42.42/32", "100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32", "fd00:ec2::254/128", "fd00:ec2::23/128",
		"fd20:ce::254/128", "fd00:c1::a9fe:a9fe/128", "fd00:42::42/128", "fe80::a9fe:a9fe/128"),

	blocks(private, "a loopback address", "127.0.0.0/8", "::1/128"),
	blocks(private, "a private address", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
	blocks(private, "a shared address", "100.64.0.0/10"),
	blocks(private, "a link-local address", "169.254.0.0/16", "fe80::/10"),
	blocks(private, "a benchmarking address", "198.18.0.0/15"),
	// Nobody should have these, but networks that are shut off from the world do.
	blocks(private, "a documentation address", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
	blocks(never, "a broadcast address", "255.255.255.255/32"),
	blocks(private, "a reserved address", "240.0.0.0/4", "192.0.0.0/24"),

	blocks(never, "an unspecified address", "0.0.0.0/8", "::/128"),
	blocks(never, "a multicast address", "224.0.0.0/4", "ff00::/8"),
	// 6to4 and Teredo carry an IPv4 address within, and nobody is served by them any
	// more. 2001::/23 is Teredo, benchmarking, ORCHID and other things without hosts.
	blocks(never, "a tunnel's address", "192.88.99.0/24", "2001::/23", "2002::/16"),

	blocks(public, "", "2000::/3"),
)

func concat(all ...[]block) []block {
	var out []block
	for _, b := range all {
		out = append(out, b...)
	}
	return out
}

var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// kindOf says what an address is, and what that is called if it is not public. The
// host's own addresses are not known here.
func kindOf(a netip.Addr) (kind, string) {
	if !a.IsValid() || a.Zone() != "" {
		return never, "an address of one network card"
	}
	a = a.Unmap()
	if nat64.Contains(a) {
		// With DNS64 a host that has only IPv6 reaches IPv4 so.
		b := a.As16()
		if k, called := kindOf(netip.AddrFrom4([4]byte(b[12:]))); k != public {
			return never, called + ", translated"
		}
		return public, ""
	}
	for _, s := range special {
		if s.prefix.Contains(a) {
			return s.kind, s.called
		}
	}
	if a.Is4() {
		return public, ""
	}
	return never, "an address without a known use"
}

// Admit says why a target that was found in the list may not be at an address. Own are
// the host's addresses, the public ones too: what listens on them may be meant for
// the host alone.
func Admit(e Endpoint, t Target, a netip.Addr, own []netip.Addr) error {
	k, called := kindOf(a)
	if k == public && slices.Contains(own, a.Unmap()) {
		k, called = private, "an address of this host"
	}
	switch {
	case k == public,
		k == private && e.Private,
		k == metadata && e.Private && t.addr == a:
		return nil
	case k == private:
		called += ", and the endpoint is not marked private"
	}
	return errors.New("it is at " + called)
}
