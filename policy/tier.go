package policy

import (
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

// What the operator says of tools' tiers, told by our conditions.
type (
	riskTable = tier.Table[match.Input]
	toolRisk  = tier.Block[match.Input]
	riskIf    = tier.If[match.Input]
	assessed  = tier.Assessed[match.Input]
)

// source is the line of the policy that decided, kept ready to print.
type source = tier.Source
