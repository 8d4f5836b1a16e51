//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestMain lets this binary be started under other names: as the program itself,
// and as the client and the server that the scripts put around it.
func TestMain(m *testing.M) {
	testscript.Main(tidying{m}, map[string]func(){
		"sallyport": main,
		"player":    player,
		"probe":     probe,
	})
}

// tidy is what several tests leave to the end.
var tidy []func()

type tidying struct{ *testing.M }

func (m tidying) Run() int {
	code := m.M.Run()
	for _, f := range tidy {
		f()
	}
	return code
}

// TestScripts runs whole programs. Each script says why it exists.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join(root(t), "testdata", "script"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("ROOT", root(t))
			for _, name := range []string{"sallyport", "probe"} {
				path, err := exec.LookPath(name)
				if err != nil {
					return err
				}
				e.Setenv(strings.ToUpper(name), path)
			}
			e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, "state"))
			e.Setenv("GORACE", "atexit_sleep_ms=0") // each program of a script would rest for a second
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"valid-log": validLog,
			"alter":     alter,
			"usage":     wrongUsage,
		},
	})
}

// root is the folder of the module.
func root(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// validLog holds each line of the logs against the schema that the program
// publishes.
func validLog(ts *testscript.TestScript, neg bool, files []string) {
	if len(files) == 0 {
		ts.Fatalf("usage: valid-log FILE…")
	}
	for _, file := range files {
		err := checkLog([]byte(ts.ReadFile(file)))
		if neg && err == nil {
			ts.Fatalf("%s fits the schema", file)
		}
		if !neg {
			ts.Check(err)
		}
	}
}

// alter FILE FROM TO replaces the first occurrence of one text by another.
func alter(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: alter FILE FROM TO")
	}
	old := ts.ReadFile(args[0])
	if !strings.Contains(old, args[1]) {
		ts.Fatalf("%s does not contain %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(old, args[1], args[2], 1)), 0o600))
}

// wrongUsage runs a program that has to end with code 2, as on a mistake on its
// command line. If it says anything on stderr it is one line.
func wrongUsage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: usage PROGRAM [ARG…]")
	}
	err := ts.Exec(args[0], args[1:]...)
	if got := exitStatus(err); got != "2" {
		ts.Fatalf("exit code %s, not 2", got)
	}
	if said := ts.ReadFile("stderr"); strings.Count(said, "\n") > 1 {
		ts.Fatalf("more than one line on stderr:\n%s", said)
	}
}

// checkLog holds each line of a log against the published schema.
func checkLog(log []byte) error {
	schema, err := eventSchema()
	if err != nil {
		return err
	}
	n := 0
	for line := range bytes.Lines(log) {
		n++
		event, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if err := schema.Validate(event); err != nil {
			return fmt.Errorf("line %d: %w\n%s", n, err, line)
		}
	}
	if n == 0 {
		return fmt.Errorf("the log is empty")
	}
	return nil
}

func eventSchema() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(auditSchema()))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("audit-event.schema.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("audit-event.schema.json")
}

// TestAuditSchema keeps what others parse the log by: a change of it is a change
// for them, and has to be seen.
func TestAuditSchema(t *testing.T) {
	golden := filepath.Join(root(t), "testdata", "golden", "audit-event.schema.json")
	var out bytes.Buffer
	if err := run(context.Background(), []string{"schema", "audit"}, nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestAuditSchemaRefuses shows that holding the log against the schema means
// something: what is not an event does not fit.
func TestAuditSchemaRefuses(t *testing.T) {
	hash := strings.Repeat("0", 64)
	event := map[string]any{"seq": 1, "time": "2026-01-02T03:04:05.000000000Z", "type": "decision", "prev": hash, "hash": hash}
	for _, tt := range []struct {
		why, name string
		value     any
		ok        bool
	}{
		{"as it is", "seq", 1, true},
		{"a member that nobody documented", "extra", 1, false},
		{"an unknown type", "type", "guess", false},
		{"an unknown tier", "risk", "low", false},
		{"an unknown verdict", "verdict", "maybe", false},
		{"a time that is none", "time", "yesterday", false},
		{"a hash in upper case", "hash", strings.Repeat("A", 64), false},
		{"no hash", "hash", nil, false},
	} {
		changed := map[string]any{}
		for k, v := range event {
			changed[k] = v
		}
		changed[tt.name] = tt.value
		if tt.value == nil {
			delete(changed, tt.name)
		}
		line, err := json.Marshal(changed)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkLog(append(line, '\n')); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.why, err)
		}
	}
}

// TestEveryCommandShowsAnExample walks the help as a newcomer would.
func TestEveryCommandShowsAnExample(t *testing.T) {
	var walk func(words []string)
	seen := 0
	walk = func(words []string) {
		var out bytes.Buffer
		if err := run(context.Background(), append(words, "--help"), nil, &out, io.Discard); err != nil {
			t.Fatalf("%q: %v", words, err)
		}
		seen++
		_, example, ok := strings.Cut(out.String(), "\nExamples:\n")
		if !ok || !strings.HasPrefix(example, "  ") || !strings.Contains(strings.SplitN(example, "\n\n", 2)[0], "sallyport "+strings.Join(words, " ")) {
			t.Errorf("the help of %q has no example of it:\n%s", words, out.String())
		}
		_, below, _ := strings.Cut(out.String(), "\nAvailable Commands:\n")
		for line := range strings.Lines(below) {
			if strings.TrimSpace(line) == "" {
				break
			}
			if name := strings.Fields(line)[0]; name != "help" {
				walk(append(words[:len(words):len(words)], name))
			}
		}
	}
	walk(nil)
	if seen < 8 {
		t.Errorf("found only %d commands", seen)
	}
}
