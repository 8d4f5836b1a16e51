package inside

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"sallyport/sandbox/gvisor"
)

// lock forbids what the command may not do, and limits what nobody else does: an engine's
// limit on processes holds gVisor's own threads on the host, not the box's. There the
// kernel counts a user's processes by box.
func (e entry) lock() error {
	if e.pids > 0 && gvisor.Here() {
		if err := unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: e.pids, Max: e.pids}); err != nil {
			return fmt.Errorf("limiting processes: %w", err)
		}
	}
	return lock()
}

// lock forbids, for all that runs after it, what an engine's own filter may let
// through: podman's lets anybody make a user name space, in which he is root over
// much of the kernel's code. It is one more filter: what the engine's refuses stays
// refused. Programs of another architecture than ours cannot run under it.
func lock() error {
	arch, ok := arches[runtime.GOARCH]
	if !ok {
		return nil // the probe sees what follows from it
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	f := filter(arch)
	program := unix.SockFprog{Len: uint16(len(f)), Filter: &f[0]}
	const setFilter, allThreads = 1, 1
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, setFilter, allThreads, uintptr(unsafe.Pointer(&program))); errno != 0 {
		return fmt.Errorf("filtering system calls: %w", errno)
	}
	return nil
}

// Little-endian machines on which clone takes its flags first.
var arches = map[string]uint32{
	"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64, "riscv64": unix.AUDIT_ARCH_RISCV64,
}

// Where the kernel puts what a filter reads.
const (
	atCall     = 0
	atArch     = 4
	atArgument = 16 // the lower half of the first
)

// nameSpaces are the flags for new ones.
const nameSpaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

func filter(arch uint32) []unix.SockFilter {
	const (
		load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		above = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		any   = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		give  = unix.BPF_RET | unix.BPF_K

		allow   = 0x7fff0000
		errorIs = 0x00050000
		absent  = errorIs | uint32(unix.ENOSYS)
		refuse  = errorIs | uint32(unix.EPERM)
	)
	f := []unix.SockFilter{
		{Code: load, K: atArch},
		{Code: equal, K: arch, Jt: 1},
		{Code: give, K: absent},
		{Code: load, K: atCall},
		{Code: above, K: 0x40000000, Jf: 1}, // x32 has the same name and other numbers
		{Code: give, K: absent},
	}
	on := func(call uintptr, answer uint32) {
		f = append(f, unix.SockFilter{Code: equal, K: uint32(call), Jf: 1}, unix.SockFilter{Code: give, K: answer})
	}
	// What looks at pointers cannot be judged; libraries go back to clone.
	on(unix.SYS_CLONE3, absent)
	on(unix.SYS_IO_URING_SETUP, absent)
	for _, call := range []uintptr{
		unix.SYS_SETNS, unix.SYS_ADD_KEY, unix.SYS_KEYCTL, unix.SYS_REQUEST_KEY,
		unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
		// What reaches into other processes, or tells of the kernel's.
		unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_GETFD,
		unix.SYS_KCMP, unix.SYS_NAME_TO_HANDLE_AT,
		unix.SYS_SYSLOG, // else a setting of the host decides
	} {
		on(call, refuse)
	}
	f = append(f,
		unix.SockFilter{Code: equal, K: unix.SYS_SOCKET, Jf: 6},
		unix.SockFilter{Code: load, K: atArgument},
		unix.SockFilter{Code: equal, K: unix.AF_UNIX, Jt: 3},
		unix.SockFilter{Code: equal, K: unix.AF_INET, Jt: 2},
		unix.SockFilter{Code: equal, K: unix.AF_INET6, Jt: 1},
		unix.SockFilter{Code: give, K: refuse},
		unix.SockFilter{Code: give, K: allow},
	)
	for call, flags := range map[uint32]uint32{
		unix.SYS_CLONE: nameSpaces, unix.SYS_UNSHARE: nameSpaces | unix.CLONE_NEWTIME,
	} {
		f = append(f,
			unix.SockFilter{Code: equal, K: call, Jf: 4},
			unix.SockFilter{Code: load, K: atArgument},
			unix.SockFilter{Code: any, K: flags, Jf: 1},
			unix.SockFilter{Code: give, K: refuse},
			unix.SockFilter{Code: give, K: allow},
		)
	}
	return append(f, unix.SockFilter{Code: give, K: allow})
}
