package secret

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// slow is Find as plainly as it can be said: at each byte, whatever may begin
// there. What a token must look like is not said again.
func slow(text string) (found []Finding) {
	s := scan{Finder: shared, text: text, footer: -1}
	add := func(rule string, start, end int) int {
		found = append(found, Finding{rule, start, end})
		return end
	}
	for i := 0; i < len(text); i++ {
		s.spent, s.tries, s.footer, s.bare = 0, 0, -1, 0
		switch c := text[i]; {
		case strings.HasPrefix(text[i:], "://"):
			start, end := userinfo(text, i+3)
			if rule, to := slowPrefixed(&s, i+3); to > 0 {
				i = add(rule, i+3, to) - 1
			}
			if end > 0 && start > i {
				i = add("url-password", start, end) - 1
			}
		case c == '=' || c == ':':
			if !slowNamed(text[:i]) {
				continue
			}
			if start, end := s.assigned(i); end > 0 {
				if _, known := slowPrefixed(&s, start); known == 0 {
					i = add("generic", start, end) - 1
				}
			}
		default:
			if rule, end := slowPrefixed(&s, i); end > 0 {
				i = add(rule, i, end) - 1
				continue
			}
			start := i + len("bearer ")
			if start >= len(text) || !strings.EqualFold(text[i:start], "bearer ") || !s.boundary(i) {
				continue
			}
			if end := start + span(text[start:], token); end-start >= 16 && guarded(text[start:end], false) {
				if _, known := slowPrefixed(&s, start); known == 0 {
					i = add("bearer", start, end) - 1
				}
			}
		}
	}
	return found
}

var shared = New()

func slowPrefixed(s *scan, i int) (rule string, end int) {
	for _, one := range formats {
		for prefix := range strings.FieldsSeq(one.prefix) {
			one.prefix = prefix
			if !strings.HasPrefix(s.text[i:], prefix) || !s.boundary(i) {
				continue
			}
			if n := s.length(&one, i); n > 0 {
				return one.rule, i + n
			}
		}
	}
	return "", 0
}

func slowNamed(before string) bool {
	for range 4 {
		if n := len(before); n > 0 && strings.IndexByte(" \"'\\", before[n-1]) >= 0 {
			before = before[:n-1]
		}
	}
	name := before[1+strings.LastIndexFunc(before, func(r rune) bool { return r >= 0x80 || class[r]&word == 0 }):]
	name = strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(name))
	name = name[max(0, len(name)-40):]
	return slowWithin(name, names) && !slowWithin(name, unlike)
}

func slowWithin(text string, any []string) bool {
	for _, one := range any {
		if strings.Contains(text, one) {
			return true
		}
	}
	return false
}

// same compares Find with slow, unless something was skipped.
func same(t *testing.T, text string) {
	t.Helper()
	s := scan{Finder: shared, text: text, footer: -1}
	s.run()
	if s.skipped > 0 || len(s.found) > maxFindings {
		return
	}
	if diff := cmp.Diff(slow(text), s.found); diff != "" {
		t.Errorf("of %q (-slow +fast):\n%s", text, diff)
	}
}

// pieces are what texts for comparison are put together from.
func pieces(r *rand.Rand) []string {
	all := []string{"\n", "\\n", "\\", " ", "  ", "=", ":", ": ", " = ", "=>", ":=", "\"", "'", "`", "\\\"", "://", "@", "/", ".", "-", "_", "+", "é", "\x00", "\x80",
		"a", "Z", "9", "bearer ", "Bearer ", "Authorization: ", "max_", "_id", "example", "xxxx", "PRIVATE KEY-----", "-----END", "...", "https://u:", "{", "<", "$"}
	for _, one := range formats {
		for prefix := range strings.FieldsSeq(one.prefix) {
			all = append(all, prefix)
		}
	}
	for _, token := range tokens(r) {
		all = append(all, token)
	}
	for _, n := range []int{3, 8, 16, 20, 24, 32, 36, 40, 64, 100} {
		all = append(all, made(r, n, base62), made(r, n, hexes), made(r, n, uppers))
	}
	all = append(all, names...)
	return append(all, unlike...)
}

func TestSame(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	all := pieces(r)
	found := 0
	for range 10000 {
		var b strings.Builder
		b.WriteString(made(r, r.IntN(70), " a"))
		for range 1 + r.IntN(8) {
			b.WriteString(all[r.IntN(len(all))])
		}
		same(t, b.String())
		found += len(shared.Find(b.String()))
	}
	if found < 1000 {
		t.Errorf("only %d findings were compared", found)
	}
	for _, text := range clean {
		same(t, text)
	}
}

// TestNeeds holds that no name is passed by for its letters.
func TestNeeds(t *testing.T) {
	for _, name := range names {
		for _, text := range []string{name, strings.ToUpper(name), "x-" + name + "_9"} {
			if !likely(text+`" :`, len(text)+2) {
				t.Errorf("%q is passed by", text)
			}
		}
	}
}

// TestWords holds the search for words to the library's.
func TestWords(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	hits := 0
	for range 20000 {
		text := made(r, r.IntN(8), "xX*.a0") + names[r.IntN(len(names))][r.IntN(3):] + made(r, r.IntN(8), "yYoO*.uUrR1J")
		want := slowWithin(strings.ToLower(text), names)
		if got := within(secretly, text); got != want {
			t.Fatalf("%q: %v", text, got)
		}
		if want {
			hits++
		}
	}
	if hits < 1000 || hits > 19000 {
		t.Errorf("%d hits", hits)
	}
}

// FuzzFind holds what must be true of any text: findings in order, apart, inside
// it and on the edges of characters, the same as plainly said, and redaction that
// comes to an end.
func FuzzFind(f *testing.F) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, one := range pieces(r) {
		f.Add(one)
	}
	for _, s := range []string{"password=\"Aa1bbbbbbbbbbbbb\"", "a://b:c9C9c9@d", "bearer aA1aA1aA1aA1bB2bB2", "é=é"} {
		f.Add(s)
	}
	find := New()
	f.Fuzz(func(t *testing.T, text string) {
		found := find.Find(text)
		at := 0
		for _, one := range found {
			if one.Start < at || one.End <= one.Start || one.End > len(text) {
				t.Fatalf("%+v in %d bytes", found, len(text))
			}
			if utf8.ValidString(text) && !(utf8.ValidString(text[:one.Start]) && utf8.ValidString(text[one.Start:one.End])) {
				t.Fatalf("%+v cuts a rune", one)
			}
			at = one.End
		}
		if len(text) < 2000 {
			same(t, text)
		}
		once := Redact(text, found)
		if again := Redact(once, find.Find(once)); again != once {
			t.Fatalf("%q then %q", once, again)
		}
	})
}
