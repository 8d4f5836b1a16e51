package words

import "github.com/hashicorp/hcl/v2"

// Document is the shape of the file. Attributes stay unevaluated so that each
// mistake can point at its own words. The blocks below are named as the file
// names them.
type Document struct {
	DefaultRole *hcl.Attribute  `hcl:"default_role,optional"`
	Wire        *WireBlock      `hcl:"wire,block"`
	Names       *NamesBlock     `hcl:"names,block"`
	Audit       *AuditBlock     `hcl:"audit,block"`
	Approvals   []ApprovalBlock `hcl:"approval,block"`
	Screens     []ScreenBlock   `hcl:"screen,block"`
	Servers     []ServerBlock   `hcl:"server,block"`
	Roles       []RoleBlock     `hcl:"role,block"`

	// Tiers are the approval blocks that have a label, and Handling the screen
	// blocks that have one.
	Tiers    []TierBlock
	Handling []HandlingBlock
}

// WireBlock is wire { … }.
type WireBlock struct {
	MaxMessage *hcl.Attribute `hcl:"max_message,optional"`
	MaxDepth   *hcl.Attribute `hcl:"max_depth,optional"`
}

// NamesBlock is names { … }.
type NamesBlock struct {
	Separator *hcl.Attribute `hcl:"separator,optional"`
}

// AuditBlock is audit { … }.
type AuditBlock struct {
	File    *hcl.Attribute `hcl:"file,optional"`
	Sync    *hcl.Attribute `hcl:"sync,optional"`
	Redact  *hcl.Attribute `hcl:"redact,optional"`
	MaxBody *hcl.Attribute `hcl:"max_body,optional"`
}

// ServerBlock is server "NAME" { … }.
type ServerBlock struct {
	Name         string         `hcl:"name,label"`
	Range        hcl.Range      `hcl:",def_range"`
	Command      *hcl.Attribute `hcl:"command,optional"`
	Dir          *hcl.Attribute `hcl:"dir,optional"`
	Env          *hcl.Attribute `hcl:"env,optional"`
	Inherit      *hcl.Attribute `hcl:"inherit,optional"`
	Schemas      *hcl.Attribute `hcl:"schemas,optional"`
	Risk         *hcl.Attribute `hcl:"risk,optional"`
	StartTimeout *hcl.Attribute `hcl:"start_timeout,optional"`
	StopTimeout  *hcl.Attribute `hcl:"stop_timeout,optional"`
	Sandboxes    []SandboxBlock `hcl:"sandbox,block"`
	Screen       *ReadBlock     `hcl:"screen,block"`
	Tools        []ToolBlock    `hcl:"tool,block"`
}

// SandboxBlock is sandbox "RUNTIME" { … } of a server.
type SandboxBlock struct {
	Runtime string    `hcl:"runtime,label"`
	Range   hcl.Range `hcl:",def_range"`
	Body    hcl.Body  `hcl:",remain"`
}

// ToolBlock is tool "LABEL" { … } of a server.
type ToolBlock struct {
	Label       string         `hcl:"tool,label"`
	Range       hcl.Range      `hcl:",def_range"`
	Risk        *hcl.Attribute `hcl:"risk"`
	Annotations *hcl.Attribute `hcl:"annotations,optional"`
	Ifs         []RiskIfBlock  `hcl:"risk_if,block"`
}

// RiskIfBlock is risk_if "NAME" { … } of a tool.
type RiskIfBlock struct {
	Name  string         `hcl:"name,label"`
	Range hcl.Range      `hcl:",def_range"`
	When  *hcl.Attribute `hcl:"when"`
	Risk  *hcl.Attribute `hcl:"risk"`
}

// RoleBlock is role "NAME" { … }.
type RoleBlock struct {
	Name      string          `hcl:"name,label"`
	Range     hcl.Range       `hcl:",def_range"`
	Allow     *hcl.Attribute  `hcl:"allow,optional"`
	Deny      *hcl.Attribute  `hcl:"deny,optional"`
	Methods   *hcl.Attribute  `hcl:"methods,optional"`
	Resources *ListBlock      `hcl:"resources,block"`
	Prompts   *ListBlock      `hcl:"prompts,block"`
	Limits    *LimitsBlock    `hcl:"limits,block"`
	Rules     []RuleBlock     `hcl:"rule,block"`
	Approvals []TierBlock     `hcl:"approval,block"`
	Handling  []HandlingBlock `hcl:"screen,block"`
}

// ListBlock is resources { … } or prompts { … } of a role.
type ListBlock struct {
	Allow *hcl.Attribute `hcl:"allow,optional"`
	Deny  *hcl.Attribute `hcl:"deny,optional"`
}

// LimitsBlock is limits { … } of a role.
type LimitsBlock struct {
	Calls      *hcl.Attribute `hcl:"calls,optional"`
	Tokens     *hcl.Attribute `hcl:"tokens,optional"`
	Timeout    *hcl.Attribute `hcl:"timeout,optional"`
	Rate       *hcl.Attribute `hcl:"rate,optional"`
	Burst      *hcl.Attribute `hcl:"burst,optional"`
	Concurrent *hcl.Attribute `hcl:"concurrent,optional"`
	ResultSize *hcl.Attribute `hcl:"result_size,optional"`
}

// RuleBlock is rule "NAME" { … } of a role.
type RuleBlock struct {
	Name     string         `hcl:"name,label"`
	Range    hcl.Range      `hcl:",def_range"`
	Tools    *hcl.Attribute `hcl:"tools"`
	When     *hcl.Attribute `hcl:"when"`
	Then     *hcl.Attribute `hcl:"then"`
	Message  *hcl.Attribute `hcl:"message,optional"`
	Via      *hcl.Attribute `hcl:"via,optional"`
	Timeout  *hcl.Attribute `hcl:"timeout,optional"`
	Life     *hcl.Attribute `hcl:"life,optional"`
	Remember *hcl.Attribute `hcl:"remember,optional"`
	Widen    *hcl.Attribute `hcl:"widen,optional"`
	Quorum   *hcl.Attribute `hcl:"quorum,optional"`
}

// Terms are the attributes that say how a person is asked.
func (b *RuleBlock) Terms() TermsBlock {
	return TermsBlock{b.Via, b.Timeout, b.Life, b.Remember, b.Widen, b.Quorum}
}
