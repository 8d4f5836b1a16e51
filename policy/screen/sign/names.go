package sign

import "strings"

// Names are the names of all rules, in the order of the book.
func Names() []string {
	var names []string
	for line := range strings.Lines(ruleList) {
		if f := strings.Fields(line); len(f) > 1 && f[0][0] != '#' {
			names = append(names, f[0]+"/"+f[1])
		}
	}
	return names
}
