package seal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// This binary plays a replica, when asked to: it spends nonces 0 to 199 and
// prints those that it was the first to spend.
func TestMain(m *testing.M) {
	if dir := os.Getenv("SEAL_TEST_SPEND"); dir != "" {
		s := must1(OpenSpent(dir))
		for i := range 200 {
			switch err := s.Spend(nonce(i), noon.Add(time.Minute), noon); {
			case err == nil:
				fmt.Println(i)
			case !errors.Is(err, ErrReplayed):
				fmt.Println("error", err)
			}
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func nonce(i int) (n [16]byte) {
	binary.BigEndian.PutUint64(n[:], uint64(i))
	return n
}

// records are a record of each kind.
func records(t testing.TB) map[string]*Spent {
	return map[string]*Spent{
		"memory": NewSpent(),
		"folder": must1(OpenSpent(filepath.Join(t.TempDir(), "spent"))),
	}
}

func TestSpend(t *testing.T) {
	soon := noon.Add(time.Minute)
	for kind, s := range records(t) {
		for _, c := range []struct {
			why   string
			nonce int
			now   time.Time
			want  error
		}{
			{"the first time", 1, noon, nil},
			{"the second", 1, noon, ErrReplayed},
			{"another", 2, noon, nil},
			{"the last moment", 1, soon, ErrReplayed},
			{"the last moment for a new one", 3, soon, nil},
			{"too late", 1, soon.Add(1), ErrExpired},
			{"too late for a new one", 4, soon.Add(1), ErrExpired},
			{"the clock was set back", 1, noon, ErrReplayed},
		} {
			if err := s.Spend(nonce(c.nonce), soon, c.now); !errors.Is(err, c.want) {
				t.Errorf("%s: %s: error %v, want %v", kind, c.why, err, c.want)
			}
		}
	}
	if err := new(Spent).Spend(nonce(1), soon, noon); err == nil {
		t.Error("a record of no kind lets spend")
	}
}

// A mark goes when it protects nothing any more, and not before.
func TestSweep(t *testing.T) {
	for kind, s := range records(t) {
		must(t, s.Spend(nonce(1), noon.Add(time.Minute), noon))
		must(t, s.Spend(nonce(2), noon.Add(time.Hour), noon))
		if f, ok := s.shelf.(folder); ok { // nothing that we did not put there
			must(t, f.root.WriteFile("notes", nil, 0o600))
			must(t, f.root.WriteFile("00-0", nil, 0o600))
		}
		last := noon.Add(6 * time.Minute) // five more than it is good for
		must(t, s.Spend(nonce(3), noon.Add(time.Hour), last))
		if s.live != 3 {
			t.Errorf("%s: %d marks, want 3", kind, s.live)
		}
		must(t, s.Spend(nonce(4), noon.Add(time.Hour), last.Add(sweepEvery-1)))
		if s.live != 4 {
			t.Errorf("%s: %d marks, want 4: swept too soon", kind, s.live)
		}
		must(t, s.Spend(nonce(5), noon.Add(time.Hour), last.Add(sweepEvery)))
		if s.live != 4 {
			t.Errorf("%s: %d marks, want 4: the first has expired", kind, s.live)
		}
		for i := 2; i <= 5; i++ {
			if err := s.Spend(nonce(i), noon.Add(time.Hour), noon.Add(time.Hour)); !errors.Is(err, ErrReplayed) {
				t.Errorf("%s: nonce %d: error %v", kind, i, err)
			}
		}
		if f, ok := s.shelf.(folder); ok {
			var names []string
			for _, e := range must1(os.ReadDir(f.root.Name())) {
				names = append(names, e.Name())
			}
			hour := fmt.Sprint("-", noon.Add(time.Hour).Unix())
			want := []string{"00-0"}
			for i := 2; i <= 5; i++ {
				want = append(want, fmt.Sprintf("%x", nonce(i))+hour)
			}
			if d := cmp.Diff(append(want, "notes"), names); d != "" {
				t.Errorf("files (-want +got):\n%s", d)
			}
		}
	}
}

func TestSpendIsBounded(t *testing.T) {
	s := NewSpent()
	for i := range maxSpent {
		must(t, s.Spend(nonce(i), noon.Add(time.Minute), noon))
	}
	if err := s.Spend(nonce(maxSpent), noon.Add(time.Minute), noon); !errors.Is(err, ErrFull) {
		t.Errorf("one too many: error %v", err)
	}
	later := noon.Add(time.Hour)
	if err := s.Spend(nonce(maxSpent), later, later); err != nil || s.live != 1 {
		t.Errorf("after all have expired: %d marks, error %v", s.live, err)
	}

	f := must1(OpenSpent(filepath.Join(t.TempDir(), "spent")))
	must(t, f.Spend(nonce(1), noon.Add(time.Minute), noon))
	f.live = maxSpent
	if err := f.Spend(nonce(2), noon.Add(time.Minute), noon); !errors.Is(err, ErrFull) {
		t.Errorf("a full folder: error %v", err)
	}
}

// A folder remembers for all replicas, and after a restart.
func TestFolderIsShared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spent")
	a, b := must1(OpenSpent(path)), must1(OpenSpent(path))
	must(t, a.Spend(nonce(1), noon.Add(time.Minute), noon))
	for who, s := range map[string]*Spent{"itself": a, "a replica": b, "after a restart": must1(OpenSpent(path))} {
		if err := s.Spend(nonce(1), noon.Add(time.Minute), noon); !errors.Is(err, ErrReplayed) {
			t.Errorf("%s: error %v", who, err)
		}
	}
}

// The record that a ring gives lives as long as its keys do.
func TestRingSpent(t *testing.T) {
	path := keyFile(t, Generate())
	a, b := must1(Load(path)), must1(Load(path))
	text := must1(a.Seal(sample()))
	for _, c := range []struct {
		ring *Ring
		want error
	}{{a, nil}, {b, ErrReplayed}} {
		s := must1(c.ring.Open(text, noon))
		if err := must1(c.ring.Spent()).Spend(s.Nonce, s.Expires, noon); !errors.Is(err, c.want) {
			t.Errorf("error %v, want %v", err, c.want)
		}
	}
	if info, err := os.Stat(path + ".spent"); err != nil || info.Mode() != os.ModeDir|0o700 {
		t.Errorf("folder %v, error %v", info.Mode(), err)
	}
	if s := must1(must1(New()).Spent()); s.shelf == nil {
		t.Error("keys in memory have no record")
	}
}

// What cannot be marked is not honoured.
func TestSpendFailsClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spent")
	s := must1(OpenSpent(path))
	must(t, s.Spend(nonce(1), noon.Add(time.Minute), noon))
	must(t, os.RemoveAll(path))
	for range 2 {
		if err := s.Spend(nonce(2), noon.Add(time.Minute), noon); err == nil || errors.Is(err, ErrReplayed) {
			t.Errorf("the folder is gone: error %v", err)
		}
	}
	// Another in its place is not the one that knows.
	must(t, os.Mkdir(path, 0o700))
	if err := s.Spend(nonce(1), noon.Add(time.Minute), noon); err == nil {
		t.Error("a folder that was replaced forgets")
	}

	s = must1(OpenSpent(filepath.Join(t.TempDir(), "spent")))
	must(t, s.shelf.(folder).self.Close())
	if err := s.Spend(nonce(1), noon.Add(time.Minute), noon); err == nil {
		t.Error("what may not outlive a loss of power is honoured")
	}

	s = must1(OpenSpent(filepath.Join(t.TempDir(), "spent")))
	full := s.shelf.(folder)
	must(t, full.root.Mkdir(fmt.Sprintf("%x-1", nonce(9)), 0o700)) // cannot be swept
	must(t, full.root.WriteFile(fmt.Sprintf("%x-1/x", nonce(9)), nil, 0o600))
	for range 2 {
		if err := s.Spend(nonce(1), noon.Add(time.Minute), noon); err == nil || !strings.Contains(err.Error(), "looking through") {
			t.Errorf("a sweep that fails: error %v", err)
		}
	}
}

// Of many that bring one nonce at the same time, one wins.
func TestRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spent")
	one := NewSpent()
	for kind, replicas := range map[string][]*Spent{
		"memory":  {one, one},
		"folders": {must1(OpenSpent(path)), must1(OpenSpent(path))},
	} {
		for i := range 50 {
			var won, lost atomic.Int32
			var all sync.WaitGroup
			start := make(chan struct{})
			for j := range 16 {
				all.Go(func() {
					<-start
					switch err := replicas[j%2].Spend(nonce(i), noon.Add(time.Minute), noon); {
					case err == nil:
						won.Add(1)
					case errors.Is(err, ErrReplayed):
						lost.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			close(start)
			all.Wait()
			if won.Load() != 1 || lost.Load() != 15 {
				t.Errorf("%s: %d won, %d lost", kind, won.Load(), lost.Load())
			}
		}
	}
}

// The same between processes.
func TestRaceOfProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spent")
	outs := make([][]byte, 3)
	var all sync.WaitGroup
	for i := range outs {
		all.Go(func() {
			c := exec.Command(must1(os.Executable()))
			c.Env = append(os.Environ(), "SEAL_TEST_SPEND="+path)
			var err error
			if outs[i], err = c.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, outs[i])
			}
		})
	}
	all.Wait()
	winners := map[string]int{}
	for _, out := range outs {
		for line := range strings.Lines(string(out)) {
			winners[line]++
		}
		t.Logf("a process won %d", strings.Count(string(out), "\n"))
	}
	for i := range 200 {
		if n := winners[fmt.Sprintln(i)]; n != 1 {
			t.Errorf("nonce %d was spent %d times", i, n)
		}
	}
	if len(winners) != 200 {
		t.Errorf("also printed: %v", winners)
	}
}

func BenchmarkSpend(b *testing.B) {
	for kind, s := range records(b) {
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if s.live > maxSpent/2 { // measure the mark, not the bound
					s.live = 0
				}
				must(b, s.Spend(nonce(i), noon.Add(time.Minute), noon))
			}
		})
	}
}
