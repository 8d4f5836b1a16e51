// Package classify asks a model server of the operator's how much a text looks
// like an injection.
//
// # Why
//
// What a model says of a text can be wrong and can be talked into being wrong, so a
// score is one more sign beside those that are found by rule. It never refuses
// alone, and a model that says 0 clears nothing.
//
// The classifier stands in the way of every call. So a text has one Timeout for
// all of it, the wait for a free place included, and a classifier that fails five
// times in a row is left alone for five seconds and then asked once. What counts
// there are its own failures only: neither a call that ends early nor a text that
// found all places busy. A text that waited has less time left, and running out of
// that counts if it was still half of Timeout or more. So a crowd of texts does not
// shut out a classifier that answers each of them within half of its time.
//
// What goes wrong is told in words of ours. An answer may repeat the text, and a
// URL may hold what nobody else should know, so neither is ever quoted.
//
// Redirects are not followed, and no proxy is taken from the environment: where
// texts go stands in the policy. HTTP/1 is spoken, not 2: a request that runs out
// of time then takes its connection with it, and the next does not wait on one that
// is dead.
//
// # Rough edges
//
// Of a text that is longer than MaxText the middle is not judged, and a model may
// look at less than it is sent. There is one score for a whole text, and no place in
// it. Concurrent bounds the requests that are waited for: a server that does not
// notice when one is given up may be busy with more. A score is remembered until
// newer ones push it out, even if the model behind the URL is another by then.
package classify
