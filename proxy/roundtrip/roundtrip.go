// Package roundtrip knows the parts of a request that comes more than once
// (multi-round-trip requests, revision 2026-07-28): it tells what of a request a
// person has to be shown, takes the proxy's own parts out of one, and puts the
// proxy's request state around a server's.
//
// # Why
//
// A person approves what the server will be told. Beside the arguments that is
// everything else in the request but what the protocol itself needs for one
// leg: ids, progress and trace tokens, versions, and the answers to a server's
// own questions. What is left over is rare, and is shown; so nothing can be
// slipped past the person in a member that nobody looks at.
package roundtrip

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"sallyport/proxy/wire"
)

const (
	state     = "requestState"
	responses = "inputResponses"
)

// Bound returns what a person is shown of a tools/call, and the digest of
// exactly that: the arguments, nil if there are none, and an object of whatever
// else goes on to the server, nil if there is nothing.
func Bound(m *wire.Message, modern bool) (args, also []byte, digest [32]byte) {
	args = m.Param("arguments")
	for key, value := range wire.Members(m.Params()) {
		switch {
		case key == "name", key == "arguments", modern && (key == state || key == responses):
			continue
		case key == "_meta":
			if value = unusual(value); value == nil {
				continue
			}
		}
		also = append(wire.Quote(open(also), key), ':')
		also = append(also, value...)
	}
	if also != nil {
		also = append(also, '}')
	}
	h := sha256.New()
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(len(args)))
	h.Write(size[:])
	h.Write(args)
	h.Write(also)
	return args, also, [32]byte(h.Sum(nil))
}

// Arguments decodes the arguments of a tools/call. Nothing at all, and the null
// that some clients write for it, are an empty object. Opaque are those that are
// no object.
func Arguments(m *wire.Message) (args map[string]any, opaque bool) {
	raw := m.Param("arguments")
	if raw == nil || string(raw) == "null" {
		return map[string]any{}, false
	}
	v, err := wire.Decode(raw)
	args, ok := v.(map[string]any)
	return args, err != nil || !ok
}

// open begins the next member of an object.
func open(object []byte) []byte {
	if object == nil {
		return []byte{'{'}
	}
	return append(object, ',')
}

// unusual is what _meta holds beside what the protocol puts there, or nil.
func unusual(meta []byte) (left []byte) {
	for key, value := range wire.Members(meta) {
		switch key {
		case "progressToken", "traceparent", "tracestate", "baggage":
			continue
		}
		if strings.HasPrefix(key, "io.modelcontextprotocol/") {
			continue
		}
		left = append(append(wire.Quote(open(left), key), ':'), value...)
	}
	if left == nil {
		return nil
	}
	return append(left, '}')
}

// First returns the request as it was before anybody was asked: without a request
// state, and without answers.
func First(m wire.Message) wire.Message { return without(without(m, state), responses) }

// Next returns the request as the server expects it that has asked for more: with
// its own request state (raw JSON), or without one if it gave none.
func Next(m wire.Message, own []byte) wire.Message {
	span, ok := m.ParamSpan(state)
	if own == nil || !ok {
		return without(m, state)
	}
	return parsed(wire.Splice(nil, m.Raw, wire.Edit{Span: span, With: own}))
}

// without takes a member out of params.
func without(m wire.Message, key string) wire.Message {
	value, ok := m.ParamSpan(key)
	if !ok {
		return m
	}
	before := bytes.TrimRight(m.Raw[:value.Start], " \t\r\n:") // ends with the key, in its quotes
	start := bytes.LastIndexByte(before[:len(before)-1], '"')
	cut := wire.Span{Start: start, End: value.End}
	head := bytes.TrimRight(m.Raw[:start], " \t\r\n")
	tail := bytes.TrimLeft(m.Raw[value.End:], " \t\r\n")
	switch {
	case head[len(head)-1] == ',':
		cut.Start = len(head) - 1
	case tail[0] == ',':
		cut.End = len(m.Raw) - len(tail) + 1
	}
	return parsed(wire.Splice(nil, m.Raw, wire.Edit{Span: cut}))
}

// parsed reads what was made of a message that was strict.
func parsed(raw []byte) wire.Message {
	m, fault := wire.ParseFaithful(raw, wire.Bounds{Message: len(raw)})
	if fault != nil {
		panic("taking a request apart: " + fault.Error())
	}
	return m
}

// WantsInput says whether a result asks for more.
func WantsInput(result []byte) bool {
	// A large result is not read once more for nothing.
	if !bytes.Contains(result, []byte(`"resultType"`)) && !bytes.Contains(result, []byte(`\u`)) {
		return false
	}
	kind, _ := wire.Text(wire.Get(result, "resultType"))
	return kind == "input_required"
}

// Uses says whether a result puts a request under a key.
func Uses(result []byte, key string) bool {
	return wire.Get(wire.Get(result, "inputRequests"), key) != nil
}

// State is the request state of a result, raw JSON, or nil.
func State(result []byte) []byte { return wire.Get(result, state) }

// Wrap is the change of an answer by which its request state becomes another.
func Wrap(a *wire.Message, sealed string) (wire.Edit, bool) {
	with := wire.Quote(nil, sealed)
	if span, ok := wire.Find(a.Raw, "result", state); ok {
		return wire.Edit{Span: span, With: with}, true
	}
	span, ok := wire.Find(a.Raw, "result")
	if !ok || span.Of(a.Raw)[0] != '{' {
		return wire.Edit{}, false
	}
	at := span.Start + 1
	with = append(append(wire.Quote(nil, state), ':'), append(with, ',')...)
	return wire.Edit{Span: wire.Span{Start: at, End: at}, With: with}, true
}

// Pass puts the proxy's own request state around that of a server whose answer
// wants to know more before it does what was approved; without seal nothing was. A server
// that asks under the reserved key is at fault.
func Pass(a *wire.Message, reserved string, seal func(own []byte) (string, error)) ([]wire.Edit, string) {
	switch {
	case Uses(a.Result(), reserved):
		return nil, "the server asks under the key " + reserved + ", which is sallyport's own"
	case seal == nil:
		return nil, ""
	}
	sealed, err := seal(State(a.Result()))
	if err != nil {
		return nil, err.Error()
	}
	edit, ok := Wrap(a, sealed)
	if !ok {
		return nil, "its result is no object"
	}
	return []wire.Edit{edit}, ""
}
