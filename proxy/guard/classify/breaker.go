package classify

import (
	"fmt"
	"sync"
	"time"
)

const (
	mostInRow = 5 // failures, after which it is left alone
	leftAlone = 5 * time.Second
)

// breaker keeps a classifier that does not answer from costing its whole time on
// each call.
type breaker struct {
	mu      sync.Mutex
	inRow   int // failures since the last answer
	last    string
	until   time.Time // it is left alone until then
	probing bool      // one request is out to see whether it is back
}

// enter says whether a text may be sent, and whether it is the one that finds out.
// Whoever enters must leave.
func (b *breaker) enter(now time.Time) (probe bool, f *failure) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.inRow < mostInRow:
		return false, nil
	case b.probing || now.Before(b.until):
		return false, b.refuse()
	}
	b.probing = true
	return true, nil
}

// shut is the failure of a text that waited until it may not be sent any more.
func (b *breaker) shut() *failure {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.inRow >= mostInRow {
		return b.refuse()
	}
	return nil
}

func (b *breaker) refuse() *failure {
	return &failure{why: fmt.Sprintf("left alone for %v after %d failures in a row, the last: %s", leftAlone, b.inRow, b.last)}
}

// leave notes how it went; nil is an answer.
func (b *breaker) leave(now time.Time, probe bool, f *failure) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if probe {
		b.probing = false
	}
	switch {
	case f == nil:
		b.inRow = 0
	case f.own:
		b.inRow++
		b.last, b.until = f.why, now.Add(leftAlone)
	}
}
