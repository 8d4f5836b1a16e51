// Package probe sees from within what a box holds to, and compares it with what was
// promised: limits are tried, not read from flags.
//
// What is seen has to be true of containers and of bubblewrap's boxes, as root and as
// an ordinary user. So memory is tried twice: one process, of its own memory, and
// several at once, of memory that they could share. A limit of each process holds
// the first, and only one of the whole box holds the second. Where each process has
// a limit, the probe sets it for the one that tries and is itself spared: it could not
// start with what may be enough for another program.
//
// What others keep us from having cannot be tried: on a busy machine a box without a
// limit of processors may look like one with it.
package probe

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"sallyport/sandbox/box"
	"sallyport/sandbox/gvisor"
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

// Remarks are what an operator should know of a box that holds to everything.
func (r Report) Remarks() []string {
	if r.Kernel != gvisor.Name {
		return nil
	}
	return []string{
		"the kernel within is gVisor's: the engine's own filter of system calls is not loaded there unless runsc is given --oci-seccomp; ours is",
		"what the engine limits of memory, processors and processes it limits for the box and gVisor together: a box that has gVisor come to the last of these ends as a whole",
	}
}

// Values that are no number.
const (
	Unlimited = 0
	Unknown   = -1
)

// A Report is what was seen.
type Report struct {
	Kernel         string // of its own, that it has; empty: the host's
	UID, GID       int
	Groups         []int
	CapEff, CapBnd uint64
	NoNewPrivs     bool
	Seccomp        int      // 2 is a filter
	Root           bool     // / is not read-only
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

// A Judgement is of one promise.
type Judgement struct {
	What     string `json:"what"`
	Promised string `json:"promised"`
	Seen     string `json:"seen"`
	Kept     bool   `json:"kept"`
}

func (j Judgement) String() string {
	return fmt.Sprintf("%s: promised %s, seen %s", j.What, j.Promised, j.Seen)
}

// Broken are the promises that are not kept.
func Broken(all []Judgement) []Judgement {
	var broken []Judgement
	for _, j := range all {
		if !j.Kept {
			broken = append(broken, j)
		}
	}
	return broken
}

// Check compares. Attempts and places of which the report does not speak are
// not kept: what was not seen was not proven.
func Check(promise box.Spec, seen Report) []Judgement {
	c := checker{}
	c.who(promise, seen)
	c.places(promise, seen)
	c.limits(promise.Limits.OrDefault(), seen)
	c.want("network", "none but loopback", fmt.Sprint(seen.Interfaces),
		!slices.ContainsFunc(seen.Interfaces, func(n string) bool { return n != "lo" }))
	c.want("network", "nothing reached", or(strings.Join(seen.Reached, " "), "nothing"), len(seen.Reached) == 0)
	for _, name := range attempts {
		c.want(name, "refused", or(seen.Attempts[name], "not tried"), strings.HasPrefix(seen.Attempts[name], "refused"))
	}
	return c.all
}

// attempts are what must be refused in every box.
var attempts = []string{
	"mount", "umount", "user namespace", "setuid root", "setgid root", "device node", "raw socket",
	"packet socket", "keyring", "bpf", "chroot", "hostname", "sysctl", "sysrq",
	"netlink socket", "process memory", "personality", "host processes",
}

type checker struct{ all []Judgement }

func (c *checker) want(what, promised, seen string, kept bool) {
	c.all = append(c.all, Judgement{what, promised, seen, kept})
}

// is wants what is either so or not.
func (c *checker) is(what, promised, otherwise string, kept bool) {
	seen := promised
	if !kept {
		seen = otherwise
	}
	c.want(what, promised, seen, kept)
}

func (c *checker) who(promise box.Spec, seen Report) {
	user := promise.User.OrNobody()
	uid, gid := user.UID, user.GID
	c.want("user", fmt.Sprintf("%d:%d", uid, gid), fmt.Sprintf("%d:%d", seen.UID, seen.GID), seen.UID == uid && seen.GID == gid)
	c.want("groups", "no others", fmt.Sprint(seen.Groups),
		!slices.ContainsFunc(seen.Groups, func(g int) bool { return g != gid }))
	c.want("capabilities", "none", fmt.Sprintf("%x, bounded by %x", seen.CapEff, seen.CapBnd), seen.CapEff == 0 && seen.CapBnd == 0)
	c.is("no new privileges", "set", "not set", seen.NoNewPrivs)
	c.want("seccomp", "a filter (2)", fmt.Sprint(seen.Seccomp), seen.Seccomp == 2)
}

func (c *checker) places(promise box.Spec, seen Report) {
	l := promise.Limits.OrDefault()
	c.is("root file system", "read-only", "writable", !seen.Root)
	allowed := []string{"/dev/mqueue"} // a queue, bounded by a limit of its own
	for _, m := range promise.Mounts {
		if m.Write {
			allowed = append(allowed, m.Target)
		}
	}
	others := slices.DeleteFunc(slices.Clone(seen.Writable), func(place string) bool { return slices.Contains(allowed, place) })
	c.want("writable places", "/tmp and mounts", or(strings.Join(others, " "), "no others"), len(others) == 0)
	c.place("/tmp", l.Scratch, seen.Tmp, seen)
	if !l.Exec {
		c.is("/tmp", "no programs", "a program ran", !seen.Tmp.Exec)
	}
	c.place("/dev/shm", l.Shm, seen.Shm, seen)
	devices := slices.DeleteFunc(slices.Clone(seen.Devices), func(d string) bool {
		return seen.Kernel == gvisor.Name && slices.Contains(gvisors, d)
	})
	c.want("devices", "none", or(strings.Join(devices, " "), "none"), len(devices) == 0)
}

// gvisors are devices that gVisor shows in every box. They are its own, not the host's.
var gvisors = []string{"/dev/fuse", "/dev/net/tun"}

func (c *checker) place(name string, size int64, p Place, seen Report) {
	page := int64(64 << 10) // of the largest pages that there are
	c.want(name, amount(size), fmt.Sprintf("%s, %s written", amount(p.Size), amount(p.Wrote)),
		p.Size > 0 && p.Size <= size+page && p.Wrote <= size+page)
	if seen.Kernel == gvisor.Name && p.Suid && p.Dev {
		// It does not say, for any mount. So it is what comes of it.
		idle := seen.NoNewPrivs && strings.HasPrefix(seen.Attempts["device node"], "refused")
		c.want(name, "nosuid and nodev", map[bool]string{true: "neither is of use", false: "not so"}[idle], idle)
		return
	}
	c.is(name, "nosuid and nodev", "not so", !p.Suid && !p.Dev)
}

func (c *checker) limits(l box.Limits, seen Report) {
	m := seen.Memory
	c.want("memory", amount(l.Memory),
		fmt.Sprintf("%s as the kernel says, %s got, killed %v", amount(m.Cgroup), amount(m.Reached), m.Killed),
		m.Killed && m.Reached <= l.Memory && (m.Cgroup == Unknown || m.Cgroup != Unlimited && m.Cgroup <= l.Memory))
	c.want("memory", amount(l.Memory)+" for all processes", amount(m.Together)+" had at once",
		m.Together > 0 && m.Together <= l.Memory)
	c.want("swap", "none", amount(m.Swap)+" with memory", m.Swap == Unknown || m.Swap != Unlimited && m.Swap <= l.Memory)
	c.want("processes", fmt.Sprint(l.PIDs), fmt.Sprintf("%s as the kernel says, %d started", count(seen.PIDs.Cgroup), seen.PIDs.Reached),
		seen.PIDs.Refused && seen.PIDs.Reached <= l.PIDs)
	// A second is ten periods of a quota, and it may begin with one that is full.
	most := int64(l.CPU)*13/10 + 50
	c.want("processors", fmt.Sprintf("%dm", l.CPU), fmt.Sprintf("%s as the kernel says, %dm used", count(seen.CPU.Cgroup), seen.CPU.Used),
		seen.CPU.Used <= most && (seen.CPU.Cgroup == Unknown || seen.CPU.Cgroup != Unlimited && seen.CPU.Cgroup <= int64(l.CPU)))
	c.want("open files", fmt.Sprint(l.Files), fmt.Sprint(seen.Files), seen.Files > 0 && seen.Files <= uint64(l.Files))
}

// amount is bytes as a policy writes them.
func amount(n int64) string {
	switch {
	case n == Unknown:
		return "an unknown size"
	case n == Unlimited:
		return "no limit"
	case n%(1<<20) == 0:
		return fmt.Sprintf("%dMi", n>>20)
	}
	return fmt.Sprintf("%.1fMi", float64(n)/(1<<20))
}

func count(n int64) string {
	switch n {
	case Unknown:
		return "unknown"
	case Unlimited:
		return "no limit"
	}
	return fmt.Sprint(n)
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// Enforce makes an error of what is not kept, unless the policy is lenient.
func Enforce(promise box.Spec, all []Judgement) error {
	var broken []string
	for _, j := range Broken(all) {
		broken = append(broken, j.String())
	}
	if len(broken) == 0 || promise.Lenient {
		return nil
	}
	return fmt.Errorf("the box does not hold what the policy promises: %s", strings.Join(broken, "; "))
}
