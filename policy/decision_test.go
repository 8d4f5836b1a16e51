package policy_test

import (
	"errors"
	"strings"
	"testing"

	"sallyport/policy"
	"sallyport/policy/reason"
)

// The zero value of everything refuses.
func TestZeroRefuses(t *testing.T) {
	var nobody *policy.Policy
	for name, d := range map[string]policy.Decision{
		"decision":           {},
		"granted":            policy.Decision{}.Grant(),
		"nil policy":         nobody.Decide(policy.Call{}),
		"zero call":          mustParse(t, smallest).Decide(policy.Call{}),
		"refused as allowed": policy.Decision{}.Refuse(reason.Allowed, "yes"),
	} {
		if d.Allowed() || d.NeedsPerson() || d.Code() == reason.Allowed || d.Message() == "" || d.Tier() != policy.Delete {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if (policy.Decision{}).Code() != reason.Internal {
		t.Error("a zero decision has no code")
	}
	if nobody.Admits("", 0, "", "") {
		t.Error("a nil policy admits")
	}
}

func decide(t *testing.T, tool string) policy.Decision {
	t.Helper()
	p := mustParse(t, `
server "fs" {
  sandbox "none" {}
  tool "read" { risk = "read" }
}
role "dev" {
  allow = ["fs/*"]
  deny  = ["fs/never"]
}
`)
	return p.Decide(policy.Call{Role: "dev", Server: "fs", Kind: policy.ToolCall, Name: tool, Tool: &policy.ToolFacts{}})
}

func TestGrantAndRefuse(t *testing.T) {
	read, del, never := decide(t, "read"), decide(t, "rm"), decide(t, "never")
	if !read.Allowed() || read.Message() != "" {
		t.Errorf("read: %+v", read)
	}
	if !del.NeedsPerson() || del.Allowed() || !strings.Contains(del.Message(), "rm\" of server \"fs\" is of tier delete: this needs a person") {
		t.Errorf("rm: %q", del.Message())
	}
	if g := del.Grant(); !g.Allowed() || g.NeedsPerson() || g.Code() != reason.Allowed || g.Tier() != policy.Delete {
		t.Errorf("granted: %+v", g)
	}
	if g := del.Grant(); g.Rule() != del.Rule() || g.At() != del.At() || g.TierRule() != del.TierRule() || g.Terms() != nil {
		t.Errorf("granted: %+v", g)
	}
	if del.Terms() == nil || read.Terms() != nil || never.Terms() != nil || (policy.Decision{}).Terms() != nil {
		t.Errorf("terms without a question, or a question without terms: %v %v %v", del.Terms(), read.Terms(), never.Terms())
	}
	if read.TierRule() != `tool "read"` || read.TierAt() != "policy.hcl:4" || del.TierRule() != `risk of server "fs"` {
		t.Errorf("tiers by %s at %s, and %s", read.TierRule(), read.TierAt(), del.TierRule())
	}
	if g := never.Grant(); g.Allowed() || g.Code() != reason.Denied {
		t.Errorf("a refusal was granted: %+v", g)
	}
	no := del.Refuse(reason.NeedsPerson, "permission denied by a person")
	if no.NeedsPerson() || no.Grant().Allowed() || no.Message() != "permission denied by a person" {
		t.Errorf("a person's no: %+v", no)
	}
	if r := read.Refuse(reason.LimitCalls, ""); r.Allowed() || r.Code() != reason.LimitCalls || r.Message() != reason.LimitCalls.Sentence() {
		t.Errorf("narrowed: %+v", r)
	}
	if r := read.Refuse("no such code", "x"); r.Allowed() || r.Code() != reason.Internal {
		t.Errorf("unknown code: %+v", r)
	}
	if r := never.Refuse(reason.Internal, "other"); r.Code() != reason.Denied {
		t.Errorf("the first reason was lost: %+v", r)
	}
	if del.Grant().Refuse(reason.Cancelled, "").Allowed() {
		t.Error("a granted decision cannot be narrowed any more")
	}
}

func TestSentences(t *testing.T) {
	for _, c := range []policy.Code{reason.RoleUnknown, reason.KindUnknown, reason.NotAllowed, reason.Denied, reason.ToolUnknown,
		reason.Quarantined, reason.ArgumentsInvalid, reason.ByRule, reason.RuleError, reason.NeedsPerson, reason.LimitCalls,
		reason.ApprovalDeclined, reason.ApprovalCancelled, reason.ApprovalUnanswered, reason.ApprovalInvalid, reason.ApprovalVoid,
		reason.ApprovalForged, reason.ApprovalExpired, reason.ApprovalReplayed, reason.ApprovalMismatch, reason.ApprovalDeskFull,
		reason.LimitTokens, reason.LimitRate, reason.LimitConcurrent, reason.TimedOut, reason.ResultTooLarge,
		reason.UpstreamUnavailable, reason.UpstreamBadAnswer, reason.AuditFailed, reason.Malformed, reason.Cancelled,
		reason.AmbiguousURI, reason.MethodNotAllowed, reason.Internal} {
		if c.Sentence() == "" {
			t.Errorf("%s says nothing", c)
		}
		if r := decide(t, "read").Refuse(c, ""); r.Code() != c || r.Allowed() {
			t.Errorf("%s does not refuse: %+v", c, r)
		}
	}
}

// Validation is costly and answers about the tool: it runs once, and only for
// calls that the lists let through.
func TestValidateIsCalledInItsPlace(t *testing.T) {
	p := mustParse(t, strings.ReplaceAll(smallest, `["fs/read"]`, `["fs/read", "fs/never"]
  deny = ["fs/never"]`))
	for tool, want := range map[string]int{"read": 1, "never": 0, "other": 0} {
		calls := 0
		p.Decide(policy.Call{Role: "dev", Server: "fs", Kind: policy.ToolCall, Name: tool, Tool: &policy.ToolFacts{},
			Validate: func() error { calls++; return nil }})
		if calls != want {
			t.Errorf("%s: validated %d times, want %d", tool, calls, want)
		}
	}
	d := p.Decide(policy.Call{Role: "dev", Server: "fs", Kind: policy.ToolCall, Name: "read", Tool: &policy.ToolFacts{},
		Validate: func() error { return errors.New("bad\x1b[31m\u202e " + strings.Repeat("é", 1000)) }})
	if d.Code() != reason.ArgumentsInvalid || len(d.Message()) > 600 || strings.ContainsAny(d.Message(), "\x1b\u202e") {
		t.Errorf("%s: %q", d.Code(), d.Message())
	}
}

func TestAdmits(t *testing.T) {
	p := mustParse(t, strings.ReplaceAll(smallest, `["fs/read"]`, `["fs/*"]
  deny = ["fs/never"]`))
	for _, c := range []struct {
		role, server, name string
		kind               policy.Kind
		want               bool
	}{
		{"dev", "fs", "read", policy.ToolCall, true},
		{"dev", "fs", "never", policy.ToolCall, false},
		{"dev", "fs", "read", policy.PromptGet, false},
		{"dev", "fs", "read", 0, false},
		{"dev", "fs", "read", 200, false},
		{"dev", "other", "read", policy.ToolCall, false},
		{"other", "fs", "read", policy.ToolCall, false},
	} {
		if got := p.Admits(c.role, c.kind, c.server, c.name); got != c.want {
			t.Errorf("Admits(%+v) = %v", c, got)
		}
	}
}

// Arguments that are no object fit no schema, and no condition can be told of
// them: a rule refuses, and a risk_if counts as a match.
func TestOpaqueArguments(t *testing.T) {
	src := `
server "fs" {
  schemas = "off"
  sandbox "none" {}
  tool "ruled" { risk = "read" }
  tool "raised" {
    risk = "read"
    risk_if "x" {
      when = args.x == 1
      risk = "external"
    }
  }
  tool "plain" { risk = "read" }
}
role "dev" {
  allow = ["fs/*"]
  rule "r" {
    tools = ["fs/ruled"]
    when  = args.x == 1
    then  = "deny"
  }
}
`
	off, on := mustParse(t, src), mustParse(t, strings.Replace(src, `"off"`, `"enforce"`, 1))
	for tool, want := range map[string]policy.Code{"ruled": reason.RuleError, "raised": reason.NeedsPerson, "plain": reason.Allowed} {
		c := policy.Call{Role: "dev", Server: "fs", Kind: policy.ToolCall, Name: tool, Tool: &policy.ToolFacts{}}
		if d := on.Decide(c); !d.Allowed() {
			t.Errorf("%s without arguments: %s", tool, d.Code())
		}
		c.Opaque = true
		if d := off.Decide(c); d.Code() != want {
			t.Errorf("%s: %s, want %s", tool, d.Code(), want)
		}
		if d := on.Decide(c); d.Code() != reason.ArgumentsInvalid {
			t.Errorf("%s with schemas enforced: %s", tool, d.Code())
		}
	}
}

// The protocol's own machinery is open to every role, and to nobody else.
func TestProtocol(t *testing.T) {
	p := mustParse(t, smallest)
	d := p.Decide(policy.Call{Role: "dev", Server: "fs", Kind: policy.Protocol, Name: "tools/list"})
	if !d.Allowed() || d.Tier() != policy.Read || d.Limits().Timeout == 0 {
		t.Errorf("%+v", d)
	}
	if d := p.Decide(policy.Call{Role: "nobody", Server: "fs", Kind: policy.Protocol, Name: "tools/list"}); d.Code() != reason.RoleUnknown {
		t.Errorf("a stranger: %s", d.Code())
	}
}

// A request that names nothing passes only where everything would.
func TestNameless(t *testing.T) {
	p := mustParse(t, `
server "fs" {
  sandbox "none" {}
}
role "some" { allow = ["fs/a*"] }
role "all" { allow = ["fs/*"] }
role "but" {
  allow = ["fs/*"]
  deny  = ["fs/x"]
}
`)
	for role, want := range map[string]bool{"some": false, "all": true, "but": false, "nobody": false} {
		if got := p.Admits(role, policy.ToolCall, "fs", ""); got != want {
			t.Errorf("%s: %v", role, got)
		}
	}
}

func TestReadsDefinition(t *testing.T) {
	p := mustParse(t, `
server "on" {
  sandbox "none" {}
}
server "off" {
  schemas = "off"
  sandbox "none" {}
  tool "trusted" {
    risk        = "read"
    annotations = "ignore"
  }
  tool "t*" {
    risk        = "read"
    annotations = "ignore"
  }
  tool "*_x" { risk = "read" }
}
role "dev" { allow = ["*/*"] }
`)
	for tool, want := range map[string]bool{"on/trusted": true, "off/trusted": false, "off/tell": false, "off/tell_x": true, "off/other": true, "none/trusted": false} {
		server, name, _ := strings.Cut(tool, "/")
		if got := p.ReadsDefinition(server, name); got != want {
			t.Errorf("%s: %v", tool, got)
		}
	}
}
