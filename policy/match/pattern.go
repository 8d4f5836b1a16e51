package match

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// Pattern splits "server/name" at its first slash, and finds those of the
// servers that the first part matches: at least one without diagnostics.
func (l *Language) Pattern(text string, rng hcl.Range, servers []string) (matched []int, name string, _ hcl.Diagnostics) {
	k := &check{Language: l}
	first, name, ok := strings.Cut(text, "/")
	switch {
	case !ok || first == "" || name == "":
		k.mistake(rng, "Not a pattern", "%q must be written \"server/name\", for instance %q.", text, example(text, servers))
		return nil, "", k.diags
	case utf8.RuneCountInString(text) > MaxPattern || !Plain(text):
		k.mistake(rng, "Unusable pattern", "%.80q is longer than %d characters, or holds control or invisible ones. Use a glob.", text, MaxPattern)
		return nil, "", k.diags
	}
	for i, s := range servers {
		if Name(first, s) {
			matched = append(matched, i)
		}
	}
	if len(matched) == 0 {
		var quoted []string
		for _, s := range servers {
			quoted = append(quoted, strconv.Quote(s))
		}
		k.mistake(rng, "No such server", "no server matches %q%s. Write \"server/name\" with one of the servers %s.", first, l.suggest(first, servers), strings.Join(quoted, ", "))
	}
	return matched, name, k.diags
}

// example completes a pattern that has no slash.
func example(text string, servers []string) string {
	text = strings.Trim(text, "/")
	server := "server"
	if len(servers) > 0 {
		server = servers[0]
	}
	if text == "" || slices.Contains(servers, text) {
		return server + "/*"
	}
	return server + "/" + text
}
