package words

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// TermsBlock is the part of a block that says how a person is asked.
type TermsBlock struct {
	Via, Timeout, Life, Remember, Widen, Quorum *hcl.Attribute
}

// Said are the attributes that are there, in the order of the file.
func (b TermsBlock) Said() []*hcl.Attribute {
	said := slices.DeleteFunc([]*hcl.Attribute{b.Via, b.Timeout, b.Life, b.Remember, b.Widen, b.Quorum},
		func(a *hcl.Attribute) bool { return a == nil })
	slices.SortFunc(said, func(a, b *hcl.Attribute) int { return a.Range.Start.Byte - b.Range.Start.Byte })
	return said
}

// ApprovalBlock is approval { … }: where people are asked, and the terms of
// every question.
type ApprovalBlock struct {
	Range       hcl.Range      `hcl:",def_range"`
	Via         *hcl.Attribute `hcl:"via,optional"`
	Timeout     *hcl.Attribute `hcl:"timeout,optional"`
	Life        *hcl.Attribute `hcl:"life,optional"`
	Remember    *hcl.Attribute `hcl:"remember,optional"`
	Widen       *hcl.Attribute `hcl:"widen,optional"`
	Quorum      *hcl.Attribute `hcl:"quorum,optional"`
	Waiting     *hcl.Attribute `hcl:"waiting,optional"`
	KeyFile     *hcl.Attribute `hcl:"key_file,optional"`
	Web         *WebBlock      `hcl:"web,block"`
	CommandLine *SocketBlock   `hcl:"command_line,block"`
	Webhooks    []WebhookBlock `hcl:"webhook,block"`
}

// Terms are the attributes that say how a person is asked.
func (b *ApprovalBlock) Terms() TermsBlock {
	return TermsBlock{b.Via, b.Timeout, b.Life, b.Remember, b.Widen, b.Quorum}
}

// WebBlock is web { … } of an approval block.
type WebBlock struct {
	Range     hcl.Range       `hcl:",def_range"`
	Listen    *hcl.Attribute  `hcl:"listen,optional"`
	URL       *hcl.Attribute  `hcl:"url,optional"`
	Approvers []ApproverBlock `hcl:"approver,block"`
}

// ApproverBlock is approver "NAME" { … } of a web block.
type ApproverBlock struct {
	Name  string         `hcl:"name,label"`
	Range hcl.Range      `hcl:",def_range"`
	Token *hcl.Attribute `hcl:"token"`
}

// SocketBlock is command_line { … } of an approval block.
type SocketBlock struct {
	Socket *hcl.Attribute `hcl:"socket,optional"`
}

// WebhookBlock is webhook "NAME" { … } of an approval block.
type WebhookBlock struct {
	Name      string         `hcl:"name,label"`
	Range     hcl.Range      `hcl:",def_range"`
	URL       *hcl.Attribute `hcl:"url"`
	Secret    *hcl.Attribute `hcl:"secret"`
	Arguments *hcl.Attribute `hcl:"arguments,optional"`
}

// TierBlock is approval "TIER" { … }, of the file or of a role.
type TierBlock struct {
	Tier     string         `hcl:"tier,label"`
	Range    hcl.Range      `hcl:",def_range"`
	Tools    *hcl.Attribute `hcl:"tools,optional"`
	When     *hcl.Attribute `hcl:"when,optional"`
	Then     *hcl.Attribute `hcl:"then,optional"`
	Via      *hcl.Attribute `hcl:"via,optional"`
	Timeout  *hcl.Attribute `hcl:"timeout,optional"`
	Life     *hcl.Attribute `hcl:"life,optional"`
	Remember *hcl.Attribute `hcl:"remember,optional"`
	Widen    *hcl.Attribute `hcl:"widen,optional"`
	Quorum   *hcl.Attribute `hcl:"quorum,optional"`
}

// Terms are the attributes that say how a person is asked.
func (b *TierBlock) Terms() TermsBlock {
	return TermsBlock{b.Via, b.Timeout, b.Life, b.Remember, b.Widen, b.Quorum}
}

// Document reads the blocks of a whole file, without their values.
func (r *Reader) Document(body hcl.Body) Document {
	var doc Document
	body, labelled := r.apart(body)
	r.Add(gohcl.DecodeBody(body, nil, &doc))
	var tiers struct {
		Blocks []TierBlock `hcl:"approval,block"`
	}
	r.Add(gohcl.DecodeBody(labelled, nil, &tiers))
	doc.Tiers = tiers.Blocks
	for _, extra := range doc.Approvals[min(1, len(doc.Approvals)):] {
		first := doc.Approvals[0].Range
		r.Mistake(extra.Range, "Duplicate approval block", "The approval block without a label stands at %s:%d already. Join the two, or give this one a tier for its label, for instance approval \"delete\".", first.Filename, first.Start.Line)
	}
	return doc
}

// apart takes the approval blocks that have a label out of a file: HCL knows no
// blocks that may have one.
func (r *Reader) apart(body hcl.Body) (rest, labelled hcl.Body) {
	whole, ok := body.(*hclsyntax.Body)
	if !ok {
		return body, hcl.EmptyBody()
	}
	without, with := *whole, hclsyntax.Body{SrcRange: whole.SrcRange, EndRange: whole.EndRange}
	without.Blocks = nil
	for _, b := range whole.Blocks {
		if b.Type == "approval" && len(b.Labels) > 0 {
			with.Blocks = append(with.Blocks, b)
		} else {
			without.Blocks = append(without.Blocks, b)
		}
	}
	return &without, &with
}
