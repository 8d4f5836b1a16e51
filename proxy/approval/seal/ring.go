package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	prefix    = "sp1."
	idLen     = 16      // hex digits of a key id
	maxSealed = 3 << 20 // well above what the largest state takes
	// fastClock is how far the clock of the replica that issued a state may run
	// before ours.
	fastClock    = time.Minute
	refreshEvery = 5 * time.Second
)

// encoding is strict: without that, several texts would be one state.
func encoding() *base64.Encoding { return base64.RawURLEncoding.Strict() }

// Ring holds keys: the first seals, all open. Its zero value has none, seals
// nothing and opens nothing. It is safe for concurrent use. What it keeps is
// derived from the keys; the keys themselves are not kept.
type Ring struct {
	path string // of the key file; empty if there is none
	keys atomic.Pointer[[]key]

	mu     sync.Mutex
	looked time.Time // when the key file was last read
}

// key seals and opens.
type key struct {
	id   string
	aead cipher.AEAD
}

// newKey derives both parts of a key.
func newKey(secret []byte) (key, error) {
	id, err := hkdf.Key(sha256.New, secret, nil, "sallyport request state 1: key id", idLen/2)
	if err != nil {
		return key{}, err
	}
	sealing, err := hkdf.Key(sha256.New, secret, nil, "sallyport request state 1: AES-256-GCM", 32)
	if err != nil {
		return key{}, err
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return key{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return key{hex.EncodeToString(id), aead}, err
}

// header is what stands before the sealed part, and is authenticated with it.
func (k key) header() string { return prefix + k.id + "." }

// New returns a ring with one random key that lives in memory: what it seals
// can be opened by this process alone.
func New() (*Ring, error) {
	k, err := newKey(draw())
	if err != nil {
		return nil, fmt.Errorf("making a key for request states: %w", err)
	}
	r := &Ring{}
	r.keys.Store(&[]key{k})
	return r, nil
}

// Load returns a ring with the keys of a file, which is one key of 32 bytes a
// line, in base64 or hex; blank lines and those that begin with # say nothing.
// The file must be a regular file of this user, closed to all others. (A file
// that a link leads to, as in a mounted Kubernetes secret, is named by its own
// path.)
func Load(path string) (*Ring, error) {
	keys, err := readKeys(path)
	if err != nil {
		return nil, err
	}
	r := &Ring{path: path}
	r.keys.Store(&keys)
	return r, nil
}

// Refresh reads the key file again, unless it did so in the last five seconds.
// It costs little enough to be called before every [Ring.Seal] and [Ring.Open].
// If the file cannot be used, the ring goes on with the keys it has, and the
// operator should hear of the error.
func (r *Ring) Refresh(now time.Time) error {
	if r.path == "" || !r.mu.TryLock() { // somebody else is just doing it
		return nil
	}
	defer r.mu.Unlock()
	if since := now.Sub(r.looked); since >= 0 && since < refreshEvery {
		return nil
	}
	r.looked = now
	keys, err := readKeys(r.path)
	if err != nil {
		return fmt.Errorf("still using the keys that were read before: %w", err)
	}
	r.keys.Store(&keys)
	return nil
}

// Spent returns the record of spent nonces that goes with these keys: in memory
// if the keys are, and otherwise in a folder beside the key file.
func (r *Ring) Spent() (*Spent, error) {
	if r.path == "" {
		return NewSpent(), nil
	}
	return OpenSpent(r.path + ".spent")
}

// Generate returns a fresh key, as a line of a key file.
func Generate() string { return base64.StdEncoding.EncodeToString(draw()) }

func draw() []byte {
	secret := make([]byte, keyLen)
	rand.Read(secret) // never fails
	return secret
}

// IsSealed says whether a text looks like one of ours, which tells it from a
// foreign state but proves nothing.
func IsSealed(text string) bool { return strings.HasPrefix(text, prefix) }

// Seal draws a nonce for s and seals it.
func (r *Ring) Seal(s State) (string, error) {
	keys := r.keys.Load()
	if keys == nil || len(*keys) == 0 {
		return "", errors.New("there is no key to seal a request state with")
	}
	rand.Read(s.Nonce[:]) // never fails
	plain, err := encode(s)
	if err != nil {
		return "", err
	}
	k := (*keys)[0]
	header := k.header()
	return header + encoding().EncodeToString(k.aead.Seal(nil, nil, plain, []byte(header))), nil
}

// Open returns what was sealed, if it was sealed by a key of this ring and now
// is a time for it; that it has not been used before is for [Spent] to say.
func (r *Ring) Open(text string, now time.Time) (State, error) {
	k, body, err := r.find(text)
	if err != nil {
		return State{}, err
	}
	// The decoder skips line ends.
	if strings.ContainsAny(body, "\r\n") {
		return State{}, fmt.Errorf("%w: it contains a line end", ErrForged)
	}
	sealed, err := encoding().DecodeString(body)
	if err != nil {
		return State{}, fmt.Errorf("%w: it is not base64url", ErrForged)
	}
	plain, err := k.aead.Open(nil, nil, sealed, []byte(k.header()))
	if err != nil {
		return State{}, fmt.Errorf("%w: it has been altered", ErrForged)
	}
	s, err := decode(plain)
	if err != nil {
		return State{}, fmt.Errorf("%w: %w", ErrForged, err)
	}
	switch {
	case now.After(s.Expires):
		return State{}, fmt.Errorf("%w: question %q expired at %s", ErrExpired, s.Question, s.Expires.Format(time.RFC3339))
	case s.Issued.After(now.Add(fastClock)):
		return State{}, fmt.Errorf("%w: question %q was issued at %s, which is still to come: compare the clocks of the replicas",
			ErrExpired, s.Question, s.Issued.Format(time.RFC3339))
	}
	return s, nil
}

// find takes a text apart and finds the key that its id names.
func (r *Ring) find(text string) (key, string, error) {
	rest, ours := strings.CutPrefix(text, prefix)
	id, body, whole := strings.Cut(rest, ".")
	if !ours || !whole || len(id) != idLen || len(text) > maxSealed {
		return key{}, "", fmt.Errorf("%w: it does not have the form %s<key id>.<sealed>", ErrForged, prefix)
	}
	if keys := r.keys.Load(); keys != nil {
		for _, k := range *keys {
			if k.id == id {
				return k, body, nil
			}
		}
	}
	return key{}, "", ErrUnknownKey
}
