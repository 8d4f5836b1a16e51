package wire

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the expected results")

const corpus = "../../testdata/wire"

// TestCorpus parses each case as from a client and as from a server. A case is
// why it exists, the message (or a Go string after "go: ") and what comes of
// it.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob(corpus + "/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range a.Files {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+"/"+c.Name, func(t *testing.T) {
				why, rest, _ := strings.Cut(string(c.Data), "\n")
				in, want, _ := strings.Cut(rest, "\n")
				if !strings.HasPrefix(why, "# ") {
					t.Fatal("a case must say why it exists")
				}
				line := caseInput(t, in)
				got := fmt.Sprintf("strict: %s\nfaithful: %s\n", outcome(ParseStrict(line, Bounds{})), outcome(ParseFaithful(line, Bounds{})))
				if *update {
					a.Files[i].Data = []byte(why + "\n" + in + "\n" + got)
				} else if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			})
		}
		if *update {
			if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func caseInput(t testing.TB, in string) []byte {
	quoted, ok := strings.CutPrefix(in, "go: ")
	if !ok {
		return []byte(in)
	}
	s, err := strconv.Unquote(quoted)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(s)
}

func corpusInputs(t testing.TB) (lines [][]byte) {
	files, _ := filepath.Glob(corpus + "/*.txtar")
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range a.Files {
			lines = append(lines, caseInput(t, strings.Split(string(c.Data), "\n")[1]))
		}
	}
	return lines
}

// outcome says in one line what came of a parse.
func outcome(m Message, f *Fault) string {
	if f != nil {
		return fmt.Sprintf("%s %d at %d, id %s: %s", f.Reason, f.Code, f.Offset, f.ID.Lexeme(), f.Detail)
	}
	var b strings.Builder
	b.WriteString(m.Kind.String())
	if m.Method != "" {
		fmt.Fprintf(&b, " %s", m.Method)
	}
	if !m.ID.IsZero() {
		fmt.Fprintf(&b, " id=%s key=%q", m.ID.Lexeme(), m.ID.Key())
		if n, ok := m.ID.Uint(); ok {
			fmt.Fprintf(&b, " uint=%d", n)
		}
	}
	for _, name := range []string{"name", "arguments"} {
		if v := m.Param(name); v != nil {
			fmt.Fprintf(&b, " %s=%s", name, v)
		}
	}
	if v := m.Meta("progressToken"); v != nil {
		fmt.Fprintf(&b, " token=%s", v)
	}
	if v := m.Result(); v != nil {
		fmt.Fprintf(&b, " result=%s", v)
	}
	if v := m.Error(); v != nil {
		fmt.Fprintf(&b, " error=%s", v)
	}
	return b.String()
}

func TestDepth(t *testing.T) {
	nested := func(n int) []byte {
		return []byte(`{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}}`)
	}
	objects := func(n int) []byte {
		return []byte(`{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":` + strings.Repeat(`{"k":`, n) + "1" + strings.Repeat("}", n) + `}}`)
	}
	for _, c := range []struct {
		why   string
		line  []byte
		b     Bounds
		parse func([]byte, Bounds) (Message, *Fault)
		want  Reason
	}{
		{"512 levels, the message and params among them, are the default", nested(510), Bounds{}, ParseStrict, ""},
		{"one more is too many", nested(511), Bounds{}, ParseStrict, TooDeep},
		{"objects count like arrays", objects(511), Bounds{}, ParseStrict, TooDeep},
		{"a caller may ask for less", nested(5), Bounds{Depth: 6}, ParseStrict, TooDeep},
		{"a negative bound is the default", nested(511), Bounds{Depth: -1}, ParseStrict, TooDeep},
		{"no bound goes beyond what other decoders take", nested(20_000), Bounds{Depth: 1 << 30}, ParseStrict, TooDeep},
		{"a server may nest 10,000 deep", nested(9_998), Bounds{}, ParseFaithful, ""},
		{"but no deeper", nested(9_999), Bounds{}, ParseFaithful, TooDeep},
		{"a hostile one does not exhaust the stack", nested(100_000), Bounds{}, ParseFaithful, TooDeep},
		{"nor does one that never ends", []byte(strings.Repeat("[", 1_000_000)), Bounds{}, ParseFaithful, Batch},
		{"nor one that never ends in a message", []byte(strings.Repeat(`{"a":`, 1_000_000)), Bounds{}, ParseStrict, TooDeep},
	} {
		m, f := c.parse(c.line, c.b)
		switch {
		case f == nil && c.want != "":
			t.Errorf("%s: accepted", c.why)
		case f != nil && f.Reason != c.want:
			t.Errorf("%s: %v", c.why, f)
		case f == nil && m.Kind != Request:
			t.Errorf("%s: %v", c.why, m.Kind)
		}
	}
}

func TestBounds(t *testing.T) {
	with := func(v string) []byte {
		return []byte(`{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":` + v + `}}`)
	}
	for _, c := range []struct {
		why  string
		line []byte
		b    Bounds
		want Reason
	}{
		{"512 digits pass", with(strings.Repeat("1", 512)), Bounds{}, ""},
		{"513 do not", with(strings.Repeat("1", 513)), Bounds{}, NumberTooLong},
		{"zeros in an exponent count as bytes", with("1e" + strings.Repeat("0", 511)), Bounds{}, NumberTooLong},
		{"a smaller bound holds", with("1234"), Bounds{Number: 3}, NumberTooLong},
		{"a smaller exponent holds", with("1e11"), Bounds{Exponent: 10}, ExponentTooLarge},
		{"the length of a message", with(`"` + strings.Repeat("x", 100) + `"`), Bounds{Message: 100}, MessageTooLong},
		{"white space around a message does not count", []byte(strings.Repeat(" ", 100) + string(with("1"))), Bounds{Message: 100}, ""},
		{"16 MiB is the default", with(`"` + strings.Repeat("x", 16<<20) + `"`), Bounds{}, MessageTooLong},
	} {
		_, f := ParseStrict(c.line, c.b)
		if got := reason(f); got != c.want {
			t.Errorf("%s: got %q, want %q", c.why, got, c.want)
		}
		if c.want == NumberTooLong || c.want == ExponentTooLarge {
			if _, f := ParseFaithful(c.line, c.b); f != nil {
				t.Errorf("%s: a server's numbers have no bound: %v", c.why, f)
			}
		}
	}
	long := strings.Repeat("x", 1023)
	for _, line := range []string{
		`{"jsonrpc":"2.0","id":"` + long + `","method":"x"}`,
		`{"jsonrpc":"2.0","id":1,"method":"` + long + `"}`,
	} {
		if _, f := ParseStrict([]byte(line), Bounds{}); f == nil || f.Reason != BadID && f.Reason != BadEnvelope {
			t.Errorf("an id or method above 1024 bytes: %v", f)
		}
	}
}

func reason(f *Fault) Reason {
	if f == nil {
		return ""
	}
	return f.Reason
}

// A fault is sent back and logged: it must be short whatever the input.
func TestFaultIsShort(t *testing.T) {
	huge := strings.Repeat("\x01\u202e", 1<<16)
	key := string(Quote(nil, huge))
	for _, line := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"x","params":{` + key + `:1,` + key + `:2}}`,
		`{"jsonrpc":"2.0","id":` + key + `,"method":"x","method":"y"}`,
		huge,
	} {
		_, f := ParseStrict([]byte(line), Bounds{})
		if f == nil || len(f.Error()) > 800 || len(f.ID.Lexeme()) > maxName {
			t.Errorf("fault of %d bytes", len(f.Error()))
			continue
		}
		for _, r := range f.Error() {
			if r < ' ' || r > '~' && r != '…' {
				t.Errorf("unprintable %q in %q", r, f.Error())
			}
		}
	}
}

func TestManyKeys(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"jsonrpc":"2.0","id":1,"method":"x","params":{`)
	for i := range 50_000 {
		fmt.Fprintf(&b, `"key%d":{"a":1,"b":[{"c":2}]},`, i)
	}
	good := b.String() + `"end":1}}`
	if _, f := ParseStrict([]byte(good), Bounds{}); f != nil {
		t.Error(f)
	}
	for _, last := range []string{"key0", "key49999", "KEY25000", "key1\u212A"} {
		line := b.String() + `"key1k":1,"` + last + `":1}}`
		if _, f := ParseStrict([]byte(line), Bounds{}); f == nil || f.Reason != DuplicateKey && f.Reason != CaseCollision {
			t.Errorf("%s: %v", last, f)
		}
	}
}

func TestSplitBatch(t *testing.T) {
	hundred := "[" + strings.Repeat("1,", 99) + "1]"
	for _, c := range []struct {
		in   string
		want []string
		f    Reason
	}{
		{` [ {"a":1} ,[2], "x" ] `, []string{`{"a":1}`, `[2]`, `"x"`}, ""},
		{hundred, strings.Split(strings.Trim(hundred, "[]"), ","), ""},
		{`[1,` + hundred[1:], nil, Batch},
		{`[]`, nil, Batch},
		{`{}`, nil, Batch},
		{``, nil, Batch},
		{`[1,]`, nil, InvalidJSON},
		{`[1]x`, nil, TrailingData},
		{"[\"\xff\"]", nil, BadUTF8},
		{strings.Repeat("[", 600) + strings.Repeat("]", 600), nil, TooDeep},
		{`["` + strings.Repeat("x", 16<<20) + `"]`, nil, MessageTooLong},
	} {
		parts, f := SplitBatch([]byte(c.in), Bounds{})
		var got []string
		for _, p := range parts {
			got = append(got, string(p))
		}
		if diff := cmp.Diff(c.want, got); diff != "" || reason(f) != c.f {
			t.Errorf("%.40q: %v (-want +got)\n%s", c.in, f, diff)
		}
	}
}

// Parsing is on the path of every message: it must allocate next to nothing.
// (It allocates nothing but what the race detector makes a pool lose.)
func TestParseAllocations(t *testing.T) {
	for _, parse := range []func([]byte, Bounds) (Message, *Fault){ParseStrict, ParseFaithful} {
		n := testing.AllocsPerRun(100, func() {
			m, f := parse(call100, Bounds{})
			if f != nil || m.Param("arguments") == nil {
				t.Fatal(f)
			}
		})
		if n > 2 {
			t.Errorf("%v allocations", n)
		}
	}
}
