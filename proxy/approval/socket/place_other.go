//go:build !(linux || darwin || freebsd)

package socket

import (
	"net"
	"os"
)

func safe(string) error                      { return errNoPeer }
func prepare(string) error                   { return errNoPeer }
func bind(string) (*net.UnixListener, error) { return nil, errNoPeer }
func unbind(string, os.FileInfo) error       { return nil }
func living(string) ([]string, error)        { return nil, errNoPeer }
func peer(*net.UnixConn) (int, error)        { return 0, errNoPeer }
func lock(string) (unlock func(), err error) { return nil, errNoPeer }
func sweep(string)                           {}
