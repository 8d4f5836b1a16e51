package tier

import (
	"iter"
	"slices"
)

// Source is a line of the policy, kept ready to print.
type Source struct {
	Rule string // for instance: allow "fs/*"
	At   string // file:line
}

// Condition is told of a call's arguments. An error means that it cannot be.
type Condition[In any] interface {
	Holds(in In) (bool, error)
}

// Block is one tool block, or a server's risk for tools without a block.
type Block[In any] struct {
	Label             string // exact name or glob
	Tier              Tier   // may be Infer
	Ifs               []If[In]
	IgnoreAnnotations bool
	By                *Source
}

// If raises a tier where its condition holds.
type If[In any] struct {
	When Condition[In]
	Tier Tier
	By   *Source
}

// Table finds what the operator says of a tool.
type Table[In any] struct {
	Exact    map[string]*Block[In]
	Globs    []*Block[In]
	Fallback Block[In]
	Match    func(pattern, name string) bool
}

// Assessed is a tier together with what it depends on.
type Assessed[In any] struct {
	Tier Tier
	By   *Source
	ifs  []If[In]
}

// blocks are those that speak of a tool: the one with its exact name, or else
// all globs that match it, or else the server's word for all others.
func (t *Table[In]) blocks(name string) iter.Seq[*Block[In]] {
	return func(yield func(*Block[In]) bool) {
		if b := t.Exact[name]; b != nil {
			yield(b)
			return
		}
		matched := false
		for _, b := range t.Globs {
			if t.Match(b.Label, name) {
				matched = true
				if !yield(b) {
					return
				}
			}
		}
		if !matched {
			yield(&t.Fallback)
		}
	}
}

// Assess gives a tool's tier before its arguments are looked at. Among several
// blocks the highest tier wins, all their risk_if blocks count, and annotations
// are ignored only if all of them say so.
func (t *Table[In]) Assess(name string, facts *Facts) Assessed[In] {
	var out Assessed[In]
	for b := range t.blocks(name) {
		if t := b.assess(name, facts); t > out.Tier {
			out.Tier, out.By = t, b.By
		}
		if len(out.ifs) == 0 {
			out.ifs = b.Ifs
		} else {
			out.ifs = slices.Concat(out.ifs, b.Ifs)
		}
	}
	return out
}

func (b *Block[In]) assess(name string, facts *Facts) Tier {
	if b.IgnoreAnnotations {
		facts = nil
	}
	if b.Tier == Infer {
		return facts.Raise(Of(name, facts))
	}
	return facts.Raise(b.Tier)
}

// RaisedBy lifts a tier by the risk_if blocks that match the arguments. A
// condition that cannot be told counts as matching.
func (a Assessed[In]) RaisedBy(in In) (Tier, *Source) {
	t, by := a.Tier.OrDelete(), a.By
	for _, r := range a.ifs {
		if r.Tier <= t {
			continue
		}
		if holds, err := r.When.Holds(in); holds || err != nil {
			t, by = r.Tier, r.By
		}
	}
	return t, by
}

// ReadsFacts reports whether a tool's tier depends on its annotations.
func (t *Table[In]) ReadsFacts(name string) bool {
	for b := range t.blocks(name) {
		if !b.IgnoreAnnotations {
			return true
		}
	}
	return false
}
