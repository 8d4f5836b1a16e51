//go:build !unix

// Package inside runs first in a box, and there are none of this system.
package inside

import (
	"errors"
	"net"
)

// Forward hands each connection that the listener accepts to the socket.
type Forward func(l net.Listener, socket string) error

// Main refuses.
func Main([]string, Forward) (int, error) { return 125, errors.ErrUnsupported }
