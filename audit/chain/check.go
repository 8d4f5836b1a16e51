package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"time"
)

// check goes over lines one after the other. It is what Verify and Open share.
type check struct {
	report Report
	expect []Anchor
	digest hash.Hash

	next   uint64       // seq of the record to come
	head   [hexLen]byte // hash of the last good record, hexadecimal
	at     place        // of the line being fed
	before place        // of the last good record

	torn region
	gap  gap
}

type place struct{ line, offset int64 }

// region is a run of lines that are not records. It is an unfinished write if
// the next record says so, and a fault if not.
type region struct {
	open    bool
	problem Problem
	lines   uint64
	size    int64
	digest  hash.Hash
}

// gap is a hole in the numbers, kept open to see whether its records come
// later (reordered) or never (removed).
type gap struct {
	open     bool
	from, to uint64 // to is the number that came instead
	problem  Problem
}

func newCheck(expect []Anchor) *check {
	c := &check{digest: sha256.New(), expect: expect}
	copy(c.head[:], noHash)
	c.torn.digest = sha256.New()
	return c
}

// seed lets the chain begin in mid-file, at a record that proves itself.
func (c *check) seed(p parsed) bool {
	if !p.proves(c.digest) {
		return false
	}
	c.good(p)
	return true
}

// feed takes the next line, without its line feed. After the first fault it
// reports false: there is no need to go on.
func (c *check) feed(line []byte) bool {
	c.at.line++
	p, ok := parseLine(line)
	switch {
	case c.gap.open:
		c.search(p, ok)
	case !ok:
		c.strange(line)
	case !p.proves(c.digest):
		c.blame(KindAltered, p.seq, "the record does not match its own hash")
	case c.torn.open:
		c.resume(p)
	default:
		c.link(p)
	}
	c.at.offset += int64(len(line)) + 1
	return c.report.Bad == nil
}

// end is called after the last line; whole says that it had its line feed.
func (c *check) end(whole bool) {
	r := &c.report
	switch {
	case r.Bad != nil:
	case c.gap.open:
		r.Bad = &c.gap.problem
	case c.torn.open && (whole || c.torn.problem.Kind == KindNotALog):
		r.Bad = &c.torn.problem
	case c.torn.open:
		c.torn.problem.Kind, c.torn.problem.Detail = KindUnfinished, "the last write was cut short"
		r.Bad = &c.torn.problem
	case r.Records == 0:
		r.Bad = &Problem{Kind: KindNotALog, Detail: "there is not one record"}
	case !whole:
		r.Bad = &Problem{Line: c.before.line, Offset: c.before.offset, Seq: r.Last.Seq, Kind: KindUnfinished, Detail: "the last record lacks its line feed"}
	}
	if r.Bad != nil && r.Bad.Kind != KindUnfinished {
		return
	}
	for _, a := range c.expect {
		if a.Seq >= c.next {
			r.Bad = &Problem{
				Line: c.at.line, Offset: c.at.offset, Seq: c.next, Kind: KindTruncated,
				Detail: fmt.Sprintf("record %d was noted elsewhere, but the log ends before it", a.Seq),
			}
			return
		}
	}
}

// strange begins or extends a run of lines that are not records.
func (c *check) strange(line []byte) {
	t := &c.torn
	if !t.open {
		t.open, t.lines, t.size = true, 0, 0
		t.digest.Reset()
		t.problem = c.problem(KindAltered, c.next, "the line is not a record")
		if c.report.Records == 0 && !beginsLog(line) {
			t.problem.Kind, t.problem.Detail = KindNotALog, "the first line is not a record"
		}
	} else {
		t.digest.Write([]byte{'\n'})
		t.size++
	}
	t.digest.Write(line)
	t.lines++
	t.size += int64(len(line))
}

// beginsLog reports whether bytes can be the unfinished first record of a log.
func beginsLog(b []byte) bool {
	const first = seqName + "0" + timeName
	return bytes.HasPrefix(b, []byte(first)) || bytes.HasPrefix([]byte(first), b)
}

// resume takes the record behind a run of strange lines, which is a fault
// unless this record continues the chain and vouches for the run.
func (c *check) resume(p parsed) {
	t := &c.torn
	size, sum := p.torn()
	follows := p.seq == c.next && string(p.prev) == string(c.head[:])
	switch {
	case !follows || size == 0:
		if follows {
			t.problem.Kind, t.problem.Detail = KindInserted, "the line is not a record, and the chain goes on without it"
		}
		c.report.Bad = &t.problem
	case size != t.size || sum != hex.EncodeToString(t.digest.Sum(nil)):
		t.problem.Detail = fmt.Sprintf("the unfinished write is not the one that record %d tells of", p.seq)
		c.report.Bad = &t.problem
	default:
		t.open = false
		c.report.TornCount++
		if len(c.report.Torn) < maxTorn {
			c.report.Torn = append(c.report.Torn, Torn{
				Line: t.problem.Line, Offset: t.problem.Offset, Bytes: t.size, ContinuedAt: p.seq,
			})
		}
		c.good(p)
	}
}

// link takes a record that proves itself and says what is wrong with its place.
func (c *check) link(p parsed) {
	chained := string(p.prev) == string(c.head[:])
	switch {
	case p.seq == c.next && chained:
		if size, _ := p.torn(); size != 0 {
			c.blame(KindRemoved, p.seq, "the unfinished write that this record tells of is missing")
			return
		}
		c.good(p)
	case chained:
		c.blame(KindAltered, p.seq, fmt.Sprintf("the record follows by its hash, but its number should be %d", c.next))
	case p.seq < c.next:
		c.blame(KindReordered, p.seq, fmt.Sprintf("record %d stands where %d should be", p.seq, c.next))
	case p.seq > c.next:
		c.gap = gap{open: true, from: c.next, to: p.seq, problem: c.problem(KindRemoved, c.next, missing(c.next, p.seq))}
	case c.next == 0:
		c.blame(KindAltered, 0, "the first record does not begin a chain")
	default:
		c.report.Bad = &Problem{
			Line: c.before.line, Offset: c.before.offset, Seq: c.next - 1, Kind: KindAltered,
			Detail: fmt.Sprintf("the record has another hash than record %d saw", p.seq),
		}
	}
}

func missing(from, to uint64) string {
	if to == from+1 {
		return fmt.Sprintf("record %d is missing", from)
	}
	return fmt.Sprintf("records %d to %d are missing", from, to-1)
}

// search looks behind a gap for the records that should have filled it.
func (c *check) search(p parsed, ok bool) {
	if ok && p.seq >= c.gap.from && p.seq < c.gap.to && p.proves(c.digest) {
		c.gap.problem.Kind = KindReordered
		c.gap.problem.Detail = fmt.Sprintf("record %d stands where %d should be", c.gap.to, c.gap.from)
		c.report.Bad = &c.gap.problem
	}
}

// good takes a record into the chain.
func (c *check) good(p parsed) {
	if (p.seq == 0) != (string(p.kind) == genesis) {
		c.blame(KindAltered, p.seq, "only the first record can be the genesis")
		return
	}
	now, err := time.Parse(timeLayout, string(p.time))
	if err != nil {
		c.blame(KindAltered, p.seq, "the record has no proper time")
		return
	}
	for _, a := range c.expect {
		if a.Seq == p.seq && a.Hash != string(p.hash) {
			c.blame(KindAltered, p.seq, "the record is not the one that was noted elsewhere: the log was written anew")
			return
		}
	}
	r := &c.report
	r.Last = Anchor{Seq: p.seq, Hash: string(p.hash)}
	r.Ended = now
	if r.Records == 0 {
		r.First, r.Begun = r.Last, now
	}
	r.Records++
	r.Clean = string(p.kind) == closing
	c.next = p.seq + 1
	copy(c.head[:], p.hash)
	c.before = c.at
}

func (c *check) problem(kind Kind, seq uint64, detail string) Problem {
	return Problem{Line: c.at.line, Offset: c.at.offset, Seq: seq, Kind: kind, Detail: detail}
}

func (c *check) blame(kind Kind, seq uint64, detail string) {
	p := c.problem(kind, seq, detail)
	c.report.Bad = &p
}
