package policy_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sallyport/policy"
	"sallyport/policy/builtin"
	"sallyport/policy/match"
	"sallyport/policy/reason"
	"sallyport/policy/words"
)

func mustParse(t testing.TB, src string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse([]byte(src), "policy.hcl")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const smallest = `
server "fs" {
  sandbox "none" {}
  tool "read" { risk = "read" }
}
role "dev" {
  allow = ["fs/read"]
}
`

func TestDefaults(t *testing.T) {
	p := mustParse(t, smallest)
	s, ok := p.Server("fs")
	want := policy.Server{Name: "fs", Sandbox: words.Sandbox{Runtime: "none"}, Reading: words.Reading{Documents: "log"}, StartTimeout: 30 * time.Second, StopTimeout: time.Second}
	if diff := cmp.Diff(want, s, cmpopts.IgnoreUnexported(policy.Server{})); !ok || diff != "" {
		t.Errorf("server (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(policy.Wire{MaxMessage: 16 << 20, MaxDepth: 512}, p.Wire()); diff != "" {
		t.Errorf("wire (-want +got)\n%s", diff)
	}
	d := p.Decide(policy.Call{Role: "dev", Server: "fs", Kind: policy.ToolCall, Name: "read", Tool: &policy.ToolFacts{}})
	if diff := cmp.Diff(policy.Limits{Timeout: 2 * time.Minute, ResultSize: 16 << 20}, d.Limits()); diff != "" {
		t.Errorf("limits (-want +got)\n%s", diff)
	}
	if role, ok := p.DefaultRole(); role != "dev" || !ok {
		t.Errorf("the only role is not the default: %q %v", role, ok)
	}
	if p.Audit().File != "sallyport.audit.jsonl" || p.Audit().SyncAlways || p.Separator() != "__" {
		t.Errorf("audit %+v, separator %q", p.Audit(), p.Separator())
	}
}

// The example is documentation: it has to load, and every kind of block has to
// reach the policy.
func TestExample(t *testing.T) {
	file := filepath.Join("..", "config.hcl.example")
	p, err := policy.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	k8s, _ := p.Server("kubernetes")
	wantEnv := []policy.EnvValue{
		{Name: "KUBECONFIG", Literal: "/home/agent/.kube/config"},
		{Name: "GRAFANA_TOKEN", FromEnv: "GRAFANA_TOKEN"},
		{Name: "CA_BUNDLE", FromFile: "../secrets/ca.pem"},
	}
	if diff := cmp.Diff(wantEnv, k8s.Env); diff != "" {
		t.Errorf("env (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"infrastructure_agent", "data_agent"}, p.Roles()); diff != "" {
		t.Errorf("roles (-want +got)\n%s", diff)
	}
	d := p.Decide(policy.Call{Role: "infrastructure_agent", Server: "kubernetes", Kind: policy.ToolCall, Name: "kubectl_get",
		Args: map[string]any{"namespace": "monitoring", "resource": "pods"}, Tool: &policy.ToolFacts{}})
	if !d.Allowed() {
		t.Errorf("the example refuses its own example: %s", d.Message())
	}
	want := policy.Limits{Calls: 50, Tokens: 100000, Timeout: 300 * time.Second, Rate: 10, Burst: 20, Concurrent: 4, ResultSize: 1 << 20}
	if diff := cmp.Diff(want, d.Limits()); diff != "" {
		t.Errorf("limits (-want +got)\n%s", diff)
	}
	scale := map[string]any{"namespace": "monitoring", "replicas": json.Number("3"), "resource": "deployment"}
	for tool, rule := range map[string]string{"kubernetes/kubectl_scale": `approval "modify"`, "kubernetes/kubectl_delete": `tool "kubectl_delete"`, "web/fetch": `approval "external"`} {
		server, name, _ := strings.Cut(tool, "/")
		d := p.Decide(policy.Call{Role: "infrastructure_agent", Server: server, Kind: policy.ToolCall, Name: name, Args: scale, Tool: &policy.ToolFacts{}})
		if !d.NeedsPerson() || d.Rule() != rule {
			t.Errorf("%s: %s", tool, verdict(d))
		}
	}
	for _, block := range []string{"approval", "via", "life", "remember", "widen", "quorum", "waiting", "key_file", "web", "approver",
		"command_line", "webhook", "default_role", "wire", "names", "audit", "server", "sandbox", "tool", "risk_if", "role", "resources",
		"prompts", "methods", "limits", "rule", "secret_env", "secret_file", "inherit", "schemas", "annotations", "message"} {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(src), block) {
			t.Errorf("the example does not show %s", block)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	_, err := policy.Load(filepath.Join(t.TempDir(), "none.hcl"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	var mistakes *policy.Mistakes
	for _, c := range []struct{ src, want string }{
		{strings.Repeat("#", 300<<10), "File too large"},
		{"# \xff\n" + smallest, "Not UTF-8"},
		{"\ufeff" + smallest, "Byte order mark"},
		{`default_role = ` + strings.Repeat("(", 200<<10), "Nested too deep"},
		{`default_role = ` + strings.Repeat("!", 200<<10) + "true", "Nested too deep"},
		{strings.Repeat("a{", 100<<10), "Nested too deep"},
		{`default_role = ` + strings.Repeat(`"${`, 80<<10), "Nested too deep"},
	} {
		_, err := policy.Parse([]byte(c.src), "p.hcl")
		if !errors.As(err, &mistakes) || mistakes.Count() == 0 || !strings.Contains(mistakes.Summaries()[0], c.want) {
			t.Errorf("%.30q: want %q, got %.200v", c.src, c.want, err)
		}
	}
	_, err = policy.Parse([]byte("server \"a\" {\n  comand = []\n}"), "p.hcl")
	if !errors.As(err, &mistakes) {
		t.Fatal(err)
	}
	want := `p.hcl:2,3: Unsupported argument; An argument named "comand" is not expected here. Did you mean "command"?`
	if got := mistakes.Summaries(); len(got) != mistakes.Count() || !slices.Contains(got, want) {
		t.Errorf("no %q in %q", want, got)
	}
}

// A relative path belongs to the file's folder, wherever sallyport was started.
func TestRelativePaths(t *testing.T) {
	src := `
audit { file = "log/a.jsonl" }
server "fs" {
  dir = "work"
  env = {
    A = secret_file("key")
    B = secret_file("/abs/key")
  }
  sandbox "none" {}
}
role "dev" { allow = [] }
`
	p, err := policy.Parse([]byte(src), "/etc/sallyport/p.hcl")
	if err != nil {
		t.Fatal(err)
	}
	s := p.Servers()[0]
	got := []string{p.Audit().File, s.Dir, s.Env[0].FromFile, s.Env[1].FromFile}
	want := []string{"/etc/sallyport/log/a.jsonl", "/etc/sallyport/work", "/etc/sallyport/key", "/abs/key"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestHides(t *testing.T) {
	p := mustParse(t, `audit { redact = ["Pin", "headers.x-*", "card*"] }`+smallest)
	for path, want := range map[string]bool{
		"password": true, "PassWord": true, "user.password": true, "api_token": true, "pin": true,
		"headers.x-key": true, "req.Headers.X-Key": true, "headers.y": false, "x-key": false, "card_number": true,
		"name": false, "password.hint": false, "": false,
	} {
		if got := match.Hidden(p.Audit().Redact, strings.Split(path, ".")); got != want {
			t.Errorf("Hides(%s) = %v", path, got)
		}
	}
	if match.Hidden(p.Audit().Redact, nil) {
		t.Error("the root is hidden")
	}
}

func TestWithServer(t *testing.T) {
	p := mustParse(t, smallest)
	q, err := p.WithServer("fs", func(s *policy.Server) { s.Command = []string{"npx", "fs"} })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"npx", "fs"}, q.Servers()[0].Command); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(p.Servers()[0].Command) != 0 || p.Digest() != q.Digest() {
		t.Error("the original changed")
	}
	if _, err := p.WithServer("sf", func(*policy.Server) { t.Error("changed") }); err == nil || !strings.Contains(err.Error(), `"sf"`) {
		t.Errorf("an unknown server: %v", err)
	}
}

// Every word of a command must come back as it was, whatever HCL makes of it.
func TestBuiltin(t *testing.T) {
	command := []string{"npx", "-y", `a "quoted" \ word`, "${HOME}", "%{ if x }", "$${x}", "line\nbreak\ttab\r", "\u200b\x01é", "$", "%", "100%{", "{command}", ""}
	p, err := policy.Parse(builtin.Text("fs", command, ""), "builtin.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(command, p.Servers()[0].Command); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if w := p.Warnings(); len(w) > 0 {
		t.Errorf("warnings: %q", w)
	}
	yes := true
	for _, c := range []struct {
		tool  string
		facts policy.ToolFacts
		want  policy.Code
	}{
		{"read_file", policy.ToolFacts{}, reason.Allowed},
		{"write_file", policy.ToolFacts{}, reason.Allowed},
		{"write_file", policy.ToolFacts{Destructive: &yes}, reason.NeedsPerson},
		{"frobnicate", policy.ToolFacts{}, reason.NeedsPerson},
		{"frobnicate", policy.ToolFacts{ReadOnly: &yes}, reason.Allowed},
	} {
		d := p.Decide(policy.Call{Role: "local", Server: "fs", Kind: policy.ToolCall, Name: c.tool, Tool: &c.facts})
		if d.Code() != c.want {
			t.Errorf("%s: %s, want %s", c.tool, d.Code(), c.want)
		}
	}
	if _, err := policy.Parse(builtin.Text("fs", nil, ""), "builtin.hcl"); err != nil {
		t.Errorf("without a command: %v", err)
	}
}

// Secrets are named, paths belong to the file's folder, and what a caller makes
// of its copy changes nothing.
func TestApproval(t *testing.T) {
	if diff := cmp.Diff(policy.Channels{Waiting: 100}, mustParse(t, smallest).Approval()); diff != "" {
		t.Errorf("defaults (-want +got)\n%s", diff)
	}
	p, err := policy.Parse([]byte(smallest+`
approval {
  waiting  = 7
  key_file = "approval.key"
  web {
    url = "https://Approvals.Example.com:443"
    approver "alice" { token = secret_env("ALICE_TOKEN") }
    approver "bob" { token = secret_file("bob.token") }
  }
  command_line { socket = "x.sock" }
  webhook "ops" {
    url    = "http://[::1]:8080/x?y=z"
    secret = secret_file("/etc/ops")
  }
  webhook "all" {
    url       = "https://all.example.com"
    secret    = secret_env("ALL")
    arguments = "full"
  }
}
`), "/etc/sallyport/p.hcl")
	if err != nil {
		t.Fatal(err)
	}
	want := policy.Channels{Waiting: 7, KeyFile: "/etc/sallyport/approval.key", Socket: "/etc/sallyport/x.sock",
		Web: &policy.Web{Listen: "127.0.0.1:0", URL: "https://approvals.example.com", Approvers: []policy.Approver{
			{Name: "alice", Token: policy.Secret{FromEnv: "ALICE_TOKEN"}},
			{Name: "bob", Token: policy.Secret{FromFile: "/etc/sallyport/bob.token"}},
		}},
		Webhooks: []policy.Webhook{
			{Name: "ops", URL: "http://[::1]:8080/x?y=z", Secret: policy.Secret{FromFile: "/etc/ops"}, Arguments: "redacted"},
			{Name: "all", URL: "https://all.example.com", Secret: policy.Secret{FromEnv: "ALL"}, Arguments: "full"},
		},
	}
	got := p.Approval()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	got.Web.Approvers[0].Name, got.Web.URL, got.Webhooks[0].URL = "mallory", "", ""
	if diff := cmp.Diff(want, p.Approval()); diff != "" {
		t.Errorf("a copy changed the policy (-want +got)\n%s", diff)
	}
	d := p.Decide(policy.Call{Role: "dev", Server: "fs", Kind: policy.ToolCall, Name: "read", Tool: &policy.ToolFacts{Destructive: new(true)}})
	terms := policy.Terms{Via: []string{"elicitation", "command_line"}, Timeout: 2 * time.Minute, Life: 2 * time.Minute, Widen: "arguments", Quorum: 1}
	if diff := cmp.Diff(&terms, d.Terms()); diff != "" {
		t.Errorf("terms (-want +got)\n%s", diff)
	}
}

// A Policy is shared by all sessions.
func TestConcurrentUse(t *testing.T) {
	p := mustParse(t, `
server "fs" {
  sandbox "none" {}
  tool "*" { risk = "read" }
}
role "dev" {
  allow = ["fs/*"]
  rule "r" {
    tools = ["fs/*"]
    when  = regex(args.path, "^/etc") || !under(args.path, "/data")
    then  = "deny"
  }
}
`)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				d := p.Decide(policy.Call{Role: "dev", Server: "fs", Kind: policy.ToolCall, Name: "read",
					Args: map[string]any{"path": "/data/x"}, Tool: &policy.ToolFacts{}})
				if !d.Allowed() {
					t.Errorf("refused: %s", d.Message())
				}
			}
		})
	}
	wg.Wait()
}
