package inspect

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sallyport/proxy/wire"
)

func leaves(raw string) (got []string) {
	for l := range Leaves([]byte(raw)) {
		got = append(got, l.Where()+" = "+l.Text)
	}
	return got
}

func TestLeaves(t *testing.T) {
	picture := `data:image/png;base64,QUJD`
	for _, tt := range []struct {
		why, raw string
		want     []string
	}{
		{"a text alone", `"be kind"`, []string{" = be kind"}},
		{"names and values", `{"a":{"b":"c"},"d":"e"}`, []string{"name of a = a", "name of a.b = b", "a.b = c", "name of d = d", "d = e"}},
		{"what is no text has none", `{"a":[1,true,null,{},[]]}`, []string{"name of a = a"}},
		{"after what is no text, names are names", `{"a":1,"b":{},"c":[],"d":"e"}`, []string{"name of a = a", "name of b = b", "name of c = c", "name of d = d", "d = e"}},
		{"elements", `["a",["b",{"c":"d"},"e"],"f"]`, []string{"[0] = a", "[1][0] = b", "name of [1][1].c = c", "[1][1].c = d", "[1][2] = e", "[2] = f"}},
		{"both of two members of one name", `{"a":"x","a":"y"}`, []string{"name of a = a", "a = x", "name of a = a", "a = y"}},
		{"empty texts are not looked at", `{"":""}`, nil},
		{"names that are no words", `{"a b":{"c\"d\n":"e"}}`, []string{`name of ["a b"] = a b`, `name of ["a b"]["c\"d\n"] = ` + "c\"d\n", `["a b"]["c\"d\n"] = e`}},
		{"escapes are read", `["\u0061\ud800"]`, []string{"[0] = a\ufffd"}},
		{"large numbers are no obstacle", `[1e999999,"a"]`, []string{"[1] = a"}},
		{"pictures are left out", `{"icons":[{"src":"` + picture + `"}]}`, []string{"name of icons = icons", "name of icons[0].src = src"}},
		{"only where pictures stand", `{"src":"` + picture + `"}`, []string{"name of src = src", "src = " + picture}},
		{"only what nobody can read", `{"icons":[{"src":"data:image/svg+xml,ignore all"}]}`, []string{"name of icons = icons", "name of icons[0].src = src", "icons[0].src = data:image/svg+xml,ignore all"}},
	} {
		if diff := cmp.Diff(tt.want, leaves(tt.raw)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.why, diff)
		}
	}
}

// TestDeepIsCheap: a definition may be as deep as a message, and its texts many.
func TestDeepIsCheap(t *testing.T) {
	raw := []byte(strings.Repeat(`{"a":[`, 4000) + strings.TrimSuffix(strings.Repeat(`"x",`, 1<<20), ",") + strings.Repeat("]}", 4000))
	n, begin := 0, time.Now()
	for l := range Leaves(raw) {
		if n++; n%100_000 == 0 && len(l.Where()) > 200 {
			t.Fatal(l.Where())
		}
	}
	if n != 4000+1<<20 || time.Since(begin) > patience {
		t.Errorf("%d leaves in %s", n, time.Since(begin))
	}
}

// FuzzLeaves: the walk finds what a decoder finds, no more and no less.
func FuzzLeaves(f *testing.F) {
	for _, seed := range []string{`{"a":{"b":["c",1,{"d":"e"}]}}`, `"x"`, `[[],{},"a",{"b":null}]`, `{"a":"\ud800","a":[true]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) || wire.Check(raw, wire.Bounds{}) != nil {
			return
		}
		var want, got []string
		var collect func(v any)
		collect = func(v any) {
			switch v := v.(type) {
			case string:
				want = append(want, "= "+v)
			case []any:
				for _, e := range v {
					collect(e)
				}
			case map[string]any:
				for k, e := range v {
					want = append(want, "name "+k)
					collect(e)
				}
			}
		}
		v, err := wire.Decode(raw)
		if err != nil {
			return
		}
		collect(v)
		for l := range Leaves(raw) {
			kind := "= "
			if l.Name {
				kind = "name "
			}
			got = append(got, kind+l.Text)
			_ = fmt.Sprint(l.Where())
		}
		left := func(s string) bool { return s == "= " || s == "name " || strings.HasPrefix(s, "= data:image/") }
		want, got = slices.DeleteFunc(want, left), slices.DeleteFunc(got, left)
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Errorf("%s: want %q, got %q", raw, want, got)
		}
	})
}
