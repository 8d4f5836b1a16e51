package guard

import (
	"context"
	"sync"

	"sallyport/policy/handling"
	"sallyport/policy/screen/danger"
	"sallyport/proxy/wire"
)

// Reading is how the arguments of a server's tools are read.
type Reading struct {
	Documents string   // as danger.Options has it
	Roots     []string // folders that paths may be in; none is no limit
}

// Shelf keeps what was seen in one server's definitions, so that each is looked
// at once. Its methods may be called from several goroutines.
type Shelf struct {
	guard   *Guard
	server  string
	options danger.Options
	names   *danger.Plan // of a tool that is not known

	mu    sync.Mutex
	tools map[[32]byte]*shelved
}

type shelved struct {
	seen *Seen
	plan *danger.Plan
	told bool
}

// maxShelved bounds the definitions that are kept; beyond, all are looked at anew.
const maxShelved = 10_000

// Shelf is a new shelf for a server.
func (g *Guard) Shelf(server string, r Reading) *Shelf {
	o := danger.Options{Documents: r.Documents, Roots: r.Roots}
	return &Shelf{guard: g, server: server, options: o, names: (*danger.Plan)(nil).With(o), tools: map[[32]byte]*shelved{}}
}

// Tool is a definition by its name, its bytes and their digest.
type Tool struct {
	Name   string
	Raw    []byte
	Digest [32]byte
}

// Tool looks at a tool's definition.
func (s *Shelf) Tool(ctx context.Context, t *handling.Table, tool Tool) *Seen {
	return s.of(ctx, tool).seen.by(t)
}

// Quarantine says why a tool must not be called, or nothing.
func (s *Shelf) Quarantine(ctx context.Context, t *handling.Table, tool Tool) string {
	one := s.of(ctx, tool)
	if len(one.seen.Found) == 0 {
		return ""
	}
	if seen := one.seen.by(t); seen.Shown(tool.Raw) == nil {
		return seen.Refusal(handling.Definitions, seen.Found)
	}
	return ""
}

// First reports whether it is asked for the first time about a definition.
func (s *Shelf) First(tool Tool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.tools[tool.Digest]
	if one == nil || one.told {
		return false
	}
	one.told = true
	return true
}

// Plan is what a tool's arguments are; of a tool without bytes only their names
// are known.
func (s *Shelf) Plan(ctx context.Context, tool Tool) *danger.Plan {
	if tool.Raw == nil {
		return s.names
	}
	return s.of(ctx, tool).plan
}

func (s *Shelf) of(ctx context.Context, tool Tool) *shelved {
	s.mu.Lock()
	one := s.tools[tool.Digest]
	s.mu.Unlock()
	if one != nil {
		return one
	}
	description, _ := wire.Text(wire.Get(tool.Raw, "description"))
	one = &shelved{
		seen: s.guard.Look(ctx, nil, handling.Subject{Place: handling.Definitions, Server: s.server, Tool: tool.Name}, tool.Raw),
		plan: danger.Kinds(danger.Facts{Tool: tool.Name, Description: description, Schema: wire.Get(tool.Raw, "inputSchema")}).With(s.options),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tools) >= maxShelved {
		clear(s.tools)
	}
	s.tools[tool.Digest] = one
	return one
}

// by is the same sight, judged by a table.
func (s *Seen) by(t *handling.Table) *Seen {
	other := *s
	other.table, other.leaves = t, append([]place(nil), s.leaves...)
	other.Verdict = t.Judge(s.subject, s.Found)
	return &other
}

// Shown is the value that was looked at as it may be shown, or nil if nothing of
// it may.
func (s *Seen) Shown(raw []byte) []byte {
	if s.Action <= handling.Quarantine {
		return nil
	}
	edits, ok := s.Edits()
	switch {
	case !ok:
		return nil
	case len(edits) == 0:
		return raw
	}
	return wire.Splice(nil, raw, edits...)
}
