//go:build !unix

package keeper

import "syscall"

func ownSession() *syscall.SysProcAttr { return nil }
