package wire

// shape checks the envelope of a message that has been read, and fills in what
// it is.
func (s *scanner) shape() bool {
	m := s.m
	if v := m.value(fieldVersion); v == nil || v[0] != '"' || !keyIs(v, "2.0") {
		return s.bad(fieldVersion, `jsonrpc must be "2.0"`)
	}
	id := m.value(fieldID)
	if id != nil && string(id) != "null" {
		var ok bool
		if m.ID, ok = ParseID(id); !ok {
			return s.fail(BadID, m.outer[fieldID].Start, "an id must be a string or a number of at most 1024 bytes")
		}
	}
	if m.value(fieldMethod) != nil {
		return s.asking()
	}
	return s.answering()
}

func (s *scanner) bad(f field, detail string) bool {
	return s.fail(BadEnvelope, s.m.outer[f].Start, detail)
}

// asking checks a request or notification.
func (s *scanner) asking() bool {
	m := s.m
	if m.Result() != nil || m.Error() != nil {
		return s.bad(fieldMethod, "a message with a method has neither result nor error")
	}
	raw := m.value(fieldMethod)
	if len(raw) > maxName {
		return s.bad(fieldMethod, "a method has at most 1024 bytes")
	}
	var ok bool
	if m.Method, ok = methodText(raw); !ok || m.Method == "" {
		return s.bad(fieldMethod, "method must be a string that is not empty")
	}
	if p := m.Params(); !s.strict && string(p) == "null" {
		m.outer[fieldParams] = Span{}
	} else if p != nil && p[0] != '{' {
		return s.bad(fieldParams, "params must be an object")
	}
	m.Kind = Notification
	if m.value(fieldID) != nil {
		if m.ID.IsZero() {
			return s.fail(BadID, m.outer[fieldID].Start, "the id of a request must not be null")
		}
		m.Kind = Request
	}
	return true
}

// answering checks a result or error.
func (s *scanner) answering() bool {
	m := s.m
	result, failure := m.Result(), m.Error()
	switch {
	case result == nil && failure == nil:
		return s.bad(other, "a message must have a method, a result or an error")
	case result != nil && failure != nil:
		return s.bad(fieldError, "a message has a result or an error, not both")
	case m.Params() != nil:
		return s.bad(fieldParams, "an answer has no params")
	case failure != nil && failure[0] != '{':
		return s.bad(fieldError, "error must be an object")
	case result != nil && m.ID.IsZero():
		return s.fail(BadID, m.outer[fieldID].Start, "a result must have an id")
	}
	m.Kind = Result
	if failure != nil {
		m.Kind = Error
	}
	return true
}

// methods are the ones that come often.
var methods = [...]string{
	"tools/call", "tools/list", "initialize", "server/discover", "ping",
	"resources/read", "resources/list", "prompts/get", "prompts/list", "completion/complete",
	"notifications/progress", "notifications/cancelled", "notifications/message",
	"notifications/initialized", "sampling/createMessage", "elicitation/create",
}

// methodText decodes a method, without an allocation if it comes often.
func methodText(raw []byte) (string, bool) {
	for _, m := range methods {
		if len(raw) == len(m)+2 && string(raw[1:len(raw)-1]) == m {
			return m, true
		}
	}
	return Text(raw)
}
