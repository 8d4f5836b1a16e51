// Package policy turns an operator's HCL file into an immutable Policy, and
// decides one call purely: no clock, no input or output, no logging.
//
// Why pure: the proxy and the questions "what would happen?" and "why?" ask the
// same function, so they cannot disagree.
//
// Why unknown words are errors: a misspelt deny that is skipped is a hole. A
// file is refused with all its mistakes at once, each with its line and what
// to do.
//
// Why a rule that cannot be told refuses: null, a missing attribute, a value of
// the wrong type or one that the expression language cannot hold exactly (text
// not in Unicode's NFC, numbers of absurd size) must not decide by accident. In
// a risk_if it counts as a match. Only the arguments that a condition names are
// converted; one that is absent is null.
//
// Why no approval block undoes a rule's question: blocks speak of tiers, and who
// wrote the rule knew the arguments.
//
// Rough edges: HCL keeps all text of the file in NFC. `==` between text and a
// number is false, so a deny rule that must hold for both says so, or leaves
// types to the tool's schema. A splat (x[*]) over null is an empty list. under
// does not resolve symbolic links, and host knows no DNS: write rules that allow
// what is known, not rules that deny what is feared. risk = "infer" believes
// what a server says of itself.
package policy
