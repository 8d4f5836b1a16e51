package limit

import (
	"strings"
	"testing"

	"github.com/tiktoken-go/tokenizer"
)

// FuzzPieces compares our cutting with the tokenizer's own: the sum of the
// pieces must be the count of the whole, for any plain ASCII text.
func FuzzPieces(f *testing.F) {
	for _, s := range []string{"The quick brown fox's, it'll we'VE I'm don't 'x", "a  b   c\n\n d \r\n\t e", "x=12345;y = 0x1F", "  leading", "trailing  ",
		`{"name":"echo","arguments":{"text":"hello\nworld"}}`, "--- ???!!\n\n\nfoo", " \n ", "'", "''s", "a'", "1 22 333 4444"} {
		f.Add(s)
	}
	codec, err := tokenizer.Get(tokenizer.Cl100kBase)
	if err != nil {
		f.Fatal(err)
	}
	m := &memory{codec: codec, counts: map[string]int{}}
	f.Fuzz(func(t *testing.T, s string) {
		// On other control characters the tokenizer itself loses text.
		if len(s) > 512 || strings.ContainsFunc(s, func(r rune) bool { return r >= 0x7f || r < ' ' && r != '\n' && r != '\r' && r != '\t' }) {
			t.Skip()
		}
		want, err := codec.Count(s)
		if err != nil {
			t.Skip()
		}
		if got, ok := m.count([]byte(s)); !ok || got != want {
			t.Errorf("count(%q) = %d, the tokenizer says %d", s, got, want)
		}
		total := 0
		for rest := []byte(s); len(rest) > 0; {
			n := piece(rest)
			if n < 1 || n > len(rest) {
				t.Fatalf("piece(%q) = %d", rest, n)
			}
			rest, total = rest[n:], total+n
		}
		if total != len(s) {
			t.Errorf("the pieces of %q are %d bytes", s, total)
		}
	})
}

// TestMemoryIsBounded feeds it words without end.
func TestMemoryIsBounded(t *testing.T) {
	c := NewCounter()
	c.Warm()
	word := []byte("aaaaaaaa")
	for i := range 3 * maxPieces {
		for j, n := 0, i; j < len(word); j, n = j+1, n/26 {
			word[j] = 'a' + byte(n%26)
		}
		c.Count(word)
	}
	if n := len(c.words.counts); n > maxPieces {
		t.Errorf("%d pieces are remembered, at most %d", n, maxPieces)
	}
}
