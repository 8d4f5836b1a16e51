package schema_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"sallyport/policy/schema"
)

var update = flag.Bool("update", false, "write what is observed into the cases")

// decode reads a value as the proxy hands it to Validate.
func decode(t testing.TB, raw []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("decoding %.80s: %v", raw, err)
	}
	return v
}

func verdict(err error) string {
	var r *schema.Rejected
	var i *schema.Invalid
	switch {
	case err == nil:
		return "ok\n"
	case errors.As(err, &r):
		return err.Error() + "\n"
	case errors.As(err, &i):
		return fmt.Sprintf("%s: %v\n", i.Reason, err)
	}
	return "an error of the wrong type: " + err.Error() + "\n"
}

// TestCases runs testdata/schema. Each file says why it exists, holds a schema,
// and what is expected of compiling it and of each value (a file "value NAME"
// is answered by "want NAME").
func TestCases(t *testing.T) {
	files, err := filepath.Glob("../../testdata/schema/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("finding cases: %d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := txtar.Parse(raw)
			if len(bytes.TrimSpace(want.Comment)) == 0 {
				t.Error("the case does not say why it exists")
			}
			got := observe(t, want)
			if *update {
				if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(want)), string(txtar.Format(got))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", filepath.Base(file), diff)
			}
		})
	}
}

// observe answers a case.
func observe(t *testing.T, in *txtar.Archive) *txtar.Archive {
	out := &txtar.Archive{Comment: in.Comment}
	add := func(name, text string) {
		out.Files = append(out.Files, txtar.File{Name: name, Data: []byte(text)})
	}
	var s *schema.Schema
	for _, f := range in.Files {
		switch kind, name, _ := strings.Cut(f.Name, " "); kind {
		case "schema":
			var err error
			s, err = schema.Compile(f.Data)
			add(f.Name, string(f.Data))
			add("compiled", verdict(err))
		case "value":
			add(f.Name, string(f.Data))
			add("want "+name, verdict(s.Validate(decode(t, f.Data))))
		}
	}
	return out
}

// TestBounds holds each bound of admission from both sides, with schemas too
// long to write down.
func TestBounds(t *testing.T) {
	nest := func(n int) string { return strings.Repeat(`{"not":`, n) + `{}` + strings.Repeat("}", n) }
	for _, tc := range []struct {
		name, schema string
		want         schema.Reason // "" means admitted
	}{
		{"256 KB", `{"title":"` + strings.Repeat("x", 256<<10-12) + `"}`, ""},
		{"a byte more", `{"title":"` + strings.Repeat("x", 256<<10-11) + `"}`, schema.TooLarge},
		{"64 deep", nest(64), ""},
		{"65 deep", nest(65), schema.TooDeep},
		{"depth counts in data too", `{"x-data":` + strings.Repeat("[", 65) + strings.Repeat("]", 65) + `}`, schema.TooDeep},
		{"a million brackets", strings.Repeat("[", 200000), schema.TooDeep},
		{"5,000 subschemas", `{"anyOf":[` + many(4999, `{}`) + `]}`, ""},
		{"5,001 subschemas", `{"anyOf":[` + many(5000, `{}`) + `]}`, schema.TooMany},
		{"data are no subschemas", `{"x-data":[` + many(20000, `{}`) + `]}`, ""},
		{"long names all the way down", longPaths(), schema.TooLarge},
		{"references to everything", `{"allOf":[` + many(2400, `{"$ref":"#/$defs/a@"}`) + `],"$defs":{` + many(2400, `"a@":{}`) + `}}`, schema.TooMany},
		{"fan-out of 2^11", fanOut(11), ""},
		{"fan-out of 2^18", fanOut(18), schema.FanOut},
		{"fan-out that would overflow", fanOut(63), schema.FanOut},
		{"a chain of 128", chain(128), ""},
		{"a chain of 129", chain(129), schema.FanOut},
		{"a long pattern", `{"pattern":"` + strings.Repeat("a", 5000) + `"}`, schema.BadPattern},
		{"a pattern that grows", `{"pattern":"((a{100}){100}){10}"}`, schema.BadPattern},
		{"patterns that add up", `{"patternProperties":{` + many(100, `"a@{500}":{}`) + `}}`, schema.BadPattern},
		{"a pattern often used is paid for once", `{"anyOf":[` + many(1000, `{"pattern":"^[a-z]{1,63}$"}`) + `]}`, ""},
		{"an exponent of 400", `{"maximum":1e400}`, ""},
		{"an exponent of 401", `{"maximum":1e401}`, schema.BadNumber},
		{"an exponent that kills big.Rat", `{"multipleOf":1e5000000}`, schema.BadNumber},
		{"and a negative one", `{"multipleOf":1e-5000000}`, schema.BadNumber},
		{"and one that overflows an int", `{"multipleOf":1e99999999999999999999}`, schema.BadNumber},
		{"512 digits", `{"maximum":` + strings.Repeat("9", 512) + `}`, ""},
		{"513 digits", `{"maximum":` + strings.Repeat("9", 513) + `}`, schema.BadNumber},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := schema.Compile([]byte(tc.schema))
			var bad *schema.Rejected
			if err != nil && !errors.As(err, &bad) {
				t.Fatalf("Compile: %v is not a *Rejected", err)
			}
			var got schema.Reason
			if bad != nil {
				got = bad.Reason
			}
			if got != tc.want {
				t.Errorf("Compile = %q (%v), want %q", got, err, tc.want)
			}
		})
	}
}

// many repeats a text, with @ replaced by the number of the repetition.
func many(n int, text string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strings.ReplaceAll(text, "@", fmt.Sprint(i)))
	}
	return b.String()
}

// fanOut applies more than 2^n subschemas to one value, by n definitions.
func fanOut(n int) string {
	var defs strings.Builder
	for i := range n {
		fmt.Fprintf(&defs, `"a%d":{"anyOf":[{"$ref":"#/$defs/a%d"},{"$ref":"#/$defs/a%d"}]},`, i, i+1, i+1)
	}
	return fmt.Sprintf(`{"$ref":"#/$defs/a0","$defs":{%s"a%d":{"type":"null"}}}`, defs.String(), n)
}

// chain applies n subschemas to one value, each within the one before.
func chain(n int) string {
	var defs strings.Builder
	for i := range n - 2 {
		fmt.Fprintf(&defs, `"a%d":{"$ref":"#/$defs/a%d"},`, i, i+1)
	}
	return fmt.Sprintf(`{"$ref":"#/$defs/a0","$defs":{%s"a%d":{}}}`, defs.String(), n-2)
}

func longPaths() string {
	s := `{}`
	for range 25 {
		s = `{"properties":{"` + strings.Repeat("~", 2000) + `":` + s + `,` + many(50, `"a@":{}`) + `}}`
	}
	return s
}
