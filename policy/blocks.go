package policy

import (
	"github.com/hashicorp/hcl/v2"
)

// The shape of the file. Attributes stay unevaluated so that each mistake can
// point at its own words.

type documentBlock struct {
	DefaultRole *hcl.Attribute `hcl:"default_role,optional"`
	Wire        *wireBlock     `hcl:"wire,block"`
	Names       *namesBlock    `hcl:"names,block"`
	Audit       *auditBlock    `hcl:"audit,block"`
	Servers     []serverBlock  `hcl:"server,block"`
	Roles       []roleBlock    `hcl:"role,block"`
}

type wireBlock struct {
	MaxMessage *hcl.Attribute `hcl:"max_message,optional"`
	MaxDepth   *hcl.Attribute `hcl:"max_depth,optional"`
}

type namesBlock struct {
	Separator *hcl.Attribute `hcl:"separator,optional"`
}

type auditBlock struct {
	File    *hcl.Attribute `hcl:"file,optional"`
	Sync    *hcl.Attribute `hcl:"sync,optional"`
	Redact  *hcl.Attribute `hcl:"redact,optional"`
	MaxBody *hcl.Attribute `hcl:"max_body,optional"`
}

type serverBlock struct {
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
	Sandboxes    []sandboxBlock `hcl:"sandbox,block"`
	Tools        []toolBlock    `hcl:"tool,block"`
}

type sandboxBlock struct {
	Runtime string    `hcl:"runtime,label"`
	Range   hcl.Range `hcl:",def_range"`
	Body    hcl.Body  `hcl:",remain"`
}

type toolBlock struct {
	Label       string         `hcl:"tool,label"`
	Range       hcl.Range      `hcl:",def_range"`
	Risk        *hcl.Attribute `hcl:"risk"`
	Annotations *hcl.Attribute `hcl:"annotations,optional"`
	Ifs         []riskIfBlock  `hcl:"risk_if,block"`
}

type riskIfBlock struct {
	Name  string         `hcl:"name,label"`
	Range hcl.Range      `hcl:",def_range"`
	When  *hcl.Attribute `hcl:"when"`
	Risk  *hcl.Attribute `hcl:"risk"`
}

type roleBlock struct {
	Name      string         `hcl:"name,label"`
	Range     hcl.Range      `hcl:",def_range"`
	Allow     *hcl.Attribute `hcl:"allow,optional"`
	Deny      *hcl.Attribute `hcl:"deny,optional"`
	Methods   *hcl.Attribute `hcl:"methods,optional"`
	Resources *listBlock     `hcl:"resources,block"`
	Prompts   *listBlock     `hcl:"prompts,block"`
	Limits    *limitsBlock   `hcl:"limits,block"`
	Rules     []ruleBlock    `hcl:"rule,block"`
}

type listBlock struct {
	Allow *hcl.Attribute `hcl:"allow,optional"`
	Deny  *hcl.Attribute `hcl:"deny,optional"`
}

type limitsBlock struct {
	Calls      *hcl.Attribute `hcl:"calls,optional"`
	Tokens     *hcl.Attribute `hcl:"tokens,optional"`
	Timeout    *hcl.Attribute `hcl:"timeout,optional"`
	Rate       *hcl.Attribute `hcl:"rate,optional"`
	Burst      *hcl.Attribute `hcl:"burst,optional"`
	Concurrent *hcl.Attribute `hcl:"concurrent,optional"`
	ResultSize *hcl.Attribute `hcl:"result_size,optional"`
}

type ruleBlock struct {
	Name    string         `hcl:"name,label"`
	Range   hcl.Range      `hcl:",def_range"`
	Tools   *hcl.Attribute `hcl:"tools"`
	When    *hcl.Attribute `hcl:"when"`
	Then    *hcl.Attribute `hcl:"then"`
	Message *hcl.Attribute `hcl:"message,optional"`
}
