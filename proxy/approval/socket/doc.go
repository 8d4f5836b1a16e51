// Package socket is the desk of a running proxy, for the command line of the same
// user: HTTP with JSON over a unix socket, which has both of its ends here.
//
// # Why
//
// A yes is worth no more than the proof of who said it, so a connection counts
// for the user whom the kernel names at its other end. Only the proxy's own user
// and root get in. The modes of the socket (0600, from its first moment) and of
// its folder (0700) keep others away before that; neither relies on the other. A
// system that does not say who is at the other end gets no socket.
//
// A yes carries the digest of the text that its person has read, and is refused
// if that is not the text of the question now.
//
// Many proxies of one user run at once, one for each client that started one. So
// each has a socket of its own, named by its process id, and the command line
// speaks to all that it finds. One that nobody listens at any more is removed by
// whoever comes across it; the folder is locked meanwhile, so that none is taken
// for dead that is only about to listen.
//
// MCP clients start servers with hardly any environment. That is why the command
// line looks in every place where a proxy might have put its socket, and not only
// in the one that it would choose itself.
//
// # Rough edges
//
// Root has its own name, so one person with both counts twice where several must
// approve. Arguments of more than a mebibyte cannot be shown whole, and so not be
// approved, here.
package socket
