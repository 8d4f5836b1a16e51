package seal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Purpose is what a state is for. The zero Purpose is none, and is not sealed.
type Purpose uint8

// The purposes.
const (
	Asking  Purpose = iota + 1 // a person was asked about the call
	Passing                    // the call was approved, and its server wants to know more
)

// State is what a request state says.
type State struct {
	Purpose                               Purpose
	Question                              string // its id
	Principal, Role, Server, Method, Tool string
	Policy                                string // digest
	Arguments, Definition                 [32]byte
	Issued, Expires                       time.Time // to the millisecond
	Nonce                                 [16]byte  // drawn by Seal
	Options                               []string  // what was offered
	Upstream                              []byte    // the server's own request state, raw JSON; nil if it gave none
}

const (
	version     = 1
	maxText     = 8 << 10
	maxUpstream = 1 << 20
	maxOptions  = 16
)

// Compare names the first part in which a state was made for another call than
// the one at hand; empty if it was made for this one.
func Compare(want, got State) string {
	for _, part := range [...]struct {
		name  string
		equal bool
	}{
		{"principal", want.Principal == got.Principal},
		{"role", want.Role == got.Role},
		{"server", want.Server == got.Server},
		{"method", want.Method == got.Method},
		{"tool", want.Tool == got.Tool},
		{"arguments", want.Arguments == got.Arguments},
		{"definition", want.Definition == got.Definition},
		{"policy", want.Policy == got.Policy},
	} {
		if !part.equal {
			return part.name
		}
	}
	return ""
}

// texts are the parts that are text, in the order in which they are written.
func (s *State) texts() []*string {
	return []*string{&s.Question, &s.Principal, &s.Role, &s.Server, &s.Method, &s.Tool, &s.Policy}
}

func (s *State) encode() ([]byte, error) {
	if s.Purpose != Asking && s.Purpose != Passing {
		return nil, errors.New("it has no purpose")
	}
	if len(s.Upstream) > maxUpstream {
		return nil, fmt.Errorf("the server's own state has %d bytes, more than %d", len(s.Upstream), maxUpstream)
	}
	if len(s.Options) > maxOptions {
		return nil, errors.New("too many options")
	}
	b := []byte{version, byte(s.Purpose)}
	b = append(append(append(b, s.Arguments[:]...), s.Definition[:]...), s.Nonce[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(s.Issued.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, uint64(s.Expires.UnixMilli()))
	b = append(b, byte(len(s.Options)))
	for _, text := range append(s.texts(), pointers(s.Options)...) {
		if len(*text) > maxText {
			return nil, fmt.Errorf("a part of it has %d bytes, more than %d", len(*text), maxText)
		}
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(*text))), *text...)
	}
	if s.Upstream == nil {
		return append(b, 0), nil
	}
	b = binary.BigEndian.AppendUint32(append(b, 1), uint32(len(s.Upstream)))
	return append(b, s.Upstream...), nil
}

func pointers(list []string) []*string {
	out := make([]*string, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out
}

var errMalformed = errors.New("not the encoding of a state")

// decode reads exactly what encode writes.
func decode(b []byte) (State, error) {
	var s State
	r := reader{rest: b, ok: true}
	if r.take(1)[0] != version {
		return State{}, errMalformed
	}
	s.Purpose = Purpose(r.take(1)[0])
	copy(s.Arguments[:], r.take(32))
	copy(s.Definition[:], r.take(32))
	copy(s.Nonce[:], r.take(16))
	s.Issued, s.Expires = r.time(), r.time()
	if n := int(r.take(1)[0]); n > maxOptions {
		return State{}, errMalformed
	} else if n > 0 {
		s.Options = make([]string, n)
	}
	for _, text := range append(s.texts(), pointers(s.Options)...) {
		*text = string(r.bytes(maxText))
	}
	switch r.take(1)[0] {
	case 0:
	case 1:
		s.Upstream = append([]byte{}, r.bytes(maxUpstream)...)
	default:
		return State{}, errMalformed
	}
	if !r.ok || len(r.rest) > 0 || s.Purpose != Asking && s.Purpose != Passing {
		return State{}, errMalformed
	}
	return s, nil
}

// reader takes parts from the front. After a mistake it hands out zeros.
type reader struct {
	rest []byte
	ok   bool
}

func (r *reader) take(n int) []byte {
	if !r.ok || n > len(r.rest) {
		r.ok = false
		return make([]byte, n)
	}
	part := r.rest[:n]
	r.rest = r.rest[n:]
	return part
}

func (r *reader) bytes(most int) []byte {
	n := binary.BigEndian.Uint32(r.take(4))
	if n > uint32(most) {
		r.ok = false
		return nil
	}
	return r.take(int(n))
}

func (r *reader) time() time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(r.take(8))))
}
