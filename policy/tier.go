package policy

import (
	"iter"
	"slices"

	"sallyport/policy/match"
	"sallyport/policy/tier"
)

// Tier is the risk of a call; the zero Tier counts as Delete.
type Tier = tier.Tier

// The tiers in rising order; Delete and External wait for a person.
const (
	Read     = tier.Read
	Modify   = tier.Modify
	Delete   = tier.Delete
	External = tier.External
)

// ToolFacts are what an upstream says of one tool.
type ToolFacts = tier.Facts

// toolRisk is one tool block, or a server's risk for tools without a block.
type toolRisk struct {
	label             string // exact name or glob
	tier              Tier   // may be inferred
	ifs               []riskIf
	ignoreAnnotations bool
	by                *source
}

type riskIf struct {
	when *match.Condition
	tier Tier
	by   *source
}

// riskTable finds what the operator says of a tool.
type riskTable struct {
	exact    map[string]*toolRisk
	globs    []*toolRisk
	fallback toolRisk
}

// assessed is a tier together with what it depends on.
type assessed struct {
	tier Tier
	by   *source
	ifs  []riskIf
}

// blocks are those that speak of a tool: the one with its exact name, or else
// all globs that match it, or else the server's word for all others.
func (t *riskTable) blocks(name string) iter.Seq[*toolRisk] {
	return func(yield func(*toolRisk) bool) {
		if r := t.exact[name]; r != nil {
			yield(r)
			return
		}
		matched := false
		for _, r := range t.globs {
			if match.Name(r.label, name) {
				matched = true
				if !yield(r) {
					return
				}
			}
		}
		if !matched {
			yield(&t.fallback)
		}
	}
}

// assess gives a tool's tier before its arguments are looked at. Among several
// blocks the highest tier wins, all their risk_if blocks count, and annotations
// are ignored only if all of them say so.
func (t *riskTable) assess(name string, facts *ToolFacts) assessed {
	var out assessed
	for r := range t.blocks(name) {
		if t := r.assess(name, facts); t > out.tier {
			out.tier, out.by = t, r.by
		}
		if len(out.ifs) == 0 {
			out.ifs = r.ifs
		} else {
			out.ifs = slices.Concat(out.ifs, r.ifs)
		}
	}
	return out
}

func (r *toolRisk) assess(name string, facts *ToolFacts) Tier {
	if r.ignoreAnnotations {
		facts = nil
	}
	if r.tier == tier.Infer {
		return facts.Raise(tier.Of(name, facts))
	}
	return facts.Raise(r.tier)
}

// raisedBy lifts a tier by the risk_if blocks that match the arguments. A
// condition that cannot be told counts as matching.
func (a assessed) raisedBy(in match.Input) (Tier, *source) {
	t, by := a.tier.OrDelete(), a.by
	for _, r := range a.ifs {
		if r.tier <= t {
			continue
		}
		if holds, err := r.when.Holds(in); holds || err != nil {
			t, by = r.tier, r.by
		}
	}
	return t, by
}

// readsFacts reports whether a tool's tier depends on its annotations.
func (t *riskTable) readsFacts(name string) bool {
	for r := range t.blocks(name) {
		if !r.ignoreAnnotations {
			return true
		}
	}
	return false
}
