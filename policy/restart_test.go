package policy_test

import (
	"strings"
	"testing"

	"sallyport/policy"
)

// TestRestart: what is settled at the start cannot change under a running session;
// what decisions go by can.
func TestRestart(t *testing.T) {
	const base = `
server "fs" {
  sandbox "none" {}
  tool "*" { risk = "read" }
}
role "dev" { allow = ["fs/*"] }
`
	before := mustParse(t, base)
	for _, tt := range []struct{ why, text, want string }{
		{"nothing", base, ""},
		{"a rule of the screen", base + `screen "override" { then = "refuse" }`, ""},
		{"a tier", strings.Replace(base, `"read"`, `"delete"`, 1), ""},
		{"another server", strings.Replace(base, `"fs" {`, `"other" {`, 1), "servers"},
		{"how arguments are read", strings.Replace(base, `sandbox "none" {}`, "sandbox \"none\" {}\n  screen { roots = [\"/srv\"] }", 1), `server "fs"`},
		{"a classifier", base + "screen {\n  classifier { url = \"http://127.0.0.1:1/x\" }\n}", "classifier"},
		{"a budget", strings.Replace(base, `allow = ["fs/*"] }`, "\n  allow = [\"fs/*\"]\n  limits { calls = 1 }\n}", 1), "budget"},
		{"the log", base + `audit { file = "x.jsonl" }`, "audit"},
		{"a channel", base + "approval {\n  waiting = 3\n}", "channels"},
		{"bounds of messages", base + `wire { max_depth = 10 }`, "wire"},
	} {
		next, err := policy.Parse([]byte(strings.Replace(tt.text, `["fs/*"]`, `["*/*"]`, 1)), "p.hcl")
		if err != nil {
			t.Fatalf("%s: %v", tt.why, err)
		}
		got := before.Restart(next)
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.why, got, tt.want)
		}
	}
}
