// Package throttle bounds how often one kind of trouble is written down: a
// server that speaks nonsense without end must not fill the log.
package throttle

import (
	"sync"
	"time"
)

const (
	span = time.Minute
	most = 100 // of one kind in a span
)

// ByKind counts what is let through. The zero value is ready. It is safe for
// concurrent use.
type ByKind struct {
	mu    sync.Mutex
	since time.Time
	count map[string]int
}

// Pass says whether one more of this kind may be written down: the first 100 in
// each minute are. The kinds must be few, they are all kept for a minute.
func (t *ByKind) Pass(kind string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count == nil || now.Sub(t.since) > span {
		t.since, t.count = now, map[string]int{}
	}
	t.count[kind]++
	return t.count[kind] <= most
}
