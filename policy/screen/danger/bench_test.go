package danger

import (
	"strings"
	"testing"
)

func BenchmarkClean(b *testing.B) {
	prose := strings.Repeat("The quarterly figures are ready for review, and the team expects an answer by Friday. ", 12)[:1000]
	script := strings.Repeat("cd services/api && go build ./... && go test -race ./internal/store\nnpm ci && npm run lint\n", 12)[:1000]
	query := strings.Repeat("SELECT o.id, o.total, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.total > 100 AND c.region = 'north' ", 9)[:1000]
	heavy := strings.Repeat("for f in logs/*.txt; do cat \"$f\" | sort | head -5; done\ncurl -s https://api.example.com/v1 | jq .a\n", 11)[:1000]
	for _, c := range []struct {
		name string
		args map[string]any
	}{
		{"document", map[string]any{"content": prose}}, {"unknown", map[string]any{"value": prose}}, {"command", map[string]any{"command": script}}, {"commandParsed", map[string]any{"command": heavy}},
		{"sql", map[string]any{"sql": query}}, {"path", map[string]any{"path": "/workspace/project/internal/store/store_test.go"}}, {"url", map[string]any{"url": "https://api.example.com/v1/items?page=2&size=50"}}, {"word", map[string]any{"name": "my-branch-2024"}},
		{"code", map[string]any{"code": strings.Repeat("def total(items):\n    return sum(i.price * i.count for i in items)\n", 15)[:1000]}},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := Kinds(Facts{Tool: "tool"})
			if found := p.Args(c.args); len(found) > 0 {
				b.Fatal(found)
			}
			b.ReportAllocs()
			for b.Loop() {
				p.Args(c.args)
			}
		})
	}
}
