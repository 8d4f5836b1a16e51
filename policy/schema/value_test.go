package schema_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"sallyport/policy/schema"
)

func compile(t testing.TB, raw string) *schema.Schema {
	t.Helper()
	s, err := schema.Compile([]byte(raw))
	if err != nil {
		t.Fatalf("compiling %.80s: %v", raw, err)
	}
	return s
}

func array(n int, v any) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = v
	}
	return list
}

// TestValues holds what is refused of a value whatever the schema says, and
// the work that one validation may be. Where a larger value is refused, a
// smaller one shows that it is for the work alone.
func TestValues(t *testing.T) {
	deep := func(n int) (v any) {
		for range n - 1 {
			v = []any{v}
		}
		return v
	}
	wide := map[string]any{}
	for i := range 1000 {
		wide[fmt.Sprint("k", i)] = true
	}
	object := func(n int) any {
		v := map[string]any{}
		for range n {
			v = map[string]any{"x": v}
		}
		return v
	}
	one := json.Number("1")
	names := `{"patternProperties":{` + many(20, `"^@[0-9a-f]{1,200}$":{"type":"boolean"}`) + `}}`
	numbers := `{"items":{"enum":[` + many(5000, `@`) + `]}}`
	ambiguous := `{"pattern":"^(a|a?|aa){0,400}b$"}`
	open := `{"unevaluatedProperties":true,"anyOf":[` + many(500, `{"required":["@"]}`) + `]}`
	same := `{"allOf":[` + many(200, `{"uniqueItems":true}`) + `]}`
	constant := `{"allOf":[` + many(100, `{"$ref":"#/$defs/a"}`) + `],"$defs":{"a":{"const":[` + many(2000, "1") + `]}}}`
	exact := `{"items":{"anyOf":[` + many(1000, `{"multipleOf":1e-399}`) + `]}}`
	for _, tc := range []struct {
		name, schema string
		value        any
		want         schema.Reason // "" means valid
	}{
		{"256 deep", `true`, deep(256), ""},
		{"257 deep", `true`, deep(257), schema.TooDeep},
		{"a float", `true`, 1.5, schema.NotJSON},
		{"an int", `true`, []any{1}, schema.NotJSON},
		{"bytes", `true`, map[string]any{"a": []byte("x")}, schema.NotJSON},
		{"a number that is none", `true`, json.Number("Inf"), schema.BadNumber},
		{"a fraction, which big.Rat would take", `true`, json.Number("1/3"), schema.BadNumber},
		{"a leading zero", `true`, json.Number("01"), schema.BadNumber},
		{"no digits after the point", `true`, json.Number("1."), schema.BadNumber},
		{"no exponent", `true`, json.Number("1e+"), schema.BadNumber},
		{"no number", `true`, json.Number(""), schema.BadNumber},
		{"a full number", `true`, json.Number("-0.5E+12"), ""},
		{"a huge exponent", `true`, json.Number("1e401"), schema.BadNumber},
		{"513 digits", `true`, json.Number(strings.Repeat("1", 513)), schema.BadNumber},
		{"few exact comparisons", numbers, array(10, one), ""},
		{"many exact comparisons", numbers, array(30, one), schema.TooCostly},
		{"an ambiguous pattern, short text", ambiguous, "aab", ""},
		{"an ambiguous pattern, long text", ambiguous, strings.Repeat("a", 10000), schema.TooCostly},
		{"few evaluated properties", open, map[string]any{"1": true}, ""},
		{"many evaluated properties", open, wide, schema.TooCostly},
		{"a short unique list, often", same, array(1, one), ""},
		{"a long unique list, often", same, array(200, one), schema.TooCostly},
		{"a constant, often, against another length", constant, array(1, one), schema.TooCostly},
		{"huge fractions, once", exact, array(1, one), ""},
		{"huge fractions, often", exact, array(100, one), schema.TooCostly},
		{"few names against many patterns", names, map[string]any{"1": true}, ""},
		{"many names against many patterns", names, wide, schema.TooCostly},
		{"a long text, looked at once", `{"minLength":1}`, strings.Repeat("x", 1<<20), ""},
		{"a long text, looked at often", `{"allOf":[` + many(500, `{"minLength":1}`) + `]}`, strings.Repeat("x", 1<<20), schema.TooCostly},
		{"doubling through properties that are not named", `{"additionalProperties":{"allOf":[{"$ref":"#"},{"$ref":"#"}]}}`, object(30), schema.TooCostly},
		{"doubling through names of a pattern", `{"patternProperties":{"x":{"allOf":[{"$ref":"#"},{"$ref":"#"}]}}}`, object(30), schema.TooCostly},
		{"doubling through items", `{"prefixItems":[{"allOf":[{"$ref":"#"},{"$ref":"#"}]}]}`, deep(30), schema.TooCostly},
		{"a plain list may be long", `{"items":{"type":"object","properties":{"a":{"type":"integer"}}}}`,
			array(20000, map[string]any{"a": one}), ""},
		{"a text may be long", `{"properties":{"content":{"type":"string","minLength":1}}}`,
			map[string]any{"content": strings.Repeat("x", 8<<20)}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := compile(t, tc.schema).Validate(tc.value)
			var bad *schema.Invalid
			if err != nil && !errors.As(err, &bad) {
				t.Fatalf("Validate: %v is not an *Invalid", err)
			}
			var got schema.Reason
			if bad != nil {
				got = bad.Reason
			}
			if got != tc.want {
				t.Errorf("Validate = %q (%v), want %q", got, err, tc.want)
			}
		})
	}
}

func TestZeroRefuses(t *testing.T) {
	var none *schema.Schema
	for _, s := range []*schema.Schema{none, {}} {
		if err := s.Validate(map[string]any{}); err == nil {
			t.Error("a schema that nobody compiled accepted a value")
		}
	}
}

// TestConcurrently validates with one schema from many goroutines; it is for
// the race detector.
func TestConcurrently(t *testing.T) {
	s := compile(t, `{"type":"object","properties":{"a":{"pattern":"^(?!x)[a-z]+$"},"b":{"$ref":"#"}},"additionalProperties":false}`)
	good := map[string]any{"a": "abc", "b": map[string]any{"a": "abc"}}
	bad := map[string]any{"a": "xbc", "b": map[string]any{"c": nil}}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if err := s.Validate(good); err != nil {
					t.Errorf("Validate: %v", err)
				}
				if err := s.Validate(bad); err == nil {
					t.Error("Validate accepted what does not match")
				}
			}
		})
	}
	wg.Wait()
}

// FuzzCompile holds that what is admitted can be applied: without breaking
// down, twice with the same outcome, leaving the value alone, with a message of
// bounded length, and with the verdict of the library left to itself.
func FuzzCompile(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}`, `{"a":1}`},
		{`{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"minimum":1},{"enum":[1,"x"]}]}}}`, `0.5`},
		{`{"properties":{"x":{"allOf":[{"$ref":"#"},{"$ref":"#"}]}}}`, `{"x":{"x":{}}}`},
		{`{"$schema":"http://json-schema.org/draft-07/schema#","items":[{"multipleOf":2}],"additionalItems":false}`, `[1,2]`},
		{`{"$dynamicAnchor":"a","items":{"$dynamicRef":"#a"},"uniqueItems":true}`, `[[],[]]`},
		{`{"unevaluatedProperties":false,"patternProperties":{"^a":{"pattern":"^(?=b)."}}}`, `{"ab":"b"}`},
		{`{"$schema":"https://json-schema.org/draft/2019-09/schema","$recursiveAnchor":true,"not":{"$recursiveRef":"#"}}`, `null`},
		{`{"$id":"http://x/#a","$anchor":"a","contains":{"$ref":"#a"},"minContains":2}`, `[[]]`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, raw, value string) {
		s, err := schema.Compile([]byte(raw))
		var rejected *schema.Rejected
		if err != nil {
			if !errors.As(err, &rejected) || s != nil {
				t.Fatalf("Compile = %v, %v: not a *Rejected alone", s, err)
			}
			if rejected.Reason == schema.Panicked || len(err.Error()) > 500 {
				t.Fatalf("Compile: %v", err)
			}
			return
		}
		d := json.NewDecoder(strings.NewReader(value))
		d.UseNumber()
		var v any
		if d.Decode(&v) != nil {
			return
		}
		before, _ := json.Marshal(v)
		first := s.Validate(v)
		if again := s.Validate(v); (first == nil) != (again == nil) {
			t.Fatalf("Validate = %v, then %v", first, again)
		}
		if after, _ := json.Marshal(v); string(before) != string(after) {
			t.Fatalf("the value became %s", after)
		}
		var bad *schema.Invalid
		if errors.As(first, &bad) {
			if bad.Reason == schema.Panicked || len(first.Error()) > 1024 || len(bad.Causes) > 5 {
				t.Fatalf("Validate: %v", first)
			}
			if bad.Reason != schema.Mismatch {
				return
			}
		}
		if want, ok := alone(raw, v); ok && want != (first == nil) {
			t.Fatalf("Validate = %v, the library alone says %v", first, want)
		}
	})
}

// alone asks the library without admission. It has no word on schemas where
// we mean to differ.
func alone(raw string, v any) (valid, ok bool) {
	for _, differs := range []string{"format", "min", "max", "\\u"} {
		if strings.Contains(raw, differs) {
			return false, false
		}
	}
	defer func() {
		if recover() != nil {
			valid, ok = false, false
		}
	}()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
	if err != nil {
		return false, false
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(jsonschema.SchemeURLLoader{})
	if err := c.AddResource("test:schema", doc); err != nil {
		return false, false
	}
	s, err := c.Compile("test:schema")
	if err != nil {
		return false, false
	}
	return s.Validate(v) == nil, true
}

func TestMessageIsBounded(t *testing.T) {
	long := strings.Repeat("ключ", 100)
	s := compile(t, `{"additionalProperties":{"type":"object","required":["`+long+`","a","b","c","d","e","f","g","h"]}}`)
	v := map[string]any{}
	for i := range 50 {
		v[fmt.Sprint(i, long)] = map[string]any{}
	}
	var bad *schema.Invalid
	if err := s.Validate(v); !errors.As(err, &bad) {
		t.Fatalf("Validate = %v, want *Invalid", err)
	}
	if n := len(bad.Error()); n > 1024 {
		t.Errorf("a message of %d bytes, want at most 1024", n)
	}
	if diff := cmp.Diff([]int{5, 45}, []int{len(bad.Causes), bad.More}); diff != "" {
		t.Errorf("causes and more (-want +got):\n%s", diff)
	}
}

func BenchmarkValidate(b *testing.B) {
	s := compile(b, `{"type":"object","properties":{"path":{"type":"string"},"head":{"type":"number"},"mode":{"enum":["a","b"]}},"required":["path"],"additionalProperties":false}`)
	tree := compile(b, `{"type":"object","properties":{"name":{"type":"string"},"children":{"type":"array","items":{"$ref":"#"}}}}`)
	rows := compile(b, `{"items":{"type":"object","properties":{"id":{"type":"integer"},"name":{"type":"string"}}}}`)
	for _, bm := range []struct {
		name   string
		schema *schema.Schema
		value  any
		valid  bool
	}{
		{"small", s, map[string]any{"path": "/tmp/x", "head": json.Number("12"), "mode": "b"}, true},
		{"small invalid", s, map[string]any{"path": json.Number("1"), "mode": "c"}, false},
		{"recursive", tree, map[string]any{"name": "a", "children": array(5, map[string]any{"name": "b"})}, true},
		{"1000 rows", rows, array(1000, map[string]any{"id": json.Number("1"), "name": "x"}), true},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bm.schema.Validate(bm.value); (err == nil) != bm.valid {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	small := []byte(`{"type":"object","properties":{"path":{"type":"string"},"head":{"type":"number"}},"required":["path"]}`)
	large := []byte(`{"properties":{` + many(1000, `"p@":{"type":"string","description":"the parameter of that number"}`) + `}}`)
	for name, raw := range map[string][]byte{"small": small, "1000 properties": large} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := schema.Compile(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
