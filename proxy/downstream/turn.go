package downstream

// turn is a request's place in the queue in which the client's messages go to
// the servers. It is used by one goroutine.
type turn struct {
	before <-chan struct{} // closed when all before it have gone; nil for the first
	gone   chan struct{}
	left   bool
}

// queue hands out turns; it is used by the reader of the client alone.
type queue struct{ last <-chan struct{} }

func (q *queue) next() *turn {
	t := &turn{before: q.last, gone: make(chan struct{})}
	q.last = t.gone
	return t
}

// free says whether nothing is before the turn.
func (t *turn) free() bool {
	if t.before == nil {
		return true
	}
	select {
	case <-t.before:
		return true
	default:
		return false
	}
}

// wait returns when everything before it has gone, or at once when the turn
// was left.
func (t *turn) wait() {
	if t.before != nil && !t.left {
		<-t.before
	}
}

// leave lets the next one go. It may be called again.
func (t *turn) leave() {
	if t.left {
		return
	}
	t.wait()
	t.left = true
	close(t.gone)
}
