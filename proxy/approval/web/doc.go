// Package web is the page on which people answer questions: a small web server on
// the loopback address.
//
// # Why
//
// A yes is only as good as the proof that a person said it. So the page is locked
// against everybody who is not that person: the address alone lets nobody in; a
// link with a token that is good once, or a token of one's own, is exchanged for a
// cookie that scripts cannot read and other sites cannot send (HttpOnly,
// SameSite=Strict). An answer is a POST that carries a second token of the session
// and comes from this very origin. The Host of each request must be the page's
// own, so a name that is rebound to the loopback address finds nothing.
//
// What is shown comes from outside. Package show makes each text fit to show, the
// template escapes it, and the content security policy lets nothing run or load
// that is not a file of this package. An answer names the digest of the question
// as it was shown, and is refused if that is not what the question is now.
//
// Everything works without scripts; with them the page follows the desk through
// server-sent events.
//
// # Rough edges
//
// Whoever can read the memory or the files of the user who runs sallyport can read
// the link too: an agent that has a shell as the same user is no stranger to this
// page. Named people with tokens of their own, kept elsewhere, are.
package web
