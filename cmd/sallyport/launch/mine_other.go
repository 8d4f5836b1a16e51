//go:build !unix

package launch

import "io/fs"

// mine is not known on this system.
func mine(fs.FileInfo) bool { return false }

// ended is not known on this system.
func ended(string) bool { return false }
