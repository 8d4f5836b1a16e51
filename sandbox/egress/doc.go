// Package egress is the only way out of a contained tool server: an HTTP proxy that
// connects to what is listed, and to nothing else.
//
// It takes CONNECT host:port and, for plain HTTP, requests in absolute form. All
// else is refused, with a short text that names what was asked for and what is
// allowed. An empty list refuses everything.
//
// # Why a name is resolved here, and once
//
// A list of names is worth as much as the way from the name to the address. So the
// proxy resolves a listed name itself, once for each connection, looks at every
// address that comes back, and connects to an address it has looked at: there is no
// second question that could be answered differently (DNS rebinding). A name that
// has one refused address among good ones is refused whole: that is what rebinding
// looks like. A name that is not listed is never resolved, since the question alone
// would carry data out.
//
// Which addresses a name may have, and how a target is written, is said in package
// place.
//
// # Why requests are read so strictly
//
// Only one reading of a request may exist. Two Host headers, a Host that is not the
// URL's, a body with two lengths, a bare line feed, a folded line: a client that
// sends such is broken or tries something, and is refused.
//
// What goes on is written anew: the request line in origin form, the Host of the
// target, one statement of the body's length, no hop-by-hop headers, and nothing that
// the client did not send. Each plain request has a connection of its own, so what
// one leaves behind is never read as the beginning of another.
//
// # TLS
//
// It is not opened. But a tunnel's first bytes are looked at: in a TLS ClientHello a
// server name must be the host that was asked for, otherwise a listed host of a large
// provider would be a door to all its other customers. This holds for every port, as
// TLS is not bound to 443. On port 443 the first bytes must be a ClientHello, since
// whoever listed that port meant TLS, and since any other byte would be a way around
// the look. On other ports a tunnel that does not begin with TLS is passed on: ssh and
// databases are listed for what they are. Plain HTTP to port 443 is refused likewise.
// The look waits for the client, not for the server: a server that speaks first is
// heard at once.
//
// # Rough edges
//
// What goes on within TLS is not seen. A client that sends the right server name and
// then another Host, to a provider that allows it, gets through; so does an Encrypted
// ClientHello whose outer name is the listed one. TLS that begins after some plain
// words (STARTTLS) is not looked at, nor is a second ClientHello (after a retry the
// server is to hold it against the first).
//
// A listed host can be used to carry data out, to it and to its name servers if it is
// a wildcard. List few.
//
// An address that this host has only beyond a NAT, and a NAT64 prefix of an
// operator's own, are not known here and look public.
package egress
