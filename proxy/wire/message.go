package wire

import (
	"bytes"
	"unicode/utf8"
)

// Kind says what a message is. The zero Kind is Malformed: it is of no use.
type Kind uint8

// The kinds of message.
const (
	Malformed Kind = iota
	Request
	Notification
	Result
	Error
)

func (k Kind) String() string {
	names := [...]string{"malformed", "request", "notification", "result", "error"}
	return names[min(int(k), len(names)-1)]
}

// A Message is one JSON-RPC message, as a view of the bytes that it was parsed
// from: it is good for as long as they are left alone. ID and Method are
// copies.
type Message struct {
	Kind   Kind
	Method string // decoded; of a Request or Notification
	ID     ID     // of a Request, a Result and most Errors
	Raw    []byte // the message without white space around it

	outer   [fields]Span
	members [6]member // of params
	count   int       // of the members seen, which may be more
}

type member struct{ key, value Span }

// Clone returns the message with bytes of its own.
func (m *Message) Clone() Message {
	own := *m
	own.Raw = bytes.Clone(m.Raw)
	return own
}

func (m *Message) note(at field, f field, key, value Span) {
	if at == envelope {
		m.outer[f] = value
		return
	}
	if m.count < len(m.members) {
		m.members[m.count] = member{key, value}
	}
	m.count++
}

func (m *Message) value(f field) []byte {
	if s := m.outer[f]; s.End > 0 {
		return s.Of(m.Raw)
	}
	return nil
}

// Params returns the raw value of params, or nil if there is none. In a
// Request or Notification it is an object.
func (m *Message) Params() []byte { return m.value(fieldParams) }

// Result returns the raw value of result, or nil.
func (m *Message) Result() []byte { return m.value(fieldResult) }

// Error returns the raw value of error, an object, or nil.
func (m *Message) Error() []byte { return m.value(fieldError) }

// Param returns the raw value of a member of params, or nil. If the message was
// parsed faithfully and repeats the key, the last one counts.
func (m *Message) Param(name string) []byte {
	if s, ok := m.ParamSpan(name); ok {
		return s.Of(m.Raw)
	}
	return nil
}

// Meta returns the raw value of a member of params._meta, or nil.
func (m *Message) Meta(name string) []byte { return Get(m.Param("_meta"), name) }

// IDSpan returns where in Raw the id stands; it reports false if there is none.
func (m *Message) IDSpan() (Span, bool) {
	s := m.outer[fieldID]
	return s, s.End > 0
}

// BodySpan returns where in Raw the params, the result or the error stands.
func (m *Message) BodySpan() (Span, bool) {
	s := m.outer[[...]field{fieldParams, fieldParams, fieldParams, fieldResult, fieldError}[m.Kind]]
	return s, s.End > 0
}

// ParamSpan returns where in Raw the value of a member of params stands.
func (m *Message) ParamSpan(name string) (Span, bool) {
	if m.count <= len(m.members) {
		for i := m.count - 1; i >= 0; i-- {
			if keyIs(m.members[i].key.Of(m.Raw), name) {
				return m.members[i].value, true
			}
		}
		return Span{}, false
	}
	s, ok := Find(m.Params(), name)
	return s.shift(m.outer[fieldParams].Start), ok
}

// WithID appends the message to dst with its id replaced, every other byte as
// it was. A message without an id is appended unchanged.
func (m *Message) WithID(dst []byte, id ID) []byte {
	s, ok := m.IDSpan()
	if !ok {
		return append(dst, m.Raw...)
	}
	var room [24]byte
	return Splice(dst, m.Raw, Edit{s, id.Append(room[:0])})
}

// ParseStrict reads one message from a client. White space around it is
// allowed. On a fault the message is of no use; the Fault's ID is that of a
// request or notification only, so that it may be answered.
//
// It refuses, at any depth: repeated keys, keys that differ only by case,
// invalid UTF-8, lone surrogates, and whatever exceeds b. It refuses keys of
// the envelope, and of params where MCP gives them a meaning, that are known
// ones but for case. Other keys of the envelope are kept.
func ParseStrict(line []byte, b Bounds) (Message, *Fault) {
	b = b.orDefault()
	m, f := parse(line, b, true)
	if f != nil {
		if id, response := salvage(line[:min(len(line), b.Message)]); !response {
			f.ID = id
		}
	}
	return m, f
}

// ParseFaithful reads one message from a tool server. It must be well-formed
// JSON in valid UTF-8, at most 10,000 deep and b.Message long, and no key of
// its envelope may be repeated or differ only by case from another or from a
// known one. Everything within params, result and error is left as it is:
// repeated keys, lone surrogate escapes and numbers of any size. Null params
// count as none.
func ParseFaithful(line []byte, b Bounds) (Message, *Fault) {
	b = b.orDefault()
	b.Depth = mostDepth
	m, f := parse(line, b, false)
	if f != nil {
		f.ID, _ = salvage(line[:min(len(line), b.Message)])
	}
	return m, f
}

func parse(line []byte, b Bounds, strict bool) (Message, *Fault) {
	m := Message{Raw: trim(line)}
	keys := keyStacks.Get().(*keyStack)
	defer keys.giveBack()
	s := scanner{b: m.Raw, limit: b, strict: strict, keys: keys, m: &m}
	if !s.message() || !s.shape() {
		f := *s.fault // a copy, so that m need not be on the heap
		f.Offset += lead(line)
		return Message{}, &f
	}
	return m, nil
}

// message reads the text; shape says what it means.
func (s *scanner) message() bool {
	if len(s.b) > s.limit.Message {
		return s.fail(MessageTooLong, s.limit.Message, "the message is too long")
	}
	if !s.valid() {
		return false
	}
	switch {
	case bytes.HasPrefix(s.b, []byte("\uFEFF")):
		return s.fail(InvalidJSON, 0, "the text starts with a byte order mark")
	case s.peek() == '[':
		return s.fail(Batch, 0, "a batch stands where one message was expected")
	case s.peek() != '{':
		if s.value(other) && s.end() {
			s.fail(NotAnObject, 0, "a message must be an object")
		}
		return false
	}
	return s.object(envelope) && s.end()
}

func (s *scanner) end() bool {
	if s.i < len(s.b) {
		return s.fail(TrailingData, s.i, "more text follows the value")
	}
	return true
}

func (s *scanner) valid() bool {
	if utf8.Valid(s.b) {
		return true
	}
	at := 0
	for r, n := utf8.DecodeRune(s.b); r != utf8.RuneError || n > 1; r, n = utf8.DecodeRune(s.b[at:]) {
		at += n
	}
	return s.fail(BadUTF8, at, "the text is not valid UTF-8")
}
