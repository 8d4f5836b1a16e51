package markup

import "testing"

func TestHides(t *testing.T) {
	for tag, want := range map[string]bool{
		`<p`:                                        false,
		`<p class="hidden"`:                         false, // what a class does is said elsewhere
		`<p hidden`:                                 true,
		`<p hidden class="a"`:                       true,
		`<p data-hidden="1"`:                        false,
		`<input type="hidden"`:                      true,
		`<p style="display: NONE"`:                  true,
		`<p style="opacity:0"`:                      true,
		`<p style="opacity:0.5"`:                    false,
		`<p style="font-size:0.9em"`:                false,
		`<p style="font-size:0;color:red"`:          true,
		`<p style="position:absolute;left:-9999px"`: true,
		`<p style="color:white"`:                    true,
		`<p style="color:white;background:red"`:     false,
		`<p style="color:#fff;background:#ffffff"`:  true,
		`<font color="#FFFFFF"`:                     true,
	} {
		if got := Hides(tag); got != want {
			t.Errorf("%s hides: %v, want %v", tag, got, want)
		}
	}
}

func TestLink(t *testing.T) {
	for text, want := range map[string]bool{
		`[a](https://x.test/?q=1)`:        false,
		`[a](https://x.test/?q={secret})`: true,
		`[](https://x.test/DATA)`:         true,
		`[a](https://x.test/API)`:         false, // three capitals are a name
		`[a] (https://x.test/{b})`:        false,
	} {
		a, ok := Link(text)
		if got := ok && Open(text[a.Start:a.End]); got != want {
			t.Errorf("%s is open: %v, want %v", text, got, want)
		}
	}
}

// FuzzMarkup holds that every part lies inside the text.
func FuzzMarkup(f *testing.F) {
	f.Add(`<img alt="a" title='b'`)
	f.Add("[//]: # (a)\n")
	f.Fuzz(func(t *testing.T, text string) {
		Hides(text)
		parts, n := Spoken(text)
		for _, p := range parts[:n] {
			if p.Start < 0 || p.End > len(text) || p.Start > p.End {
				t.Fatalf("%q: %v", text, p)
			}
		}
		if n := Aside(text); n < 0 || n > len(text) {
			t.Fatalf("%q: %d", text, n)
		}
		if a, ok := Link(text); ok && (a.Start > a.End || a.End > len(text)) {
			t.Fatalf("%q: %v", text, a)
		}
	})
}
