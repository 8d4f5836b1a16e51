package show

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the goldens anew")

// TestQuestions shows the questions under testdata/show. Each file says why it
// exists, then holds
//
//	question   the fields of the Question, as a JSON object
//	arguments  its Arguments, raw; optional
//	also       its Also, raw; optional
//	limits     the Limits, as a JSON object; optional
//	text       what a person is shown, which -update writes
//
// In arguments, {{N*TEXT}} is TEXT N times, and {{hex:FF}} are bytes.
func TestQuestions(t *testing.T) {
	for _, file := range questions(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, q, l := readQuestion(t, file)
			got := q.Text(l)
			checkText(t, q, l)
			if *update {
				want := archive.Files[len(archive.Files)-1]
				if want.Name == "text" {
					archive.Files = archive.Files[:len(archive.Files)-1]
				}
				archive.Files = append(archive.Files, txtar.File{Name: "text", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(section(archive, "text")), got); diff != "" {
				t.Errorf("the question differs (-want +got):\n%s", diff)
			}
		})
	}
}

func questions(t testing.TB) []string {
	files, err := filepath.Glob("../../testdata/show/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no questions: %v", err)
	}
	return files
}

func readQuestion(t testing.TB, file string) (archive *txtar.Archive, q Question, l Limits) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(bytes.TrimSpace(archive.Comment)) < 40 {
		t.Errorf("%s must say why it exists", file)
	}
	for name, into := range map[string]any{"question": &q, "limits": &l} {
		text := section(archive, name)
		if text == nil {
			continue
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(into); err != nil {
			t.Fatalf("%s: %s: %v", file, name, err)
		}
	}
	q.Arguments = expand(t, section(archive, "arguments"))
	q.Also = expand(t, section(archive, "also"))
	return archive, q, l
}

func section(a *txtar.Archive, name string) []byte {
	for _, f := range a.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

var macro = regexp.MustCompile(`\{\{(\d+)\*(.*?)\}\}|\{\{hex:([0-9A-Fa-f]*)\}\}`)

func expand(t testing.TB, text []byte) []byte {
	if text == nil {
		return nil
	}
	return macro.ReplaceAllFunc(bytes.TrimSpace(text), func(m []byte) []byte {
		parts := macro.FindSubmatch(m)
		if parts[1] == nil {
			b, err := hex.DecodeString(string(parts[3]))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		n, _ := strconv.Atoi(string(parts[1]))
		return bytes.Repeat(parts[2], n)
	})
}

var sizes = regexp.MustCompile(`^    (Arguments|Also sent)   (none|\d+ bytes, SHA-256 [0-9a-f]{12}( \(NOT ALL SHOWN\))?)$`)

// checkText holds a question to what is promised of every one.
func checkText(t *testing.T, q Question, l Limits) {
	t.Helper()
	text := q.Text(l)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if lines[0] != "sallyport asks: may this call be made?" || lines[1] != "" {
		t.Errorf("it begins with %q", lines[:2])
	}
	if lines[len(lines)-1]+"\n" != closing {
		t.Errorf("it ends with %q", lines[len(lines)-1])
	}
	within := 0
	for _, line := range lines[2:] {
		if !strings.HasPrefix(line, "    ") {
			t.Errorf("a line begins with %q", line)
		}
		rest := strings.TrimPrefix(line, gutter)
		if rest != line {
			within++
		}
		if line+"\n" != closing {
			checkSafe(t, rest)
		}
	}
	if most := 2*max(l.orDefault().Lines, 250) + 5; within > most && l.Text <= 400 {
		t.Errorf("%d lines of arguments", within)
	}
	neutral := q
	neutral.Arguments = []byte("{}")
	if q.Also != nil {
		neutral.Also = []byte("{}")
	}
	if diff := cmp.Diff(frame(neutral.Text(l)), frame(text)); diff != "" {
		t.Errorf("the arguments change the question (-neutral +got):\n%s", diff)
	}
}

// frame is what stands outside of the gutter, without sizes and digests.
func frame(text string) (lines []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := sizes.FindStringSubmatch(line); m != nil {
			line = m[1]
		}
		if !strings.HasPrefix(line, gutter) {
			lines = append(lines, line)
		}
	}
	return lines
}

// FuzzQuestion: whatever the fields say, the frame of the question stands, and
// the arguments cannot alter anything outside of their gutter.
func FuzzQuestion(f *testing.F) {
	for _, file := range questions(f) {
		_, q, _ := readQuestion(f, file)
		f.Add(q.Tool, q.Agent+q.Server, q.Message, q.TierBy+q.Rule, q.Arguments, q.Also)
	}
	f.Fuzz(func(t *testing.T, tool, agent, message, by string, arguments, also []byte) {
		q := Question{Role: agent, Agent: agent, Server: agent, Tool: tool, Tier: by, TierBy: by, TierAt: tool,
			Rule: by, RuleAt: agent, Message: message, Arguments: arguments, Also: also, Quorum: 2}
		checkText(t, q, Limits{})
		checkText(t, q, Limits{Text: 5, Lines: 4})
		checkText(t, Question{Tool: tool, Arguments: also}, Limits{Lines: 10})
	})
}

func TestDigest(t *testing.T) {
	if got, want := Digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; got != want {
		t.Errorf("got %s", got)
	}
}

func BenchmarkQuestion(b *testing.B) {
	for _, c := range []struct {
		name string
		n    int
	}{{"1KB", 1 << 10}, {"100KB", 100 << 10}, {"10MB", 10 << 20}} {
		member := `{"name":"a service","image":"registry.internal/app:1.2","replicas":3,"note":"тест"},`
		manifest := []byte(`{"items":[` + strings.Repeat(member, c.n/len(member)) + `null]}`)
		text := []byte(`{"body":"` + strings.Repeat("All work and no play. ", c.n/22) + `"}`)
		for kind, arguments := range map[string][]byte{"tree": manifest, "text": text} {
			b.Run(kind+"/"+c.name, func(b *testing.B) {
				q := Question{Role: "dev", Agent: "client", Server: "kubernetes", Tool: "kubectl_delete", Tier: "delete", Arguments: arguments}
				b.SetBytes(int64(len(arguments)))
				b.ReportAllocs()
				for b.Loop() {
					q.Text(Limits{})
				}
			})
		}
	}
}
