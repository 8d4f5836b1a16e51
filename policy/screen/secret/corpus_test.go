package secret

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestCorpus prints what is found in the harmless texts of a folder, by what they
// are, by suite and by rule. With SALLYPORT_SHOW set to part of a rule's name it
// shows where, but only the names of the texts and the places in them.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("SALLYPORT_CORPORA")
	if dir == "" {
		t.Skip("SALLYPORT_CORPORA names no folder of labelled texts")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatal("no *.jsonl in ", dir)
	}
	rows, show := map[string]*row{}, os.Getenv("SALLYPORT_SHOW")
	for _, name := range files {
		count(t, name, rows, show)
	}
	fmt.Printf("%-60s %7s %7s %7s  %s\n", "direction | category | suite", "texts", "known", "guessed", "rules")
	for _, k := range slices.SortedFunc(maps.Keys(rows), cmp.Compare) {
		r := rows[k]
		fmt.Printf("%-60s %7d %7d %7d  %v\n", k, r.texts, r.known, r.guessed, r.rules)
	}
}

// row counts texts, and those in which something was found.
type row struct {
	texts, known, guessed int
	rules                 map[string]int
}

func count(t *testing.T, file string, rows map[string]*row, show string) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r struct{ ID, Source, Direction, Label, Category, Text string }
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(file, err)
		}
		if r.Label != "benign" {
			continue
		}
		found := shared.Find(r.Text)
		for _, k := range []string{"ALL", r.Direction + " | ALL", r.Direction + " | " + r.Category + " | " + r.Source} {
			if rows[k] == nil {
				rows[k] = &row{rules: map[string]int{}}
			}
			rows[k].texts++
			known, guessed := 0, 0
			for _, one := range found {
				if rows[k].rules[one.Rule]++; Known(one.Rule) {
					known = 1
				} else {
					guessed = 1
				}
				if show != "" && k == "ALL" && (show == one.Rule || show == "all") {
					t.Logf("%s %s %d to %d", r.ID, one.Rule, one.Start, one.End)
				}
			}
			rows[k].known += known
			rows[k].guessed += guessed
		}
	}
}
