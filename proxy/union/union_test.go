package union

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func said(results ...string) []Said {
	var out []Said
	for i, r := range results {
		s := Said{Server: string(rune('a' + i))}
		if r != "" {
			s.Result = []byte(r)
		}
		out = append(out, s)
	}
	return out
}

func TestUnion(t *testing.T) {
	tests := []struct {
		why    string
		in     []Said
		lowest string
		common []string // nil: nobody answered
		of     string
	}{
		{"nobody answered", said("", ""), "", nil, `{"capabilities":{}}`},
		{"the lowest revision counts", said(`{"protocolVersion":"2025-06-18"}`, `{"protocolVersion":"2025-03-26"}`), "2025-03-26", []string{}, `{"capabilities":{}}`},
		{"who is silent has no say", said(`{"supportedVersions":["x","y"],"protocolVersion":"2025-06-18"}`, ""), "2025-06-18", []string{"x", "y"}, `{"capabilities":{}}`},
		{"revisions that all speak", said(`{"supportedVersions":["z","y","x"]}`, `{"supportedVersions":["x","w","y"]}`), "", []string{"y", "x"}, `{"capabilities":{}}`},
		{"what is no text cannot be compared", said(`{"supportedVersions":[{"a":1},[1],null,7,"x"]}`, `{"supportedVersions":[{"a":1},[1],null,7,"x"]}`), "", []string{"x"}, `{"capabilities":{}}`},
		{"no shape is believed", said(`{"supportedVersions":{"x":1},"capabilities":[1],"instructions":{},"protocolVersion":7}`, `7`), "", []string{}, `{"capabilities":{}}`},
		{"capabilities are united, a true beats a false",
			said(`{"capabilities":{"tools":{"listChanged":false},"x":{"a":1},"n":null}}`, `{"capabilities":{"tools":{"listChanged":true},"x":{"b":2},"n":{}}}`),
			"", []string{}, `{"capabilities":{"n":{},"tools":{"listChanged":true},"x":{"a":1,"b":2}}}`},
		{"one cannot take away what another has, nor change its kind",
			said(`{"capabilities":{"tools":{"listChanged":true}}}`, `{"capabilities":{"tools":false}}`), "", []string{}, `{"capabilities":{"tools":{"listChanged":true}}}`},
		{"instructions stand under their server's name",
			said(`{"instructions":"one"}`, `{"instructions":""}`, `{"instructions":"two"}`), "", []string{}, `{"capabilities":{},"instructions":"# a\none\n\n# c\ntwo"}`},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			if got := Lowest(tt.in); got != tt.lowest {
				t.Errorf("Lowest: got %q, want %q", got, tt.lowest)
			}
			common, ok := Common(tt.in)
			if ok != (tt.common != nil) {
				t.Errorf("Common: answered %v", ok)
			} else if diff := cmp.Diff(tt.common, common); ok && diff != "" {
				t.Errorf("Common (-want +got):\n%s", diff)
			}
			of, err := json.Marshal(Of(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.of, string(of)); diff != "" {
				t.Errorf("Of (-want +got):\n%s", diff)
			}
		})
	}
}
