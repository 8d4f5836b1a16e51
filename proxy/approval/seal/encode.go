package seal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

const (
	version     = 1
	maxText     = 4 << 10
	maxEntries  = 64
	maxUpstream = 1 << 20
	lastSecond  = 253402300799 // the end of the year 9999
)

// encode writes a version byte and the fields of s. There is one encoding of a
// state: numbers have fixed widths and nothing is optional.
func encode(s State) ([]byte, error) {
	c := coder{buf: []byte{version}}
	s.layout(&c)
	if c.err != nil {
		return nil, fmt.Errorf("this cannot be a request state: %w", c.err)
	}
	return c.buf, nil
}

// decode reads what encode writes, and nothing else.
func decode(b []byte) (State, error) {
	if len(b) == 0 || b[0] != version {
		return State{}, errors.New("it is of another version")
	}
	c := coder{reading: true, buf: b[1:]}
	var s State
	s.layout(&c)
	c.check(len(c.buf) == 0, "it goes on after its end")
	if c.err != nil {
		return State{}, c.err
	}
	return s, nil
}

// coder moves fields out to buf or in from it. After its first fault it moves
// nothing more.
type coder struct {
	reading bool
	buf     []byte // what is written so far, or what is still to be read
	err     error
}

func (c *coder) check(ok bool, format string, args ...any) {
	if !ok && c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// fixed writes b out, or fills it. It is the one place in which bytes move.
func (c *coder) fixed(b []byte) {
	if c.reading {
		c.check(len(c.buf) >= len(b), "it ends too early")
	}
	switch {
	case c.err != nil:
	case c.reading:
		c.buf = c.buf[copy(b, c.buf):]
	default:
		c.buf = append(c.buf, b...)
	}
}

// length moves a length, and says what it is.
func (c *coder) length(name string, n, limit int) int {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(n))
	c.fixed(b[:])
	if c.reading {
		n = int(binary.BigEndian.Uint32(b[:]))
	}
	c.check(n >= 0 && n <= limit, "%s has a length of %d, at most %d", name, n, limit)
	if c.err != nil {
		return 0
	}
	return n
}

func (c *coder) sized(name string, b []byte, limit int) []byte {
	n := c.length(name, len(b), limit)
	if c.reading {
		b = nil
		if c.check(n <= len(c.buf), "it ends too early"); c.err == nil && n > 0 {
			b = make([]byte, n)
		}
	}
	c.fixed(b)
	return b
}

func (c *coder) raw(name string, b *[]byte) { *b = c.sized(name, *b, maxUpstream) }

func (c *coder) text(name string, s *string) {
	// When writing, s may be an entry of the caller's list: leave it alone.
	if b := c.sized(name, []byte(*s), maxText); c.reading {
		*s = string(b)
	}
}

func (c *coder) list(name string, l *[]string) {
	n := c.length(name, len(*l), maxEntries)
	if c.reading && n > 0 {
		*l = make([]string, n)
	}
	for i := range *l {
		c.text(name, &(*l)[i])
	}
}

func (c *coder) moment(name string, t *time.Time) {
	var b [12]byte
	binary.BigEndian.PutUint64(b[:8], uint64(t.Unix()))
	binary.BigEndian.PutUint32(b[8:], uint32(t.Nanosecond()))
	c.fixed(b[:])
	sec, nsec := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint32(b[8:])
	// Of a time before 1970 the seconds are far above the limit.
	c.check(sec <= lastSecond && nsec < 1e9, "%s is not a time between 1970 and 9999", name)
	if c.err == nil {
		*t = time.Unix(int64(sec), int64(nsec)).UTC()
	}
}
