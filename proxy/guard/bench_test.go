package guard

import (
	"context"
	"strings"
	"testing"

	"sallyport/policy/handling"
	"sallyport/policy/screen/danger"
)

// prose is a text of n bytes as documents have it.
func prose(n int) string {
	const page = "The quiet river runs past the old mill and the green hills beyond it, where the road from the village ends. "
	return strings.Repeat(page, n/len(page)+1)[:n]
}

func BenchmarkArguments(b *testing.B) {
	g := New(nil)
	plan := danger.Kinds(danger.Facts{Tool: "echo", Schema: []byte(`{"properties":{"text":{"type":"string"},"path":{"type":"string"}}}`)})
	for name, args := range map[string]map[string]any{
		"small": {"text": prose(100), "path": "/srv/data/a.txt"},
		"10KB":  {"text": prose(10 << 10)},
	} {
		raw := `{"text":` + object(args["text"].(string))
		if p, ok := args["path"]; ok {
			raw += `,"path":` + object(p.(string))
		}
		raw += `}`
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				g.Arguments(context.Background(), nil, handling.Subject{Server: "s", Tool: "echo"}, Args{Raw: []byte(raw), Decoded: args, Plan: plan})
			}
		})
	}
}

func BenchmarkLook(b *testing.B) {
	g := New(nil)
	table, subject := results()
	var members []string
	for range 200 {
		members = append(members, `{"id":4711,"name":"blue widget","state":"open","note":"ships in two days"}`)
	}
	for name, raw := range map[string]string{
		"prose 10KB":    `{"content":[{"type":"text","text":` + object(prose(10<<10)) + `}]}`,
		"members 15KB":  `{"content":[],"structuredContent":{"items":[` + strings.Join(members, ",") + `]}}`,
		"filtered 10KB": `{"content":[{"type":"text","text":` + object(prose(5<<10)+attack+prose(5<<10)) + `}]}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				g.Look(context.Background(), table, subject, []byte(raw)).Shown([]byte(raw))
			}
		})
	}
}
