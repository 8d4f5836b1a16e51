package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// Bounds of one JSON number. The validator turns numbers into exact fractions,
// so that 1e5000000 would cost megabytes.
const (
	maxDigits   = 512
	maxExponent = 400
)

// read decodes one JSON document strictly: no key twice, bounded depth, bounded
// numbers, nothing after the end.
func read(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := readValue(d, 0)
	if err != nil {
		var r *Rejected
		if errors.As(err, &r) {
			return nil, r
		}
		return nil, reject(NotASchema, "not JSON: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, reject(NotASchema, "not JSON: something after the end")
	}
	return v, nil
}

func readValue(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, reject(TooDeep, "nested more than %d deep", maxDepth)
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '[' {
			return readArray(d, depth)
		}
		return readObject(d, depth)
	case json.Number:
		if _, ok := magnitude(string(t)); !ok {
			return nil, reject(BadNumber, "a number of %d characters, or with an exponent beyond %d", len(t), maxExponent)
		}
	}
	return t, nil
}

func readArray(d *json.Decoder, depth int) (any, error) {
	list := []any{}
	for d.More() {
		v, err := readValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.Token()
	return list, err
}

func readObject(d *json.Decoder, depth int) (any, error) {
	obj := map[string]any{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		key, _ := t.(string) // the decoder lets nothing else be a key
		if _, twice := obj[key]; twice {
			return nil, reject(RepeatedKey, "key %q stands twice in one object", key)
		}
		if obj[key], err = readValue(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return obj, err
}

// magnitude says how long a number is when written out, at most, and whether
// it is a JSON number (RFC 8259, section 6) within bounds.
func magnitude(s string) (int, bool) {
	if len(s) > maxDigits {
		return 0, false
	}
	rest := strings.TrimPrefix(s, "-")
	whole := digits(rest)
	if whole == 0 || whole > 1 && rest[0] == '0' {
		return 0, false
	}
	rest = rest[whole:]
	if after, ok := strings.CutPrefix(rest, "."); ok {
		if rest = after[digits(after):]; len(rest) == len(after) {
			return 0, false
		}
	}
	if rest == "" {
		return len(s), true
	}
	if rest[0] != 'e' && rest[0] != 'E' {
		return 0, false
	}
	if rest = rest[1:]; rest != "" && (rest[0] == '+' || rest[0] == '-') {
		rest = rest[1:]
	}
	if rest == "" || digits(rest) != len(rest) {
		return 0, false
	}
	exponent := 0
	for i := range len(rest) {
		if exponent = exponent*10 + int(rest[i]-'0'); exponent > maxExponent {
			return 0, false
		}
	}
	return len(s) + exponent, true
}

// digits counts the decimal digits at the start of s.
func digits(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}
