// Package form puts a question to a client's user by elicitation, and reads the
// answer.
//
// # Why
//
// An answer is a yes only if it is exactly one of those that were offered. To
// accept without filling in anything means once: there are clients that show a
// message and two buttons. Whatever else comes back is no answer, and refuses.
package form

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"sallyport/proxy/wire"
)

// Word is what a person says. The zero Word is a no.
type Word uint8

// What can be said.
const (
	Decline Word = iota
	Dismiss      // the question was closed without an answer
	Garble       // what came back was not one of the answers
	Approve
)

// Answer is one person's word on a question.
type Answer struct {
	Word
	For      time.Duration // how long an approval stands for more calls than this one; 0: for this call alone
	Any      bool          // and with any arguments
	Reason   string        // told to the agent when it is a no
	Channel  string
	Approver string // who, as the channel knows them
}

// Abilities are the ways in which a client can be asked, by the capabilities that
// it declares: by a form, from revision 2025-06-18 on, and by an address, from
// 2025-11-25 on. An empty elicitation capability means forms.
func Abilities(capabilities []byte, version string) (form, url bool) {
	how := wire.Get(capabilities, "elicitation")
	if len(how) == 0 || how[0] != '{' || version < "2025-06-18" {
		return false, false
	}
	isObject := func(raw []byte) bool { return len(raw) > 0 && raw[0] == '{' }
	url = version >= "2025-11-25" && isObject(wire.Get(how, "url"))
	form = isObject(wire.Get(how, "form"))
	for range wire.Members(how) {
		return form, url
	}
	return true, false
}

// Offer is how far an approval may reach.
type Offer struct {
	Remember time.Duration // how long it may stand; 0: for one call
	Any      bool          // whatever the arguments
}

// MaxReason bounds a reason, in characters.
const MaxReason = 500

// The words of the form.
const (
	sayOnce   = "once"
	sayRefuse = "refuse"
)

// Choices are the answers that a form offers.
func (o Offer) Choices() []string {
	all := []string{sayOnce}
	if o.Remember > 0 {
		all = append(all, Wider(o.Remember, false))
		if o.Any {
			all = append(all, Wider(o.Remember, true))
		}
	}
	return append(all, sayRefuse)
}

// Append appends the params of an elicitation/create in form mode, in the
// schema that every revision with elicitation knows (2025-06-18 and later).
func Append(dst []byte, message string, o Offer) []byte {
	dst = wire.Quote(append(dst, `{"message":`...), message)
	dst = append(dst, `,"requestedSchema":{"type":"object","properties":{"decision":{"type":"string","title":"Decision","description":"Accepting without a choice means once.","enum":[`...)
	for i, word := range o.Choices() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = wire.Quote(dst, word)
	}
	return fmt.Appendf(dst, `]},"reason":{"type":"string","title":"Reason","description":"If you refuse: what the agent is told.","maxLength":%d}}}}`, MaxReason)
}

// AppendAddress appends the params of an elicitation/create in URL mode (revision
// 2025-11-25 and later).
func AppendAddress(dst []byte, id, url string) []byte {
	dst = wire.Quote(append(dst, `{"mode":"url","elicitationId":`...), id)
	dst = wire.Quote(append(dst, `,"url":`...), url)
	return append(dst, `,"message":"sallyport asks whether a tool may be called. The question is on its page; answer it there."}`...)
}

// Read reads an ElicitResult. Whatever is not exactly one of the answers
// that were offered is a Garble.
func Read(raw []byte, o Offer) Answer {
	a := Answer{Word: Garble}
	action, _ := wire.Text(wire.Get(raw, "action"))
	switch action {
	case "decline":
		a.Word = Decline
		return a
	case "cancel":
		a.Word = Dismiss
		return a
	case "accept":
	default:
		return a
	}
	content := wire.Get(raw, "content")
	if content == nil || string(content) == "null" {
		a.Word = Approve
		return a
	}
	decision, reason, ok := readContent(content)
	if !ok || wire.Check(raw, wire.Bounds{}) != nil {
		return a
	}
	switch {
	case decision == sayRefuse:
		a.Word, a.Reason = Decline, reason
	case decision == "" || decision == sayOnce:
		a.Word = Approve
	case o.Remember > 0 && decision == Wider(o.Remember, false):
		a.Word, a.For = Approve, o.Remember
	case o.Remember > 0 && o.Any && decision == Wider(o.Remember, true):
		a.Word, a.For, a.Any = Approve, o.Remember, true
	}
	return a
}

func readContent(content []byte) (decision, reason string, ok bool) {
	if content[0] != '{' {
		return "", "", false
	}
	for key, value := range wire.Members(content) {
		text, isText := wire.Text(value)
		if !isText || utf8.RuneCountInString(text) > MaxReason {
			return "", "", false
		}
		switch key {
		case "decision":
			if text == "" {
				return "", "", false
			}
			decision = text
		case "reason":
			reason = text
		default:
			return "", "", false
		}
	}
	return decision, reason, true
}

// Wider says how far an approval reaches.
func Wider(span time.Duration, any bool) string {
	if any {
		return "for " + Short(span) + ", any arguments"
	}
	return "for " + Short(span) + ", these arguments"
}

// Short writes a duration without parts that are zero.
func Short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
