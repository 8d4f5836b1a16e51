// Package tier ranks the risk of a call, and never lets what a server says of
// itself lower what the operator says.
package tier

import "slices"

// Tier is the risk of a call. The zero Tier is "nobody said", and counts as
// Delete everywhere.
type Tier uint8

// The tiers in rising order.
const (
	Read     Tier = iota + 1 // no side effects
	Modify                   // reversible; logged before it runs
	Delete                   // destructive; waits for a person
	External                 // leaves the system boundary; waits for a person

	// Infer stands in a policy for "ask the name and the annotations". As the
	// tier of a call it counts as Delete.
	Infer Tier = 255
)

var names = [...]string{Read: "read", Modify: "modify", Delete: "delete", External: "external"}

// Parse reads one of the four words or "infer"; anything else is Delete.
func Parse(word string) Tier {
	if word == "infer" {
		return Infer
	}
	return Tier(slices.Index(names[:], word)).OrDelete()
}

// String is the tier's word in policies and logs; what is not one of the four
// says "delete".
func (t Tier) String() string { return names[t.OrDelete()] }

// NeedsPerson is true for Delete, External and everything unknown.
func (t Tier) NeedsPerson() bool { return t != Read && t != Modify }

// OrDelete is t itself if it is one of the four, and Delete otherwise.
func (t Tier) OrDelete() Tier {
	if t < Read || t > External {
		return Delete
	}
	return t
}

// Facts are what an upstream says of one tool. Nil pointers mean that it
// says nothing, which is not the same as the defaults of the protocol.
type Facts struct {
	// Quarantined, when not empty, says why the definition was not accepted.
	Quarantined                                  string
	ReadOnly, Destructive, Idempotent, OpenWorld *bool
}

func says(b *bool, want bool) bool { return b != nil && *b == want }

// Raise applies the rule that annotations may only raise a tier: an explicit
// destructiveHint=true to Delete, readOnlyHint=false to Modify,
// openWorldHint=true to External. The specification gives destructiveHint a
// meaning only where readOnlyHint is not true, and libraries set both by default.
func (f *Facts) Raise(t Tier) Tier {
	t = t.OrDelete()
	if f == nil {
		return t
	}
	if says(f.ReadOnly, false) {
		t = max(t, Modify)
	}
	if says(f.Destructive, true) && !says(f.ReadOnly, true) {
		t = max(t, Delete)
	}
	if says(f.OpenWorld, true) {
		t = max(t, External)
	}
	return t
}
