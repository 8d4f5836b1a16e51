package owner

import (
	"os"
	"strconv"
	"strings"
)

// Us is this process as an owner.
func Us() ID {
	host, _ := os.Hostname()
	machine := firstLine("/etc/machine-id", "/var/lib/dbus/machine-id")
	if machine == "" {
		machine = host
	}
	link, _ := os.Readlink("/proc/self/ns/pid") // pid:[4026531836]
	space := strings.Trim(strings.TrimPrefix(link, "pid:"), "[]")
	if space == "" {
		space = "0"
	}
	return owner(machine, firstLine("/proc/sys/kernel/random/boot_id"), space, startOf(strconv.Itoa(os.Getpid())))
}

// startOf is when the process started, in the kernel's ticks; with its pid that
// names it. It is "" if there is none, or only its remains.
func startOf(pid string) string {
	if _, err := strconv.ParseUint(pid, 10, 31); err != nil {
		return ""
	}
	b, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return ""
	}
	// The second field is a name in brackets that may hold anything.
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	const state, start = 0, 19
	if len(fields) <= start || fields[state] == "Z" || fields[state] == "X" {
		return ""
	}
	return fields[start]
}
