package screen

import (
	"bufio"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// record is one labelled text of a corpus.
type record struct {
	ID, Source, Direction, Label, Category, Text, Group string
}

var directions = map[string]Direction{"args": Arguments, "description": Description, "result": Result}

func corpora(t testing.TB) []record {
	dir := os.Getenv("SALLYPORT_CORPORA")
	if dir == "" {
		t.Skip("SALLYPORT_CORPORA names no folder of labelled texts")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatal("no *.jsonl in ", dir)
	}
	var all []record
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var r record
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				t.Fatal(name, err)
			}
			all = append(all, r)
		}
	}
	return all
}

// check says whether a record is in the half that nothing was tuned to.
func (r record) check() bool { return crc32.ChecksumIEEE([]byte(r.Source+"/"+r.Group))&1 == 1 }

// domain is what a record's figure belongs to.
func (r record) domain() string {
	c := r.Category
	switch {
	case r.Label == "attack" && r.Direction == "args":
		return "attack args"
	case r.Label == "attack" && r.Direction == "description":
		return "attack description"
	case r.Label == "attack" && (c == "indirect-injection" || c == "tool_output_injection"):
		return "attack explicit"
	case r.Label == "attack" && strings.HasPrefix(c, "indirect-plain"):
		return "attack plain"
	case r.Label == "attack":
		return "attack direct"
	case r.Direction == "args":
		return "benign args"
	case r.Direction == "description":
		return "benign description"
	case strings.HasPrefix(r.Source, "security-docs"):
		return "benign security"
	case c == "chat" || c == "user-prompt":
		return "benign chat"
	default:
		return "benign result"
	}
}

// TestCorpus prints what is found, by domain, suite and half. With SALLYPORT_SHOW
// set to part of a suite's name and "missed" or "found" it lists texts of the half
// that may be looked at.
func TestCorpus(t *testing.T) {
	s := New()
	type row struct{ n, above, log [2]int }
	rows := map[string]*row{}
	suite, what, _ := strings.Cut(os.Getenv("SALLYPORT_SHOW"), ":")
	for _, r := range corpora(t) {
		v := s.Text(r.Text, directions[r.Direction])
		half := 0
		if r.check() {
			half = 1
		}
		for _, k := range []string{r.domain() + " | ALL", r.domain() + " | " + r.Source} {
			if rows[k] == nil {
				rows[k] = &row{}
			}
			rows[k].n[half]++
			if v.Action.AboveLog() {
				rows[k].above[half]++
			} else if v.Action == Log {
				rows[k].log[half]++
			}
		}
		if suite != "" && strings.Contains(r.domain()+" "+r.Source, suite) && half == 0 && (what == "found") == v.Action.AboveLog() {
			text := r.Text
			for _, f := range v.Findings {
				if f.Action.AboveLog() || what != "found" {
					t.Logf("   %s %d %q", f.Rule, f.Severity, r.Text[f.Start:min(f.End, f.Start+160)])
				}
			}
			t.Logf("%s %s %.2f %.300q", r.Source, r.ID, v.Score, text)
		}
	}
	var keys []string
	for k := range rows {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	fmt.Printf("%-52s %22s %22s\n", "domain | suite", "tuned: n, above, log", "checked: n, above, log")
	for _, k := range keys {
		r := rows[k]
		fmt.Printf("%-52s", k)
		for h := range 2 {
			n := max(r.n[h], 1)
			fmt.Printf(" %5d %6.1f%% %6.1f%%", r.n[h], 100*float64(r.above[h])/float64(n), 100*float64(r.log[h])/float64(n))
		}
		fmt.Println()
	}
}
