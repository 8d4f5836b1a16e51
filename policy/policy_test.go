package policy_test

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

	"sallyport/policy"
	"sallyport/policy/ask"
	"sallyport/policy/reason"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

// TestLoad compares the mistakes, or else the warnings, of each policy with
// what the archive says. The archive's comment says why the case exists.
func TestLoad(t *testing.T) {
	for _, file := range archives(t, "load") {
		t.Run(name(file), func(t *testing.T) {
			checkGolden(t, file, func(a *txtar.Archive) string {
				p, err := policy.Parse(section(t, a, "policy.hcl"), "policy.hcl")
				if err != nil {
					return err.Error() + "\n"
				}
				return strings.Join(append([]string{"no mistakes"}, p.Warnings()...), "\n") + "\n"
			})
		})
	}
}

// TestDecide asks every line of an archive's "calls" and writes the verdict
// below it.
func TestDecide(t *testing.T) {
	for _, file := range archives(t, "decide") {
		t.Run(name(file), func(t *testing.T) {
			checkGolden(t, file, func(a *txtar.Archive) string {
				p, err := policy.Parse(section(t, a, "policy.hcl"), "policy.hcl")
				if err != nil {
					t.Fatal(err)
				}
				var out strings.Builder
				for line := range strings.Lines(string(section(t, a, "want"))) {
					line = strings.TrimSpace(line)
					switch {
					case strings.HasPrefix(line, "->"):
					case line == "" || strings.HasPrefix(line, "#"):
						fmt.Fprintln(&out, line)
					default:
						fmt.Fprintf(&out, "%s\n  -> %s\n", line, verdict(p.Decide(parseCall(t, line))))
					}
				}
				return out.String()
			})
		})
	}
}

func verdict(d policy.Decision) string {
	word := "refuse"
	switch {
	case d.Allowed():
		word = "allow"
	case d.NeedsPerson():
		word = "ask"
	}
	s := fmt.Sprintf("%s %s %v", word, d.Code(), d.Tier())
	if d.Rule() != "" {
		s += fmt.Sprintf("; %s at %s", d.Rule(), d.At())
	}
	if d.Code() == reason.RuleError || d.Code() == reason.ByRule {
		s += "; " + d.Message()
	}
	return s + question(d)
}

// question is what an asked person's channels are told besides the call: the
// tier's own source if something else asks, a note, and what is not the default
// of the terms.
func question(d policy.Decision) string {
	t := d.Terms()
	if t == nil {
		return ""
	}
	var out []string
	if d.TierRule() != d.Rule() || d.TierAt() != d.At() {
		out = append(out, fmt.Sprintf("tier by %s at %s", d.TierRule(), d.TierAt()))
	}
	if d.Note() != "" {
		out = append(out, fmt.Sprintf("note %q", d.Note()))
	}
	usual := ask.Defaults()
	for _, part := range []struct {
		name      string
		got, want any
	}{
		{"via", strings.Join(t.Via, " "), strings.Join(usual.Via, " ")},
		{"timeout", t.Timeout, usual.Timeout},
		{"life", t.Life, usual.Life},
		{"remember", t.Remember, usual.Remember},
		{"widen", t.Widen, usual.Widen},
		{"quorum", t.Quorum, usual.Quorum},
	} {
		if part.got != part.want {
			out = append(out, fmt.Sprintf("%s %v", part.name, part.got))
		}
	}
	return strings.Join(append([]string{""}, out...), "; ")
}

// parseCall reads "ROLE KIND SERVER NAME [ARGS] [FACT…]", where NAME may be a
// JSON string and ARGS is a JSON object.
func parseCall(t *testing.T, line string) policy.Call {
	t.Helper()
	kinds := map[string]policy.Kind{"tool": policy.ToolCall, "resource": policy.ResourceRead, "prompt": policy.PromptGet, "method": policy.Extension}
	fields := strings.SplitN(line, " ", 4)
	if len(fields) < 4 {
		t.Fatalf("not a call: %s", line)
	}
	c := policy.Call{Role: fields[0], Kind: kinds[fields[1]], Server: fields[2], Tool: &policy.ToolFacts{}}
	rest := fields[3]
	if strings.HasPrefix(rest, `"`) {
		rest = decodeJSON(t, rest, &c.Name)
	} else {
		c.Name, rest, _ = strings.Cut(rest, " ")
	}
	if strings.HasPrefix(strings.TrimSpace(rest), "{") {
		rest = decodeJSON(t, rest, &c.Args)
	}
	for _, fact := range strings.Fields(rest) {
		addFact(t, &c, fact)
	}
	return c
}

func decodeJSON(t *testing.T, text string, into any) (rest string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return text[d.InputOffset():]
}

func addFact(t *testing.T, c *policy.Call, fact string) {
	t.Helper()
	is := fact[0] == '+'
	switch fact[1:] {
	case "nodefinition":
		c.Tool = nil
	case "quarantined":
		c.Tool.Quarantined = "its schema does not compile"
	case "invalid":
		c.Validate = func() error { return errors.New("namespace: got number, want string") }
	case "readonly":
		c.Tool.ReadOnly = &is
	case "destructive":
		c.Tool.Destructive = &is
	case "openworld":
		c.Tool.OpenWorld = &is
	default:
		t.Fatalf("unknown fact %q", fact)
	}
}

func archives(t *testing.T, room string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "testdata", room, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases for %s: %v", room, err)
	}
	return files
}

func name(file string) string { return strings.TrimSuffix(filepath.Base(file), ".txtar") }

func section(t *testing.T, a *txtar.Archive, name string) []byte {
	t.Helper()
	for _, f := range a.Files {
		if f.Name == name {
			return f.Data
		}
	}
	t.Fatalf("no section %q", name)
	return nil
}

func checkGolden(t *testing.T, file string, run func(*txtar.Archive) string) {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(bytes.TrimSpace(a.Comment)) == 0 {
		t.Error("the case does not say why it exists")
	}
	got, want := run(a), string(section(t, a, "want"))
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("(-want +got)\n%s", cmp.Diff(want, got))
	}
	for i := range a.Files {
		if a.Files[i].Name == "want" {
			a.Files[i].Data = []byte(got)
		}
	}
	if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}
