package engine

import "strings"

// mountable says whether a path can stand in a --mount, whose fields end at commas
// and may be quoted.
func mountable(path string) bool {
	return !strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f || r == ',' || r == '"' || r == '\\' })
}
