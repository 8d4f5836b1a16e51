package downstream

import (
	"sync"

	"sallyport/proxy/wire"
)

// batches says whether the negotiated revision has batches: 2025-03-26 alone.
func (c *Client) batches() bool { return c.Greeting().Version == "2025-03-26" }

// receiveBatch deals with each message of a batch as if it stood alone, and
// gathers the answers.
func (c *Client) receiveBatch(line []byte) {
	parts, fault := wire.SplitBatch(line, c.bounds)
	if fault != nil {
		c.refuse(fault, c.sink())
		return
	}
	var messages []wire.Message
	var faults []*wire.Fault
	to := &batch{client: c}
	seen := map[string]bool{} // ids: they are answered together, so none is free before the end
	for _, part := range parts {
		m, fault := wire.ParseStrict(part, c.bounds)
		switch {
		case fault != nil:
			faults = append(faults, fault)
			to.left++
			continue
		case m.Kind == wire.Request:
			to.left++
			if seen[m.ID.Key()] {
				faults = append(faults, badID(m.ID, underWay))
				continue
			}
			seen[m.ID.Key()] = true
		}
		messages = append(messages, m)
	}
	for _, fault := range faults {
		c.refuse(fault, to)
	}
	for _, m := range messages {
		c.dispatch(m, to)
	}
}

// batch gathers the answers to the messages of one JSON-RPC batch (revision
// 2025-03-26) into the one array that answers it.
type batch struct {
	client *Client
	mu     sync.Mutex
	buf    []byte
	left   int // answers to come
}

// write adds one answer; the last one sends them all.
func (b *batch) write(f func(dst []byte) []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.buf) > 0 {
		b.buf = append(b.buf, ',')
	}
	b.buf = f(b.buf)
	b.less()
}

// skip says that one of the requests will not be answered.
func (b *batch) skip() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.less()
}

func (b *batch) less() {
	if b.left--; b.left == 0 && len(b.buf) > 0 {
		b.client.Write(func(dst []byte) []byte { return append(append(append(dst, '['), b.buf...), ']') })
	}
}
