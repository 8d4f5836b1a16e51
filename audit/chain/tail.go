package chain

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
)

// Tail is where an existing log left off, and how to go on.
type Tail struct {
	Link Link // the last whole record
	Open bool // the last line lacks its line feed: write one before the next record
	// Of the unfinished write behind the last whole record. The next record
	// must be a genesis or resume that states both.
	TornBytes  int64
	TornSHA256 string
}

// firstRead is how much of a file's end is read at first.
const firstRead = 64 << 10

// ReadTail reads as much of the end of a log of that size as holds two whole
// records, checks that they chain, and finds an unfinished write behind them. A
// log of up to 64 KiB is checked as a whole. An empty log has the zero Tail.
func ReadTail(f io.ReaderAt, size int64) (Tail, error) {
	if size == 0 {
		return Tail{}, nil
	}
	for n := int64(firstRead); ; n *= 2 {
		from := max(0, size-n)
		block := make([]byte, size-from)
		if _, err := f.ReadAt(block, from); err != nil {
			return Tail{}, err
		}
		c := newCheck(nil)
		if from > 0 {
			var ok bool
			if block, ok = c.enter(block); !ok {
				return Tail{}, damaged(&Problem{Kind: KindAltered, Detail: "a record near the end does not match its own hash"})
			}
		}
		t, err := c.finish(block)
		if err != nil || c.report.Records >= 2 || from == 0 {
			return t, err
		}
		if n >= 2*maxLine {
			return Tail{}, damaged(&Problem{Kind: KindNotALog, Detail: "there is no record near the end"})
		}
	}
}

// enter seeds the chain with the first whole record of a block that begins in
// mid-file, and returns the block behind it.
func (c *check) enter(block []byte) (rest []byte, ok bool) {
	_, block, _ = bytes.Cut(block, []byte{'\n'})
	for len(block) > 0 {
		line, rest, whole := bytes.Cut(block, []byte{'\n'})
		if p, ok := parseLine(line); ok && whole {
			return rest, c.seed(p)
		}
		block = rest
	}
	return nil, true
}

// finish feeds the block to the chain and says how to go on behind it.
func (c *check) finish(block []byte) (Tail, error) {
	var t Tail
	for len(block) > 0 {
		line, rest, whole := bytes.Cut(block, []byte{'\n'})
		if !c.feed(line) {
			return t, damaged(c.report.Bad)
		}
		t.Open = !whole
		block = rest
	}
	if c.gap.open {
		return t, damaged(&c.gap.problem)
	}
	if c.torn.open && c.torn.size == 0 {
		return t, damaged(&c.torn.problem) // an empty line is no unfinished write
	}
	if c.torn.open {
		if c.torn.problem.Kind == KindNotALog {
			return t, fmt.Errorf("this is not an audit log: name another file, or move this one away")
		}
		t.TornBytes, t.TornSHA256 = c.torn.size, hex.EncodeToString(c.torn.digest.Sum(nil))
	}
	if c.report.Records > 0 {
		t.Link.next = c.next
		if _, err := hex.Decode(t.Link.sum[:], c.head[:]); err != nil {
			return t, err
		}
	}
	return t, nil
}

func damaged(p *Problem) error {
	return fmt.Errorf("the end of the log is damaged (%s: %s): run `sallyport audit verify` on it, then move it away", p.Kind, p.Detail)
}
