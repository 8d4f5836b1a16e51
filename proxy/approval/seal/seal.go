// Package seal makes a request state that only this proxy, or a replica with
// the same keys, can have made, and that is good once.
//
// In the modern era of MCP a server that wants input answers a call with a
// request state, and the client calls again with the answers and that state.
// The client is not trusted. A [Ring] seals a [State], so that the client cannot
// read, alter or make one, and opens it only until it expires; [Compare] tells
// a state that was moved to another call; [Spent] tells one that comes again.
// A state is honoured after all three, in this order: spending one that was
// brought with the wrong call would let a client use up another's.
//
// # The text
//
//	sp1.<key id, 16 hex digits>.<AES-256-GCM, base64url without padding>
//
// All before the last dot is authenticated with the rest. The AEAD key and the
// key id are both derived from a key of the ring with HKDF-SHA256, so the id
// tells nothing of the key, and a key file that serves another program as well
// gives other keys there. Nonces of GCM are random: one key must seal no more
// than 2^32 states (a state a second for 136 years), after which two nonces are
// the same with a chance of 2^-32.
//
// There is one text for one state: base64 with stray bits or line feeds in it,
// lengths out of bounds and trailing bytes are refused, so a text can be
// compared and logged as it is.
//
// # Changing the key
//
// Replicas share a key file. The first key seals, all of them open.
//
//  1. Add the new key as the last line, on every replica: all can open what it
//     will seal. (sallyport approvals key prints one.)
//  2. Move it to the top: all seal with it. Old states can still be opened.
//  3. When the last state of the old key has expired, remove the old line.
//
// A key that has leaked is removed at once: the questions that are open are
// then asked again. Write a new file and rename it over the old one, so that
// nobody reads half of it. A running proxy follows by [Ring.Refresh].
//
// # Good once
//
// Without a key file, keys and spent nonces live and die with the process. With
// one, a spent nonce is an empty file in a folder beside it, made with O_EXCL,
// so that the second use is refused on whichever replica and after whichever
// restart; the folder must be on a file system that all replicas share and that
// keeps O_EXCL (NFS since version 3 does). Whoever empties the folder makes
// good again what has not expired. The clocks of replicas may differ by a
// minute; marks are kept for five minutes longer than needed.
package seal

import (
	"errors"
	"fmt"
)

// Errors of [Ring.Open] and [Spent.Spend], for errors.Is.
var (
	// ErrForged says that no key of this ring has sealed the text as it is.
	ErrForged = errors.New("the request state is not one of ours")
	// ErrUnknownKey is the kind of ErrForged that honest clients bring after a
	// key was removed, or a proxy with keys in memory was restarted.
	ErrUnknownKey = fmt.Errorf("%w: its key is not held here", ErrForged)
	// ErrExpired says that a text is ours, but not for this hour.
	ErrExpired = errors.New("the request state is not valid at this time")
	// ErrReplayed says that a nonce has been spent before.
	ErrReplayed = errors.New("the request state has been used before")
	// ErrFull says that more nonces are spent and not yet expired than can be
	// kept. Nothing can be spent until some have expired.
	ErrFull = errors.New("too many request states have been used and not yet expired")
)
