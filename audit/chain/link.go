// Package chain ties the lines of an audit log together by hash, and proves
// later that nothing was altered, removed, reordered or cut short.
//
// # The line
//
// A log is a file of JSON objects, one a line. The first members are always
// "seq", "time" and "type", the last two always "prev" and "hash". With n the
// length of the line without its line feed, the canonical bytes of a record
// are its first n-75, everything from "{" up to and not including the final
// ,"hash":" — and
//
//	hash = SHA-256( the 32 raw bytes of prev ‖ the canonical bytes )
//
// both written in lower-case hexadecimal. The prev of a record is the hash of
// the one before, and 64 zeros in the first, which has seq 0 and type
// "genesis". So an outsider can check a line with a shell and nothing of ours:
//
//	prev=${line##*,\"prev\":\"}; prev=${prev%%\"*}
//	{ printf %s "$prev" | xxd -r -p; printf %s "${line%,\"hash\":\"*}"; } | sha256sum
//
// A crash in mid-write leaves an unfinished line. It is evidence and stays:
// whoever continues the log ends it with a line feed and writes a "resume"
// record (or "genesis", if there was no whole record yet) that states its
// length and SHA-256 as "torn_bytes" and "torn_sha256" and chains from the
// last whole record. Verify accepts that shape and no other.
//
// # What the chain proves, and what not
//
// Altered, removed, reordered, inserted and duplicated records are found, and
// so is a line cut short. A log cut off exactly between two records looks like
// a shorter log, and whoever can write the whole file can compute a whole new
// chain: against both, keep a hash elsewhere and hand it to Verify as an
// [Anchor].
package chain

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strconv"
	"time"
)

// The fixed places of a line. Reading goes by place and not by decoding: what
// stands before the type and the 149 bytes at the end are always ours, whatever
// an embedded body holds.
const (
	seqName  = `{"seq":`
	timeName = `,"time":"`
	typeName = `","type":"`
	prevName = `,"prev":"`
	hashName = `,"hash":"`

	hexLen    = 2 * sha256.Size
	hashBytes = len(hashName) + hexLen + len(`"}`)
	prevBytes = len(prevName) + hexLen + len(`"`)
)

// timeLayout has a fixed width, so that the type stands at a fixed place.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// noHash stands for the record before the first.
const noHash = "0000000000000000000000000000000000000000000000000000000000000000"

// The types of records that mean something to the chain.
const (
	genesis = "genesis"
	resume  = "resume"
	closing = "close"
)

// Anchor names a record so that no other can take its place.
type Anchor struct {
	Seq  uint64
	Hash string // 64 lower-case hexadecimal digits
}

// Link is the end of a chain, to which the next record is tied. Its zero value
// begins a new one. It is not safe for concurrent use.
type Link struct {
	next   uint64
	sum    [sha256.Size]byte
	digest hash.Hash
}

// Begin appends the first three members of the next record. The kind must need
// no escape.
func (l *Link) Begin(b []byte, now time.Time, kind string) []byte {
	b = append(b, seqName...)
	b = strconv.AppendUint(b, l.next, 10)
	b = append(b, timeName...)
	b = now.UTC().AppendFormat(b, timeLayout)
	b = append(b, typeName...)
	b = append(b, kind...)
	return append(b, '"')
}

// Seal appends the last two members and the line feed to the record that
// begins at b[start], and makes it the end of the chain.
func (l *Link) Seal(b []byte, start int) []byte {
	if l.digest == nil {
		l.digest = sha256.New()
	}
	b = append(b, prevName...)
	b = hex.AppendEncode(b, l.sum[:])
	b = append(b, '"')
	l.digest.Reset()
	l.digest.Write(l.sum[:])
	l.digest.Write(b[start:])
	l.digest.Sum(l.sum[:0])
	l.next++
	b = append(b, hashName...)
	b = hex.AppendEncode(b, l.sum[:])
	return append(b, '"', '}', '\n')
}

// Next is the number of the record to come.
func (l *Link) Next() uint64 { return l.next }

// Anchor names the last record. It means nothing before the first.
func (l *Link) Anchor() Anchor {
	return Anchor{Seq: l.next - 1, Hash: hex.EncodeToString(l.sum[:])}
}
