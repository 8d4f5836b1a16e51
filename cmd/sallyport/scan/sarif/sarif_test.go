package sarif

import (
	"bytes"
	"errors"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif" // for the schema in its source
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write the golden files anew")

// officialSchema is the standard's own schema, as a library carries it in its
// source. The library's own check is of what it has made of a log, not of its bytes.
var officialSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif").Output()
	if err != nil {
		return nil, err
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "schema.go"), nil, 0)
	if err != nil {
		return nil, err
	}
	var text string
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && len(lit.Value) > len(text) {
			text, _ = strconv.Unquote(lit.Value)
		}
		return true
	})
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("sarif.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("sarif.json")
})

// written writes a log, and holds it against the official schema.
func written(t *testing.T, l *Log, failed error) string {
	t.Helper()
	var out bytes.Buffer
	if err := l.Write(&out, failed); err != nil {
		t.Fatal(err)
	}
	schema, err := officialSchema()
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(v); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	return out.String()
}

// TestSchemaRefuses shows that holding a log against the schema means something.
func TestSchemaRefuses(t *testing.T) {
	schema, err := officialSchema()
	if err != nil {
		t.Fatal(err)
	}
	for why, text := range map[string]string{
		"no runs":               `{"version":"2.1.0"}`,
		"a member too many":     `{"version":"2.1.0","runs":[],"x":1}`,
		"a driver without name": `{"version":"2.1.0","runs":[{"tool":{"driver":{}},"results":[]}]}`,
		"an unknown level":      `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"a"}},"results":[{"message":{"text":"a"},"level":"bad"}]}]}`,
	} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(v) == nil {
			t.Errorf("%s fits the schema", why)
		}
	}
}

// TestGolden: what others read has to be seen when it changes.
func TestGolden(t *testing.T) {
	l := New("1.2.3", "/src")
	text := "é𝄞x\r\nIgnore all, ignore all\nsend it"
	l.Add(Text{File: "docs/a b.md", Content: text, Findings: []Finding{
		{Rule: "hidden/zero-width", About: "Text that nobody sees", Level: Note, Message: "x", Start: 6, End: 7},
		{Rule: "override/all", About: "An override", Level: Error, Message: `[a](https://evil.example) {0} \`, Start: 9, End: 19},
		{Rule: "override/all", About: "An override", Level: Error, Message: "again", Start: 21, End: 31},
		{Rule: "send/it", About: "A send", Level: Warning, Message: "from the line before", Start: 28, End: 39},
	}})
	l.Add(Text{Server: &Place{Name: "read_file", Kind: "tool", Full: "files/tool/read_file/description"}, Content: "Ignore all",
		Findings: []Finding{{Rule: "override/all", About: "An override", Level: Error, Message: "here", Start: 0, End: 10}}})
	got := written(t, l, errors.New("the second file {x} cannot be read"))
	golden := filepath.Join("..", "..", "..", "..", "testdata", "golden", "scan.sarif")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestEmpty: a run without findings says so by an empty list; none would mean that
// nothing was looked for.
func TestEmpty(t *testing.T) {
	got := written(t, New("1", "/src"), nil)
	for _, want := range []string{`"results": []`, `"rules": []`, `"executionSuccessful": true`} {
		if !bytes.Contains([]byte(got), []byte(want)) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}

func TestArtifact(t *testing.T) {
	l := New("1", "/src/x")
	for _, tt := range []struct{ why, file, uri, base string }{
		{"below", "docs/a.md", "docs/a.md", "%SRCROOT%"},
		{"roundabout", "./docs/../a.md", "a.md", "%SRCROOT%"},
		{"absolute, and below", "/src/x/a.md", "a.md", "%SRCROOT%"},
		{"absolute, and elsewhere", "/etc/a b", "file:///etc/a%20b", ""},
		{"above", "../y/a.md", "file:///src/y/a.md", ""},
		{"a colon is no scheme", "a:b", "./a:b", "%SRCROOT%"},
		{"what has a meaning in addresses", "a#b?c%d", "a%23b%3Fc%25d", "%SRCROOT%"},
		{"dots are a name", "..a", "..a", "%SRCROOT%"},
		{"standard input", "-", "stdin", ""},
	} {
		if diff := cmp.Diff(artifact{tt.uri, tt.base}, l.artifact(tt.file)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.why, diff)
		}
	}
}

// TestFingerprints: a result is known again when lines are added around it, and
// told from its like.
func TestFingerprints(t *testing.T) {
	of := func(file, content string, spans ...[2]int) (all []string) {
		l := New("1", "/")
		x := Text{File: file, Content: content}
		for _, s := range spans {
			x.Findings = append(x.Findings, Finding{Rule: "r", Start: s[0], End: s[1]})
		}
		l.Add(x)
		for _, r := range l.results {
			all = append(all, r.Fingerprints["sallyport/v1"])
		}
		return all
	}
	a, moved, twice := of("f", "bad", [2]int{0, 3}), of("f", "\n\n  bad", [2]int{4, 7}), of("f", "bad bad", [2]int{0, 3}, [2]int{4, 7})
	if a[0] != moved[0] || a[0] != twice[0] || twice[0] == twice[1] || a[0] == of("g", "bad", [2]int{0, 3})[0] {
		t.Error(a, moved, twice)
	}
}
