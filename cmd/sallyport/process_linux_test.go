package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A process is known by a descriptor: its id may become another's.
type process struct {
	fd    int
	words string // its command line
}

// below are all processes that descend from one.
func below(pid int) []process {
	parents := map[int]int{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		var state string
		var parent int
		if _, err := fmt.Sscan(string(stat[bytes.LastIndexByte(stat, ')')+1:]), &state, &parent); err == nil && state != "Z" {
			parents[id] = parent
		}
	}
	var out []process
	for id := range parents {
		for up := parents[id]; up > 0; up = parents[up] {
			if up != pid {
				continue
			}
			if p, ok := open(id); ok {
				out = append(out, p)
			}
			break
		}
	}
	return out
}

func open(id int) (process, bool) {
	fd, err := unix.PidfdOpen(id, 0)
	words, readErr := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", id))
	return process{fd: fd, words: strings.ReplaceAll(strings.TrimRight(string(words), "\x00"), "\x00", " ")}, err == nil && readErr == nil
}

// beside are all other processes that work in our folder.
func beside() []process {
	var out []process
	here, _ := os.Getwd()
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil || id == os.Getpid() {
			continue
		}
		if p, ok := open(id); ok {
			if there, err := os.Readlink("/proc/" + e.Name() + "/cwd"); err == nil && there == here {
				out = append(out, p)
				continue
			}
			unix.Close(p.fd)
		}
	}
	return out
}

// ends waits for the end of a process, and says whether it came in time.
func (p process) ends() bool {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}, int(patience.Milliseconds()))
		if err != unix.EINTR {
			return err == nil && n == 1
		}
	}
	return false
}

// kill ends what a failed test would leave behind.
func (p process) kill() { _ = unix.PidfdSendSignal(p.fd, unix.SIGKILL, nil, 0) }
