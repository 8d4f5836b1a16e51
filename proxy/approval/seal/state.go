package seal

import "time"

// Purpose says what a state is for.
type Purpose uint8

const (
	_       Purpose = iota // says nothing, and is refused
	Asking                 // the proxy has asked a person
	Passing                // the server of an approved call wants input itself
)

// State is what a sealed request state says. All of it is secret from the
// client, which can neither make nor change it.
//
// Strings and entries of lists hold at most 4 KiB, lists at most 64 entries,
// Upstream at most 1 MiB. An empty list or Upstream comes back as nil, and a
// time in UTC. A field that is added belongs in layout too, and makes a new
// version.
type State struct {
	Purpose    Purpose
	Question   string    // its id
	Principal  string    // who called
	Role       string    // in which role
	Server     string    // whose tool
	Method     string    // of MCP
	Tool       string    // its name at the server
	Arguments  [32]byte  // digest of what the person was shown of the call
	Definition [32]byte  // digest of the tool's definition
	Policy     string    // digest of the policy
	Issued     time.Time // when it was sealed
	Expires    time.Time // the last moment at which it opens
	Nonce      [16]byte  // drawn by Seal; see [Spent]
	Shown      [32]byte  // digest of the text that was shown
	Options    []string  // the answers that were offered
	Approvals  []string  // who has approved so far
	Upstream   []byte    // the server's own request state, raw JSON just as it wrote it
}

// layout names every field once, in the order in which they are written: what
// reads and what writes cannot come to differ.
func (s *State) layout(c *coder) {
	purpose := [1]byte{byte(s.Purpose)}
	c.fixed(purpose[:])
	s.Purpose = Purpose(purpose[0])
	c.text("question", &s.Question)
	c.text("principal", &s.Principal)
	c.text("role", &s.Role)
	c.text("server", &s.Server)
	c.text("method", &s.Method)
	c.text("tool", &s.Tool)
	c.fixed(s.Arguments[:])
	c.fixed(s.Definition[:])
	c.text("policy", &s.Policy)
	c.moment("issued", &s.Issued)
	c.moment("expires", &s.Expires)
	c.fixed(s.Nonce[:])
	c.fixed(s.Shown[:])
	c.list("options", &s.Options)
	c.list("approvals", &s.Approvals)
	c.raw("upstream", &s.Upstream)
	c.check(s.Purpose == Asking || s.Purpose == Passing, "it has no known purpose")
	c.check(s.Expires.After(s.Issued), "it expires before it is issued")
}

// Compare says which binding of the state that came is not the one of the call
// at hand, the first in the order below; it is empty if all are the same.
func Compare(want, got State) string {
	switch {
	case got.Principal != want.Principal:
		return "principal"
	case got.Role != want.Role:
		return "role"
	case got.Server != want.Server:
		return "server"
	case got.Method != want.Method:
		return "method"
	case got.Tool != want.Tool:
		return "tool"
	case got.Arguments != want.Arguments:
		return "arguments"
	case got.Definition != want.Definition:
		return "definition"
	case got.Policy != want.Policy:
		return "policy"
	}
	return ""
}
