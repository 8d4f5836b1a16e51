package words_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"sallyport/policy/words"
)

func attribute(t testing.TB, value string) *hcl.Attribute {
	t.Helper()
	expr, diags := hclsyntax.ParseExpression([]byte(value), "p.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%s: %v", value, diags)
	}
	return &hcl.Attribute{Name: "x", Expr: expr, Range: expr.Range()}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]int64{
		"1B": 1, "8KiB": 8 << 10, "8Ki": 8 << 10, "8KB": 8000, "16MiB": 16 << 20, "16Mi": 16 << 20, "100MB": 100e6, "1GiB": 1 << 30, "1Gi": 1 << 30, "1GB": 1e9,
		"": -1, "8": -1, "KiB": -1, "-1B": -1, "1.5KiB": -1, "8kib": -1, "8 KiB": -1, "8K": -1, "8BB": -1, "2GiB": -1, "0B": -1,
		"9223372036854775807GiB": -1, "99999999999999999999B": -1,
	} {
		var r words.Reader
		if got := r.Size(attribute(t, `"`+text+`"`), -1, 1<<30); got != want || r.Failed() != (want < 0) {
			t.Errorf("%q is %d, want %d (mistakes: %v)", text, got, want, r.Failed())
		}
	}
}

func TestRate(t *testing.T) {
	for text, want := range map[string]float64{
		"10/s": 10, "60/m": 1, "3600/h": 1, "0.5/s": 0.5,
		"10": 0, "/s": 0, "0/s": 0, "-1/s": 0, "NaN/s": 0, "Inf/s": 0, "1e9/s": 0, "10/d": 0, "10/s/s": 0,
	} {
		var r words.Reader
		if got := r.Rate(attribute(t, `"`+text+`"`)); got != want || r.Failed() != (want == 0) {
			t.Errorf("%q is %v, want %v (mistakes: %v)", text, got, want, r.Failed())
		}
	}
}

// A report stays readable and cheap however much is wrong.
func TestManyMistakes(t *testing.T) {
	var r words.Reader
	src := strings.Repeat("x\n", 1000)
	for i := range 1000 {
		r.Mistake(hcl.Range{Filename: "p.hcl", Start: hcl.Pos{Line: i + 1, Column: 1, Byte: 2 * i}, End: hcl.Pos{Line: i + 1, Column: 2, Byte: 2*i + 1}}, "Wrong", "Right it.")
	}
	err := r.Report(map[string]*hcl.File{"p.hcl": {Bytes: []byte(src)}})
	m, ok := err.(*words.Mistakes)
	if !ok || m.Count() != 1000 || len(m.Summaries()) != 1000 || !strings.HasSuffix(m.Error(), "… and 950 more mistakes") {
		t.Errorf("%v", err)
	}
}
