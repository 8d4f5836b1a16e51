//go:build !linux

package bwrap

import (
	"errors"
	"fmt"

	"sallyport/sandbox"
	"sallyport/sandbox/box"
)

// A Child cannot be had on this system.
type Child struct{ *sandbox.Child }

// Start refuses.
func Start(Host, box.Spec, sandbox.Command, Egress) (*Child, error) {
	return nil, fmt.Errorf("making a box with bubblewrap on this system: %w", errors.ErrUnsupported)
}
