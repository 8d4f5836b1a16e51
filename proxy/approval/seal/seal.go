// Package seal makes a request state that only this proxy, or a replica with the
// same keys, can have made, and that is good once.
//
// # Why
//
// In revision 2026-07-28 of MCP a call that needs more ends with a requestState,
// which the client hands back with its next try. The client is not trusted with
// it: a state is AES-256-GCM over all that the answer is bound to, so it cannot
// be read, altered, moved to another call or made up. The specification wants
// integrity, principal, expiry and request in it (basic/patterns/mrtr, "Server
// Requirements"), and leaves single use to the server: that is [Spent].
//
// The key of each cipher is derived from the ring's key by HKDF-SHA256, and the
// key id is derived as well, so nothing of a key shows. Nonces are random, which
// bounds a key to some 2^32 states; a proxy that asks a person a thousand times a
// day is far from it.
//
// Keys are rotated in three steps: add the new key below the old one everywhere,
// then move it to the top everywhere, then remove the old one when the states
// that it sealed have run out.
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
	"time"
)

// Why a state is not taken.
var (
	ErrForged  = errors.New("the request state was not made here, or was altered")
	ErrExpired = errors.New("the request state has run out")
)

const (
	prefix = "sp1."
	idSize = 4
	// maxSealed bounds what is decoded at all: the largest server's own state
	// and the rest, in base64.
	maxSealed = (maxUpstream + 64<<10) * 4 / 3
	// maxSkew is how far ahead a replica's clock may be.
	maxSkew = time.Minute
)

// Ring holds the keys: the first seals, all open. It does not change once made.
type Ring struct{ keys []key }

type key struct {
	id   string // hex
	aead cipher.AEAD
}

// New returns a ring with one random key, which is lost with the process.
func New() (*Ring, error) {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	return ring([][]byte{raw[:]})
}

func ring(raw [][]byte) (*Ring, error) {
	r := &Ring{}
	for _, one := range raw {
		k, err := derive(one)
		if err != nil {
			return nil, err
		}
		r.keys = append(r.keys, k)
	}
	return r, nil
}

func derive(raw []byte) (key, error) {
	id, err := hkdf.Key(sha256.New, raw, nil, "sallyport request state: key id", idSize)
	if err != nil {
		return key{}, err
	}
	secret, err := hkdf.Key(sha256.New, raw, nil, "sallyport request state: AES-256-GCM", 32)
	if err != nil {
		return key{}, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return key{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return key{id: hex.EncodeToString(id), aead: aead}, err
}

// IsSealed says whether a text claims to be one of ours. It proves nothing.
func IsSealed(text string) bool { return strings.HasPrefix(text, prefix) }

// Seal draws a nonce for the state and seals it.
func (r *Ring) Seal(s State) (string, error) {
	_, _ = rand.Read(s.Nonce[:]) // never fails
	plain, err := s.encode()
	if err != nil {
		return "", fmt.Errorf("sealing a request state: %w", err)
	}
	k := r.keys[0]
	head := prefix + k.id + "."
	return head + base64.RawURLEncoding.EncodeToString(k.aead.Seal(nil, nil, plain, []byte(head))), nil
}

// Open returns what a text says, if it was sealed with one of the ring's keys and
// has not run out. Otherwise the error is ErrForged or ErrExpired.
func (r *Ring) Open(text string, now time.Time) (State, error) {
	if len(text) > maxSealed || !IsSealed(text) {
		return State{}, ErrForged
	}
	id, body, ok := strings.Cut(text[len(prefix):], ".")
	if !ok || strings.ContainsAny(body, "\r\n") { // which base64 would skip
		return State{}, ErrForged
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return State{}, ErrForged
	}
	for _, k := range r.keys {
		if k.id != id {
			continue
		}
		plain, err := k.aead.Open(nil, nil, sealed, []byte(prefix+id+"."))
		if err != nil {
			continue
		}
		s, err := decode(plain)
		switch {
		case err != nil:
			return State{}, ErrForged
		case now.After(s.Expires) || s.Issued.After(now.Add(maxSkew)):
			return State{}, ErrExpired
		}
		return s, nil
	}
	return State{}, ErrForged
}
