// Package lines carries messages over a byte stream, one per line, in bounded
// memory.
//
// [Reader] never delivers a message that was cut off, and skips one that is too
// long without holding it. [Writer] is shared by many goroutines and writes all
// lines that are ready at once in one Write, which is where the throughput of a
// pipe comes from.
package lines
