package leaf_test

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sallyport/proxy/leaf"
)

func walked(raw string) []string {
	var got []string
	for w := leaf.New([]byte(raw)); w.Next(); {
		sign := "="
		if w.Leaf().Name {
			sign = "#"
		}
		got = append(got, w.Path()+sign+w.Text())
	}
	return got
}

func TestWalk(t *testing.T) {
	tests := []struct {
		why, raw string
		want     []string
	}{
		{"a text alone", `"a"`, []string{"=a"}},
		{"no text", `[1,true,null,{}]`, nil},
		{"members and elements", `{"a":"x","b":["y",{"c":"z"}]}`, []string{"a#a", "a=x", "b#b", "b.0=y", "b.1.c#c", "b.1.c=z"}},
		{"white space", "{ \"a\" :\n[ 1 , \"x\" ] }", []string{"a#a", "a.1=x"}},
		{"escapes", `{"\u0061\"":"\\\"","b":"\\"}`, []string{`a"#a"`, `a"=\"`, "b#b", `b=\`}},
		{"commas and brackets in texts", `["a,[{","b"]`, []string{"0=a,[{", "1=b"}},
		{"empty texts", `{"":""}`, []string{"#", "="}},
		{"cut off", `{"a":"x`, []string{"a#a"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, walked(tt.raw)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.why, diff)
		}
	}
}

// FuzzWalk: of JSON, the walk finds exactly the texts that a decoder finds.
func FuzzWalk(f *testing.F) {
	f.Add(`{"a":["b",{"c":"\u00e9\n"}],"d":[[],["e"]]}`)
	f.Add(`["\\\"",{"\\":"\\\\"}]`)
	f.Fuzz(func(t *testing.T, raw string) {
		var v any
		if !utf8.ValidString(raw) || json.Unmarshal([]byte(raw), &v) != nil {
			leafs := 0
			for w := leaf.New([]byte(raw)); w.Next() && leafs <= len(raw); leafs++ {
				_ = w.Text() + w.Path()
			}
			if leafs > len(raw) {
				t.Fatal("the walk does not end")
			}
			return
		}
		var want []string
		if !texts(v, "", &want) {
			return // repeated keys: the decoder keeps one
		}
		var got []string
		for w := leaf.New([]byte(raw)); w.Next(); {
			if !w.Leaf().Name {
				got = append(got, w.Path()+"="+w.Text())
			}
		}
		if len(got) > len(want) {
			return // repeated keys
		}
		sort.Strings(got)
		sort.Strings(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", raw, diff)
		}
	})
}

func texts(v any, path string, into *[]string) bool {
	below := func(name string) string {
		return strings.TrimPrefix(path+"."+name, ".")
	}
	switch v := v.(type) {
	case string:
		*into = append(*into, path+"="+v)
	case []any:
		for i, e := range v {
			if !texts(e, below(fmt.Sprint(i)), into) {
				return false
			}
		}
	case map[string]any:
		for k, e := range v {
			if k == "" || strings.Contains(k, ".") || !texts(e, below(k), into) {
				return false // two paths could read alike
			}
		}
	}
	return true
}
