package sandbox

import (
	"bytes"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// mostKin bounds a family: beyond it somebody is forking to get away.
const mostKin = 4096

// A relative is a process outside the child's group. Its start time makes it
// known again: an id alone may have been given to another.
type relative struct {
	pid, parent, group, session int
	state                       byte
	born                        uint64
}

// A family is who descends from a child, or shares its session, and is not in
// its group.
type family struct {
	known []relative
}

// look adds those that descend now from the child.
func (f *family) look(child int) {
	all := processes()
	kin := map[int]bool{child: true}
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if !kin[p.pid] && (kin[p.parent] || kin[p.session]) {
				kin[p.pid], grown = true, true
			}
		}
	}
	for _, p := range all {
		if kin[p.pid] && p.group != child && len(f.known) < mostKin && !slices.ContainsFunc(f.known, p.is) {
			f.known = append(f.known, p)
		}
	}
}

// signal reaches each relative that is still the same process.
func (f *family) signal(s unix.Signal) {
	for _, r := range f.known {
		fd, err := unix.PidfdOpen(r.pid, 0)
		if err != nil {
			continue
		}
		// The descriptor fixes the process, so looking now leaves no gap.
		if now, ok := process(r.pid); ok && now.is(r) {
			_ = unix.PidfdSendSignal(fd, s, nil, 0)
		}
		shut(fd)
	}
}

func (r relative) is(other relative) bool { return r.pid == other.pid && r.born == other.born }

// lives reports whether any of the family or of the group is more than a zombie
// that waits for somebody else to reap it.
func (f *family) lives(group int) bool {
	if len(f.known) == 0 && unix.Kill(-group, 0) == unix.ESRCH {
		return false
	}
	return slices.ContainsFunc(processes(), func(p relative) bool {
		ours := p.group == group || slices.ContainsFunc(f.known, p.is)
		return ours && p.state != 'Z' && p.state != 'X'
	})
}

// processes lists all that /proc shows, and nothing without it.
func processes() []relative {
	entries, _ := os.ReadDir("/proc")
	var all []relative
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if p, ok := process(pid); ok {
				all = append(all, p)
			}
		}
	}
	return all
}

// process reads with plain calls: os.ReadFile would offer each file to the
// poller, at several times the cost.
func process(pid int) (relative, bool) {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return relative{}, false
	}
	defer shut(fd)
	var buf [1024]byte // the kernel's line is shorter
	n, err := unix.Read(fd, buf[:])
	if err != nil {
		return relative{}, false
	}
	return parseStat(buf[:n])
}

// parseStat reads a line of proc_pid_stat(5).
func parseStat(stat []byte) (relative, bool) {
	open, shut := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 1 || shut < open {
		return relative{}, false
	}
	// The fields after the name, which may itself contain spaces and brackets:
	// state ppid pgrp session … and, 22nd of all, starttime.
	rest := bytes.Fields(stat[shut+1:])
	if len(rest) < 20 || len(rest[0]) != 1 {
		return relative{}, false
	}
	r := relative{state: rest[0][0]}
	var bad error
	number := func(b []byte) int {
		n, err := strconv.Atoi(string(bytes.TrimSpace(b)))
		if err != nil {
			bad = err
		}
		return n
	}
	r.pid = number(stat[:open])
	r.parent, r.group, r.session = number(rest[1]), number(rest[2]), number(rest[3])
	born, err := strconv.ParseUint(string(rest[19]), 10, 64)
	r.born = born
	return r, bad == nil && err == nil
}
