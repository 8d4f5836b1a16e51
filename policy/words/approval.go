package words

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
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
