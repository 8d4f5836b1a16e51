package seal

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxSpent   = 100_000
	sweepEvery = time.Minute
	// slack is how much longer than needed a mark is kept, for clocks that
	// differ or are set back.
	slack = 5 * time.Minute
)

// Spent knows which nonces have been used. Its zero value refuses all. It is
// safe for concurrent use.
type Spent struct {
	mu    sync.Mutex
	shelf shelf
	swept time.Time
	live  int // marks at the last sweep, and those made since
}

// shelf keeps marks.
type shelf interface {
	// mark returns ErrReplayed if there is one of this nonce.
	mark(nonce [16]byte, expires time.Time) error
	// sweep removes the marks that expired long before now, and counts the rest.
	sweep(now time.Time) (int, error)
}

// NewSpent returns a record in memory, for keys in memory: with keys that
// outlive the process, what it has forgotten could be used again.
func NewSpent() *Spent { return &Spent{shelf: memory{}} }

// OpenSpent returns a record in a folder, which is made if there is none.
func OpenSpent(dir string) (*Spent, error) {
	root, err := openFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder of used request states: %w", err)
	}
	self, err := root.Open(".")
	if err != nil {
		root.Close()
		return nil, fmt.Errorf("opening the folder of used request states: %w", err)
	}
	// A file system that cannot do this is to be known now.
	if err := self.Sync(); err != nil {
		self.Close()
		root.Close()
		return nil, fmt.Errorf("opening the folder of used request states: %w", err)
	}
	return &Spent{shelf: folder{root, self}}, nil
}

// Spend marks the nonce of an opened state as used, or returns ErrReplayed if
// it is. After any other error the nonce may or may not be marked, and the state
// must not be honoured. To revoke a state, spend it. Nonce and expires must be
// those of the same state.
func (s *Spent) Spend(nonce [16]byte, expires, now time.Time) error {
	// A mark that is due to be swept would protect nothing.
	if now.After(expires) {
		return ErrExpired
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shelf == nil {
		return errors.New("there is no record of used request states")
	}
	if now.Sub(s.swept) >= sweepEvery {
		live, err := s.shelf.sweep(now)
		if err != nil {
			return fmt.Errorf("looking through the used request states: %w", err)
		}
		s.swept, s.live = now, live
	}
	if s.live >= maxSpent {
		return ErrFull
	}
	if err := s.shelf.mark(nonce, expires); err != nil {
		return err
	}
	s.live++
	return nil
}

// memory has the expiry of each mark.
type memory map[[16]byte]time.Time

func (m memory) mark(nonce [16]byte, expires time.Time) error {
	if _, used := m[nonce]; used {
		return ErrReplayed
	}
	m[nonce] = expires
	return nil
}

func (m memory) sweep(now time.Time) (int, error) {
	for nonce, expires := range m {
		if now.After(expires.Add(slack)) {
			delete(m, nonce)
		}
	}
	return len(m), nil
}

// folder has an empty file for each mark, named <nonce in hex>-<expiry in unix
// seconds>.
type folder struct {
	root *os.Root
	self *os.File // the folder, to be synced
}

func (f folder) mark(nonce [16]byte, expires time.Time) error {
	name := fmt.Sprintf("%x-%d", nonce, expires.Unix())
	file, err := f.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return ErrReplayed
	}
	if err == nil {
		err = file.Close()
	}
	if err == nil {
		err = f.self.Sync() // or a loss of power would make it good again
	}
	if err != nil {
		return fmt.Errorf("marking a request state as used: %w", err)
	}
	return nil
}

func (f folder) sweep(now time.Time) (int, error) {
	dir, err := f.root.Open(".")
	if err != nil {
		return 0, err
	}
	defer dir.Close()
	live := 0
	for {
		names, err := dir.Readdirnames(1000)
		for _, name := range names {
			expires, ours := expiry(name)
			switch {
			case !ours: // nothing of ours to remove
			case !now.After(expires.Add(slack)):
				live++
			default:
				// Another replica may have been faster.
				if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return 0, err
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return live, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// expiry reads the name of a mark.
func expiry(name string) (time.Time, bool) {
	nonce, unix, _ := strings.Cut(name, "-")
	raw, err := hex.DecodeString(nonce)
	if err != nil || len(raw) != 16 {
		return time.Time{}, false
	}
	sec, err := strconv.ParseInt(unix, 10, 64)
	return time.Unix(sec, 0), err == nil
}
