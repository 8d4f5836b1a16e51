package seal

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Why a nonce is not taken, beside an error of the file system.
var (
	ErrReplayed = errors.New("the request state was used before")
	ErrFull     = errors.New("too many request states were used lately")
)

const (
	maxSpent = 100_000
	// sweepEvery is how often what has run out is forgotten, and slack how much
	// later than it runs out: clocks differ.
	sweepEvery = time.Minute
	slack      = 5 * time.Minute
)

// Spent knows the nonces that were used. Its methods may be called from many
// goroutines.
type Spent struct {
	dir string // shared with replicas; empty: in memory alone

	mu    sync.Mutex
	used  map[[16]byte]time.Time // when it runs out
	swept time.Time
}

// NewSpent keeps the nonces in memory.
func NewSpent() *Spent { return &Spent{used: map[[16]byte]time.Time{}} }

// OpenSpent keeps the nonces in a folder as well, one empty file each, so that a
// replica, or this proxy after a restart, knows them too. The folder must be on
// a file system that all replicas share.
func OpenSpent(dir string) (*Spent, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of used request states: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("looking at the folder of used request states: %w", err)
	}
	if !info.IsDir() || info.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("%s must be a folder that only its owner may write; do: chmod 700 %s", dir, dir)
	}
	s := NewSpent()
	s.dir = dir
	return s, nil
}

// Spend takes a nonce. It returns nil once for each, whoever asks, and an error
// whenever it cannot tell.
func (s *Spent) Spend(nonce [16]byte, expires, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.swept) >= sweepEvery {
		s.swept = now
		s.sweep(now)
	}
	if _, ok := s.used[nonce]; ok {
		return ErrReplayed
	}
	if len(s.used) >= maxSpent {
		return ErrFull
	}
	if s.dir != "" {
		name := hex.EncodeToString(nonce[:]) + "-" + strconv.FormatInt(expires.Unix(), 10)
		f, err := os.OpenFile(filepath.Join(s.dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		switch {
		case errors.Is(err, fs.ErrExist):
			return ErrReplayed
		case err != nil:
			return fmt.Errorf("noting a used request state: %w", err)
		}
		if err := f.Close(); err != nil {
			return fmt.Errorf("noting a used request state: %w", err)
		}
	}
	s.used[nonce] = expires
	return nil
}

// sweep forgets what has run out for long enough. What cannot be removed stays.
func (s *Spent) sweep(now time.Time) {
	for nonce, expires := range s.used {
		if now.After(expires.Add(slack)) {
			delete(s.used, nonce)
		}
	}
	if s.dir == "" {
		return
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		_, end, _ := strings.Cut(e.Name(), "-")
		if at, err := strconv.ParseInt(end, 10, 64); err == nil && now.After(time.Unix(at, 0).Add(slack)) {
			_ = os.Remove(filepath.Join(s.dir, e.Name()))
		}
	}
}
