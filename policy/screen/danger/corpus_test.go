package danger

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// refused is what the default policy refuses: one strong finding, or two rules.
func refused(found []Finding) bool {
	rules := map[string]bool{}
	for _, f := range found {
		if f.Kind == "document" {
			continue
		}
		if f.Strong {
			return true
		}
		rules[f.Rule] = true
	}
	return len(rules) > 1
}

// TestCorpus measures a folder of labelled texts, one table row for each file and
// category: CORPUS=folder go test -run Corpus -v. SHOW=file prints the misses.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("CORPUS")
	if dir == "" {
		t.Skip("no CORPUS")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		type row struct{ n, refused, logged int }
		rows := map[string]*row{}
		s := bufio.NewScanner(f)
		s.Buffer(nil, 4<<20)
		for s.Scan() {
			var r struct{ Direction, Label, Category, Text string }
			if err := json.Unmarshal(s.Bytes(), &r); err != nil || r.Direction != "args" {
				continue
			}
			found := Text(r.Text)
			for _, key := range []string{r.Label + " all", r.Label + " " + r.Category} {
				if rows[key] == nil {
					rows[key] = &row{}
				}
				rows[key].n++
				if refused(found) {
					rows[key].refused++
				} else if len(found) > 0 {
					rows[key].logged++
				}
			}
			if show := os.Getenv("SHOW"); show != "" && strings.Contains(name, show) && refused(found) == (r.Label == "benign") {
				fmt.Printf("%s %q\n   %+v\n", r.Category, r.Text[:min(len(r.Text), 400)], found)
			}
		}
		f.Close()
		var keys []string
		for k := range rows {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			r := rows[k]
			t.Logf("%-18s %-28s %5d  refused %5.1f %%  logged %5.1f %%", strings.TrimSuffix(filepath.Base(name), ".jsonl"), k, r.n, 100*float64(r.refused)/float64(r.n), 100*float64(r.logged)/float64(r.n))
		}
	}
}
