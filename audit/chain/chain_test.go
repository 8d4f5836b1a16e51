package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// writer makes logs as package audit does, without a disk.
type writer struct {
	link Link
	log  []byte
	now  time.Time
}

func (w *writer) add(kind, members string) {
	start := len(w.log)
	w.now = w.now.Add(time.Millisecond)
	w.log = w.link.Begin(w.log, w.now, kind)
	w.log = append(w.log, members...)
	w.log = w.link.Seal(w.log, start)
}

func newWriter() *writer {
	w := &writer{now: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}
	w.add(genesis, `,"version":"test"`)
	return w
}

// sample is a small log of a genesis, n decisions and a close. The bodies try
// to look like the end of a line.
func sample(n int) []byte {
	w := newWriter()
	for i := range n {
		w.add("decision", fmt.Sprintf(`,"tool":"t%d","params":{"a":",\"hash\":\"%s\"}","prev":"","hash":""}`, i, noHash))
	}
	w.add(closing, "")
	return w.log
}

// resumed continues a log as package audit does after a crash.
func resumed(log []byte) ([]byte, error) {
	t, err := ReadTail(bytes.NewReader(log), int64(len(log)))
	if err != nil {
		return nil, err
	}
	w := writer{link: t.Link, log: bytes.Clone(log), now: time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)}
	if t.Open {
		w.log = append(w.log, '\n')
	}
	kind, members := resume, ""
	if t.Link.Next() == 0 {
		kind = genesis
	}
	if t.TornBytes > 0 {
		members = fmt.Sprintf(`,"torn_bytes":%d,"torn_sha256":"%s"`, t.TornBytes, t.TornSHA256)
	}
	w.add(kind, members)
	return w.log, nil
}

func verify(t testing.TB, log []byte, expect ...Anchor) Report {
	t.Helper()
	r, err := Verify(bytes.NewReader(log), expect...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func split(log []byte) [][]byte {
	return slices.Collect(bytes.Lines(log))
}

func TestVerifyIntact(t *testing.T) {
	log := sample(3)
	r := verify(t, log)
	lines := split(log)
	want := Report{
		Records: 5,
		First:   Anchor{0, string(lines[0][len(lines[0])-67 : len(lines[0])-3])},
		Last:    Anchor{4, string(lines[4][len(lines[4])-67 : len(lines[4])-3])},
		Begun:   time.Date(2000, 1, 1, 0, 0, 0, 1e6, time.UTC),
		Ended:   time.Date(2000, 1, 1, 0, 0, 0, 5e6, time.UTC),
		Clean:   true,
	}
	if d := cmp.Diff(want, r); d != "" {
		t.Errorf("report (-want +got):\n%s", d)
	}
	if r.Status() != Intact {
		t.Errorf("status %v", r.Status())
	}
	if (Report{}).Status() != Broken {
		t.Error("a report of nothing is not broken")
	}
}

// The package doc tells outsiders how to check a line. This does just that,
// with none of our code.
func TestDocumentedProof(t *testing.T) {
	want := strings.Repeat("0", 64)
	for line := range strings.Lines(string(sample(3))) {
		line = strings.TrimSuffix(line, "\n")
		prev := line[strings.LastIndex(line, `,"prev":"`)+9:]
		prev = prev[:strings.Index(prev, `"`)]
		if prev != want {
			t.Fatalf("prev %s, want %s", prev, want)
		}
		raw, err := hex.DecodeString(prev)
		if err != nil {
			t.Fatal(err)
		}
		canonical := line[:strings.LastIndex(line, `,"hash":"`)]
		if len(canonical) != len(line)-75 {
			t.Fatalf("canonical bytes end at %d of %d", len(canonical), len(line))
		}
		sum := sha256.Sum256(append(raw, canonical...))
		want = hex.EncodeToString(sum[:])
		if !strings.HasSuffix(line, `,"hash":"`+want+`"}`) {
			t.Fatalf("hash of %s is not %s", line, want)
		}
	}
}

// No byte of a log is outside of the proof: any other value of any byte shows.
func TestEveryByteCounts(t *testing.T) {
	torn, err := resumed(append(sample(2), `{"seq":4,"time":"20`...))
	if err != nil {
		t.Fatal(err)
	}
	for name, log := range map[string][]byte{"plain": sample(3), "with an unfinished write": torn} {
		if s := verify(t, log).Status(); s != Intact {
			t.Fatalf("%s: status %v before any change", name, s)
		}
		for i := range log {
			old := log[i]
			for _, b := range []byte{old ^ 1, old ^ 0x20, old ^ 0x80, '\n', '"', 0} {
				if b == old {
					continue
				}
				log[i] = b
				if r := verify(t, log); r.Status() == Intact {
					t.Errorf("%s: byte %d changed from %q to %q: intact", name, i, old, b)
				}
			}
			log[i] = old
		}
	}
}

// Cut anywhere, a log is unfinished, or a shorter intact log that an anchor
// exposes; and it can always be continued.
func TestEveryCut(t *testing.T) {
	log := sample(3)
	whole := verify(t, log)
	for n := range len(log) {
		r := verify(t, log[:n])
		want := Unfinished
		switch {
		case n == 0:
			want = Broken
		case log[n-1] == '\n':
			want = Intact
		}
		if r.Status() != want {
			t.Errorf("cut at %d: status %v, want %v (%v)", n, r.Status(), want, r.Bad)
		}
		// Without its line feed alone the last record is still there.
		if r := verify(t, log[:n], whole.Last); n < len(log)-1 && r.Records > 0 && (r.Bad == nil || r.Bad.Kind != KindTruncated) {
			t.Errorf("cut at %d: the anchor found %v", n, r.Bad)
		}
		on, err := resumed(log[:n])
		if err != nil {
			t.Errorf("cut at %d: %v", n, err)
			continue
		}
		if r := verify(t, on); r.Status() != Intact {
			t.Errorf("cut at %d and continued: %v", n, r.Bad)
		}
	}
}

// A crash while continuing after a crash leaves a longer unfinished write.
func TestCutWhileContinuing(t *testing.T) {
	log := sample(1)
	first := log[:len(log)-100]
	second, err := resumed(first)
	if err != nil {
		t.Fatal(err)
	}
	for n := len(first); n <= len(second); n++ {
		third, err := resumed(second[:n])
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		r := verify(t, third)
		if r.Status() != Intact || r.TornCount == 0 {
			t.Errorf("cut at %d: %v, %d unfinished writes", n, r.Bad, r.TornCount)
		}
	}
}

// ReadTail must find the last two records however long they are, and notice
// what a file's end can show.
func TestReadTailOfLargeLogs(t *testing.T) {
	for _, size := range []int{100, firstRead / 2, firstRead - 200, firstRead, 5 * firstRead} {
		w := newWriter()
		for range 5 {
			w.add("decision", `,"message":"`+strings.Repeat("x", size)+`"`)
		}
		tail, err := ReadTail(bytes.NewReader(w.log), int64(len(w.log)))
		if err != nil {
			t.Errorf("size %d: %v", size, err)
			continue
		}
		if got, want := tail.Link.Anchor(), verify(t, w.log).Last; got != want || tail.Open || tail.TornBytes != 0 {
			t.Errorf("size %d: tail %+v, want %+v", size, got, want)
		}
		cut := w.log[:len(w.log)-10]
		on, err := resumed(cut)
		if err != nil {
			t.Errorf("size %d, cut: %v", size, err)
		} else if r := verify(t, on); r.Status() != Intact || r.TornCount != 1 {
			t.Errorf("size %d, cut and continued: %v", size, r.Bad)
		}
		bad := bytes.Clone(w.log)
		bad[len(bad)-200] ^= 1
		if _, err := ReadTail(bytes.NewReader(bad), int64(len(bad))); err == nil {
			t.Errorf("size %d: an altered last record went unnoticed", size)
		}
		lines := split(w.log)
		bad = bytes.Join(append(lines[:len(lines)-2:len(lines)-2], lines[len(lines)-1]), nil)
		if size <= firstRead/2 {
			if _, err := ReadTail(bytes.NewReader(bad), int64(len(bad))); err == nil {
				t.Errorf("size %d: a missing last but one record went unnoticed", size)
			}
		}
	}
}

func TestVerifyReadErrors(t *testing.T) {
	broken := errors.New("the disk is on fire")
	r, err := Verify(io.MultiReader(bytes.NewReader(sample(1)), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if r.Records != 3 {
		t.Errorf("%d records read before the error", r.Records)
	}
	if r, err := Verify(iotest.OneByteReader(bytes.NewReader(sample(2)))); err != nil || r.Status() != Intact {
		t.Errorf("read byte by byte: %v, %v", r.Bad, err)
	}
}

// endless is a line without an end.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

func TestVerifyBoundsMemory(t *testing.T) {
	r, err := Verify(io.MultiReader(bytes.NewReader(sample(1)), endless{}))
	if err != nil || r.Bad == nil || r.Bad.Kind != KindAltered || r.Bad.Line != 4 {
		t.Errorf("an endless line: %v, %v", r.Bad, err)
	}
}

// FuzzVerify applies edits, drawn from the input, to a valid log. Whatever they
// change, the result is never intact with the same last hash; and the way that
// a file is read makes no difference.
func FuzzVerify(f *testing.F) {
	f.Add(uint64(1), []byte("x"), uint16(3))
	f.Add(uint64(7), []byte("\n"), uint16(0))
	f.Add(uint64(9), sample(0), uint16(200))
	torn, err := resumed(append(sample(3), `{"seq":5,"ti`...))
	if err != nil {
		f.Fatal(err)
	}
	whole := verify(f, torn)
	f.Fuzz(func(t *testing.T, seed uint64, insert []byte, drop uint16) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		at := rnd.IntN(len(torn) + 1)
		end := min(len(torn), at+int(drop))
		edited := bytes.Join([][]byte{torn[:at], insert, torn[end:]}, nil)
		if rnd.IntN(4) == 0 { // and move a line
			lines := split(edited)
			rnd.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
			edited = bytes.Join(lines, nil)
		}
		r := verify(t, edited)
		if r.Status() == Intact && r.Last == whole.Last && !bytes.Equal(edited, torn) {
			t.Errorf("bytes %d to %d replaced by %q: intact", at, end, insert)
		}
		if (r.Bad == nil) != (r.Status() == Intact) {
			t.Errorf("status %v with problem %v", r.Status(), r.Bad)
		}
		if r.Bad != nil && (r.Bad.Offset < 0 || r.Bad.Offset > int64(len(edited))) {
			t.Errorf("problem outside of the log: %v", r.Bad)
		}
		again, err := Verify(iotest.HalfReader(bytes.NewReader(edited)), whole.Last)
		if err != nil {
			t.Fatal(err)
		}
		if again.Status() == Intact && !bytes.Equal(edited, torn) {
			t.Errorf("intact with its anchor, though edited")
		}
	})
}

// FuzzReadTail puts anything behind a valid log, or in its place. ReadTail
// either refuses, or what it says makes a log that Verify finds intact.
func FuzzReadTail(f *testing.F) {
	base := sample(1)
	f.Add([]byte(`{"seq":3,"time":"`), true)
	f.Add([]byte("\n\n{"), true)
	f.Add([]byte(`{"se`), false)
	f.Add(base, true)
	f.Add(split(base)[2], true)
	f.Fuzz(func(t *testing.T, junk []byte, behind bool) {
		log := junk
		if behind {
			log = append(bytes.Clone(base), junk...)
		}
		on, err := resumed(log)
		if err != nil {
			return
		}
		if !bytes.HasPrefix(on, log) {
			t.Fatal("evidence was changed")
		}
		if r := verify(t, on); r.Status() != Intact {
			t.Errorf("continued, but %v", r.Bad)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	w := newWriter()
	for range 2000 {
		w.add("decision", `,"message":"`+strings.Repeat("x", 300)+`"`)
	}
	b.SetBytes(int64(len(w.log)))
	b.ReportAllocs()
	for b.Loop() {
		if r, err := Verify(bytes.NewReader(w.log)); err != nil || r.Status() != Intact {
			b.Fatal(r.Bad, err)
		}
	}
}

func BenchmarkLink(b *testing.B) {
	var w writer
	now := time.Now()
	members := `,"message":"` + strings.Repeat("x", 350) + `"`
	b.ReportAllocs()
	for b.Loop() {
		w.log = w.link.Begin(w.log[:0], now, "decision")
		w.log = append(w.log, members...)
		w.log = w.link.Seal(w.log, 0)
	}
	b.SetBytes(int64(len(w.log)))
}
