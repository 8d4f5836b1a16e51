//go:build !linux

package bwrap

import (
	"context"
	"errors"
	"fmt"

	"sallyport/sandbox"
	"sallyport/sandbox/box"
	"sallyport/sandbox/probe"
)

var errSystem = fmt.Errorf("making a box with bubblewrap on this system: %w", errors.ErrUnsupported)

// A Child cannot be had on this system.
type Child struct{ *sandbox.Child }

// Remarks are none.
func (*Child) Remarks() []Remark { return nil }

// Start refuses.
func Start(Host, box.Spec, sandbox.Command, string) (*Child, error) { return nil, errSystem }

// Means are none.
func Means(Host) []Remark { return nil }

// Try fails.
func Try(Host, box.Limits) ([]Remark, error) { return nil, errSystem }

// Probe fails.
func Probe(context.Context, Host, box.Spec, []string) (probe.Report, error) {
	return probe.Report{}, errSystem
}
