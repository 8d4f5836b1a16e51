//go:build unix

package keeper

import "syscall"

// ownSession keeps signals to our group, and a terminal's end, from the keeper.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
