//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package sandbox

import (
	"errors"
	"fmt"
	"io"
)

// A Child cannot be had on this system: nothing here could end it whole.
type Child struct{ none }

type none interface {
	Stdin() io.WriteCloser
	Stdout() io.Reader
	Pid() int
	Exited() <-chan struct{}
	Exit() Exit
	LastWords() string
	Stop()
	Kill()
}

// Start refuses.
func Start(Command) (*Child, error) {
	return nil, fmt.Errorf("starting a child process on this system: %w", errors.ErrUnsupported)
}
