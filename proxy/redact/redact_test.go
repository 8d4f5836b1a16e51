package redact

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sallyport/policy"
)

func TestRedact(t *testing.T) {
	conf := policy.Audit{Redact: []string{"password", "*token*", "headers.x-internal"}}
	tests := []struct{ why, in, want string }{
		{"nothing to hide", `{"a":1}`, `{"a":1}`},
		{"by name", `{"password":"x","a":1}`, `{"password":"[REDACTED]","a":1}`},
		{"in any case", `{"PassWord":"x"}`, `{"PassWord":"[REDACTED]"}`},
		{"escaped", `{"p\u0061ssword":"x"}`, `{"password":"[REDACTED]"}`},
		{"by pattern", `{"api_token_2":"x"}`, `{"api_token_2":"[REDACTED]"}`},
		{"whatever the value is", `{"token":{"a":["x"]}}`, `{"token":"[REDACTED]"}`},
		{"by the end of a path", `{"a":{"headers":{"X-Internal":"x","y":1}}}`, `{"a":{"headers":{"X-Internal":"[REDACTED]","y":1}}}`},
		{"elsewhere it is not that path", `{"x-internal":"x"}`, `{"x-internal":"x"}`},
		{"in a list", `[[{"token":1},2]]`, `[[{"token":"[REDACTED]"},2]]`},
		{"through a list the path goes on", `{"headers":[{"x-internal":1}]}`, `{"headers":[{"x-internal":"[REDACTED]"}]}`},
		{"both of two", `{"token":1,"token":2}`, `{"token":"[REDACTED]","token":"[REDACTED]"}`},
		{"JSON in a string", `{"text":"{\"token\": \"x\"}"}`, `{"text":"{\"token\":\"[REDACTED]\"}"}`},
		{"JSON with repeated keys in a string", `{"text":"{\"token\":1,\"token\":2}"}`, `{"text":"{\"token\":\"[REDACTED]\",\"token\":\"[REDACTED]\"}"}`},
		{"JSON in a string in a string", `"[\"{\\\"token\\\":1}\"]"`, `"[\"{\\\"token\\\":\\\"[REDACTED]\\\"}\"]"`},
		{"after white space", `{"text":" \n{\"token\":1}"}`, `{"text":"{\"token\":\"[REDACTED]\"}"}`},
		{"text that is not JSON stays", `"{token: x}"`, `"{token: x}"`},
		{"numbers stay as they are written", `{"a":1e400,"b":9007199254740993}`, `{"a":1e400,"b":9007199254740993}`},
		{"white space around", " {\"token\":1}\n", `{"token":"[REDACTED]"}`},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, string(Func(conf)([]byte(tt.in)))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.why, diff)
		}
	}
	key := "AKIA" + "QYLPMN5HHHFPZAM2"
	for _, tt := range []struct{ why, in, want string }{
		{"a key in a text", `{"a":"use ` + key + ` now"}`, `{"a":"use [REDACTED:aws-access-key] now"}`},
		{"in a member's name", `{"` + key + `":1}`, `{"[REDACTED:aws-access-key]":1}`},
		{"in an escape", `["\u0041` + key[1:] + `"]`, `["[REDACTED:aws-access-key]"]`},
		{"what only looks like one", `["AKIAIOSFODNN7EXAMPLE"]`, `["AKIAIOSFODNN7EXAMPLE"]`},
	} {
		for _, conf := range []policy.Audit{{}, conf} {
			if diff := cmp.Diff(tt.want, string(Func(conf)([]byte(tt.in)))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.why, diff)
			}
		}
	}
}

// FuzzRedact: what comes out is JSON if what went in is, it holds no value under
// a hidden name, and redacting it again changes nothing.
func FuzzRedact(f *testing.F) {
	f.Add(`{"token":"x","a":[{"b":"{\"token\":1}"}]}`)
	f.Add(`["{\"a\":\"{\\\"token\\\":[1]}\"}"]`)
	f.Add(`{"":{"TOKEN":null}}`)
	redact := Func(policy.Audit{Redact: []string{"*token*"}})
	f.Fuzz(func(t *testing.T, in string) {
		if !json.Valid([]byte(in)) || !utf8.ValidString(in) {
			return
		}
		before := in
		out := redact([]byte(in))
		if in != before {
			t.Fatal("the input was changed")
		}
		v, err := decoded(out)
		if err != nil {
			t.Fatalf("%q became %q: %v", in, out, err)
		}
		if shows(v) {
			t.Fatalf("%q became %q", in, out)
		}
		if again, err := decoded(redact(out)); err != nil || !cmp.Equal(v, again) {
			t.Fatalf("%q became %q and then %q", in, out, redact(out))
		}
	})
}

func decoded(raw []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

func shows(v any) bool {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if shows(e) {
				return true
			}
		}
	case map[string]any:
		for key, e := range v {
			if strings.Contains(strings.ToLower(key), "token") && e != "[REDACTED]" || shows(e) {
				return true
			}
		}
	}
	return false
}
