package scan

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sallyport/cmd/sallyport/scan/inspect"
	"sallyport/cmd/sallyport/words"
	"sallyport/policy/handling"
	"sallyport/proxy/show"
)

// server looks at all that a server says of itself, and sums it up. What a server
// that fails has said until then is looked at too.
func (s *scanner) server(ctx context.Context, o *options) (string, error) {
	srv, err := o.program.Server(o.config, o.server, o.command)
	if err != nil {
		return "", &words.Exit{Code: 2, Err: err}
	}
	patient, cancel := context.WithTimeoutCause(ctx, o.timeout, fmt.Errorf("no answer within %s (--timeout gives more)", o.timeout))
	defer cancel()
	said, failed := inspect.Read(patient, srv.Start, o.program.Version)
	t := tally{kinds: map[inspect.Kind]int{}}
	for i, d := range said {
		if ctx.Err() != nil {
			failed = ctx.Err()
			break
		}
		t.kinds[d.Kind]++
		s.definition(place{server: srv.Name, nth: i, kind: d.Kind, name: d.Name}, d.Raw, &t)
	}
	switch {
	case errors.Is(failed, context.Canceled):
		return "", &words.Exit{Code: 130, Err: errors.New("interrupted")}
	case failed != nil && len(said) == 0:
		return "", &words.Exit{Code: 2, Err: fmt.Errorf("server %q: %w", srv.Name, lines(failed))}
	case failed != nil:
		return "not all of it was read: " + t.String(), &words.Exit{Code: 2, Err: fmt.Errorf("server %q: %w", srv.Name, lines(failed))}
	}
	return t.String(), nil
}

// definition looks at each text of a definition by itself.
func (s *scanner) definition(p place, raw []byte, t *tally) {
	for leaf := range inspect.Leaves(raw) {
		p.path = leaf.Where()
		for _, f := range s.look(p, leaf.Text, handling.Definitions).Findings {
			if aboveLog(f.action) {
				t.found++
			}
		}
	}
}

// lines makes what a server may have said last fit to be shown, line by line.
func lines(err error) error {
	var shown []string
	for line := range strings.Lines(err.Error()) {
		shown = append(shown, show.Line(strings.TrimRight(line, "\r\n"), 600))
	}
	return errors.New(strings.Join(shown, "\n  "))
}

// tally counts what was looked at.
type tally struct {
	kinds map[inspect.Kind]int
	found int // findings above log
}

// String is like "36 tools, 2 prompts, instructions: 1 finding above log".
func (t *tally) String() string {
	var parts []string
	for _, kind := range [...]inspect.Kind{inspect.Tool, inspect.Prompt, inspect.Resource, inspect.Template} {
		if n := t.kinds[kind]; n > 0 {
			parts = append(parts, count(n, string(kind)))
		}
	}
	if t.kinds[inspect.Instructions] > 0 {
		parts = append(parts, "instructions")
	}
	if len(parts) == 0 {
		parts = []string{"no tools, prompts or resources"}
	}
	return strings.Join(parts, ", ") + ": " + count(t.found, "finding") + " above log\n"
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
