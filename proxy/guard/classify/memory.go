package classify

import (
	"container/list"
	"crypto/sha256"
	"sync"
)

const maxKnown = 1024

type digest = [sha256.Size]byte

// memory holds the scores of the texts that were asked about last. Definitions of
// tools come again with each list.
type memory struct {
	mu    sync.Mutex
	known map[digest]*list.Element
	order list.List // of known, latest first
}

type known struct {
	key   digest
	value float64
}

func (m *memory) get(key digest) (float64, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.known[key]
	if e == nil {
		return 0, false
	}
	m.order.MoveToFront(e)
	return e.Value.(known).value, true
}

func (m *memory) put(key digest, value float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = map[digest]*list.Element{}
	}
	if e := m.known[key]; e != nil { // asked about twice at once
		e.Value = known{key, value}
		return
	}
	m.known[key] = m.order.PushFront(known{key, value})
	if len(m.known) > maxKnown {
		delete(m.known, m.order.Remove(m.order.Back()).(known).key)
	}
}
