//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A pipe is at most this full when its child ends, on the systems we know.
const mostLeftover = 1 << 20

// longAgo, as a deadline, wakes whoever waits.
func longAgo() time.Time { return time.Unix(1, 0) }

// A writer is our end of a child's standard input. A child that does not read
// holds a write up for a bounded time.
type writer struct {
	timeout time.Duration
	file    *os.File
	closing atomic.Bool // set before mu is taken, so that a waiting Write lets go

	mu     sync.Mutex // a Write is whole: lines never interleave
	fd     int        // file's; -1 once closed
	broken error      // of the first Write that failed; says so ever after
}

func newWriter(fd int, timeout time.Duration) *writer {
	return &writer{timeout: timeout, file: os.NewFile(uintptr(fd), "stdin of a child"), fd: fd}
}

// Write writes all of p, or fails. After a failure part of p may have gone out, so
// every later Write fails too.
func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fd < 0 || w.closing.Load() {
		return 0, os.ErrClosed
	}
	if w.broken != nil {
		return 0, w.broken
	}
	// Nearly always the pipe has room: then no deadline is needed.
	done, err := unix.Write(w.fd, p)
	done = max(done, 0)
	if err == nil && done == len(p) {
		return done, nil
	}
	if err == nil || err == unix.EAGAIN || err == unix.EINTR {
		var n int
		n, err = w.rest(p[done:])
		done += n
	}
	if err != nil {
		w.broken = fmt.Errorf("writing to the child: %w", err)
		return done, w.broken
	}
	return done, nil
}

// rest writes what the pipe had no room for.
func (w *writer) rest(p []byte) (int, error) {
	if err := w.file.SetWriteDeadline(time.Now().Add(w.timeout)); err != nil {
		return 0, err
	}
	if w.closing.Load() { // Close may have come between
		return 0, os.ErrClosed
	}
	n, err := w.file.Write(p)
	switch {
	case w.closing.Load():
		return n, os.ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, fmt.Errorf("it was not all taken within %v: %w", w.timeout, os.ErrDeadlineExceeded)
	}
	return n, err
}

// Close gives the child the end of its input. It is safe at any time; a Write
// under way fails.
func (w *writer) Close() error {
	w.closing.Store(true)
	_ = w.file.SetWriteDeadline(longAgo())
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fd < 0 {
		return nil
	}
	w.fd = -1
	return w.file.Close()
}

// errIdle is the answer of readFor when nothing came in time.
var errIdle = errors.New("idle")

// A reader is our end of a child's standard output or error. It ends with the
// child: a process that got away may hold the other end open for ever.
type reader struct {
	file  *os.File
	ended atomic.Bool // nothing more will come that is not in the pipe already

	mu   sync.Mutex
	fd   int // file's; -1 once closed
	rest []byte
}

func newReader(fd int, name string) *reader {
	return &reader{file: os.NewFile(uintptr(fd), name), fd: fd}
}

// Read waits until the child writes. It ends with io.EOF, at the latest when the
// child has ended and all that it wrote has been read.
func (r *reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.read(p)
}

// readFor is Read with a bound.
func (r *reader) readFor(p []byte, bound time.Duration) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fd >= 0 {
		_ = r.file.SetReadDeadline(time.Now().Add(bound))
		defer r.file.SetReadDeadline(time.Time{})
	}
	return r.read(p)
}

func (r *reader) read(p []byte) (int, error) {
	if r.fd >= 0 && !r.ended.Load() {
		n, err := r.file.Read(p)
		switch {
		case n > 0 || err == nil:
			return n, nil
		case errors.Is(err, os.ErrDeadlineExceeded) && !r.ended.Load():
			return 0, errIdle
		case errors.Is(err, os.ErrDeadlineExceeded):
		default: // io.EOF, or a fault that is as final
			r.close()
		}
	}
	r.drain()
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// finish ends r once the child has ended, keeping what is left unread.
func (r *reader) finish() {
	r.ended.Store(true)
	_ = r.file.SetReadDeadline(longAgo())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drain()
}

// drain takes over what is in the pipe, and closes r.
func (r *reader) drain() {
	var buf [16 << 10]byte
	for r.fd >= 0 && len(r.rest) < mostLeftover {
		n, err := unix.Read(r.fd, buf[:])
		if n <= 0 && err != unix.EINTR {
			break
		}
		r.rest = append(r.rest, buf[:max(n, 0)]...)
	}
	r.close()
}

func (r *reader) close() {
	if r.fd >= 0 {
		r.fd = -1
		_ = r.file.Close()
	}
}

// pipes are the six ends of a child's three pipes.
type pipes struct{ stdin, stdout, stderr [2]int }

func openPipes() (*pipes, error) {
	p := &pipes{}
	all := []*[2]int{&p.stdin, &p.stdout, &p.stderr}
	for i, ends := range all {
		if err := pipe(ends); err != nil {
			for _, open := range all[:i] {
				shut(open[:]...)
			}
			return nil, fmt.Errorf("opening a pipe: %w", err)
		}
	}
	for _, fd := range []int{p.stdin[1], p.stdout[0], p.stderr[0]} {
		if err := unix.SetNonblock(fd, true); err != nil {
			p.closeAll()
			return nil, fmt.Errorf("setting up a pipe: %w", err)
		}
	}
	widen(p.stdin[1])
	widen(p.stdout[0])
	return p, nil
}

func (p *pipes) closeAll() {
	for _, ends := range []*[2]int{&p.stdin, &p.stdout, &p.stderr} {
		shut(ends[:]...)
	}
}

// shut closes descriptors of which a failure to close tells us nothing: nobody
// waits for what is in them.
func shut(fds ...int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}
