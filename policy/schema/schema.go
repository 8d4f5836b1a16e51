// Package schema admits, compiles and applies an upstream's JSON Schema
// without trusting it.
//
// # Why
//
// A schema is code that a stranger asks us to run on every call. So it is read
// once, strictly, and every way in which it could reach out, loop, or grow is
// measured before a validator sees it: size, depth, references, alternatives,
// patterns and numbers. What remains undecidable beforehand, because it depends
// on the value too (a recursive schema over a deep value), is counted before
// each validation. What cannot be compiled is [Rejected]; the caller is
// expected to quarantine the tool. Nothing here opens a file or a connection.
//
// The tree given to the validator is our own copy, with these changes. None of
// them makes a schema accept what it refused, but for format:
//
//   - format is an annotation in every dialect, as 2020-12 has it by default;
//     contentEncoding, contentMediaType and contentSchema likewise.
//   - $id of the root is dropped and $dynamicRef and $recursiveRef become $ref:
//     within one document of one resource they mean the same.
//   - a count such as maxItems beyond 2^53 becomes 2^53.
//
// Patterns run in RE2, which takes linear time. Look-ahead is understood where
// it stands directly behind a leading ^, which is where people use it.
package schema

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Bounds of an admitted schema.
const (
	maxBytes      = 256 << 10 // of the raw schema
	maxDepth      = 64        // of its JSON
	maxSubschemas = 5000
	maxPaths      = 1 << 20 // bytes of the JSON pointers of all subschemas
	maxLinks      = 1 << 21 // subschemas times those referred to: compiling may be quadratic
	maxFanOut     = 1 << 14 // subschemas applied to one value, worst case
	maxChain      = 128     // subschemas applied to one value, one within another
)

// Reason says why a schema was not admitted, or a value not accepted.
type Reason string

// Why a schema is [Rejected].
const (
	TooLarge       Reason = "too_large"       // more than 256 KB
	TooDeep        Reason = "too_deep"        // nested too far: a schema 64, a value 256
	TooMany        Reason = "too_many"        // more than 5,000 subschemas
	BadRef         Reason = "bad_ref"         // a reference that leads nowhere or is ambiguous
	RemoteRef      Reason = "remote_ref"      // a reference out of the document, or an $id within it
	FanOut         Reason = "fan_out"         // one value would meet too many subschemas
	Endless        Reason = "endless"         // a reference loop that never descends into the value
	UnknownDialect Reason = "unknown_dialect" // $schema names none that we know
	BadPattern     Reason = "bad_pattern"     // a regular expression that RE2 cannot run, or too big a one
	BadNumber      Reason = "bad_number"      // a number of too many digits or too large an exponent
	RepeatedKey    Reason = "repeated_key"    // one object has a key twice
	NotASchema     Reason = "not_a_schema"    // not JSON, or JSON but no schema
	NotCompilable  Reason = "not_compilable"  // refused by the compiler for any other reason
	Panicked       Reason = "panic"           // the compiler or the validator broke down
)

// Why a value is [Invalid], besides [TooDeep], [BadNumber] and [Panicked].
const (
	Mismatch  Reason = "mismatch"   // it does not match the schema
	TooCostly Reason = "too_costly" // it cannot be checked within bounds
	NotJSON   Reason = "not_json"   // it holds something that JSON has not
)

// Rejected says why a schema was not admitted. Detail is for the operator: it
// quotes the schema, shortened and without control characters.
type Rejected struct {
	Reason Reason
	Detail string
}

func (e *Rejected) Error() string {
	return fmt.Sprintf("schema rejected (%s): %s", e.Reason, e.Detail)
}

func reject(r Reason, format string, args ...any) *Rejected {
	return &Rejected{Reason: r, Detail: shorten(fmt.Sprintf(format, args...), 400)}
}

// Schema is an admitted, compiled schema. It is immutable and safe for
// concurrent use. The zero Schema, and a nil one, accept nothing.
type Schema struct {
	compiled *jsonschema.Schema
	graph    *graph
}

// location is where the compiler believes the schema to be. It resolves to
// nothing.
const location = "sallyport:schema"

// Compile admits and compiles one schema, an object or a boolean, in JSON.
// Without $schema it is of dialect 2020-12. The error is a [*Rejected].
func Compile(raw []byte) (s *Schema, err error) {
	defer func() {
		if p := recover(); p != nil {
			s, err = nil, reject(Panicked, "compiling: %v", p)
		}
	}()
	if len(raw) > maxBytes {
		return nil, reject(TooLarge, "%d bytes, at most %d", len(raw), maxBytes)
	}
	if !utf8.Valid(raw) {
		return nil, reject(NotASchema, "not UTF-8")
	}
	doc, err := read(raw)
	if err != nil {
		return nil, err
	}
	g, err := admit(doc)
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(jsonschema.SchemeURLLoader{}) // knows no scheme, so it loads nothing
	c.UseRegexpEngine(g.patterns.lookup)
	if err := c.AddResource(location, doc); err != nil {
		return nil, classify(err)
	}
	compiled, err := c.Compile(location)
	if err != nil {
		return nil, classify(err)
	}
	return &Schema{compiled: compiled, graph: g}, nil
}

// classify tells an ill-formed schema from one that the compiler cannot take.
func classify(err error) error {
	var bad *jsonschema.SchemaValidationError
	if !errors.As(err, &bad) {
		return reject(NotCompilable, "%v", err)
	}
	var why *jsonschema.ValidationError
	if errors.As(bad.Err, &why) {
		return reject(NotASchema, "%v", mismatch(why))
	}
	return reject(NotASchema, "%v", bad.Err)
}

// Validate says whether the value matches. It takes a decoded tree of nil,
// bool, string, [encoding/json.Number], []any and map[string]any, and changes
// nothing in it. The error is an [*Invalid]. A value that cannot be checked
// within bounds is invalid.
func (s *Schema) Validate(v any) (err error) {
	if s == nil || s.compiled == nil {
		return &Invalid{Reason: Mismatch, Causes: []string{"there is no schema to match"}}
	}
	defer func() {
		if p := recover(); p != nil {
			// The panic's text may quote the value.
			err = &Invalid{Reason: Panicked, Causes: []string{"the value could not be checked"}}
		}
	}()
	if bad := s.graph.affordable(v); bad != nil {
		return bad
	}
	if err := s.compiled.Validate(v); err != nil {
		return mismatch(err)
	}
	return nil
}
