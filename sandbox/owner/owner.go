// Package owner names the process that a container or another thing outside of it
// belongs to, so that a later one can tell what was left behind.
package owner

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
)

// An ID names one process on one machine in one life of that machine:
// MACHINE.BOOT.NAMESPACE.PID.START.
type ID string

const ownerParts = 5

// state says whether an owner still runs.
type state int

const (
	unknown state = iota // nothing is removed
	alive
	gone
)

// Gone says whether the owner is known to have ended.
func (o ID) Gone() bool { return o.state(Us(), startOf) == gone }

// state compares an owner with ourselves, who ask. running is told the pid of an owner that
// shares our process ids, and returns that process's start, or "" if there is
// none.
func (o ID) state(self ID, running func(pid string) string) state {
	theirs, ours := strings.Split(string(o), "."), strings.Split(string(self), ".")
	if len(theirs) != ownerParts || len(ours) != ownerParts {
		return unknown
	}
	switch {
	case theirs[0] != ours[0]:
		return unknown // an engine that several machines use
	case theirs[1] != ours[1]:
		return gone // the machine has been started anew
	case theirs[2] != ours[2]:
		return unknown // its process ids mean nothing here
	case running(theirs[3]) == theirs[4]:
		return alive
	}
	return gone
}

func owner(machine, boot, space, start string) ID {
	return ID(fmt.Sprintf("%s.%s.%s.%d.%s", short(machine), short(boot), space, os.Getpid(), start))
}

// short keeps ids that tell about the machine out of labels.
func short(s string) string {
	sum := sha256.Sum256([]byte("sallyport owner\x00" + s))
	return hex.EncodeToString(sum[:4])
}

// firstLine of the first file that has one.
func firstLine(paths ...string) string {
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if line, _, _ := strings.Cut(string(b), "\n"); err == nil && line != "" {
			return line
		}
	}
	return ""
}
