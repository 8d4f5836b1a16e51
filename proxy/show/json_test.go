package show

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJSON(t *testing.T) {
	tests := []struct {
		why, in string
		limits  Limits
		want    []string
	}{
		{"nothing", "", Limits{}, nil},
		{"a literal", " null ", Limits{}, []string{"null"}},
		{"members in their order, numbers as written", `{"b":1.50e+3,"a":{"c":[true,{}, []]},"a":-0}`, Limits{}, []string{
			`{`, `  "b": 1.50e+3,`, `  "a": {`, `    "c": [`, `      true,`, `      {},`, `      []`, `    ]`, `  },`, `  "a": -0`, `}`}},
		{"escapes", `"a\"\\\/\n\t\r\b\u0041\ud83d\ude00\ud800x\udc00"`, Limits{}, []string{`"a\"\\/\n\t\r⟨U+0008⟩A😀⟨U+D800⟩x⟨U+DC00⟩"`}},
		{"a pair in the wrong order", `"\udc00\ud800"`, Limits{}, []string{`"⟨U+DC00⟩⟨U+D800⟩"`}},
		{"the error character and no text", "\"\ufffd\xff\"", Limits{}, []string{`"⟨U+FFFD⟩⟨byte 0xff⟩"`}},
		{"a key that looks like another", `{"а":1,"a":2}`, Limits{}, []string{`{`, `  "⟨U+0430 like a⟩": 1,`, `  "a": 2`, `}`}},
		{"not JSON", "{\"a\":1}\n{", Limits{}, []string{`⟨not JSON⟩ "{\"a\":1}\n{"`}},
		{"lines left out", `[1,2,3,4,5,6,7]`, Limits{Lines: 5}, []string{`[`, `  1,`,
			`⟨left out: 5 lines; 15 bytes in all, SHA-256:⟩ ⟨` + digest(`[1,2,3,4,5,6,7]`) + `⟩`, `  7`, `]`}},
		{"just enough lines", `[1,2,3]`, Limits{Lines: 5}, []string{`[`, `  1,`, `  2,`, `  3`, `]`}},
		{"a long string", `"abcdefg"`, Limits{Text: 4}, []string{`"ab⟨cut: 7 bytes in all, SHA-256 7d1a54127b22⟩fg"`}},
		{"a long number", `12345678`, Limits{Text: 4}, []string{`12⟨cut: 8 bytes in all, SHA-256 ef797c8118f0⟩78`}},
		{"right to left, apart", `{"מפתח":"ערך"}`, Limits{}, []string{`{`, `  "⟨right-to-left text⟩מפתח": "⟨right-to-left text⟩ערך"`, `}`}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, JSON([]byte(tt.in), tt.limits)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.why, diff)
		}
	}
}

func TestDeep(t *testing.T) {
	lines := JSON([]byte(strings.Repeat("[", 5000)+"1"+strings.Repeat("]", 5000)), Limits{Lines: 100_000})
	if len(lines) != 10_001 {
		t.Fatalf("%d lines", len(lines))
	}
	if want := strings.Repeat(" ", 40) + "⟨level 5000⟩ 1"; lines[5000] != want {
		t.Errorf("got %q", lines[5000])
	}
}

func TestDiff(t *testing.T) {
	long := func(s string) string { return `["` + s + `"` + strings.Repeat(",1", mostComparedLines) + `]` }
	tests := []struct {
		why, before, after string
		want               string
	}{
		{"the same", `{"a":1}`, `{"a":1}`, ""},
		{"the same but for white space and escapes", `{"a":"x"}`, ` { "a":"\u0078"}`, ""},
		{"one value", `{"a":1,"b":2}`, `{"a":1,"b":3}`, " {\n   \"a\": 1\n-  \"b\": 2\n+  \"b\": 3\n }\n"},
		{"a new last member", `{"a":1}`, `{"a":1,"b":3}`, " {\n   \"a\": 1\n+  \"b\": 3\n }\n"},
		{"all new", ``, `1`, "+1\n"},
		{"all gone", `1`, ``, "-1\n"},
		{"far apart", `[0,1,2,3,4,5,6,7,8,9]`, `[0,1,2,3,4,5,6,7,8,10]`,
			"@⟨unchanged: 7 lines⟩\n   6\n   7\n   8\n-  9\n+  10\n ]\n"},
		{"at the start", `[0,1,2,3,4,5,6,7,8,9]`, `{}`, "-[\n-  0\n-  1\n-  2\n-  3\n-  4\n-  5\n-  6\n-  7\n-  8\n-  9\n-]\n+{}\n"},
		{"near the start", `[0,1,2,3,4,5,6,7,8,9]`, `["x",1,2,3,4,5,6,7,8,9]`, " [\n-  0\n+  \"x\"\n   1\n   2\n   3\n@⟨unchanged: 7 lines⟩\n"},
		{"like a header", `["a"]`, `["@@ -1,1 +1,1 @@"]`, " [\n-  \"a\"\n+  \"@@ -1,1 +1,1 @@\"\n ]\n"},
		{"not JSON", `@@`, `--- x`, "-⟨not JSON⟩ \"@@\"\n+⟨not JSON⟩ \"--- x\"\n"},
		{"too large", long("a"), long("b"), "-⟨" + size(long("a")) + "⟩\n+⟨" + size(long("b")) + "⟩\n"},
	}
	for _, tt := range tests {
		got := ""
		for _, c := range Diff([]byte(tt.before), []byte(tt.after)) {
			got += string(c.Op) + c.Text + "\n"
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.why, diff)
		}
	}
}

// FuzzJSON: each line is safe and on its own, the limit of lines is kept, and
// nothing but white space and commas is lost from what needs no mark. A diff
// says something exactly if the layouts differ, and holds all of both.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":null},[],{}],"a":"x\u0041\ud800"}`), []byte(`{"a":[1,2]}`))
	f.Add([]byte(" [1 , 2\n]"), []byte(`"\\\"`))
	f.Add([]byte(strings.Repeat("[", 30)+strings.Repeat("]", 30)), []byte(`[[],1,2,3,4,5,6,7,8,9,[]]`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		lines := JSON(a, Limits{Lines: 10})
		if len(lines) > 10 || (lines == nil) != (len(a) == 0) {
			t.Errorf("%d lines", len(lines))
		}
		all := Limits{Text: 1 << 20, Lines: 1 << 20}
		lines = JSON(a, all)
		for _, line := range lines {
			checkSafe(t, line)
		}
		if text := strings.Join(lines, "\n"); json.Valid(a) && !strings.ContainsAny(text, "⟨") && !json.Valid([]byte(text)) {
			t.Errorf("%q is no JSON", text)
		}
		checkDiff(t, a, b)
	})
}

func checkDiff(t *testing.T, a, b []byte) {
	changes := Diff(a, b)
	x, okX := laid(a)
	y, okY := laid(b)
	if !okX || !okY {
		return
	}
	if (changes == nil) != (string(x) == string(y)) {
		t.Errorf("%v for %q and %q", changes, x, y)
	}
	removed, added := 0, 0
	for _, c := range changes {
		checkSafe(t, c.Text)
		switch c.Op {
		case '-':
			removed++
		case '+':
			added++
		}
	}
	if got := strings.Count(string(y), "\n") - strings.Count(string(x), "\n"); changes != nil && added-removed != got {
		t.Errorf("%d added, %d removed, and %d more", added, removed, got)
	}
}
