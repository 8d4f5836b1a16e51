package policy_test

import (
	"encoding/json"
	"testing"

	"sallyport/policy"
)

const benchSource = `
server "k8s" {
  command = ["k8s"]
  sandbox "none" {}
  tool "get" { risk = "read" }
  tool "describe_*" { risk = "read" }
  tool "scale" { risk = "modify" }
}
role "plain" {
  allow = ["k8s/get", "k8s/describe_*"]
  deny  = ["*/shell_exec"]
  resources { allow = ["k8s/file:///data/**"] }
}
role "ruled" {
  allow = ["k8s/*"]
  rule "only our namespaces" {
    tools = ["k8s/*"]
    when  = !oneof(args.namespace, "monitoring", "app-staging")
    then  = "deny"
  }
}
`

func benchPolicy(b *testing.B) *policy.Policy {
	b.Helper()
	p, err := policy.Parse([]byte(benchSource), "bench.hcl")
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func BenchmarkDecide(b *testing.B) {
	p := benchPolicy(b)
	readOnly := true
	facts := &policy.ToolFacts{ReadOnly: &readOnly}
	args := map[string]any{"namespace": "monitoring", "replicas": json.Number("3"), "note": "some text"}
	for _, c := range []struct {
		name string
		call policy.Call
	}{
		{"exact", policy.Call{Role: "plain", Server: "k8s", Kind: policy.ToolCall, Name: "get", Args: args, Tool: facts}},
		{"glob", policy.Call{Role: "plain", Server: "k8s", Kind: policy.ToolCall, Name: "describe_pods", Args: args, Tool: facts}},
		{"resource", policy.Call{Role: "plain", Server: "k8s", Kind: policy.ResourceRead, Name: "file:///data/a/b.txt"}},
		{"rule", policy.Call{Role: "ruled", Server: "k8s", Kind: policy.ToolCall, Name: "get", Args: args, Tool: facts}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			if d := p.Decide(c.call); !d.Allowed() {
				b.Fatalf("refused: %s", d.Message())
			}
			for b.Loop() {
				p.Decide(c.call)
			}
		})
	}
	b.Run("refused", func(b *testing.B) {
		b.ReportAllocs()
		call := policy.Call{Role: "plain", Server: "k8s", Kind: policy.ToolCall, Name: "shell_exec", Args: args, Tool: facts}
		for b.Loop() {
			p.Decide(call)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := policy.Parse([]byte(benchSource), "bench.hcl"); err != nil {
			b.Fatal(err)
		}
	}
}
