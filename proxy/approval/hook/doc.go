// Package hook sends questions to a service of the operator's as signed webhooks,
// and takes its signed answers.
//
// # Why
//
// The scheme is that of Standard Webhooks (standardwebhooks.com), so that services
// need no code of their own to check where a question comes from, and to prove
// where an answer does. An answer counts by the signature on its own bytes, and by
// nothing else: not by the status of a response, not by the address it comes from,
// not by the connection that it comes over. It may be the response to the question
// or come later to the callback; both go through the same check.
//
// What is signed is id, timestamp and body with full stops between them, so an id
// that holds one is refused: it could move the borders. A question of ours that is
// sent back is no answer, because its members are not those of one.
//
// A question is sent until the service has it or nobody needs it any more. Each
// one has its own goroutine, which holds no lock: a service that is down, or that
// never answers, holds up neither another channel nor another question.
//
// Redirects are not followed, and no proxy is taken from the environment: where
// questions go stands in the policy, and whoever starts the proxy is not always
// who wrote that.
//
// # Rough edges
//
// Question and answer are signed with one secret. The digest of the arguments is
// sent even where the arguments are not: whoever can guess them can confirm that.
// A name that the service gives is believed; who may be behind the service is a
// matter of its own log-in.
package hook
