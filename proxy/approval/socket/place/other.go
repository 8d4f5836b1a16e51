//go:build !(linux || darwin || freebsd)

package place

import (
	"net"
	"os"
)

func safe(string) error { return errNoPeer }

// Home is the default folder; there is none here.
func Home() (string, error) { return "", errNoPeer }

// Name is what a socket in the default folder is called.
func Name() string { return "" }

// Bind listens at a path; nothing can be served here.
func Bind(string) (*net.UnixListener, error) { return nil, errNoPeer }

// Unbind removes a socket.
func Unbind(string, os.FileInfo) error { return nil }

// Living are the sockets of a folder; there are none here.
func Living(string) ([]string, error) { return nil, nil }

// Peer is the user at the other end of a connection, who is not known here.
func Peer(*net.UnixConn) (int, error) { return 0, errNoPeer }
