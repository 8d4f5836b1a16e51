package fold

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFold(t *testing.T) {
	table := NewTable()
	for text, want := range map[string]string{
		"plain":            "plain",
		"déjà vu":          "deja vu",
		"ｆｕｌｌ":             "full",
		"ﬁne № ㎏":          "fine no ㎏",
		"рауpal":           "paypal",
		"привет мир":       "privet mir",
		"з\u200bло":        "zlo",
		"s\u00e9\u0301":    "se",
		"日本":               "日本",
		"“quoted” — dash…": "\"quoted\" - dash...",
	} {
		if got := strings.ToLower(table.Fold(text).Text); got != want {
			t.Errorf("%q folds to %q, want %q", text, got, want)
		}
	}
}

func TestUnescape(t *testing.T) {
	for text, want := range map[string]string{
		`\u0041\x42%43&#68;&#x45;&lt;`: "ABCDE<",
		`\ud83d\ude00`:                 "😀",
		`100% sure & so on \`:          `100% sure & so on \`,
		`&#xD800;\uD800x`:              `&#xD800; x`,
	} {
		if got := Unescape(text).Text; got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// FuzzWayBack holds that nothing grows past its bound and that each place has a
// way back, in order and between characters.
func FuzzWayBack(f *testing.F) {
	for _, text := range []string{"déjà", "і\u200bgnоre", `\u0041%42&#67;`, "\U000E0041", "щ½ﷺ㍿", "\xff\xe2"} {
		f.Add(text)
	}
	table := NewTable()
	f.Fuzz(func(t *testing.T, text string) {
		for _, folded := range []Folded{table.Fold(text), Unescape(text)} {
			if len(folded.Text) > 2*len(text)+16 {
				t.Fatalf("%q grows to %q", text, folded.Text)
			}
			last := 0
			for i := range len(folded.Text) {
				at, end := folded.Origin(i), folded.OriginEnd(i+1)
				if at < last || end < at || end > len(text) {
					t.Fatalf("%q: byte %d comes from %d to %d, the one before from %d", folded.Text, i, at, end, last)
				}
				if utf8.ValidString(text) && (at < len(text) && !utf8.RuneStart(text[at]) || end < len(text) && !utf8.RuneStart(text[end])) {
					t.Fatalf("%q: byte %d comes from within a character", folded.Text, i)
				}
				last = at
			}
		}
	})
}
