package seal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.UnixMilli(1_800_000_000_000)

func sample() State {
	return State{Purpose: Asking, Question: "q1", Principal: "alice", Role: "dev", Server: "fs", Method: "tools/call", Tool: "drop", Policy: "abc",
		Arguments: [32]byte{1}, Definition: [32]byte{2}, Issued: noon, Expires: noon.Add(time.Minute), Options: []string{"url"}, Upstream: []byte(`"s"`)}
}

func newRing(t testing.TB) *Ring {
	t.Helper()
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sealed(t testing.TB, r *Ring, s State) string {
	t.Helper()
	text, err := r.Seal(s)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSealOpen(t *testing.T) {
	r := newRing(t)
	text := sealed(t, r, sample())
	if !IsSealed(text) || strings.Contains(text, "alice") {
		t.Errorf("sealed text %q", text)
	}
	got, err := r.Open(text, noon)
	if err != nil {
		t.Fatal(err)
	}
	if got.Nonce == ([16]byte{}) {
		t.Error("no nonce was drawn")
	}
	want := sample()
	want.Nonce = got.Nonce
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	again, _ := r.Open(sealed(t, r, sample()), noon)
	if again.Nonce == got.Nonce {
		t.Error("two states have one nonce")
	}
}

// TestAltered flips every bit of a state and cuts it at every place.
func TestAltered(t *testing.T) {
	r := newRing(t)
	text := sealed(t, r, sample())
	for i := range text {
		for bit := range 7 {
			b := []byte(text)
			b[i] ^= 1 << bit
			if _, err := r.Open(string(b), noon); !errors.Is(err, ErrForged) {
				t.Fatalf("byte %d, bit %d: %v", i, bit, err)
			}
		}
		if _, err := r.Open(text[:i], noon); !errors.Is(err, ErrForged) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	for _, more := range []string{text + "A", text + "=", text + "\n", " " + text, "", "sp1.", "sp1..", "s\u0065aled", strings.Repeat("A", maxSealed+1)} {
		if _, err := r.Open(more, noon); !errors.Is(err, ErrForged) {
			t.Errorf("%.20q: %v", more, err)
		}
	}
	if _, err := newRing(t).Open(text, noon); !errors.Is(err, ErrForged) {
		t.Errorf("another ring's: %v", err)
	}
}

// TestOtherHead: the ring's own ciphertext under another key's name.
func TestOtherHead(t *testing.T) {
	a, b := newRing(t), newRing(t)
	both := &Ring{keys: []key{a.keys[0], b.keys[0]}}
	text := sealed(t, a, sample())
	moved := strings.Replace(text, a.keys[0].id, b.keys[0].id, 1)
	if _, err := both.Open(moved, noon); !errors.Is(err, ErrForged) {
		t.Errorf("%v", err)
	}
}

func TestTimes(t *testing.T) {
	r := newRing(t)
	text := sealed(t, r, sample())
	for _, tt := range []struct {
		why  string
		now  time.Time
		want error
	}{
		{"at its end", noon.Add(time.Minute), nil},
		{"after its end", noon.Add(time.Minute + time.Millisecond), ErrExpired},
		{"a replica's clock is behind", noon.Add(-maxSkew), nil},
		{"it comes from the future", noon.Add(-maxSkew - time.Millisecond), ErrExpired},
	} {
		if _, err := r.Open(text, tt.now); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.why, err, tt.want)
		}
	}
}

func TestUnsealable(t *testing.T) {
	for why, change := range map[string]func(*State){
		"no purpose":       func(s *State) { s.Purpose = 0 },
		"unknown purpose":  func(s *State) { s.Purpose = 9 },
		"long text":        func(s *State) { s.Tool = strings.Repeat("x", maxText+1) },
		"long state":       func(s *State) { s.Upstream = make([]byte, maxUpstream+1) },
		"too many options": func(s *State) { s.Options = make([]string, maxOptions+1) },
	} {
		s := sample()
		change(&s)
		if _, err := newRing(t).Seal(s); err == nil {
			t.Errorf("%s: sealed", why)
		}
	}
	s := sample()
	s.Upstream = bytes.Repeat([]byte("x"), maxUpstream)
	r := newRing(t)
	if got, err := r.Open(sealed(t, r, s), noon); err != nil || len(got.Upstream) != maxUpstream {
		t.Errorf("the largest state: %v", err)
	}
}

func TestCompare(t *testing.T) {
	if got := Compare(sample(), sample()); got != "" {
		t.Errorf("equal states differ in %q", got)
	}
	for part, change := range map[string]func(*State){
		"principal":  func(s *State) { s.Principal = "bob" },
		"role":       func(s *State) { s.Role = "x" },
		"server":     func(s *State) { s.Server = "x" },
		"method":     func(s *State) { s.Method = "x" },
		"tool":       func(s *State) { s.Tool = "x" },
		"arguments":  func(s *State) { s.Arguments[31]++ },
		"definition": func(s *State) { s.Definition[31]++ },
		"policy":     func(s *State) { s.Policy = "x" },
	} {
		s := sample()
		change(&s)
		if got := Compare(sample(), s); got != part {
			t.Errorf("%s: %q", part, got)
		}
	}
}

func keyFile(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRotation goes through the three steps with two replicas.
func TestRotation(t *testing.T) {
	oldKey, newKey := Generate(), Generate()
	load := func(text string) *Ring {
		r, err := Load(keyFile(t, text, 0o600))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	before, below := load("# keys\n\n"+oldKey+"\n"), load(oldKey+"\n"+newKey)
	above, after := load(newKey+"\r\n"+oldKey), load(newKey)
	for _, tt := range []struct {
		why      string
		from, to *Ring
		want     error
	}{
		{"the same file on two replicas", before, below, nil},
		{"and back", below, before, nil},
		{"the new key seals, the others know it", above, below, nil},
		{"what the old key sealed is still good", below, above, nil},
		{"after its removal it is not", before, after, ErrForged},
	} {
		if _, err := tt.to.Open(sealed(t, tt.from, sample()), noon); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.why, err)
		}
	}
}

func TestKeyFile(t *testing.T) {
	good := Generate()
	for _, tt := range []struct {
		why, text string
		mode      os.FileMode
		want      string
	}{
		{"others can read it", good, 0o640, "chmod 600"},
		{"empty", "", 0o600, "holds no key"},
		{"comments alone", "# nothing\n", 0o600, "holds no key"},
		{"too short", "c2hvcnQ=\n", 0o600, "line 1"},
		{"not base64", good + "\n" + strings.Repeat("!", 44), 0o600, "line 2"},
		{"zeros", base64.StdEncoding.EncodeToString(make([]byte, 32)), 0o600, "line 1"},
		{"twice", good + "\n" + good, 0o600, "line 2"},
		{"too large", strings.Repeat("#", maxKeyFile+1), 0o600, "more than"},
	} {
		_, err := Load(keyFile(t, tt.text, tt.mode))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.why, err, tt.want)
		} else if strings.Contains(err.Error(), good) {
			t.Errorf("%s: the error shows a key", tt.why)
		}
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("a folder was read as a key file")
	}
}

// TestSpent: one use, whoever asks, with many asking at once, through memory and
// through a folder that two proxies share.
func TestSpent(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spent")
	open := func() *Spent {
		s, err := OpenSpent(dir)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	alone := NewSpent()
	for why, all := range map[string][]*Spent{"in memory": {alone, alone}, "in a folder": {open(), open()}} {
		for n := range byte(20) {
			var won, lost atomic.Int32
			var asking sync.WaitGroup
			for i := range 8 {
				asking.Go(func() {
					switch err := all[i%2].Spend([16]byte{n}, noon.Add(time.Minute), noon); {
					case err == nil:
						won.Add(1)
					case errors.Is(err, ErrReplayed):
						lost.Add(1)
					default:
						t.Errorf("%s: %v", why, err)
					}
				})
			}
			asking.Wait()
			if won.Load() != 1 || lost.Load() != 7 {
				t.Errorf("%s: %d of 8 won, %d lost", why, won.Load(), lost.Load())
			}
		}
	}
	if err := open().Spend([16]byte{3}, noon.Add(time.Minute), noon); !errors.Is(err, ErrReplayed) {
		t.Errorf("after a restart: %v", err)
	}
}

// TestSweep: what has run out is forgotten, but not before clocks agree on that.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	os.Chmod(dir, 0o700)
	s, err := OpenSpent(dir)
	if err != nil {
		t.Fatal(err)
	}
	count := func() int {
		e, _ := os.ReadDir(dir)
		return len(e)
	}
	end := noon.Add(time.Minute)
	_ = s.Spend([16]byte{1}, end, noon)
	_ = s.Spend([16]byte{2}, end.Add(time.Hour), end.Add(slack))
	if len(s.used) != 2 || count() != 2 {
		t.Errorf("too early: %d in memory, %d files", len(s.used), count())
	}
	_ = s.Spend([16]byte{3}, end.Add(time.Hour), end.Add(slack+sweepEvery+time.Second))
	if len(s.used) != 2 || count() != 2 {
		t.Errorf("in time: %d in memory, %d files, want 2 of each", len(s.used), count())
	}
}

func TestSpentFailsClosed(t *testing.T) {
	s := NewSpent()
	for i := range maxSpent {
		s.used[[16]byte{byte(i), byte(i >> 8), byte(i >> 16), 1}] = noon.Add(time.Hour)
	}
	if err := s.Spend([16]byte{9}, noon, noon); !errors.Is(err, ErrFull) {
		t.Errorf("full: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "d")
	gone, err := OpenSpent(dir)
	if err != nil {
		t.Fatal(err)
	}
	os.RemoveAll(dir)
	if err := gone.Spend([16]byte{1}, noon, noon); err == nil {
		t.Error("a nonce that could not be noted was taken")
	}
	open := filepath.Join(t.TempDir(), "open")
	os.Mkdir(open, 0o700)
	os.Chmod(open, 0o777)
	if _, err := OpenSpent(open); err == nil {
		t.Error("a folder that all may write was taken")
	}
}

// FuzzOpen: nothing but what the ring sealed is opened.
func FuzzOpen(f *testing.F) {
	r, other := newRing(f), newRing(f)
	f.Add(sealed(f, other, sample()))
	f.Add(prefix + r.keys[0].id + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 60)))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := r.Open(text, noon); err == nil {
			t.Errorf("%q was opened", text)
		}
	})
}

// FuzzDecode: what is decoded is exactly what would be encoded.
func FuzzDecode(f *testing.F) {
	s := sample()
	b, _ := s.encode()
	f.Add(b)
	s.Options, s.Upstream = nil, nil
	b, _ = s.encode()
	f.Add(b)
	f.Add([]byte{version})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decode(b)
		if err != nil {
			return
		}
		again, err := s.encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%x is read as %+v, which is written as %x (%v)", b, s, again, err)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	r := newRing(b)
	for b.Loop() {
		sealed(b, r, sample())
	}
}

func BenchmarkOpen(b *testing.B) {
	r := newRing(b)
	text := sealed(b, r, sample())
	for b.Loop() {
		if _, err := r.Open(text, noon); err != nil {
			b.Fatal(err)
		}
	}
}
