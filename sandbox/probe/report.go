// Package probe sees from within what a box holds to, and compares it with what was
// promised: limits are tried, not read from flags.
//
// What is seen has to be true of containers and of bubblewrap's boxes, as root and as
// an ordinary user. So memory is tried twice: one process, of its own memory, and
// several at once, of memory that they could share. A limit of each process holds
// the first, and only one of the whole box holds the second. Where each process has
// a limit, the probe sets it for those that try and is itself spared: it could not
// start with what may be enough for another program.
package probe

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"sallyport/sandbox/box"
)

// Word is what our executable is called with to be the probe.
const Word = "box-probe"

// Patience bounds a probe: a second of processor at a twentieth is twenty.
const Patience = 90 * time.Second

// An Ask tells the probe what was promised, so that it knows how far to go.
type Ask struct {
	Limits    box.Limits
	Data      int64    // private memory that each process may have, where nothing holds the box as a whole; 0: any
	Addresses []string // host:port to try to reach
}

// Values that are no number.
const (
	Unlimited = 0
	Unknown   = -1
)

// A Report is what was seen.
type Report struct {
	UID, GID       int
	Groups         []int
	CapEff, CapBnd uint64
	NoNewPrivs     bool
	Seccomp        int      // 2 is a filter
	Root           bool     // / can be written to
	Writable       []string // mounted places that can be, apart from /tmp and /dev/shm
	Tmp, Shm       Place
	Memory         Memory
	PIDs           PIDs
	CPU            CPU
	Files          uint64 // open files of a process, the hard limit
	Interfaces     []string
	Reached        []string          // of the addresses
	Devices        []string          // apart from the harmless ones
	Attempts       map[string]string // what was tried: "refused: …" or Done
}

// Done is an attempt that ought to have failed.
const Done = "done"

// Place is a place that can be written to.
type Place struct {
	Size  int64 // as the file system says; Unknown if it is not a mount of its own
	Wrote int64 // as much as it took, up to a bound
	Exec  bool  // a program there was run
	Suid  bool  // set-user-id is honoured there
	Dev   bool  // device nodes are
}

// Memory is of the whole box.
type Memory struct {
	Cgroup, Swap int64 // as the kernel says: memory; memory and swap
	Reached      int64 // as much as one process got
	Killed       bool  // it was killed then, or given no more
	Together     int64 // as much as several processes had at once
}

// PIDs are processes and threads.
type PIDs struct {
	Cgroup  int64
	Reached int
	Refused bool
}

// CPU is in thousandths of a processor.
type CPU struct{ Cgroup, Used int64 }

// readLimit bounds what is read of a box that may be hostile.
const readLimit = 4 << 20

// Read returns the last report that came whole.
func Read(in io.Reader) (Report, error) {
	var last Report
	d := json.NewDecoder(io.LimitReader(in, readLimit))
	for n := 0; ; n++ {
		var r Report
		if err := d.Decode(&r); err != nil {
			if n == 0 {
				return last, fmt.Errorf("no report: %w", err)
			}
			return last, nil
		}
		last = r
	}
}

// Killed completes a report whose box was killed as a whole for want of memory,
// before all of it was seen.
func (r *Report) Killed(l box.Limits) {
	memory := l.OrDefault().Memory
	if r.Memory.Reached == Unknown {
		r.Memory.Reached, r.Memory.Killed = memory, true
	}
	if r.Memory.Together == Unknown {
		r.Memory.Together = memory
	}
}

// A Shortfall is a promise that is not kept.
type Shortfall struct{ What, Promised, Seen string }

func (s Shortfall) String() string {
	return fmt.Sprintf("%s: promised %s, seen %s", s.What, s.Promised, s.Seen)
}

// Check compares. Attempts and places of which the report does not speak are
// shortfalls too: what was not seen was not proven.
func Check(promise box.Spec, seen Report) []Shortfall {
	c := checker{}
	c.who(promise, seen)
	c.places(promise, seen)
	c.limits(promise.Limits.OrDefault(), seen)
	c.want("network", "none but loopback", fmt.Sprint(seen.Interfaces),
		!slices.ContainsFunc(seen.Interfaces, func(n string) bool { return n != "lo" }))
	c.want("network", "nothing reached", strings.Join(seen.Reached, " "), len(seen.Reached) == 0)
	for _, name := range attempts {
		c.want(name, "refused", or(seen.Attempts[name], "not tried"), strings.HasPrefix(seen.Attempts[name], "refused"))
	}
	return c.short
}

// attempts are what must be refused in every box.
var attempts = []string{
	"mount", "umount", "user namespace", "setuid root", "setgid root", "device node", "raw socket",
	"packet socket", "keyring", "bpf", "chroot", "hostname", "sysctl", "sysrq",
}

type checker struct{ short []Shortfall }

func (c *checker) want(what, promised, seen string, kept bool) {
	if !kept {
		c.short = append(c.short, Shortfall{what, promised, seen})
	}
}

func (c *checker) who(promise box.Spec, seen Report) {
	uid, gid := orNobody(promise.User.UID), orNobody(promise.User.GID)
	c.want("user", fmt.Sprintf("%d:%d", uid, gid), fmt.Sprintf("%d:%d", seen.UID, seen.GID), seen.UID == uid && seen.GID == gid)
	c.want("groups", "no others", fmt.Sprint(seen.Groups),
		!slices.ContainsFunc(seen.Groups, func(g int) bool { return g != gid }))
	c.want("capabilities", "none", fmt.Sprintf("%x, bounded by %x", seen.CapEff, seen.CapBnd), seen.CapEff == 0 && seen.CapBnd == 0)
	c.want("no new privileges", "set", "not set", seen.NoNewPrivs)
	c.want("seccomp", "a filter", fmt.Sprintf("mode %d", seen.Seccomp), seen.Seccomp == 2)
}

func orNobody(id int) int {
	if id == 0 {
		return 65534
	}
	return id
}

func (c *checker) places(promise box.Spec, seen Report) {
	l := promise.Limits.OrDefault()
	c.want("root file system", "read-only", "writable", !seen.Root)
	allowed := []string{"/dev/mqueue"} // a queue, bounded by a limit of its own
	for _, m := range promise.Mounts {
		if m.Write {
			allowed = append(allowed, m.Target)
		}
	}
	for _, place := range seen.Writable {
		c.want("writable places", "/tmp alone", place, slices.Contains(allowed, place))
	}
	c.place("/tmp", l.Scratch, seen.Tmp)
	c.want("/tmp", "no programs", "a program ran", l.Exec || !seen.Tmp.Exec)
	c.place("/dev/shm", l.Shm, seen.Shm)
	c.want("devices", "none", strings.Join(seen.Devices, " "), len(seen.Devices) == 0)
}

func (c *checker) place(name string, size int64, p Place) {
	page := int64(64 << 10) // of the largest pages that there are
	c.want(name, fmt.Sprintf("%d bytes", size), fmt.Sprintf("%d bytes, %d written", p.Size, p.Wrote),
		p.Size > 0 && p.Size <= size+page && p.Wrote <= size+page)
	c.want(name, "nosuid and nodev", "not so", !p.Suid && !p.Dev)
}

func (c *checker) limits(l box.Limits, seen Report) {
	m := seen.Memory
	c.want("memory", fmt.Sprintf("%d bytes", l.Memory),
		fmt.Sprintf("%d as the kernel says, %d got, killed %v", m.Cgroup, m.Reached, m.Killed),
		m.Killed && m.Reached <= l.Memory && (m.Cgroup == Unknown || m.Cgroup != Unlimited && m.Cgroup <= l.Memory))
	c.want("memory", fmt.Sprintf("%d bytes for all processes", l.Memory), fmt.Sprintf("%d had at once", m.Together),
		m.Together > 0 && m.Together <= l.Memory)
	c.want("swap", "none", fmt.Sprintf("memory and swap of %d bytes", m.Swap), m.Swap == Unknown || m.Swap != Unlimited && m.Swap <= l.Memory)
	c.want("processes", fmt.Sprint(l.PIDs), fmt.Sprintf("%d as the kernel says, %d started", seen.PIDs.Cgroup, seen.PIDs.Reached),
		seen.PIDs.Refused && seen.PIDs.Reached <= l.PIDs)
	// A second is ten periods of a quota, and it may begin with one that is full.
	most := int64(l.CPU)*13/10 + 50
	c.want("processors", fmt.Sprintf("%d/1000", l.CPU), fmt.Sprintf("%d/1000 as the kernel says, %d/1000 used", seen.CPU.Cgroup, seen.CPU.Used),
		seen.CPU.Used <= most && (seen.CPU.Cgroup == Unknown || seen.CPU.Cgroup != Unlimited && seen.CPU.Cgroup <= int64(l.CPU)))
	c.want("open files", fmt.Sprint(l.Files), fmt.Sprint(seen.Files), seen.Files > 0 && seen.Files <= uint64(l.Files))
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// Enforce makes an error of what does not bite, unless the policy is lenient.
func Enforce(promise box.Spec, short []Shortfall) error {
	if len(short) == 0 || promise.Lenient {
		return nil
	}
	var all []string
	for _, s := range short {
		all = append(all, s.String())
	}
	return fmt.Errorf("the box does not hold what the policy promises: %s", strings.Join(all, "; "))
}
