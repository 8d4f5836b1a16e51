//go:build !linux

package engine

// processLimit is not known: the engine is on another machine.
func processLimit() uint64 { return 1 << 16 }
