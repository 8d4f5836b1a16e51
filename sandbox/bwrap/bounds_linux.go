package bwrap

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"sallyport/sandbox/box"
	"sallyport/sandbox/bwrap/group"
)

// bounds hold a box within its limits.
type bounds struct {
	limits  box.Limits
	group   *group.Group
	rlimits map[int]uint64
	data    int64 // of each process; 0 where the group limits memory
	remarks []Remark
}

// newBounds makes the box's control group, removes those of proxies that are gone,
// and finds other means for what groups cannot limit here.
func newBounds(h Host, l box.Limits) *bounds {
	tree := group.None()
	if !h.ungrouped {
		tree = group.Find()
		group.Sweep(tree)
	}
	b := &bounds{limits: l, rlimits: map[int]uint64{
		unix.RLIMIT_CORE:   0, // a core is a file of all it knew
		unix.RLIMIT_NOFILE: uint64(l.Files),
	}}
	made, lacks := group.Make(tree, group.Limits{Memory: l.Memory, PIDs: l.PIDs, CPU: l.CPU})
	b.group = made
	b.memory(lacks["memory"])
	b.pids(lacks["pids"], h.Root)
	b.cpu(lacks["cpu"])
	b.remark(Remark{Limit: "files", Bites: true, How: "resource limit"})
	b.remark(Remark{Limit: "scratch", Bites: true, How: "size of the file system"})
	if !l.Exec {
		b.remark(Remark{Limit: "exec", Soft: true, How: "bubblewrap cannot mount /tmp so that programs do not run from it"})
	}
	return b
}

// Means says how the limits of a box would be kept here.
func Means(h Host) []Remark {
	b := newBounds(h, box.Limits{}.OrDefault())
	b.remove()
	return b.remarks
}

func (b *bounds) remark(r Remark) { b.remarks = append(b.remarks, r) }

func (b *bounds) memory(lack error) {
	if lack == nil {
		b.remark(Remark{Limit: "memory", Bites: true, How: "control group"})
		return
	}
	// Not the address space: runtimes reserve many times what they use.
	b.data = b.limits.Memory
	b.remark(Remark{Limit: "memory", How: fmt.Sprintf("resource limit: each process may have as much of its own, not all together, and what they share or put in /tmp comes on top; no control group: %v", lack)})
}

func (b *bounds) pids(lack error, root bool) {
	switch {
	case lack == nil:
		// And no other limit: one that is met first keeps the group from saying so.
		b.remark(Remark{Limit: "pids", Bites: true, How: "control group"})
	case !root:
		// Counted in the box's own user namespace (Linux 5.14).
		b.rlimits[unix.RLIMIT_NPROC] = uint64(b.limits.PIDs)
		b.remark(Remark{Limit: "pids", Bites: countsByNamespace(), How: "resource limit, counted in the box's own user namespace"})
	default:
		// All boxes of one user share one count.
		b.rlimits[unix.RLIMIT_NPROC] = uint64(b.limits.PIDs)
		b.remark(Remark{Limit: "pids", How: fmt.Sprintf("resource limit: counts all processes of that user on this machine; no control group: %v", lack)})
	}
}

func (b *bounds) cpu(lack error) {
	if lack == nil {
		b.remark(Remark{Limit: "cpu", Bites: true, How: "control group"})
		return
	}
	b.remark(Remark{Limit: "cpu", How: fmt.Sprintf("nothing limits it; no control group: %v", lack)})
}

// countsByNamespace says whether RLIMIT_NPROC counts the processes of a user in a
// namespace, and not on the whole machine.
func countsByNamespace() bool {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return false
	}
	var major, minor int
	if _, err := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 5 || major == 5 && minor >= 14
}

// hold puts the first process within under all limits, before it runs the command.
func (b *bounds) hold(pid int) error {
	if err := b.group.Add(pid); err != nil {
		return err
	}
	for which, most := range b.rlimits {
		var old unix.Rlimit
		if err := unix.Prlimit(pid, which, nil, &old); err != nil {
			return fmt.Errorf("reading a resource limit: %w", err)
		}
		most = min(most, old.Max)
		if err := unix.Prlimit(pid, which, &unix.Rlimit{Cur: most, Max: most}, nil); err != nil {
			return fmt.Errorf("setting a resource limit: %w", err)
		}
	}
	return nil
}

// met says which limits the box ran into.
func (b *bounds) met() string {
	var all []string
	if n := b.group.Killed(); n > 0 {
		all = append(all, fmt.Sprintf("out of memory: the box may have %d MiB; the kernel killed %d of its processes", b.limits.Memory>>20, n))
	}
	if n := b.group.Refused(); n > 0 {
		all = append(all, fmt.Sprintf("too many processes: the box may have %d", b.limits.PIDs))
	}
	return strings.Join(all, "; ")
}

// remove leaves nothing of the group. What cannot be removed now is swept at the
// next start.
func (b *bounds) remove() { _ = b.group.Remove() }
