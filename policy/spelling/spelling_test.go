package spelling_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"sallyport/policy/spelling"
)

func TestDidYouMean(t *testing.T) {
	known := []string{"read", "modify", "delete"}
	for written, want := range map[string]string{
		"reed": ` (did you mean "read"?)`, "moddify": ` (did you mean "modify"?)`, "destroy": "", "": "", strings.Repeat("x", 1000): "",
	} {
		if got := spelling.DidYouMean(written, known); got != want {
			t.Errorf("%.20q: %q", written, got)
		}
	}
}

// FuzzQuote: quoted text means itself, up to the NFC that HCL applies.
func FuzzQuote(f *testing.F) {
	f.Add("${a} %{b} $${c} \"\\\n\u200b\U000e0001")
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		expr, diags := hclsyntax.ParseExpression([]byte(spelling.Quote(s)), "p.hcl", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatalf("%q: %v", s, diags)
		}
		v, diags := expr.Value(nil)
		if diags.HasErrors() {
			t.Fatalf("%q: %v", s, diags)
		}
		if got, want := v.AsString(), cty.StringVal(s).AsString(); got != want {
			t.Errorf("%q came back as %q", want, got)
		}
	})
}
