package wire

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFind(t *testing.T) {
	const doc = ` {"a" : {"b\u0063": [1, 2] , "b":{"c":{}}}, "x":1, "x": "two", "": null, "a\\b":3} `
	for _, c := range []struct {
		path []string
		want string // empty if there is none
	}{
		{nil, doc},
		{[]string{"a", "bc"}, "[1, 2]"},
		{[]string{"a", "b", "c"}, "{}"},
		{[]string{"a", "b", "c", "d"}, ""},
		{[]string{"x"}, `"two"`},
		{[]string{""}, "null"},
		{[]string{`a\b`}, "3"},
		{[]string{`a\\b`}, ""},
		{[]string{"A"}, ""},
		{[]string{"x", "y"}, ""},
		{[]string{"a", "bc", "0"}, ""},
	} {
		at, ok := Find([]byte(doc), c.path...)
		if got := string(at.Of([]byte(doc))); got != c.want || ok != (c.want != "") {
			t.Errorf("%q: got %q %v, want %q", c.path, got, ok, c.want)
		}
	}
	for _, bad := range []string{"", "x", `{"x":1`, `{"x":1}}`, `{"x":1,}`, `{"x":1,"y":[}`, `["x",1]`} {
		if got := Get([]byte(bad), "x"); got != nil {
			t.Errorf("in %q: %q", bad, got)
		}
	}
}

func TestMembersAndElements(t *testing.T) {
	var got []string
	for name, value := range Members([]byte(` { "a":1 , "b\u0000" : [2] , "a":{} } `)) {
		got = append(got, name, string(value))
	}
	for value := range Elements([]byte(" [ 1 ,\t[2,3], \"\" ] ")) {
		got = append(got, string(value))
	}
	for name := range Members([]byte(`{"stop":1,"not this":2}`)) {
		got = append(got, name)
		break
	}
	for range Members([]byte(`[1]`)) {
		t.Error("an array has no members")
	}
	for range Elements([]byte(`{"a":1}`)) {
		t.Error("an object has no elements")
	}
	if diff := cmp.Diff([]string{"a", "1", "b\x00", "[2]", "a", "{}", "1", "[2,3]", `""`, "stop"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDecode(t *testing.T) {
	got, err := Decode([]byte(` {"n":9007199254740993.0,"s":"a\n\ud83d\ude00","l":[true,false,null,{},[]]} `))
	want := map[string]any{
		"n": json.Number("9007199254740993.0"), "s": "a\n😀",
		"l": []any{true, false, nil, map[string]any{}, []any{}},
	}
	if diff := cmp.Diff(any(want), got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestSplice(t *testing.T) {
	const raw = `{"a": 1.0 ,"b":[ ]}`
	a, _ := Find([]byte(raw), "a")
	b, _ := Find([]byte(raw), "b")
	got := Splice([]byte("> "), []byte(raw), Edit{Span{1, 1}, []byte(`"z":0,`)}, Edit{a, []byte("2")}, Edit{b, nil})
	if want := `> {"z":0,"a": 2 ,"b":}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	defer func() {
		if recover() == nil {
			t.Error("edits that overlap were made")
		}
	}()
	Splice(nil, []byte(raw), Edit{Span{2, 5}, nil}, Edit{Span{4, 6}, nil})
}

func TestMessageParts(t *testing.T) {
	const line = ` {"params":{"a":1,"b":2,"c":3,"d":4,"_meta":{"progressToken":1e1,"x/y":"z"},"e":5,"f":6,"n\u0061me":"late"}, "method":"tools/call","id" : 1.0,"jsonrpc":"2.0"}`
	buf := []byte(line)
	m, f := ParseStrict(buf, Bounds{})
	if f != nil {
		t.Fatal(f)
	}
	own := m.Clone()
	clear(buf)
	for name, want := range map[string]string{"a": "1", "f": "6", "name": `"late"`, "none": ""} {
		if got := string(own.Param(name)); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
		if at, ok := own.ParamSpan(name); ok != (want != "") || string(at.Of(own.Raw)) != want {
			t.Errorf("%s: span %v %v", name, at, ok)
		}
	}
	if got := string(own.Meta("progressToken")) + string(own.Meta("x/y")) + string(own.Meta("none")); got != `1e1"z"` {
		t.Errorf("_meta: %s", got)
	}
	if got, want := string(own.WithID(nil, IntID(18446744073709551615))), line[1:len(line)-len(`1.0,"jsonrpc":"2.0"}`)]+`18446744073709551615,"jsonrpc":"2.0"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	quiet, _ := ParseStrict([]byte(`{"jsonrpc":"2.0","method":"x"}`), Bounds{})
	if got := string(quiet.WithID(nil, IntID(1))); got != string(quiet.Raw) || quiet.Params() != nil || quiet.Param("x") != nil || quiet.Meta("x") != nil {
		t.Errorf("a notification became %s", got)
	}
}

func TestCheck(t *testing.T) {
	for in, want := range map[string]Reason{
		` {"a":[1,{"b":2}]} `: "",
		`"x"`:                 "",
		`{"a":1,"A":2}`:       CaseCollision,
		`[{"a":1,"a":2}]`:     DuplicateKey,
		`["\ud800"]`:          LoneSurrogate,
		"\"\xff\"":            BadUTF8,
		`1e1001`:              ExponentTooLarge,
		`1 2`:                 TrailingData,
		``:                    InvalidJSON,
	} {
		if got := reason(Check([]byte(in), Bounds{})); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// An overlong message is known by its ends only: writers differ in where they
// put the id.
func TestSalvage(t *testing.T) {
	for _, c := range []struct{ why, head, tail, want string }{
		{"as Go writes it", `{"jsonrpc":"2.0","id":7,"result":{"a":"xx`, `xx"}}`, "7"},
		{"as JavaScript writes it", `{"result":{"a":"xx`, `xx"}},"jsonrpc":"2.0","id":7}`, "7"},
		{"with more after it", `{"result":{"a":"xx`, `xx"},"id":"q","x":{"y":[]}}`, `"q"`},
		{"the number may go on", `{"jsonrpc":"2.0","id":7`, `xx"}}`, "null"},
		{"an id further down", `{"result":{"a":"xx`, `xx","id":7}}`, "null"},
		{"an id in a string", `{"result":{"a":"xx`, `xx\"id\":7}"}`, "null"},
		{"a string that reads id", `{"result":["xx`, `xx","id"]}`, "null"},
		{"a value that reads id", `{"result":["xx`, `xx"],"a":"id"}`, "null"},
		{"null is no id", `{"result":["xx`, `xx"],"id":null}`, "null"},
		{"a variant is none", `{"ID":7,"result":["xx`, `xx"]}`, "null"},
		{"two are none", `{"id":7,"id":8,"result":["xx`, `xx"]}`, "null"},
		{"no object", `[{"id":7},`, `xx`, "null"},
		{"nothing", ``, ``, "null"},
	} {
		if got := Salvage([]byte(c.head), []byte(c.tail)).Lexeme(); got != c.want {
			t.Errorf("%s: got %s, want %s", c.why, got, c.want)
		}
	}
}
