package show

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// Change is one line of a diff: Op is ' ', '+' or '-'; a gap of unchanged lines
// is Op '@' with a text saying how many.
type Change struct {
	Op   byte
	Text string
}

// What is larger is not compared line by line.
const (
	mostCompared      = 1 << 20 // bytes
	mostComparedLines = 2000
)

// Diff compares two argument values as laid out by JSON, but without commas,
// for a new last member changes nothing in the one before. Values that differ
// in white space or in how a string is escaped do not differ. For anything too
// large it only says that they differ, with both digests.
func Diff(before, after []byte) []Change {
	if bytes.Equal(before, after) {
		return nil
	}
	x, okX := laid(before)
	y, okY := laid(after)
	if !okX || !okY {
		return []Change{{'-', "⟨" + size(before) + "⟩"}, {'+', "⟨" + size(after) + "⟩"}}
	}
	_, body, _ := strings.Cut(string(diff.Diff("before", x, "after", y)), "+++ after\n")
	var out []Change
	told := 0 // lines of before that are accounted for
	for text := range strings.Lines(body) {
		text = strings.TrimSuffix(text, "\n")
		if !strings.HasPrefix(text, "@@") {
			out = append(out, Change{text[0], text[1:]})
			if text[0] != '+' {
				told++
			}
			continue
		}
		var line, count int
		if _, err := fmt.Sscanf(text, "@@ -%d,%d", &line, &count); err != nil {
			panic("show: a diff of another form: " + text)
		}
		if count > 0 {
			line-- // with lines, it is the number of the first
		}
		out = appendGap(out, line-told)
		told = line
	}
	if out == nil {
		return nil
	}
	return appendGap(out, bytes.Count(x, []byte("\n"))-told)
}

func appendGap(changes []Change, lines int) []Change {
	if lines == 0 {
		return changes
	}
	return append(changes, Change{'@', fmt.Sprintf("⟨unchanged: %d lines⟩", lines)})
}

// laid returns a value's lines, or false if they are too many.
func laid(raw []byte) ([]byte, bool) {
	if len(raw) > mostCompared {
		return nil, false
	}
	lines := sheet{limits: Limits{Lines: mostComparedLines + 1}.orDefault()}.lay(raw)
	if len(lines) > mostComparedLines {
		return nil, false
	}
	var out []byte
	for _, line := range lines {
		out = append(append(out, line...), '\n')
	}
	return out, true
}
