package sandbox

import (
	"maps"
	"slices"
	"strings"
)

// Inherit says which variables of an environment a child may see. The zero
// value is none.
type Inherit struct {
	All   bool
	Names []string
}

// Environ returns what inherit takes from base (entries NAME=value, as of
// os.Environ; the last of a name counts), overridden and completed by set, in
// order of name. Entries of base without a proper name are left out; a bad name
// in set is kept, for Start to refuse.
func Environ(base []string, inherit Inherit, set map[string]string) []string {
	env := make(map[string]string)
	for _, kv := range base {
		name, value, ok := strings.Cut(kv, "=")
		if ok && validName(name) && (inherit.All || slices.Contains(inherit.Names, name)) {
			env[name] = value
		}
	}
	maps.Copy(env, set)
	out := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		out = append(out, name+"="+env[name])
	}
	return out
}

func validName(name string) bool {
	return name != "" && !strings.ContainsAny(name, "=\x00")
}
