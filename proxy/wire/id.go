package wire

import (
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ID is a JSON-RPC id: a string or a number, exactly as it was written. The
// zero ID is absent and stands for null. Two IDs are == if they were written
// alike; to ask whether they mean the same, compare their Keys.
type ID struct {
	lex string // empty for up to 19 digits without a leading zero, which are n
	n   uint64
	set bool
}

// IntID returns the id n.
func IntID(n uint64) ID {
	if n < 1e19 {
		return ID{n: n, set: true}
	}
	return ID{lex: strconv.FormatUint(n, 10), set: true}
}

// ParseID reads an id from raw JSON: a string or a number, at most 1,024 bytes.
// It reports false for anything else, null included, and for a string with a
// lone surrogate. Use it for requestId and progressToken too.
func ParseID(raw []byte) (ID, bool) {
	raw = trim(raw)
	if len(raw) == 0 || len(raw) > maxName {
		return ID{}, false
	}
	if n, ok := plainUint(raw); ok {
		return ID{n: n, set: true}, true
	}
	s, ok := lax(raw), false
	if raw[0] == '"' {
		s.strict = true // no lone surrogates: their keys could not be told apart
		_, ok = s.text()
	} else {
		ok = s.number()
	}
	if !ok || s.i != len(raw) || !utf8.Valid(raw) {
		return ID{}, false
	}
	return ID{lex: string(raw), set: true}, true
}

// plainUint reads a number of up to 19 digits and nothing else.
func plainUint(b []byte) (n uint64, ok bool) {
	if len(b) > 19 || b[0] == '0' && len(b) > 1 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}

// IsZero reports whether the id is absent or null.
func (id ID) IsZero() bool { return !id.set }

// Append appends the id as it was written, or null if it is absent.
func (id ID) Append(dst []byte) []byte {
	switch {
	case !id.set:
		return append(dst, "null"...)
	case id.lex == "":
		return strconv.AppendUint(dst, id.n, 10)
	}
	return append(dst, id.lex...)
}

// Lexeme returns the id as it was written, or null if it is absent.
func (id ID) Lexeme() string { return string(id.Append(nil)) }

// Key returns a text that is equal for two ids if and only if they mean the
// same: strings by their decoded text, numbers by their exact decimal value
// (1000 = 1e3 = 1000.0). No string shares a key with a number. The absent id
// has the empty key.
func (id ID) Key() string {
	switch {
	case !id.set:
		return ""
	case id.lex == "":
		return "#" + strconv.FormatUint(id.n, 10)
	case id.lex[0] == '"':
		return `"` + string(appendText(nil, []byte(id.lex[1:len(id.lex)-1])))
	}
	return "#" + canonical(id.lex)
}

// Uint returns the value of an id that is exactly a non-negative integer below
// 2^64, in whatever form it was written: a server may answer 1.0 to 1.
func (id ID) Uint() (uint64, bool) {
	switch {
	case id.lex == "":
		return id.n, id.set
	case id.lex[0] == '"':
		return 0, false
	}
	n, err := strconv.ParseUint(canonical(id.lex), 10, 64)
	return n, err == nil
}

// canonical writes a number literal in the one form of its value: digits alone
// if it is an integer of up to 20 digits, else digits without zeros at either
// end, e and an exponent. It never computes a power: the exponent may be huge.
func canonical(lex string) string {
	sign := ""
	if lex[0] == '-' {
		sign, lex = "-", lex[1:]
	}
	mantissa, exp := lex, "0"
	if i := strings.IndexAny(lex, "eE"); i >= 0 {
		mantissa, exp = lex[:i], strings.TrimPrefix(lex[i+1:], "+")
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "0"
	}
	short := strings.TrimRight(digits, "0")
	e, _ := new(big.Int).SetString(exp, 10)
	e.Add(e, big.NewInt(int64(len(digits)-len(short)-len(fraction))))
	if e.Sign() >= 0 && e.IsInt64() && e.Int64() <= int64(20-len(short)) {
		return sign + short + strings.Repeat("0", int(e.Int64()))
	}
	return sign + short + "e" + e.String()
}
