//go:build !unix

package main

import "os"

func unblock(f *os.File) (_ *os.File, restore func()) { return f, func() {} }
