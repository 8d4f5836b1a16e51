package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the goldens anew")

// Each case edits a log of seven records (a genesis, five decisions on tools t0
// to t4, a close; line N holds record N-1) and states what Verify finds.
//
//	delete N        swap N M        copy N M (N is put behind M)
//	change N A B    rehash N        relink N (chain N and all behind it anew)
//	insert N TEXT   (behind N)      cut N (bytes off the end)
//	append TEXT     continue        only N M (keep lines N to M)
//	upper N (the digits of the hash)
//	anchor N (of the log before the edits)
func TestTampering(t *testing.T) {
	files, err := filepath.Glob("../../testdata/audit/tamper/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Files) != 2 || len(a.Comment) == 0 {
				t.Fatal("a case has a reason and the files edit and want")
			}
			e := editor{lines: split(sample(5))}
			for line := range strings.Lines(string(a.Files[0].Data)) {
				if err := e.do(strings.Fields(line)); err != nil {
					t.Fatalf("%s: %v", strings.TrimSpace(line), err)
				}
			}
			r := verify(t, bytes.Join(e.lines, nil), e.anchors...)
			got := fmt.Sprintf("%s, %d records, %d unfinished writes\n", statusName(r.Status()), r.Records, r.TornCount)
			if r.Bad != nil {
				got += r.Bad.String() + "\n"
			}
			if *update {
				a.Files[1].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(a.Files[1].Data), got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func statusName(s Status) string {
	return []string{"broken", "intact", "unfinished"}[s]
}

// editor holds a log by its lines, each with its line feed.
type editor struct {
	lines   [][]byte
	anchors []Anchor
}

func (e *editor) do(words []string) error {
	n, m := e.index(words, 1), e.index(words, 2)
	switch words[0] {
	case "delete":
		e.lines = slices.Delete(e.lines, n, n+1)
	case "swap":
		e.lines[n], e.lines[m] = e.lines[m], e.lines[n]
	case "copy":
		e.lines = slices.Insert(e.lines, m+1, e.lines[n])
	case "only":
		e.lines = e.lines[n : m+1]
	case "change":
		e.lines[n] = bytes.Replace(e.lines[n], []byte(words[2]), []byte(words[3]), 1)
	case "upper":
		hash := e.lines[n][len(e.lines[n])-67 : len(e.lines[n])-3]
		copy(hash, bytes.ToUpper(hash))
	case "insert":
		e.lines = slices.Insert(e.lines, n+1, []byte(strings.Join(words[2:], " ")+"\n"))
	case "append":
		e.lines = append(e.lines, []byte(strings.Join(words[1:], " ")))
	case "rehash":
		e.rehash(n, "")
	case "relink":
		for i, prev := n, ""; i < len(e.lines); i++ {
			prev = e.rehash(i, prev)
		}
	case "cut":
		log := bytes.Join(e.lines, nil)
		e.lines = split(log[:len(log)-n-1])
	case "continue":
		log, err := resumed(bytes.Join(e.lines, nil))
		e.lines = split(log)
		return err
	case "anchor":
		p, _ := parseLine(bytes.TrimSuffix(e.lines[n], []byte{'\n'}))
		e.anchors = append(e.anchors, Anchor{p.seq, string(p.hash)})
	default:
		return fmt.Errorf("unknown edit")
	}
	return nil
}

// index reads a line number, from 1, as an index.
func (e *editor) index(words []string, i int) int {
	if i >= len(words) {
		return 0
	}
	n, _ := strconv.Atoi(words[i])
	return n - 1
}

// rehash makes a line prove itself again, as a forger would.
func (e *editor) rehash(n int, prev string) string {
	p, _ := parseLine(bytes.TrimSuffix(bytes.Clone(e.lines[n]), []byte{'\n'}))
	if prev != "" {
		copy(p.prev, prev)
	}
	raw, _ := hex.DecodeString(string(p.prev))
	sum := sha256.Sum256(append(raw, p.canonical...))
	copy(p.hash, hex.EncodeToString(sum[:]))
	e.lines[n] = append(p.line, '\n')
	return string(p.hash)
}
