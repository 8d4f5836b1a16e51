package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// maxText bounds each string of an event: names come from clients and
// upstreams, and a log line is not a place to fill a disk.
const maxText = 4 << 10

const hexDigits = "0123456789abcdef"

// body is a parameter or result, made ready for its line outside the lock.
type body struct {
	present bool
	size    int
	sum     [sha256.Size]byte
	text    []byte // what to embed; nil if nothing
	shape   jsonShape
}

// entry is an event on its way into the queue. The subject comes encoded, as
// a ticket writes the same one three times.
type entry struct {
	kind           Type
	subject        []byte
	detail         *Event
	params, result body
}

// weigh digests the original bytes and decides what of them is embedded.
// Bodies over the limit are not redacted first: that could only cost time.
func (l *Log) weigh(b []byte, sum [sha256.Size]byte) body {
	if len(b) == 0 {
		return body{present: sum != [sha256.Size]byte{}, sum: sum}
	}
	if sum == ([sha256.Size]byte{}) {
		sum = Digest(b)
	}
	w := body{present: true, size: len(b), sum: sum}
	if len(b) > l.options.MaxBody {
		return w
	}
	if l.options.Redact != nil {
		b = l.options.Redact(b)
	}
	if len(b) > 0 && len(b) <= l.options.MaxBody {
		w.text, w.shape = b, shapeOf(b)
	}
	return w
}

// appendMembers writes what stands between the members that make the chain.
func appendMembers(b []byte, e *entry) []byte {
	b = append(b, e.subject...)
	b = appendDetail(b, e.kind, e.detail)
	b = appendBody(b, "params", &e.params)
	b = appendBody(b, "result", &e.result)
	b = appendFindings(b, e.detail.Findings)
	if e.kind == TypeGenesis || e.kind == TypeResume {
		b = appendOrigin(b, e.detail)
	}
	return b
}

func appendSubject(b []byte, e *Event) []byte {
	b = appendMember(b, "agent", e.Agent)
	b = appendMember(b, "session", e.Session)
	b = appendMember(b, "call", e.Call)
	b = appendMember(b, "method", e.Method)
	b = appendMember(b, "server", e.Server)
	b = appendMember(b, "tool", e.Tool)
	b = appendMember(b, "role", e.Role)
	b = appendMember(b, "risk", string(e.Risk))
	b = appendMember(b, "approval_status", e.ApprovalStatus)
	b = appendMember(b, "rule", e.Rule)
	b = appendMember(b, "policy", e.Policy)
	return appendMember(b, "trace", e.Trace)
}

func appendDetail(b []byte, kind Type, e *Event) []byte {
	b = appendMember(b, "verdict", string(e.Verdict))
	b = appendMember(b, "severity", severity(kind, e))
	b = appendMember(b, "code", e.Code)
	b = appendMember(b, "rule_at", e.RuleAt)
	b = appendMember(b, "message", e.Message)
	b = appendMember(b, "question", e.Question)
	b = appendMember(b, "channel", e.Channel)
	b = appendMember(b, "approver", e.Approver)
	b = appendMember(b, "shown_sha256", e.Shown)
	b = appendMember(b, "until", e.Until)
	if e.IsError {
		b = append(b, `,"is_error":true`...)
	}
	b = appendNumber(b, "tokens", int64(e.Tokens))
	return appendNumber(b, "duration_us", e.DurationUS)
}

// severity is how loudly an event speaks. A refusal is a warning whatever its
// caller would call it; a caller can only be louder.
func severity(kind Type, e *Event) string {
	switch {
	case e.Critical:
		return SeverityCritical
	case kind == TypeError, kind == TypeDecision && e.Verdict != VerdictAllow, len(e.Findings) > 0:
		return SeverityWarning
	}
	return ""
}

func appendOrigin(b []byte, e *Event) []byte {
	b = appendMember(b, "version", e.Version)
	b = appendMember(b, "host", e.Host)
	b = appendNumber(b, "pid", int64(e.PID))
	b = appendNumber(b, "schema", int64(e.Schema))
	b = appendNumber(b, "torn_bytes", e.TornBytes)
	return appendMember(b, "torn_sha256", e.TornSHA256)
}

func appendBody(b []byte, name string, w *body) []byte {
	if !w.present {
		return b
	}
	if w.size > 0 {
		b = appendName(b, name, "_bytes")
		b = strconv.AppendInt(b, int64(w.size), 10)
	}
	b = appendName(b, name, "_sha256")
	b = append(b, '"')
	b = hex.AppendEncode(b, w.sum[:])
	b = append(b, '"')
	if w.text == nil {
		return b
	}
	b = appendName(b, name, "")
	switch w.shape {
	case shapeLine:
		return append(b, w.text...)
	case shapeLines:
		// In valid JSON a line break can only be white space.
		start := len(b)
		b = append(b, w.text...)
		for i := start; i < len(b); i++ {
			if b[i] == '\n' || b[i] == '\r' {
				b[i] = ' '
			}
		}
		return b
	default:
		return appendQuoted(b, string(w.text))
	}
}

func appendFindings(b []byte, found []Finding) []byte {
	if len(found) == 0 {
		return b
	}
	b = appendName(b, "findings", "")
	for i := range found {
		f := &found[i]
		b = append(b, "[,"[min(i, 1)])
		b = appendQuoted(append(b, `{"rule":`...), f.Rule)
		b = appendMember(b, "at", f.At)
		b = strconv.AppendInt(appendName(b, "start", ""), int64(f.Start), 10)
		b = strconv.AppendInt(appendName(b, "end", ""), int64(f.End), 10)
		b = appendMember(b, "action", f.Action)
		b = appendMember(b, "decoded", f.Decoded)
		b = append(appendNumber(b, "more", int64(f.More)), '}')
	}
	return append(b, ']')
}

func appendName(b []byte, name, suffix string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, suffix...)
	return append(b, '"', ':')
}

func appendNumber(b []byte, name string, n int64) []byte {
	if n == 0 {
		return b
	}
	return strconv.AppendInt(appendName(b, name, ""), n, 10)
}

func appendMember(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	b = appendName(b, name, "")
	if len(s) > maxText {
		cut := maxText
		for cut > maxText-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
			cut--
		}
		b = appendQuoted(b, s[:cut])
		return append(b[:len(b)-1], `…"`...)
	}
	return appendQuoted(b, s)
}

// appendQuoted writes s as a JSON string in valid UTF-8. Control characters
// (C0, DEL, C1), invisible and directional ones and the Unicode line separators
// are escaped, so that no name can move a terminal's cursor, break a line or
// show another text than it holds.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	plain := 0 // s[plain:i] needs no escape
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		r, n := rune(c), 1
		if c >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[i:])
			if r >= 0xa0 && !unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) && (r != utf8.RuneError || n > 1) {
				i += n
				continue
			}
		}
		b = append(b, s[plain:i]...)
		b = appendEscape(b, r)
		i += n
		plain = i
	}
	b = append(b, s[plain:]...)
	return append(b, '"')
}

func appendEscape(b []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\n':
		return append(b, '\\', 'n')
	case '\t':
		return append(b, '\\', 't')
	case utf8.RuneError:
		return append(b, "\ufffd"...)
	}
	if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
		return appendEscape(appendEscape(b, hi), lo)
	}
	return append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}
