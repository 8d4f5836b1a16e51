package match

import "strings"

// Set is an ordered set of patterns, each with a tag that says whose it is.
// Its zero value matches nothing.
type Set[T any] struct {
	exact map[string]*pattern[T]
	globs []*pattern[T]
}

type pattern[T any] struct {
	text string
	uri  *URI // nil: text is matched as a name
	tag  T
}

// Add puts a pattern at the end. A pattern of URIs keeps '*' within one path
// segment; a pattern of names does not.
func (s *Set[T]) Add(text string, ofURIs bool, tag T) {
	p := &pattern[T]{text: text, tag: tag}
	switch {
	case !strings.ContainsAny(text, "*?"):
		if s.exact == nil {
			s.exact = map[string]*pattern[T]{}
		}
		if s.exact[text] == nil {
			s.exact[text] = p
		}
		return
	case ofURIs:
		uri := CompileURI(text)
		p.uri = &uri
	}
	s.globs = append(s.globs, p)
}

// Find gives the tag of the pattern that covers name: the exact one, or else
// the first glob; nil when none does.
func (s *Set[T]) Find(name string) *T {
	if p := s.exact[name]; p != nil {
		return &p.tag
	}
	for _, p := range s.globs {
		if p.covers(name) {
			return &p.tag
		}
	}
	return nil
}

// Empty reports whether there is no pattern.
func (s *Set[T]) Empty() bool { return len(s.exact)+len(s.globs) == 0 }

// CoversAll reports whether every name, however it is spelt, is covered by one
// of the patterns "*" and "**".
func (s *Set[T]) CoversAll(name string) bool {
	for _, p := range s.globs {
		if (p.text == "*" || p.text == "**") && p.covers(name) {
			return true
		}
	}
	return false
}

func (p *pattern[T]) covers(name string) bool {
	if p.uri != nil {
		return p.uri.Match(name)
	}
	return Name(p.text, name)
}
