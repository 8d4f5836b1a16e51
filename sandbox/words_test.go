package sandbox

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var midnight = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func collect() (*words, *[]string) {
	var told []string
	return newWords(func(line []byte) { told = append(told, string(line)) }), &told
}

func TestLongLines(t *testing.T) {
	fits := strings.Repeat("x", lineLimit)
	cut := fits[:lineLimit-len(cutMark)] + cutMark
	for _, c := range []struct{ why, in, want string }{
		{"the limit itself is whole", fits, fits},
		{"one more is cut, with a mark, to the limit", fits + "x", cut},
		{"escapes count as they are shown", strings.Repeat("\a", lineLimit/4), strings.Repeat(`\x07`, lineLimit/4)},
		{"an escape is shown whole or not at all", strings.Repeat("\a", lineLimit/4+1),
			strings.Repeat(`\x07`, (lineLimit-len(cutMark))/4) + cutMark},
	} {
		w, told := collect()
		w.feed([]byte(c.in+"\nnext\n"), midnight)
		if diff := cmp.Diff([]string{c.want, "next"}, *told); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.why, diff)
		}
	}
}

func TestEndlessLineIsBounded(t *testing.T) {
	w, told := collect()
	for range 10_000 {
		w.feed(bytes.Repeat([]byte("x"), 1000), midnight)
	}
	if len(*told) != 0 || cap(w.line) != lineLimit {
		t.Errorf("told %d, kept %d bytes", len(*told), cap(w.line))
	}
	w.end(midnight)
	if len(*told) != 1 {
		t.Errorf("the line was not told at the end")
	}
}

func TestRate(t *testing.T) {
	w, told := collect()
	flood := []byte(strings.Repeat("x\n", 1000))
	count := func() map[string]int {
		n := map[string]int{}
		for _, line := range *told {
			n[line]++
		}
		*told = nil
		return n
	}
	check := func(why string, want map[string]int) {
		t.Helper()
		if diff := cmp.Diff(want, count()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", why, diff)
		}
	}
	w.feed(flood, midnight)
	check("a burst, and the first loss told at once", map[string]int{"x": 200, "… 1 lines dropped": 1})
	w.feed(flood, midnight.Add(500*time.Millisecond))
	check("half a second's worth, and no report so soon", map[string]int{"x": 50})
	w.report(midnight.Add(time.Second))
	check("a report although nothing more comes", map[string]int{"… 1749 lines dropped": 1})
	w.feed(flood, midnight.Add(time.Hour))
	check("never more than a burst", map[string]int{"x": 200, "… 1 lines dropped": 1})
	w.end(midnight.Add(time.Hour))
	check("nothing is lost untold", map[string]int{"… 799 lines dropped": 1})
}

func TestLastWordsAreBounded(t *testing.T) {
	for _, c := range []struct {
		why  string
		in   []string
		want string
	}{
		{"nothing said", nil, ""},
		{"short lines in order", []string{"a", "b"}, "a\nb"},
		{"the newest win", []string{strings.Repeat("a", 2000), strings.Repeat("b", 2000)}, strings.Repeat("b", 2000)},
		{"one long line is cut", []string{strings.Repeat("é", 2000)}, strings.Repeat("é", keptBytes/2)},
		{"made printable", []string{"a\x1b[2J\xff"}, `a\x1b[2J\xff`},
	} {
		w, _ := collect()
		w.feed([]byte(strings.Join(append(c.in, ""), "\n")), midnight)
		if diff := cmp.Diff(c.want, w.last()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.why, diff)
		}
	}
}

// However the bytes are cut up, the lines are the same, printable and bounded.
func FuzzWords(f *testing.F) {
	f.Add([]byte("one\r\ntwo\x1b[0m\n\xff\xfe\n\u202e"), uint8(3))
	f.Add([]byte(strings.Repeat("\xe2\x82", 3000)), uint8(1))
	f.Add([]byte(strings.Repeat("\u200b", 3000)+"\n"), uint8(200))
	f.Fuzz(func(t *testing.T, p []byte, step uint8) {
		whole, told := collect()
		whole.feed(p, midnight)
		whole.end(midnight)
		pieces, toldToo := collect()
		for rest := p; len(rest) > 0; {
			n := min(int(step)+1, len(rest))
			pieces.feed(rest[:n], midnight)
			rest = rest[n:]
		}
		pieces.end(midnight)
		if diff := cmp.Diff(*told, *toldToo); diff != "" {
			t.Errorf("cut up it differs (-whole +pieces)\n%s", diff)
		}
		for _, line := range append(*told, strings.Split(whole.last(), "\n")...) {
			if len(line) > lineLimit || !utf8.ValidString(line) || strings.ContainsFunc(line, unprintable) {
				t.Errorf("not fit to show: %q", line)
			}
		}
		if n := len(whole.last()); n > keptBytes {
			t.Errorf("last words of %d bytes", n)
		}
		dropped := 0
		for _, line := range *told {
			var n int
			if _, err := fmt.Sscanf(line, "… %d lines dropped", &n); err == nil {
				dropped += n - 1
			}
		}
		lines := bytes.Count(p, []byte("\n"))
		if len(p) > 0 && p[len(p)-1] != '\n' {
			lines++
		}
		if got := len(*told) + dropped; got != lines && !bytes.Contains(p, []byte("…")) {
			t.Errorf("%d lines accounted for, of %d", got, lines)
		}
	})
}

func unprintable(r rune) bool { return !strconv.IsPrint(r) }

func BenchmarkStderr(b *testing.B) {
	w := newWords(nil)
	p := []byte(strings.Repeat("2025-01-01 level=info some line of a usual length, say eighty bytes or so\n", 100))
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		w.feed(p, midnight)
	}
}
