package wire

import (
	"bytes"
	"strings"
)

// Salvage looks for the id of a message that could not be parsed, or of which
// only the beginning and the end are known, so that an error can be addressed.
// It returns the one id that stands at the top level of what can be read from
// the beginning, else of what can be read at the end, else the absent id.
func Salvage(head, tail []byte) ID {
	if id, _ := salvage(head); !id.IsZero() {
		return id
	}
	return salvageTail(tail)
}

// SalvageAnswer looks for the id of an answer that could not be parsed.
func SalvageAnswer(line []byte) (ID, bool) {
	id, answer := salvage(trim(line))
	return id, answer && !id.IsZero()
}

// salvage reads from the start. It also reports whether the message looks like
// an answer.
func salvage(head []byte) (id ID, answer bool) {
	found := 0
	for name, value := range Members(head) {
		if strings.EqualFold(name, "id") {
			found++
		}
		if name == "id" {
			id, _ = ParseID(value)
		}
		answer = answer || name == "result" || name == "error"
	}
	if found != 1 {
		return ID{}, answer
	}
	return id, answer
}

// salvageTail reads the last members: some writers put the id there. A key "id"
// is at the top level if the text from there on closes one object exactly; and
// in well-formed JSON nothing but a key can read "id": as that does.
func salvageTail(tail []byte) ID {
	i := max(bytes.LastIndex(tail, []byte(`"id"`)), 0)
	end := append([]byte{'{'}, tail[i:]...)
	if !walk(end, '{', func(_, _ Span) bool { return true }) {
		return ID{}
	}
	id, _ := salvage(end)
	return id
}
