package lines

import (
	"bytes"
	"fmt"
	"io"
)

const (
	readSize = 64 << 10 // first buffer; above four times this they are let go after use
	headSize = 4 << 10  // of a lost line, kept to find its id
	tailSize = 2 << 10
)

// Reader reads lines. It is for one goroutine. Its memory stays within twice
// the longest line allowed.
type Reader struct {
	r    io.Reader
	max  int
	size int    // of the first buffer
	buf  []byte // buf[from:to] has been read and not been returned
	from int
	to   int
	seen int // buf[from:seen] holds no newline
	calm int // short lines since the last long one
	err  error
}

// NewReader reads from r lines of up to most bytes, newline not counted. Zero or
// less means 16 MiB.
func NewReader(r io.Reader, most int) *Reader {
	if most <= 0 {
		most = 16 << 20
	}
	return &Reader{r: r, max: most, size: readSize}
}

// TooLong is the error for a line above the bound. The line has been thrown
// away; the next one can be read.
type TooLong struct {
	Bytes int64  // length of the line
	Head  []byte // how it began, up to 4 KiB
	Tail  []byte // how it ended, up to 2 KiB
}

func (e *TooLong) Error() string { return fmt.Sprintf("a line of %d bytes is too long", e.Bytes) }

// Unfinished is the error for a stream that ended within a line: the message
// was cut off and must not be acted upon.
type Unfinished struct {
	Bytes int64
	Head  []byte // how it began, up to 4 KiB
}

func (e *Unfinished) Error() string {
	return fmt.Sprintf("the stream ended after %d bytes of a line", e.Bytes)
}

// Next returns the next line that is not empty, without its newline and one
// carriage return before it. The bytes are valid until the next call. The error
// is a *TooLong, after which one may go on; a *Unfinished, after which io.EOF
// follows; io.EOF; or the reader's, for good.
func (l *Reader) Next() ([]byte, error) {
	l.shrink()
	for {
		if line, ok := l.take(); ok {
			if len(line) > l.max {
				return nil, &TooLong{int64(len(line)), head(line), tail(line, 0)}
			}
			return line, nil
		}
		if l.err != nil {
			return nil, l.finish()
		}
		if l.to-l.from >= l.max+2 {
			return nil, l.discard()
		}
		l.fill()
	}
}

// Buffered reports whether a whole further line is in memory, so that Next will
// not have to read.
func (l *Reader) Buffered() bool { return l.newline() >= 0 }

// newline returns the index of the newline that ends the next line, or -1. It
// goes past empty lines.
func (l *Reader) newline() int {
	for {
		i := bytes.IndexByte(l.buf[l.seen:l.to], '\n')
		if i < 0 {
			l.seen = l.to
			return -1
		}
		l.seen += i
		if len(cutReturn(l.buf[l.from:l.seen])) > 0 {
			return l.seen
		}
		l.seen++
		l.from = l.seen
	}
}

func (l *Reader) take() ([]byte, bool) {
	end := l.newline()
	if end < 0 {
		return nil, false
	}
	line := cutReturn(l.buf[l.from:end:end])
	l.from, l.seen = end+1, end+1
	if l.calm++; len(line) > 4*l.size {
		l.calm = 0
	}
	return line, true
}

func cutReturn(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}

// fill reads once, after it has made room.
func (l *Reader) fill() {
	if l.from == l.to {
		l.from, l.to, l.seen = 0, 0, 0
	}
	if l.to == len(l.buf) {
		l.grow()
	}
	for range 100 {
		n, err := l.r.Read(l.buf[l.to:])
		l.to += n
		l.err = err
		if n > 0 || err != nil {
			return
		}
	}
	l.err = io.ErrNoProgress
}

// grow makes room behind what is unread: by moving it to the front if that
// frees half of the buffer, else by doubling, never beyond the longest line.
func (l *Reader) grow() {
	next := l.buf
	most := max(l.size, l.max+2)
	if len(l.buf) < most && l.from <= len(l.buf)/2 {
		next = make([]byte, min(max(l.size, 2*len(l.buf)), most))
	}
	n := copy(next, l.buf[l.from:l.to])
	l.buf, l.from, l.to, l.seen = next, 0, n, l.seen-l.from
}

// shrink lets a large buffer go when long lines have stopped coming: where one
// came others often follow, and to make it anew for each costs more than to read.
func (l *Reader) shrink() {
	if len(l.buf) > 4*l.size && l.to-l.from <= l.size && (l.calm >= calmLines || len(l.buf) > keepMost) {
		next := make([]byte, l.size)
		n := copy(next, l.buf[l.from:l.to])
		l.buf, l.from, l.to, l.seen = next, 0, n, l.seen-l.from
	}
}

// discard throws a line away that has outgrown the buffer, up to its newline.
func (l *Reader) discard() error {
	lost := &TooLong{}
	for {
		part, end := l.buf[l.from:l.to], bytes.IndexByte(l.buf[l.from:l.to], '\n')
		if end >= 0 {
			part = part[:end]
		}
		lost.Bytes += int64(len(part))
		lost.Head = append(lost.Head, part[:min(len(part), headSize-len(lost.Head))]...)
		lost.Tail = tail(append(lost.Tail, part[max(0, len(part)-tailSize-1):]...), 1)
		l.from += len(part)
		if end >= 0 {
			l.from++
			l.seen = l.from
			cut := cutReturn(lost.Tail)
			lost.Bytes -= int64(len(lost.Tail) - len(cut))
			lost.Tail = tail(cut, 0)
			lost.Head = lost.Head[:min(int64(len(lost.Head)), lost.Bytes)]
			return lost
		}
		l.seen = l.from
		if l.err == nil {
			l.fill()
		} else if l.err == io.EOF {
			return &Unfinished{lost.Bytes, lost.Head}
		} else {
			return l.err
		}
	}
}

// finish returns what the end of the stream means.
func (l *Reader) finish() error {
	rest := l.buf[l.from:l.to]
	l.from, l.seen = l.to, l.to
	if l.err == io.EOF && len(cutReturn(rest)) > 0 {
		return &Unfinished{int64(len(rest)), head(rest)}
	}
	return l.err
}

func head(b []byte) []byte { return bytes.Clone(b[:min(len(b), headSize)]) }

func tail(b []byte, more int) []byte { return bytes.Clone(b[max(0, len(b)-tailSize-more):]) }
