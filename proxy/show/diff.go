package show

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// Change is one line of a comparison. Op is ' ', '+' or '-', or '@' for lines
// that are the same and left out.
type Change struct {
	Op   byte
	Text string
}

// maxCompared bounds what is compared line by line.
const maxCompared = 64 << 10

// Diff compares arguments with those of an earlier call. It is nil if both are
// laid out alike.
func Diff(before, after []byte) []Change {
	if bytes.Equal(before, after) {
		return nil
	}
	if len(before)+len(after) > maxCompared {
		return []Change{{'-', Size(before)}, {'+', Size(after)}}
	}
	lay := func(raw []byte) []byte {
		return []byte(strings.Join(JSON(raw, All), "\n") + "\n")
	}
	var all []Change
	for i, line := range strings.Split(string(diff.Diff("before", lay(before), "after", lay(after))), "\n") {
		switch {
		case i < 3 || line == "": // the heads of both files
		case line[0] == '@':
			_, now, _ := strings.Cut(line, "+")
			from, _, _ := strings.Cut(now, ",")
			all = append(all, Change{'@', fmt.Sprintf("⟨from line %s⟩", from)})
		default:
			all = append(all, Change{line[0], line[1:]})
		}
	}
	return all
}
