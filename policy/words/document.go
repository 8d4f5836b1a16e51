package words

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Document reads the blocks of a whole file, without their values.
func (r *Reader) Document(body hcl.Body) Document {
	var doc Document
	body, labelled := r.apart(body)
	r.Add(gohcl.DecodeBody(body, nil, &doc))
	var with struct {
		Tiers    []TierBlock     `hcl:"approval,block"`
		Handling []HandlingBlock `hcl:"screen,block"`
	}
	r.Add(gohcl.DecodeBody(labelled, nil, &with))
	doc.Tiers, doc.Handling = with.Tiers, with.Handling
	for _, extra := range doc.Approvals[min(1, len(doc.Approvals)):] {
		first := doc.Approvals[0].Range
		r.Mistake(extra.Range, "Duplicate approval block", "The approval block without a label stands at %s:%d already. Join the two, or give this one a tier for its label, for instance approval \"delete\".", first.Filename, first.Start.Line)
	}
	for _, extra := range doc.Screens[min(1, len(doc.Screens)):] {
		first := doc.Screens[0].Range
		r.Mistake(extra.Range, "Duplicate screen block", "The screen block without a label stands at %s:%d already. Join the two, or give this one a family of signs for its label, for instance screen \"override\".", first.Filename, first.Start.Line)
	}
	return doc
}

// apart takes the approval and screen blocks that have a label out of a file:
// HCL knows no blocks that may have one.
func (r *Reader) apart(body hcl.Body) (rest, labelled hcl.Body) {
	whole, ok := body.(*hclsyntax.Body)
	if !ok {
		return body, hcl.EmptyBody()
	}
	without, with := *whole, hclsyntax.Body{SrcRange: whole.SrcRange, EndRange: whole.EndRange}
	without.Blocks = nil
	for _, b := range whole.Blocks {
		if (b.Type == "approval" || b.Type == "screen") && len(b.Labels) > 0 {
			with.Blocks = append(with.Blocks, b)
		} else {
			without.Blocks = append(without.Blocks, b)
		}
	}
	return &without, &with
}

// First is the first block, or one that says nothing.
func First[B any](blocks []B) *B {
	if len(blocks) == 0 {
		return new(B)
	}
	return &blocks[0]
}
