package schema

import (
	"errors"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestPanicRefuses breaks the validator from within: a breakdown is a refusal,
// and its text, which may quote the value, is kept back.
func TestPanicRefuses(t *testing.T) {
	s, err := Compile([]byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	s.graph = nil
	var bad *Invalid
	if err := s.Validate("s3cr3t"); !errors.As(err, &bad) || bad.Reason != Panicked {
		t.Fatalf("Validate = %v, want a refusal for panic", err)
	}
	if strings.Contains(bad.Error(), "nil pointer") {
		t.Errorf("Error = %q tells of the inside", bad.Error())
	}
}

// TestEngineCompilesNothing holds that the compiler gets only patterns that
// admission has priced.
func TestEngineCompilesNothing(t *testing.T) {
	if _, err := (&patterns{}).lookup("a"); err == nil {
		t.Error("a pattern that was not admitted was compiled")
	}
}

// TestOneKindOfReference holds that the validator never sees a dynamic
// reference, which looks through all that was entered before.
func TestOneKindOfReference(t *testing.T) {
	for _, raw := range []string{
		`{"$dynamicAnchor":"a","items":{"$dynamicRef":"#a"}}`,
		`{"$schema":"https://json-schema.org/draft/2019-09/schema","additionalItems":true,"items":{"$recursiveRef":"#"}}`,
	} {
		s, err := Compile([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		items := s.compiled.Items2020
		if items == nil {
			items = s.compiled.Items.(*jsonschema.Schema)
		}
		if items.DynamicRef != nil || items.RecursiveRef != nil || items.Ref != s.compiled {
			t.Errorf("%s: compiled with a dynamic reference", raw)
		}
	}
}
