package seal

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A field of State that layout forgets would be lost, and not be bound.
func TestEveryFieldIsEncoded(t *testing.T) {
	all := reflect.ValueOf(sample())
	for i := range all.NumField() {
		name := all.Type().Field(i).Name
		if name != "Nonce" && all.Field(i).IsZero() {
			t.Errorf("the sample leaves out %s", name)
		}
	}
	s := sample()
	s.Nonce = [16]byte{5}
	if d := cmp.Diff(s, must1(decode(must1(encode(s))))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// States in the hands of clients must open after an update of the program: who
// changes the encoding makes a new version.
func TestEncodingOfVersion1(t *testing.T) {
	s := sample()
	s.Nonce = [16]byte{5}
	s.Issued = s.Issued.Add(123456789)
	const want = "01" + "01" +
		"00000004712d3137" + "00000003616e6e" + "000000086f70657261746f72" + "0000000a6b756265726e65746573" +
		"0000000a746f6f6c732f63616c6c" + "0000000e6b75626563746c5f64656c657465" +
		"01" + zeros31 + "02" + zeros31 + "000000097368613235363a3333" +
		"00000000386dec40" + "075bcd15" + "00000000386ded6c" + "00000000" +
		"05000000000000000000000000000000" + "04" + zeros31 +
		"00000002" + "00000007617070726f7665" + "00000006726566757365" + "00000001" + "00000003626f62" +
		"000000122272617720" + "5c7530303431" + "20737461746522"
	if got := hex.EncodeToString(must1(encode(s))); got != want {
		t.Errorf("encoded as\n%s, want\n%s", got, want)
	}
}

const zeros31 = "00000000000000000000000000000000000000000000000000000000000000"

// A decoder that takes a second encoding of a state would make two texts of one.
func FuzzDecode(f *testing.F) {
	whole := must1(encode(sample()))
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(append(bytes.Clone(whole), 0))
	f.Add([]byte{})
	f.Add([]byte{2})
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := decode(data)
		if err != nil {
			if !reflect.ValueOf(s).IsZero() {
				t.Errorf("refused (%v), but returned %+v", err, s)
			}
			return
		}
		if again := must1(encode(s)); !bytes.Equal(again, data) {
			t.Errorf("%x is encoded as %x", data, again)
		}
	})
}

// What encode takes, decode gives back; what it refuses is out of bounds.
func FuzzRoundTrip(f *testing.F) {
	f.Add(uint8(1), "q", "ann", "a,b", int64(0), int64(0), int64(1), int64(0), []byte(`{"a":1}`))
	f.Add(uint8(2), "", "\x00\xff", "", int64(253402300799), int64(0), int64(253402300799), int64(1), []byte(nil))
	f.Add(uint8(0), "", "", ",,", int64(-1), int64(-1), int64(1), int64(1<<40), []byte{0})
	f.Fuzz(func(t *testing.T, purpose uint8, question, principal, list string, sec, nsec, sec2, nsec2 int64, upstream []byte) {
		s := State{Purpose: Purpose(purpose), Question: question, Principal: principal, Role: list, Server: principal,
			Method: question, Tool: list, Policy: principal, Issued: time.Unix(sec, nsec), Expires: time.Unix(sec2, nsec2)}
		if len(upstream) > 0 {
			s.Upstream = upstream
		}
		if list != "" {
			s.Options = strings.Split(list, ",")
			s.Approvals = strings.Split(list, "a")
		}
		for i, b := range []byte(question + principal) {
			s.Arguments[i%32] ^= b
			s.Definition[i%31] += b
			s.Shown[i%30] ^= b
			s.Nonce[i%16] ^= b
		}
		encoded, err := encode(s)
		if err != nil {
			inTime := s.Issued.Unix() >= 0 && s.Expires.Unix() <= lastSecond && s.Expires.After(s.Issued)
			small := max(len(question), len(principal), len(list)) <= maxText && len(s.Options) <= maxEntries && len(s.Approvals) <= maxEntries
			if inTime && small && (purpose == 1 || purpose == 2) && len(upstream) <= maxUpstream {
				t.Errorf("%+v is refused: %v", s, err)
			}
			return
		}
		got, err := decode(encoded)
		if err != nil {
			t.Fatalf("%+v: %v", s, err)
		}
		if d := cmp.Diff(s, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

// FuzzOpen puts texts together from the pieces of two that were sealed and a
// third that was not. None opens but the two.
func FuzzOpen(f *testing.F) {
	path := filepath.Join(f.TempDir(), "keys")
	must(f, os.WriteFile(path, []byte(Generate()+"\n"+Generate()+"\n"), 0o600))
	r, other := must1(Load(path)), must1(New())
	passing := sample()
	passing.Purpose, passing.Principal, passing.Upstream = Passing, "eve", nil
	texts := []string{must1(r.Seal(sample())), must1(r.Seal(passing)), must1(other.Seal(sample()))}
	f.Add(uint8(0), uint16(0), "", uint8(0), uint16(0))
	f.Add(uint8(0), uint16(21), "", uint8(1), uint16(21))
	f.Add(uint8(1), uint16(60), "AAAA", uint8(1), uint16(64))
	f.Add(uint8(1), uint16(40), "\n", uint8(1), uint16(40))
	f.Add(uint8(2), uint16(21), "", uint8(0), uint16(21))
	f.Add(uint8(0), uint16(60000), "=", uint8(0), uint16(60000))
	f.Fuzz(func(t *testing.T, a uint8, end uint16, insert string, b uint8, start uint16) {
		head, tail := texts[int(a)%3], texts[int(b)%3]
		text := head[:min(int(end), len(head))] + insert + tail[min(int(start), len(tail)):]
		ours := text == texts[0] || text == texts[1]
		for _, text := range []string{text, insert} {
			s, err := r.Open(text, noon)
			if ours && text == head || ours && text == tail {
				if err != nil {
					t.Errorf("%q: %v", text, err)
				}
				continue
			}
			if err == nil {
				t.Errorf("%q opens as %+v", text, s)
			}
		}
	})
}
