package chain

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"
)

// maxLine bounds a line, and what is searched for the last records. Records
// stay well below.
const maxLine = 64 << 20

// maxTorn bounds the list of unfinished writes in a report.
const maxTorn = 100

// Report is what Verify found.
type Report struct {
	Records      uint64 // good records before the first fault
	First, Last  Anchor // of the good records
	Begun, Ended time.Time
	Clean        bool   // the last good record is a close
	Torn         []Torn // unfinished writes that were continued: the first 100
	TornCount    int    // all of them
	Bad          *Problem
}

// Torn is an unfinished write, left by a crash and continued since.
type Torn struct {
	Line, Offset, Bytes int64
	ContinuedAt         uint64 // seq of the record that tells of it
}

// Problem is the first fault of a log.
type Problem struct {
	Line   int64 // from 1
	Offset int64 // of the line, from 0
	Seq    uint64
	Kind   Kind
	Detail string
}

func (p *Problem) String() string {
	return fmt.Sprintf("line %d (offset %d, record %d): %s: %s", p.Line, p.Offset, p.Seq, p.Kind, p.Detail)
}

// Kind says what happened to a log.
type Kind string

// The closed set of kinds.
const (
	KindAltered    Kind = "altered"    // the content is not what was hashed
	KindRemoved    Kind = "removed"    // records are missing
	KindReordered  Kind = "reordered"  // a record stands in the wrong place, or twice
	KindInserted   Kind = "inserted"   // something stands between two records
	KindTruncated  Kind = "truncated"  // the log ends before an expected record
	KindUnfinished Kind = "unfinished" // the last write was cut short
	KindNotALog    Kind = "not_a_log"
)

// Status sums a report up.
type Status uint8

const (
	Broken     Status = iota // a fault was found, or nothing was checked
	Intact                   // every record is as it was written
	Unfinished               // intact, but for a last write that was cut short
)

// Status is Intact only for a log of at least one record and without a fault.
func (r Report) Status() Status {
	switch {
	case r.Bad != nil && r.Bad.Kind == KindUnfinished:
		return Unfinished
	case r.Bad == nil && r.Records > 0:
		return Intact
	}
	return Broken
}

// Verify reads a whole log and reports its first fault. It needs nothing but
// the bytes, holds one line at a time, and returns an error only if r does.
//
// That a log was cut off between two records, or written anew from some record
// on, can only be seen with an anchor at or behind that place: the log must
// then contain each anchor.
func Verify(r io.Reader, expect ...Anchor) (Report, error) {
	c := newCheck(expect)
	lines := bufio.NewReaderSize(r, 256<<10)
	var long []byte // a line longer than the buffer
	for {
		part, err := lines.ReadSlice('\n')
		if err == nil && len(long) == 0 {
			if !c.feed(part[:len(part)-1]) {
				return c.report, nil
			}
			continue
		}
		long = append(long, part...)
		switch {
		case len(long) > maxLine:
			c.at.line++
			c.blame(KindAltered, c.next, "the line is longer than any record")
			return c.report, nil
		case err == nil:
			if !c.feed(long[:len(long)-1]) {
				return c.report, nil
			}
			long = long[:0]
		case errors.Is(err, io.EOF):
			if len(long) > 0 {
				c.feed(long)
			}
			c.end(len(long) == 0)
			return c.report, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return c.report, fmt.Errorf("reading audit log: %w", err)
		}
	}
}
