//go:build linux

package bwrap

import (
	"encoding/binary"
	"fmt"
	"io"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"sallyport/sandbox"
	"sallyport/sandbox/box"
)

const (
	allowed = 0x7fff0000
	eperm   = 0x00050000 | uint32(unix.EPERM)
	enosys  = 0x00050000 | uint32(unix.ENOSYS)
)

// judge runs the filter. The kernel gives it numbers as this machine has them,
// bpf.VM as a network has them.
func judge(t *testing.T, machine, number uint32, args ...uint64) uint32 {
	t.Helper()
	program, err := assemble()
	if err != nil {
		t.Fatal(err)
	}
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	call := make([]byte, 64)
	binary.BigEndian.PutUint32(call[0:], number)
	binary.BigEndian.PutUint32(call[4:], machine)
	for i, a := range args {
		binary.BigEndian.PutUint32(call[16+8*i:], uint32(a)) // the low half comes first on our machines
		binary.BigEndian.PutUint32(call[20+8*i:], uint32(a>>32))
	}
	verdict, err := vm.Run(call)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(verdict)
}

func TestFilter(t *testing.T) {
	here, err := arch.GetInfo("")
	if err != nil {
		t.Skip(err)
	}
	const high = 1 << 32 // what the kernel cuts off, or takes for another value
	for _, c := range []struct {
		want uint32
		why  string
		name string
		args []uint64
	}{
		{allowed, "ordinary", "read", nil},
		{allowed, "ordinary", "execve", nil},
		{allowed, "ordinary", "futex", nil},
		{allowed, "ordinary", "openat2", nil},
		{allowed, "a thread", "clone", []uint64{unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD}},
		{eperm, "namespaces", "clone", []uint64{unix.CLONE_NEWUSER | uint64(unix.SIGCHLD)}},
		{eperm, "namespaces", "clone", []uint64{unix.CLONE_NEWNS}},
		{eperm, "namespaces", "clone", []uint64{unix.CLONE_NEWNET}},
		{enosys, "its flags cannot be seen; the C library then uses clone", "clone3", nil},
		{eperm, "namespaces", "unshare", []uint64{unix.CLONE_NEWUSER}},
		{eperm, "namespaces", "setns", nil},
		{eperm, "mounts", "mount", nil},
		{eperm, "mounts", "umount2", nil},
		{eperm, "mounts", "pivot_root", nil},
		{eperm, "mounts", "chroot", nil},
		{eperm, "mounts", "open_tree", nil},
		{eperm, "mounts", "move_mount", nil},
		{eperm, "mounts", "fsopen", nil},
		{eperm, "mounts", "mount_setattr", nil},
		{eperm, "other processes", "ptrace", nil},
		{eperm, "other processes", "process_vm_readv", nil},
		{eperm, "other processes", "process_vm_writev", nil},
		{eperm, "other processes", "pidfd_getfd", nil},
		{eperm, "other processes", "kcmp", nil},
		{eperm, "keyrings are shared between namespaces", "keyctl", nil},
		{eperm, "keyrings", "add_key", nil},
		{eperm, "keyrings", "request_key", nil},
		{eperm, "kernel", "bpf", nil},
		{eperm, "kernel", "perf_event_open", nil},
		{eperm, "kernel", "userfaultfd", nil},
		{eperm, "kernel", "init_module", nil},
		{eperm, "kernel", "finit_module", nil},
		{eperm, "kernel", "delete_module", nil},
		{eperm, "kernel", "kexec_load", nil},
		{eperm, "kernel", "kexec_file_load", nil},
		{eperm, "kernel", "reboot", nil},
		{eperm, "kernel", "syslog", nil},
		{eperm, "kernel", "lookup_dcookie", nil},
		{eperm, "rings do what the filter would refuse", "io_uring_setup", nil},
		{eperm, "rings", "io_uring_enter", nil},
		{eperm, "rings", "io_uring_register", nil},
		{eperm, "files outside of what is mounted", "open_by_handle_at", nil},
		{eperm, "files", "name_to_handle_at", nil},
		{eperm, "disks", "swapon", nil},
		{eperm, "disks", "swapoff", nil},
		{eperm, "disks", "quotactl", nil},
		{eperm, "disks", "acct", nil},
		{eperm, "time", "settimeofday", nil},
		{eperm, "time", "clock_settime", nil},
		{eperm, "names", "sethostname", nil},
		{eperm, "names", "setdomainname", nil},
		{eperm, "fanotify sees others' files", "fanotify_init", nil},
		{eperm, "memory of others", "move_pages", nil},
		{allowed, "asking for it", "personality", []uint64{0xffffffff}},
		{allowed, "plain", "personality", []uint64{0}},
		{eperm, "addresses that do not change", "personality", []uint64{0x0040000}},
		{eperm, "executable data", "personality", []uint64{0x0400000}},
		{allowed, "Unix", "socket", []uint64{unix.AF_UNIX}},
		{allowed, "Internet", "socket", []uint64{unix.AF_INET}},
		{allowed, "Internet", "socket", []uint64{unix.AF_INET6}},
		{eperm, "the kernel takes the low half", "socket", []uint64{unix.AF_PACKET | high}},
		{eperm, "and is asked for no more than it is", "socket", []uint64{unix.AF_UNIX | high}},
		{eperm, "below the first", "socket", []uint64{0}},
		{eperm, "packets", "socket", []uint64{unix.AF_PACKET}},
		{eperm, "the kernel's tables", "socket", []uint64{unix.AF_NETLINK}},
		{eperm, "other machines on this one", "socket", []uint64{unix.AF_VSOCK}},
		{eperm, "ciphers", "socket", []uint64{unix.AF_ALG}},
		{eperm, "devices", "socket", []uint64{unix.AF_BLUETOOTH}},
		{eperm, "buses", "socket", []uint64{unix.AF_CAN}},
		{eperm, "express paths", "socket", []uint64{unix.AF_XDP}},
	} {
		number, ok := here.SyscallNames[c.name]
		if !ok {
			t.Logf("%s is not a call of this machine", c.name)
			continue
		}
		if got := judge(t, uint32(here.ID), uint32(number), c.args...); got != c.want {
			t.Errorf("%s%#x (%s): %#x, want %#x", c.name, c.args, c.why, got, c.want)
		}
	}
}

// The number of a harmless call on one machine is that of another elsewhere.
func TestFilterOtherMachines(t *testing.T) {
	here, err := arch.GetInfo("")
	if err != nil {
		t.Skip(err)
	}
	read := uint32(here.SyscallNames["read"])
	for _, other := range []*arch.Info{arch.I386, arch.X86_64, arch.ARM, arch.AARCH64} {
		want := eperm
		if other.ID == here.ID {
			want = allowed
		}
		if got := judge(t, uint32(other.ID), read); got != want {
			t.Errorf("%s: %#x, want %#x", other.Name, got, want)
		}
	}
	for why, number := range map[string]uint32{"x32": 0x40000000 | read, "a call not made yet": 10_000, "-1": 0xffffffff} {
		if got := judge(t, uint32(here.ID), number); got != enosys {
			t.Errorf("%s: %#x, want %#x", why, got, enosys)
		}
	}
}

// Where our own program is within, its filter comes on top of ours here.
func TestOneMoreFilter(t *testing.T) {
	h := real(t)
	for _, way := range []string{"", gate(t)} {
		s := box.Spec{}
		if way != "" {
			s = somewhere()
		}
		c := startWith(t, h, s, sandbox.Command{Argv: []string{"/bin/sh", "-c", "grep Seccomp_filters /proc/self/status || :"}}, way)
		out, err := io.ReadAll(c.Stdout())
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if _, err := fmt.Sscanf(string(out), "Seccomp_filters: %d", &n); err != nil {
			t.Skip("an older kernel does not count them")
		}
		if more := n > 1; more != startsInside(h, way) {
			t.Errorf("way out %q: %d filters", way, n)
		}
	}
}

// Whatever is not named is refused: the list says what may be done, and not what not.
func TestFilterIsAList(t *testing.T) {
	here, err := arch.GetInfo("")
	if err != nil {
		t.Skip(err)
	}
	count := map[uint32]int{}
	for _, number := range here.SyscallNames {
		count[judge(t, uint32(here.ID), uint32(number), 1<<63)]++
	}
	t.Log(fmt.Sprintf("allowed %d, refused %d, not there %d", count[allowed], count[eperm], count[enosys]))
	if count[allowed] > 350 || count[eperm] < 60 {
		t.Errorf("%v", count)
	}
}
