package decode

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	const said = "the quick brown fox jumps over it"
	for _, blob := range []string{
		base64.StdEncoding.EncodeToString([]byte(said)),
		base64.RawURLEncoding.EncodeToString([]byte(said)),
		hex.EncodeToString([]byte(said)),
	} {
		if got, ok := Text(blob); !ok || got != said {
			t.Errorf("%s is %q, %t", blob, got, ok)
		}
	}
	for _, blob := range []string{"", "a", "getUserAuthenticationHandlerFactory", "0123456789abcdef0123456789abcdef", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		if got, ok := Text(blob); ok {
			t.Errorf("%s is read as %q", blob, got)
		}
	}
}

// FuzzText holds that what is decoded is shorter than what it was, and text but for a
// byte in twenty and the last four, which may be cut.
func FuzzText(f *testing.F) {
	f.Add("dGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcw==")
	f.Add("74686520717569636b2062726f776e20666f78")
	f.Add("X000X00000000000") // one byte of it is no character
	f.Fuzz(func(t *testing.T, blob string) {
		if got, ok := Text(blob); ok && len(got) >= len(blob) {
			t.Fatalf("%q grows to %q", blob, got)
		} else if bad := len(got) - len(strings.ToValidUTF8(got, "")); bad*20 > len(got)+4*20 {
			t.Fatalf("%q is read as %q", blob, got)
		}
	})
}

func TestTurn(t *testing.T) {
	for text, want := range map[string]string{"Vtaber Nyy, 7!": "Ignore All, 7!", "\xff@[`{z": "\xff@[`{m"} {
		if got := Rot13(text); got != want || Rot13(want) != text {
			t.Errorf("%q turns to %q, want %q", text, got, want)
		}
	}
	if got := Backwards("abc"); got != "cba" {
		t.Errorf("abc backwards is %q", got)
	}
}
