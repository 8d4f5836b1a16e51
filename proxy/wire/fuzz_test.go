package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// FuzzStrict: what is accepted reads the same to every decoder at hand, also
// after a new id has been put in; what is refused is refused for the reason
// given.
func FuzzStrict(f *testing.F) {
	for _, line := range corpusInputs(f) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		m, fault := ParseStrict(line, Bounds{})
		if fault != nil {
			refusedRightly(t, line, fault)
			return
		}
		if err := jsontextStrict(line); err != nil {
			t.Errorf("jsontext refuses: %v", err)
		}
		if a, b := foldedPair(t, line); a != "" || b != "" {
			t.Errorf("the keys %q and %q read alike", a, b)
		}
		tree := sameTree(t, m.Raw)
		object := tree.(map[string]any)
		if method, _ := object["method"].(string); method != m.Method {
			t.Errorf("method %q, want %q", m.Method, method)
		}
		if p, ok := object["params"].(map[string]any); ok {
			for name, want := range p {
				if got, err := Decode(m.Param(name)); err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("param %q: %v, want %v (%v)", name, got, want, err)
				}
			}
		}
		seenByGo(t, m)
		splicedID(t, m)
	})
}

// seenByGo decodes as a server written in Go does, without regard to case.
func seenByGo(t *testing.T, m Message) {
	var v struct {
		Method string
		ID     json.RawMessage
		Params struct {
			Name      string
			Arguments json.RawMessage
		}
	}
	if json.Unmarshal(m.Raw, &v) != nil {
		return // a name that is no string, for instance
	}
	name, _ := Text(m.Param("name"))
	if v.Method != m.Method || v.Params.Name != name || !bytes.Equal(v.Params.Arguments, m.Param("arguments")) {
		t.Errorf("encoding/json sees %q %q %s", v.Method, v.Params.Name, v.Params.Arguments)
	}
	if !m.ID.IsZero() && string(v.ID) != m.ID.Lexeme() {
		t.Errorf("encoding/json sees id %s, not %s", v.ID, m.ID.Lexeme())
	}
}

func splicedID(t *testing.T, m Message) {
	line := m.WithID(nil, IntID(77))
	at, ok := m.IDSpan()
	if !ok {
		if !bytes.Equal(line, m.Raw) {
			t.Errorf("changed without an id: %s", line)
		}
		return
	}
	want := string(m.Raw[:at.Start]) + "77" + string(m.Raw[at.End:])
	if string(line) != want || !bytes.Equal(line, Splice(nil, m.Raw, Edit{at, []byte("77")})) {
		t.Errorf("spliced %s, want %s", line, want)
	}
	again, fault := ParseStrict(line, Bounds{})
	if fault != nil {
		t.Fatalf("with another id: %v", fault)
	}
	if n, _ := again.ID.Uint(); n != 77 || again.Kind != m.Kind || again.Method != m.Method ||
		!bytes.Equal(again.Params(), m.Params()) || !bytes.Equal(again.Result(), m.Result()) || !bytes.Equal(again.Error(), m.Error()) {
		t.Errorf("with another id: %s", outcome(again, nil))
	}
}

// refusedRightly holds a reason to the judgement of other decoders.
func refusedRightly(t *testing.T, line []byte, f *Fault) {
	if f.Offset < 0 || f.Offset > len(line) || !utf8.ValidString(f.Detail) || len(f.Detail) > 600 {
		t.Errorf("fault %v", f)
	}
	switch f.Reason {
	case InvalidJSON, TrailingData:
		if json.Valid(line) {
			t.Errorf("well-formed, but %v", f)
		}
	case BadUTF8:
		if utf8.Valid(line) {
			t.Errorf("valid UTF-8, but %v", f)
		}
	case LoneSurrogate, DuplicateKey:
		if jsontextStrict(line) == nil {
			t.Errorf("jsontext takes it, but %v", f)
		}
	case NotAnObject, Batch:
		if line = trim(line); len(line) == 0 || line[0] == '{' {
			t.Errorf("an object, but %v", f)
		}
	}
}

func jsontextStrict(line []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(line))
	if _, err := d.ReadValue(); err != nil {
		return err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return errors.New("trailing data")
	}
	return nil
}

// foldedPair looks for two keys of one object that are equal but for case, with
// the means of other packages.
func foldedPair(t *testing.T, line []byte) (string, string) {
	d := jsontext.NewDecoder(bytes.NewReader(line), jsontext.AllowDuplicateNames(true))
	open := [][]string{nil}
	for {
		token, err := d.ReadToken()
		if err == io.EOF {
			return "", ""
		} else if err != nil {
			t.Fatal(err)
		}
		switch token.Kind() {
		case '{', '[':
			open = append(open, nil)
		case '}', ']':
			open = open[:len(open)-1]
		case '"':
			if kind, n := d.StackIndex(d.StackDepth()); kind == '{' && n%2 == 1 {
				keys := open[len(open)-1]
				for _, k := range keys {
					if strings.EqualFold(k, token.String()) {
						return k, token.String()
					}
				}
				open[len(open)-1] = append(keys, token.String())
			}
		}
	}
}

// sameTree decodes with Decode and with encoding/json.
func sameTree(t *testing.T, raw []byte) any {
	got, err := Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var want any
	if err := d.Decode(&want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("decoded %v, want %v", got, want)
	}
	return got
}

// FuzzFaithful: what is accepted is well-formed and reads the same to
// encoding/json; and a part of it never yields another message's id.
func FuzzFaithful(f *testing.F) {
	for _, line := range corpusInputs(f) {
		f.Add(line, 20)
	}
	f.Fuzz(func(t *testing.T, line []byte, cut int) {
		m, fault := ParseFaithful(line, Bounds{})
		if fault != nil {
			if fault.Reason == LoneSurrogate || fault.Reason == NumberTooLong || fault.Reason == ExponentTooLarge {
				t.Errorf("only a client is refused for %v", fault)
			}
			refusedRightly(t, line, fault)
			return
		}
		if !json.Valid(line) || !utf8.Valid(line) {
			t.Error("not well-formed")
		}
		tree := sameTree(t, m.Raw).(map[string]any)
		for name, want := range tree {
			if got, err := Decode(Get(m.Raw, name)); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("member %q: %v, want %v (%v)", name, got, want, err)
			}
		}
		if strict, fault := ParseStrict(line, Bounds{}); fault == nil && outcome(strict, nil) != outcome(m, nil) {
			t.Errorf("strictly it is %s", outcome(strict, nil))
		}
		if cut < 0 || cut > len(m.Raw) {
			return
		}
		for _, id := range []ID{Salvage(m.Raw[:cut], nil), Salvage(nil, m.Raw[cut:])} {
			if !id.IsZero() && id != m.ID {
				t.Errorf("salvaged %s from the message %s", id.Lexeme(), m.ID.Lexeme())
			}
		}
		if Salvage(m.Raw, nil) != m.ID {
			t.Errorf("salvaged %s from the whole message", Salvage(m.Raw, nil).Lexeme())
		}
	})
}

// FuzzTree: on any bytes the readers agree with encoding/json about what is
// well-formed, and nothing panics.
func FuzzTree(f *testing.F) {
	for _, line := range corpusInputs(f) {
		f.Add(line, "params")
	}
	f.Add([]byte(`[1,{"a":"\u0000\ud800"},[],{}]`), "a")
	f.Fuzz(func(t *testing.T, raw []byte, key string) {
		v, err := Decode(raw)
		valid := json.Valid(raw)
		if (err == nil) != valid {
			t.Fatalf("decoding: %v, valid: %v", err, valid)
		}
		if Check(raw, Bounds{}) == nil && jsontextStrict(raw) != nil {
			t.Error("checked, but refused by jsontext")
		}
		if valid && utf8.Valid(raw) {
			sameTree(t, raw)
		}
		at, ok := Find(raw, key)
		object, _ := v.(map[string]any)
		if _, want := object[key]; ok != want && utf8.Valid(raw) {
			t.Errorf("found %v, want %v", ok, want)
		}
		if ok && !json.Valid(at.Of(raw)) {
			t.Errorf("found %q", at.Of(raw))
		}
		members := 0
		for k, part := range Members(raw) {
			members++
			if !json.Valid(part) || valid && utf8.Valid(raw) && object[k] == nil && string(part) != "null" && Get(raw, k) == nil {
				t.Errorf("member %q %q", k, part)
			}
		}
		var list []any
		for part := range Elements(raw) {
			e, err := Decode(part)
			if err != nil {
				t.Error(err)
			}
			list = append(list, e)
		}
		if want, ok := v.([]any); ok && len(want) != len(list) || valid && members < len(object) {
			t.Errorf("%d elements, %d members of %v", len(list), members, v)
		}
		if parts, f := SplitBatch(raw, Bounds{}); f == nil && (!valid || len(parts) != len(list)) {
			t.Errorf("split into %d", len(parts))
		}
		Text(raw)
		Salvage(raw, raw)
	})
}

// FuzzID: keys are equal exactly if the values are.
func FuzzID(f *testing.F) {
	for _, n := range []string{"0", "-0", "007", "1", "1.0", "10e-1", "1000", "1e3", "1E+3", "9007199254740993", "9007199254740992",
		"0.1e1", "-1", "123456789012345678901234567890", "1e400", "0e99999999999999999999", "18446744073709551615", "1e19", `"1"`, `"a\u0062"`, `"ab"`} {
		f.Add(n, "1")
		f.Add("1e3", n)
		f.Add(n, "18446744073709551616")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, okX := ParseID([]byte(a))
		y, okY := ParseID([]byte(b))
		if !okX || !okY {
			return
		}
		if x.Lexeme() != strings.Trim(a, spaces) {
			t.Errorf("%s is written %s", a, x.Lexeme())
		}
		u, isUint := x.Uint()
		valueX, valueY := value(t, x), value(t, y)
		if valueX == nil || valueY == nil {
			return // too large to compute, which Key must not do
		}
		same := valueX == valueY
		if rx, ok := valueX.(*big.Rat); ok {
			ry, ok := valueY.(*big.Rat)
			same = ok && rx.Cmp(ry) == 0
			if want := rx.IsInt() && rx.Num().IsUint64(); want != isUint || want && rx.Num().Uint64() != u {
				t.Errorf("%s as uint64: %d %v", a, u, isUint)
			}
		}
		if (x.Key() == y.Key()) != same {
			t.Errorf("%s and %s have the keys %q and %q", a, b, x.Key(), y.Key())
		}
	})
}

// value returns the string or *big.Rat that an id stands for.
func value(t *testing.T, id ID) any {
	lex := id.Lexeme()
	if lex[0] == '"' {
		var s string
		if err := json.Unmarshal([]byte(lex), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	if i := strings.IndexAny(lex, "eE"); i >= 0 && len(lex)-i > 5 {
		return nil
	}
	r, ok := new(big.Rat).SetString(lex)
	if !ok {
		t.Fatalf("no number: %s", lex)
	}
	return r
}

// FuzzQuote: every decoder reads back what was quoted.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "plain", "\x00\x1f\x7f\"\\/\b\f\n\r\t", "é\u2028\u2029😀", "\xff\xed\xa0\x80", "\uFFFD"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q := Quote([]byte("x"), s)[1:]
		var want string
		if err := json.Unmarshal(q, &want); err != nil {
			t.Fatal(err)
		}
		got, ok := Text(q)
		if !ok || got != want || jsontextStrict(q) != nil || bytes.ContainsAny(q, "\n\r\u2028\u2029") {
			t.Errorf("%q became %s, then %q", s, q, got)
		}
		if utf8.ValidString(s) && got != s || got != string([]rune(s)) {
			t.Errorf("%q became %q", s, got)
		}
	})
}
