// Package decode reads base64 and hex that hide text; what it gives is shorter
// than what it was given, and is text.
package decode

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// Text decodes a run of base64 (either alphabet, with or without padding and line
// ends) or hex, if it holds text. Most runs are names or binary data: they are
// told by their first bytes.
func Text(blob string) (string, bool) {
	if len(blob) < 16 {
		return "", false
	}
	if isHex(blob) {
		if b, err := hex.DecodeString(blob[:len(blob)&^1]); err == nil && readable(b) {
			return string(b), true
		}
	}
	var first [18]byte
	n, _ := encoding(blob).Decode(first[:], []byte(strings.TrimLeft(blob[:min(len(blob), 24)], "\n")))
	if n < 12 || !readable(first[:n-2]) {
		return "", false
	}
	flat := strings.TrimRight(strings.ReplaceAll(blob, "\n", ""), "=")
	flat = flat[:len(flat)-boolInt(len(flat)%4 == 1)]
	b, err := encoding(blob).DecodeString(flat)
	if err != nil && len(b) < 12 {
		return "", false
	}
	for i := 0; i < 3 && len(b) > 0 && !utf8.Valid(b); i++ {
		b = b[:len(b)-1]
	}
	if !readable(b) {
		return "", false
	}
	return string(b), true
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func encoding(blob string) *base64.Encoding {
	if strings.ContainsAny(blob, "-_") {
		return base64.RawURLEncoding
	}
	return base64.RawStdEncoding
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f') {
			return false
		}
	}
	return true
}

// readable says whether bytes are text: hardly a control character among them.
func readable(b []byte) bool {
	odd := 0
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r < 0x20 && r != '\n' && r != '\t' && r != '\r' || r == 0x7F || r == utf8.RuneError && n == 1 && i+4 < len(b) {
			odd++
		}
		i += n
	}
	return odd*20 <= len(b)
}
