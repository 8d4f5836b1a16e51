//go:build !linux

package bwrap

import (
	"errors"
	"fmt"
	"io"
	"net"

	"sallyport/sandbox"
	"sallyport/sandbox/box"
)

var errSystem = fmt.Errorf("making a box with bubblewrap on this system: %w", errors.ErrUnsupported)

// A Child cannot be had on this system.
type Child struct{ *sandbox.Child }

// Remarks are none.
func (*Child) Remarks() []Remark { return nil }

// Start refuses.
func Start(Host, box.Spec, sandbox.Command, Egress) (*Child, error) { return nil, errSystem }

// Try fails.
func Try(Host, box.Limits) ([]Remark, error) { return nil, errSystem }

// Inside fails.
func Inside(_ []string, stderr io.Writer, _ func(net.Listener, string)) int {
	fmt.Fprintln(stderr, errSystem)
	return 126
}
