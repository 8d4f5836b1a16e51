// Package place decides what may be connected to: which hosts are listed, and which
// addresses a listed host may have. It asks nobody and opens nothing.
//
// # Why
//
// A target has one notation. What a resolver, a URL parser or inet_aton would read in
// another way than this package (127.1, 0x7f000001, 017700000001, [::ffff:127.0.0.1],
// a user name, a zone, a percent sign, a port of 0 or with a zero before it) is an
// error, also where all might agree.
//
// Names are compared in ASCII. Those beyond it are written in punycode, in the list
// and by the client; nothing is converted here, so nothing can be converted wrongly.
//
// An address is public only if it is known to be. Loopback, private, shared,
// link-local, benchmarking, documentation and reserved addresses need an endpoint
// marked Private, and so do the host's own. Metadata addresses need, beyond that, to
// be listed as that very address. Unspecified, multicast, broadcast and tunnel
// addresses, and NAT64 to any that is not public, are refused to all: no tool server
// is at one, and some of them are another way to write this host.
package place
