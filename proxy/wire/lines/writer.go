package lines

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"sync"
)

// highWater is how many bytes may wait to be written before senders wait too.
const highWater = 1 << 20

const (
	// keepSize is the largest buffer that is kept for the next lines in any case.
	keepSize = 256 << 10
	// keepMost is the largest that is kept while long lines keep coming.
	keepMost = 4 << 20
	// calmLines is how many short ones in a row say that they have stopped.
	calmLines = 64
)

// Writer writes lines from many goroutines to one writer, as many as there are at
// once in one Write. The first of them to come writes for all; the others
// return as soon as their line is in the queue, or wait while it is full.
//
// A nil error from Send or Append means that the line was accepted, not that it
// was written: an error of the writer comes to whoever is writing and to all
// who come later. Flush waits for the writing.
type Writer struct {
	w io.Writer

	mu      sync.Mutex
	changed sync.Cond
	pending []byte // lines that wait
	spare   []byte // the other buffer
	writing bool
	calm    int    // writes since the last long one
	taken   uint64 // bytes accepted
	written uint64
	err     error
}

// NewWriter returns a Writer that writes to w.
func NewWriter(w io.Writer) *Writer {
	o := &Writer{w: w}
	o.changed.L = &o.mu
	return o
}

var errAppend = errors.New("a line was not appended to the buffer given")

// Send writes one line; the newline is added. A newline or carriage return
// within the line, which can only be white space between JSON tokens, becomes a
// space. The line is copied.
func (o *Writer) Send(line []byte) error {
	o.mu.Lock()
	if err := o.room(); err != nil {
		o.mu.Unlock()
		return err
	}
	from := len(o.pending)
	o.pending = append(o.pending, line...)
	return o.accept(from)
}

// Append writes one line that f appends to the buffer given, which spares a
// copy of a large one. f runs under a lock: it must only append, and neither
// keep the buffer nor call the Writer.
func (o *Writer) Append(f func(dst []byte) []byte) error {
	o.mu.Lock()
	if err := o.room(); err != nil {
		o.mu.Unlock()
		return err
	}
	from := len(o.pending)
	next := f(o.pending)
	if len(next) < from {
		o.mu.Unlock()
		return errAppend
	}
	o.pending = next
	return o.accept(from)
}

// ErrFull is returned by Post when the queue is full.
var ErrFull = errors.New("the other side does not take what is written to it")

// Post is Append for a goroutine that must never wait for the other side: the
// line is written by a goroutine of its own unless somebody is writing, and
// refused with ErrFull if the queue is full.
func (o *Writer) Post(f func(dst []byte) []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.err != nil:
		return o.err
	case len(o.pending) >= highWater:
		return ErrFull
	}
	from := len(o.pending)
	next := f(o.pending)
	if len(next) < from {
		return errAppend
	}
	o.pending = next
	if o.end(from) {
		o.writing = true
		go func() { _ = o.write() }() // its error stays for whoever comes next
	}
	return nil
}

// Flush waits until every line accepted so far has been written.
func (o *Writer) Flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for until := o.taken; o.written < until && o.err == nil; {
		o.changed.Wait()
	}
	return o.err
}

// Fail makes every later call, and all that wait, return err, unless there was
// an error before. It does not interrupt a Write: close the writer for that.
func (o *Writer) Fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fail(err)
}

func (o *Writer) fail(err error) {
	if o.err == nil {
		o.err = err
	}
	o.changed.Broadcast()
}

// room waits for space in the queue.
func (o *Writer) room() error {
	for len(o.pending) >= highWater && o.err == nil {
		o.changed.Wait()
	}
	return o.err
}

// accept ends the line that starts at from, unlocks, and writes unless somebody
// else does.
func (o *Writer) accept(from int) error {
	if !o.end(from) {
		o.mu.Unlock()
		return nil
	}
	o.writing = true
	o.mu.Unlock()
	runtime.Gosched() // others that are ready add their lines to this write
	return o.write()
}

// end ends the line that starts at from, and says whether somebody has to write
// it.
func (o *Writer) end(from int) bool {
	if len(o.pending) == from {
		return false
	}
	oneLine(o.pending[from:])
	o.pending = append(o.pending, '\n')
	o.taken += uint64(len(o.pending) - from)
	return !o.writing
}

func oneLine(line []byte) {
	for _, c := range [...]byte{'\n', '\r'} {
		for rest := line; ; {
			i := bytes.IndexByte(rest, c)
			if i < 0 {
				break
			}
			rest[i] = ' '
			rest = rest[i+1:]
		}
	}
}

func (o *Writer) write() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.pending) > 0 && o.err == nil {
		lines := o.pending
		o.pending = o.spare[:0]
		o.mu.Unlock()
		n, err := o.w.Write(lines)
		o.mu.Lock()
		o.written += uint64(len(lines))
		if err == nil && n < len(lines) {
			err = io.ErrShortWrite
		}
		if err != nil {
			o.fail(err)
		}
		o.spare = nil
		if o.calm++; len(lines) > keepSize {
			o.calm = 0
		}
		if cap(lines) <= keepSize || cap(lines) <= keepMost && o.calm < calmLines {
			o.spare = lines
		}
		o.changed.Broadcast()
	}
	o.writing = false
	return o.err
}
