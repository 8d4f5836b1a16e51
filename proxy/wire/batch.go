package wire

// mostBatch bounds the messages of one batch.
const mostBatch = 100

// SplitBatch cuts a JSON-RPC batch into the raw texts of its messages, in
// order; each must then be parsed. It refuses an empty array, more than 100
// elements, text that is not well-formed JSON in valid UTF-8, and whatever
// exceeds b.Message or b.Depth. The elements alias line.
func SplitBatch(line []byte, b Bounds) ([][]byte, *Fault) {
	raw := trim(line)
	b = b.orDefault()
	s := scanner{b: raw, limit: b}
	s.limit.Depth = min(b.Depth+1, mostDepth) // the array itself
	switch {
	case len(raw) > b.Message:
		s.fail(MessageTooLong, b.Message, "the batch is too long")
	case s.peek() != '[':
		s.fail(Batch, 0, "a batch must be an array")
	case s.lone():
		return s.split()
	}
	s.fault.Offset += lead(line)
	return nil, s.fault
}

func (s *scanner) split() (parts [][]byte, f *Fault) {
	for e := range Elements(s.b) {
		if parts = append(parts, e); len(parts) > mostBatch {
			return nil, newFault(Batch, 0, "a batch has at most 100 messages")
		}
	}
	if len(parts) == 0 {
		return nil, newFault(Batch, 0, "a batch must not be empty")
	}
	return parts, nil
}

// lone reads one value and nothing else.
func (s *scanner) lone() bool {
	if !s.valid() {
		return false
	}
	s.space()
	if !s.value(other) {
		return false
	}
	s.space()
	return s.end()
}
