package sandbox

import (
	"math/rand/v2"
	"time"
)

const (
	firstPause  = 200 * time.Millisecond
	longestWait = 30 * time.Second
	healthyLife = 60 * time.Second
)

// A Backoff spaces out the restarts of one child. The zero value is ready. It
// is not safe for concurrent use.
type Backoff struct {
	last time.Duration
}

// Next returns how long to wait before the next start: 200 ms, doubling to 30 s,
// of which up to half is taken off at random so that children that fell
// together do not rise together.
func (b *Backoff) Next() time.Duration {
	b.last = min(max(2*b.last, firstPause), longestWait)
	return b.last - rand.N(b.last/2)
}

// Lived tells how long a child ran before it ended. After a minute or more
// the next wait is the shortest again.
func (b *Backoff) Lived(d time.Duration) {
	if d >= healthyLife {
		b.last = 0
	}
}
