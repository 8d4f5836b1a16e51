package seal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2000, 1, 1, 12, 0, 0, 0, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// sample is a state with no field left empty.
func sample() State {
	return State{
		Purpose: Asking, Question: "q-17", Principal: "ann", Role: "operator", Server: "kubernetes",
		Method: "tools/call", Tool: "kubectl_delete", Arguments: [32]byte{1}, Definition: [32]byte{2},
		Policy: "sha256:33", Issued: noon, Expires: noon.Add(5 * time.Minute), Shown: [32]byte{4},
		Options: []string{"approve", "refuse"}, Approvals: []string{"bob"}, Upstream: []byte(`"raw \u0041 state"`),
	}
}

// keyFile writes a key file and returns its path.
func keyFile(t testing.TB, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	must(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	return path
}

func TestSealOpen(t *testing.T) {
	r := must1(New())
	text := must1(r.Seal(sample()))
	got := must1(r.Open(text, noon))
	if got.Nonce == [16]byte{} {
		t.Error("no nonce was drawn")
	}
	want := sample()
	want.Nonce = got.Nonce
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	again := must1(r.Open(must1(r.Seal(got)), noon))
	if again.Nonce == got.Nonce {
		t.Error("a state that is sealed again keeps its nonce")
	}
	if !IsSealed(text) || IsSealed("x"+text) || IsSealed("") {
		t.Error("IsSealed does not know our prefix")
	}
	if strings.ContainsAny(text, "=+/\" \n") || !strings.HasPrefix(text, "sp1.") {
		t.Errorf("text %q", text)
	}
	for _, secret := range []string{"ann", "kubectl", "raw"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q can be read in %q", secret, text)
		}
	}
}

func TestLargestState(t *testing.T) {
	long := strings.Repeat("x", maxText)
	var list []string
	for range maxEntries {
		list = append(list, long)
	}
	s := sample()
	s.Question, s.Principal, s.Role, s.Server, s.Method, s.Tool, s.Policy = long, long, long, long, long, long, long
	s.Options, s.Approvals, s.Upstream = list, list, bytes.Repeat([]byte("7"), maxUpstream)
	r := must1(New())
	got := must1(r.Open(must1(r.Seal(s)), noon))
	got.Nonce = s.Nonce
	if !reflect.DeepEqual(s, got) {
		t.Error("the largest state comes back as another")
	}
}

func TestSealRefuses(t *testing.T) {
	over := strings.Repeat("x", maxText+1)
	for _, c := range []struct {
		why  string
		edit func(*State)
		want string
	}{
		{"a state for nothing is good for anything", func(s *State) { s.Purpose = 0 }, "no known purpose"},
		{"what we do not know we do not seal", func(s *State) { s.Purpose = 3 }, "no known purpose"},
		{"no expiry is for ever", func(s *State) { s.Expires = time.Time{} }, "expires is not a time"},
		{"no time of issue hides a wrong clock", func(s *State) { s.Issued = time.Time{} }, "issued is not a time"},
		{"it would never open", func(s *State) { s.Expires = s.Issued }, "expires before it is issued"},
		{"the year 10000 is a mistake", func(s *State) { s.Expires = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "expires is not a time"},
		{"question is bounded", func(s *State) { s.Question = over }, "question has a length of 4097, at most 4096"},
		{"principal is bounded", func(s *State) { s.Principal = over }, "principal has"},
		{"role is bounded", func(s *State) { s.Role = over }, "role has"},
		{"server is bounded", func(s *State) { s.Server = over }, "server has"},
		{"method is bounded", func(s *State) { s.Method = over }, "method has"},
		{"tool is bounded", func(s *State) { s.Tool = over }, "tool has"},
		{"policy is bounded", func(s *State) { s.Policy = over }, "policy has"},
		{"an option is bounded", func(s *State) { s.Options = []string{over} }, "options has"},
		{"an approver is bounded", func(s *State) { s.Approvals = []string{over} }, "approvals has"},
		{"so are their numbers", func(s *State) { s.Options = make([]string, maxEntries+1) }, "options has a length of 65, at most 64"},
		{"and of approvers", func(s *State) { s.Approvals = make([]string, maxEntries+1) }, "approvals has"},
		{"a server may not fill our memory", func(s *State) { s.Upstream = make([]byte, maxUpstream+1) }, "upstream has a length of 1048577"},
	} {
		s := sample()
		c.edit(&s)
		text, err := must1(New()).Seal(s)
		if err == nil || text != "" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q, error %v, want %q", c.why, text, err, c.want)
		}
	}
	if _, err := new(Ring).Seal(sample()); err == nil {
		t.Error("a ring without keys seals")
	}
}

// Everything that differs from what Seal returned is refused.
func TestOpenRefusesEveryChange(t *testing.T) {
	r := must1(New())
	text := must1(r.Seal(sample()))
	refused := func(what, text string) {
		t.Helper()
		if s, err := r.Open(text, noon); !errors.Is(err, ErrForged) || !reflect.ValueOf(s).IsZero() {
			t.Errorf("%s: error %v, state %+v", what, err, s)
		}
	}
	for i := range len(text) {
		refused(fmt.Sprintf("cut at %d", i), text[:i])
		refused(fmt.Sprintf("without its first %d bytes", i+1), text[i+1:])
		refused(fmt.Sprintf("without byte %d", i), text[:i]+text[i+1:])
		for b := range 256 {
			if byte(b) != text[i] {
				refused(fmt.Sprintf("byte %d is %q", i, byte(b)), text[:i]+string([]byte{byte(b)})+text[i+1:])
			}
		}
		for _, ins := range []string{"\n", "\r", "=", "A", ".", " ", "\x00"} {
			refused(fmt.Sprintf("%q before byte %d", ins, i), text[:i]+ins+text[i:])
			refused(fmt.Sprintf("%q at the end", ins), text+ins)
		}
	}
	if _, err := r.Open(text, noon); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	r, other := must1(New()), must1(New())
	k := (*r.keys.Load())[0]
	with := func(plain []byte, header string) string { // seals what Seal would not
		return header + encoding().EncodeToString(k.aead.Seal(nil, nil, plain, []byte(header)))
	}
	plain := must1(encode(sample()))
	if _, err := r.Open(with(plain, k.header()), noon); err != nil {
		t.Fatal(err)
	}
	next := bytes.Clone(plain)
	next[0]++
	text := must1(r.Seal(sample()))
	foreign := must1(other.Seal(sample()))
	for _, c := range []struct{ why, text, want string }{
		{"nothing is not a state", "", "does not have the form"},
		{"a server's own state is not ours", `eyJmb28iOiJiYXIifQ`, "does not have the form"},
		{"a prefix is not a state", "sp1.", "does not have the form"},
		{"nor is a key id", k.header(), "altered"},
		{"a key id has one length", "sp1.." + text, "does not have the form"},
		{"another ring's state is not ours", foreign, "key is not held"},
		{"nor is it under our key id", k.header() + foreign[len(k.header()):], "altered"},
		{"our state under another key id", foreign[:len(k.header())] + text[len(k.header()):], "key is not held"},
		{"the header is part of it", k.header() + with(plain, "sp2."+k.id+".")[len(k.header()):], "altered"},
		{"what we do not know we do not read", with(next, k.header()), "another version"},
		{"an empty state says nothing", with(nil, k.header()), "another version"},
		{"it ends where it ends", with(append(bytes.Clone(plain), 0), k.header()), "goes on after its end"},
		{"and not before", with(plain[:len(plain)-1], k.header()), "ends too early"},
		{"base64 is strict", text + "=", "not base64url"},
		{"line ends are not part of it", text[:40] + "\n" + text[40:], "line end"},
		{"size is bounded before anything else", k.header() + strings.Repeat("A", maxSealed), "does not have the form"},
	} {
		s, err := r.Open(c.text, noon)
		if !errors.Is(err, ErrForged) || !strings.Contains(err.Error(), c.want) || !reflect.ValueOf(s).IsZero() {
			t.Errorf("%s: error %v, want %q", c.why, err, c.want)
		}
		if unknown := strings.Contains(c.want, "not held"); errors.Is(err, ErrUnknownKey) != unknown {
			t.Errorf("%s: error %v", c.why, err)
		}
	}
	if _, err := new(Ring).Open(text, noon); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("a ring without keys: %v", err)
	}
}

func TestOpenAtItsTime(t *testing.T) {
	r := must1(New())
	text := must1(r.Seal(sample()))
	for _, c := range []struct {
		why string
		now time.Time
		ok  bool
	}{
		{"when it is issued", noon, true},
		{"the clock that issued it may be fast", noon.Add(-time.Minute), true},
		{"but not by more than a minute", noon.Add(-time.Minute - 1), false},
		{"the last moment", noon.Add(5 * time.Minute), true},
		{"and the first too late", noon.Add(5*time.Minute + 1), false},
		{"years later", noon.AddDate(10, 0, 0), false},
		{"no time is no time for it", time.Time{}, false},
	} {
		s, err := r.Open(text, c.now)
		if c.ok && err != nil || !c.ok && (!errors.Is(err, ErrExpired) || errors.Is(err, ErrForged) || !reflect.ValueOf(s).IsZero()) {
			t.Errorf("%s: error %v", c.why, err)
		}
	}
	// What is late and altered is altered: a client must not learn from it.
	if _, err := r.Open(text[:len(text)-4], noon.AddDate(1, 0, 0)); !errors.Is(err, ErrForged) {
		t.Errorf("late and altered: %v", err)
	}
}

// The roll-out of the package doc: at no step does any replica meet a state
// that it cannot open, until the old key is gone.
func TestRotation(t *testing.T) {
	before, after := Generate(), Generate()
	old := must1(Load(keyFile(t, before)))
	both := must1(Load(keyFile(t, before, after)))
	turned := must1(Load(keyFile(t, after, before)))
	done := must1(Load(keyFile(t, after)))
	for _, c := range []struct {
		why        string
		from, with *Ring
		ok         bool
	}{
		{"step 1, not everywhere", old, both, true},
		{"step 1, not everywhere, the other way", both, old, true},
		{"step 2, not everywhere", turned, both, true},
		{"step 2, not everywhere, the other way", both, turned, true},
		{"step 3, not everywhere", done, turned, true},
		{"step 3, not everywhere, the other way", turned, done, true},
		{"step 1 left out", turned, old, false},
		{"the old key is gone", both, done, false},
	} {
		_, err := c.with.Open(must1(c.from.Seal(sample())), noon)
		if c.ok && err != nil || !c.ok && !errors.Is(err, ErrUnknownKey) {
			t.Errorf("%s: error %v", c.why, err)
		}
	}
}

func TestRefresh(t *testing.T) {
	first, second := Generate(), Generate()
	path := keyFile(t, first)
	r := must1(Load(path))
	text := must1(r.Seal(sample()))
	now := noon
	must(t, r.Refresh(now))

	must(t, os.WriteFile(path, []byte(second+"\n"), 0o600))
	must(t, r.Refresh(now.Add(refreshEvery-1)))
	if _, err := r.Open(text, now); err != nil {
		t.Errorf("read again too soon: %v", err)
	}
	must(t, r.Refresh(now.Add(refreshEvery)))
	if _, err := r.Open(text, now); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("the key that was removed still opens: %v", err)
	}
	text = must1(r.Seal(sample()))

	for why, spoil := range map[string]func(){
		"half a line": func() { must(t, os.WriteFile(path, []byte(second[:20]), 0o600)) },
		"no line":     func() { must(t, os.WriteFile(path, nil, 0o600)) },
		"no file":     func() { must(t, os.Remove(path)) },
	} {
		spoil()
		now = now.Add(time.Minute)
		if err := r.Refresh(now); err == nil || !strings.Contains(err.Error(), "still using the keys") {
			t.Errorf("%s: error %v", why, err)
		}
		if _, err := r.Open(text, noon); err != nil {
			t.Errorf("%s: the keys are lost: %v", why, err)
		}
	}
	must(t, must1(New()).Refresh(noon))
}

// Every binding tells two states apart, and the first that differs is named.
func TestCompare(t *testing.T) {
	edits := []struct {
		want string
		edit func(*State)
	}{
		{"principal", func(s *State) { s.Principal += "x" }},
		{"role", func(s *State) { s.Role += "x" }},
		{"server", func(s *State) { s.Server += "x" }},
		{"method", func(s *State) { s.Method += "x" }},
		{"tool", func(s *State) { s.Tool += "x" }},
		{"arguments", func(s *State) { s.Arguments[31]++ }},
		{"definition", func(s *State) { s.Definition[31]++ }},
		{"policy", func(s *State) { s.Policy += "x" }},
	}
	all := sample()
	for i := range edits {
		c := edits[len(edits)-1-i] // the last first: each must win over those below
		one := sample()
		c.edit(&one)
		c.edit(&all)
		if got := Compare(sample(), one); got != c.want {
			t.Errorf("%s alone differs: %q", c.want, got)
		}
		if got := Compare(sample(), all); got != c.want {
			t.Errorf("%s and all below differ: %q", c.want, got)
		}
	}
	other := sample()
	other.Nonce, other.Question, other.Upstream = [16]byte{9}, "other", nil
	if got := Compare(sample(), other); got != "" {
		t.Errorf("what binds is the same: %q", got)
	}
}

func BenchmarkSeal(b *testing.B) {
	r := must1(New())
	s := sample()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Seal(s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	r := must1(New())
	for _, size := range []int{0, 1 << 10, 1 << 20} {
		s := sample()
		s.Upstream = bytes.Repeat([]byte("7"), size)
		text := must1(r.Seal(s))
		b.Run(fmt.Sprint("upstream=", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Open(text, noon); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRefresh(b *testing.B) {
	r := must1(Load(keyFile(b, Generate(), Generate())))
	must(b, r.Refresh(noon))
	b.Run("not yet", func(b *testing.B) {
		for b.Loop() {
			must(b, r.Refresh(noon))
		}
	})
	b.Run("read", func(b *testing.B) {
		for now := noon; b.Loop(); {
			now = now.Add(time.Minute)
			must(b, r.Refresh(now))
		}
	})
}
