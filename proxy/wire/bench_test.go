package wire

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

var (
	call100 = []byte(`{"jsonrpc":"2.0","id":12,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello, world"},"_meta":{"progressToken":7}}}`)
	text10K = []byte(`{"jsonrpc":"2.0","id":12,"method":"tools/call","params":{"name":"echo","arguments":{"message":"` + strings.Repeat("All work and no play makes a dull day. ", 263) + `"}}}`)
	tree10K = []byte(`{"jsonrpc":"2.0","id":12,"method":"tools/call","params":{"name":"put","arguments":{"rows":[` + strings.TrimSuffix(strings.Repeat(`{"id":1234,"name":"somebody","tags":["a","b"],"ok":true,"at":null,"size":1.5e3},`, 127), ",") + `]}}}`)
	res10K  = result(10_000)
	res1M   = result(1_000_000)
)

func result(n int) []byte {
	line := `every line of the file ends in an escape\n`
	return []byte(`{"jsonrpc":"2.0","id":12,"result":{"content":[{"type":"text","text":"` + strings.Repeat(line, n/len(line)) + `"}]}}`)
}

func BenchmarkParse(b *testing.B) {
	type parser func([]byte, Bounds) (Message, *Fault)
	for _, c := range []struct {
		name  string
		line  []byte
		parse parser
	}{
		{"strict/call", call100, ParseStrict},
		{"strict/text10K", text10K, ParseStrict},
		{"strict/tree10K", tree10K, ParseStrict},
		{"faithful/call", call100, ParseFaithful},
		{"faithful/result10K", res10K, ParseFaithful},
		{"faithful/tree10K", tree10K, ParseFaithful},
		{"faithful/result1M", res1M, ParseFaithful},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(c.line)))
			for b.Loop() {
				if m, f := c.parse(c.line, Bounds{}); f != nil || m.Kind == Malformed {
					b.Fatal(f)
				}
			}
		})
	}
}

// The validation of jsontext alone, for comparison.
func BenchmarkJSONText(b *testing.B) {
	for _, c := range []struct {
		name string
		line []byte
	}{{"call", call100}, {"text10K", text10K}, {"tree10K", tree10K}, {"result10K", res10K}, {"result1M", res1M}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(c.line)))
			var in bytes.Reader
			d := jsontext.NewDecoder(&in)
			for b.Loop() {
				in.Reset(c.line)
				d.Reset(&in)
				if _, err := d.ReadValue(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	m, _ := ParseStrict(call100, Bounds{})
	t, _ := ParseStrict(text10K, Bounds{})
	s, _ := ParseStrict(tree10K, Bounds{})
	r, _ := ParseFaithful(res10K, Bounds{})
	buf := make([]byte, 0, 32<<10)
	for _, c := range []struct {
		name string
		do   func()
	}{
		{"decode/call", func() { Decode(m.Param("arguments")) }},
		{"decode/text10K", func() { Decode(t.Param("arguments")) }},
		{"decode/tree10K", func() { Decode(s.Param("arguments")) }},
		{"encodingjson/tree10K", func() { var v any; json.Unmarshal(s.Param("arguments"), &v) }},
		{"get/result10K", func() { Get(r.Result(), "content") }},
		{"meta", func() { m.Meta("progressToken") }},
		{"param", func() { m.Param("arguments") }},
		{"key", func() { _ = m.ID.Key() }},
		{"withid/call", func() { m.WithID(buf, IntID(77)) }},
		{"withid/10K", func() { t.WithID(buf, IntID(77)) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.do()
			}
		})
	}
}
