// Package approval keeps the desk at which calls wait for a person: it asks,
// takes the answers, and hands out each approval for exactly one call.
//
// # Why
//
// An answer belongs to a [Key], which names all that it was given for: caller,
// role, server, tool, the digests of the arguments and of the tool's definition,
// the policy and the rule that asked. It is looked up by that key and nothing
// else, so an answer cannot be found for a call that differs in any of it, and
// what changes in between makes it worthless by itself.
//
// Yes is three steps: a person answers, a call takes the [Grant], and the grant
// is spent immediately before the call is sent, where everything is compared
// once more. A call that ends before it is sent gives its grant back, so that a
// client which lost patience and calls again does not ask twice.
//
// A no stands as well, for as long as a yes would: clients repeat a refused call
// up to ten times, and models more often than that.
//
// Every place at which a question can be answered (the client's own form, the
// web page, the command line, a webhook) does so by the same [Desk.Answer]. All
// places that the policy names are open at once, and the first word counts. In
// which order the policy names them decides what the client is shown: its form,
// or the address of the page.
//
// In the handshake era a call waits with its request open. In revision
// 2026-07-28 a form is a result that ends the request: the question stays at the
// desk, and what the client sends back counts only with the request state that
// was sealed for it. Package seal says who can have made one, this package what
// it was made for.
//
// A client that cancels a call because it has lost patience says so in the
// reason of its cancellation; its question stays, for it will call again. Any
// other cancellation withdraws the question.
package approval
