//go:build !linux

package engine

// processLimit is not known: the engine is on another machine.
func processLimit() uint64 { return 1 << 16 }

// nowhere is the clients' working folder. The engine is in a virtual machine.
const nowhere = "/"
