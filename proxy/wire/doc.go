// Package wire reads JSON-RPC messages strictly from raw bytes and rewrites
// only what it must, so that what was judged is what is sent.
//
// A [Message] is a view of the bytes it was parsed from: spans, not copies.
// [ParseStrict] reads what a client says. It refuses every text that two honest
// decoders could read differently: repeated keys, keys that differ only by
// case, invalid UTF-8, numbers and nesting without bound. [ParseFaithful] reads
// what a tool server says. It insists on well-formed JSON and an unambiguous
// envelope, and leaves the values alone. Both go over the bytes once.
//
// [Splice] replaces spans and keeps every other byte: white space, key order,
// escapes and number forms arrive as they were sent. [Get], [Find], [Members],
// [Elements] and [Decode] read verified bytes; given others they return
// nothing, never a panic. Framing on a byte stream is in the folder lines.
//
// # Why a scanner of our own
//
// A general decoder must be asked twice, once for validity and once for the
// spans, and none folds case while it looks for repeated keys. One scan that
// does all three costs about what jsontext's validation alone does, allocates
// nothing, and is held by fuzzing to the answers of jsontext and encoding/json.
//
// # Why case folding
//
// Servers written in Go decode with encoding/json, which matches the key "Name"
// to the field "name", and the last one wins. A gate that reads only "name"
// would judge one tool and let another be called.
package wire
