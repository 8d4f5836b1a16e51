// Package match answers whether the names and values of a call are what an
// operator wrote: globs, URIs, paths, hosts and HCL conditions. What can be
// read in two ways, or cannot be told, is an error and never an answer.
package match

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxPattern bounds a pattern's length in characters, and with it the cost of
// one match.
const MaxPattern = 512

// Name matches a whole name: '*' is any run of characters, '?' is one
// character, everything else stands for itself. It never backtracks further
// than the last '*', so its cost is bounded by len(pattern)·len(s).
func Name(pattern, s string) bool {
	p, i := 0, 0
	star, resume := -1, 0
	for p < len(pattern) || i < len(s) {
		if p < len(pattern) {
			switch {
			case pattern[p] == '*':
				star, resume = p, i
				p++
				continue
			case i >= len(s):
			case pattern[p] == '?':
				_, n := utf8.DecodeRuneInString(s[i:])
				p, i = p+1, i+n
				continue
			case pattern[p] == s[i]:
				p, i = p+1, i+1
				continue
			}
		}
		if star < 0 || resume >= len(s) {
			return false
		}
		_, n := utf8.DecodeRuneInString(s[resume:])
		resume += n
		p, i = star+1, resume
	}
	return true
}

// URI matches a whole URI: '*' is any run without '/', '**' any run, '?'
// one character but '/', everything else stands for itself.
type URI struct {
	prefix string // literal start, compared first
	rest   string
	tokens []uriToken // of rest
}

type uriToken struct {
	r        rune // the literal, when none of the others is set
	one      bool
	star     bool
	crossing bool // a star that crosses '/'
}

// CompileURI prepares a pattern of at most MaxPattern characters.
func CompileURI(pattern string) URI {
	cut := strings.IndexAny(pattern, "*?")
	if cut < 0 {
		return URI{prefix: pattern}
	}
	g := URI{prefix: pattern[:cut], rest: pattern[cut:]}
	for i := 0; i < len(g.rest); {
		switch {
		case strings.HasPrefix(g.rest[i:], "**"):
			g.tokens = append(g.tokens, uriToken{star: true, crossing: true})
			i += 2
		case g.rest[i] == '*':
			g.tokens = append(g.tokens, uriToken{star: true})
			i++
		case g.rest[i] == '?':
			g.tokens = append(g.tokens, uriToken{one: true})
			i++
		default:
			r, n := utf8.DecodeRuneInString(g.rest[i:])
			g.tokens = append(g.tokens, uriToken{r: r})
			i += n
		}
	}
	return g
}

// Match reports whether the pattern covers the whole of s.
func (g URI) Match(s string) bool {
	s, ok := strings.CutPrefix(s, g.prefix)
	switch {
	case !ok:
		return false
	case g.rest == "":
		return s == ""
	case g.rest == "**":
		return true
	default:
		return g.simulate(s)
	}
}

// simulate follows all readings of the pattern at once: linear in the text
// whatever the pattern, where backtracking over two kinds of star is not.
func (g URI) simulate(s string) bool {
	var a, b [MaxPattern + 1]bool
	now, next := &a, &b
	now[0] = true
	for _, r := range s {
		alive := false
		for i, t := range g.tokens {
			if !now[i] {
				continue
			}
			now[i] = false
			to := i + 1
			switch {
			case t.star:
				now[i+1] = true // a star may stand for nothing
				if r == '/' && !t.crossing {
					continue
				}
				to = i
			case t.one && r == '/', !t.one && r != t.r:
				continue
			}
			next[to], alive = true, true
		}
		now[len(g.tokens)] = false
		if !alive {
			return false
		}
		now, next = next, now
	}
	for i, t := range g.tokens {
		if now[i] && t.star {
			now[i+1] = true
		}
	}
	return now[len(g.tokens)]
}

// Hidden reports whether one of the patterns of a policy's redact matches the
// value at a path of member names, outermost first.
func Hidden(redact, path []string) bool {
	return slices.ContainsFunc(redact, func(hide string) bool { return Member(hide, path) })
}

// Member matches the end of a path of member names, outermost first: a pattern
// without dots its last name, one with dots as many names as it has parts.
// The pattern is in lower case; the names compare without regard to case.
func Member(pattern string, path []string) bool {
	if len(path) == 0 {
		return false
	}
	if Name(pattern, strings.ToLower(path[len(path)-1])) {
		return true
	}
	parts := strings.Split(pattern, ".")
	if len(parts) > len(path) {
		return false
	}
	for i, name := range path[len(path)-len(parts):] {
		if !Name(parts[i], strings.ToLower(name)) {
			return false
		}
	}
	return true
}
