package bwrap

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	profile "github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// refused are the calls that engines allow and a tool server does not need: they
// reach into other processes, or tell of the kernel's.
var refused = []string{"ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "name_to_handle_at"}

// families of sockets that may be made. The engines' list has forty.
var families = []uint64{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6}

// filter is the program that judges system calls, as bubblewrap reads it.
func filter() ([]byte, error) {
	program, err := assemble()
	if err != nil {
		return nil, fmt.Errorf("making the filter of system calls: %w", err)
	}
	raw, err := bpf.Assemble(program)
	if err != nil {
		return nil, fmt.Errorf("making the filter of system calls: %w", err)
	}
	var out bytes.Buffer
	for _, i := range raw {
		filter := unix.SockFilter{Code: i.Op, Jt: i.Jt, Jf: i.Jf, K: i.K}
		if err := binary.Write(&out, binary.NativeEndian, filter); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// assemble makes the engines' profile, for nobody with any capability, into a program.
// What it does not name is refused. A call with a number that is not known here
// does not exist: programs then do without, as on an older kernel. On amd64 that
// includes all of the x32 calls. Those of any other machine's are refused.
func assemble() ([]bpf.Instruction, error) {
	machine, err := arch.GetInfo("")
	if err != nil {
		return nil, err
	}
	engines, err := profile.GetDefaultProfile(&specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{}}})
	if err != nil {
		return nil, err
	}
	policy := seccomp.Policy{DefaultAction: seccomp.ActionErrno}
	allowed := seccomp.SyscallGroup{Action: seccomp.ActionAllow}
	for _, rule := range engines.Syscalls {
		names := slices.DeleteFunc(slices.Clone(rule.Names), func(name string) bool {
			_, known := machine.SyscallNames[name]
			return !known || slices.Contains(refused, name) || name == "socket"
		})
		switch {
		case len(names) == 0:
		case rule.Action == specs.ActErrno:
			policy.Syscalls = append(policy.Syscalls, seccomp.SyscallGroup{Action: refusal(rule), Names: names})
		case rule.Action != specs.ActAllow:
			return nil, fmt.Errorf("the profile has a rule of a new kind: %s", rule.Action)
		default:
			if err := allow(&allowed, names, rule.Args); err != nil {
				return nil, err
			}
		}
	}
	for _, f := range families {
		if err := allow(&allowed, []string{"socket"}, []specs.LinuxSeccompArg{{Index: 0, Value: f, Op: specs.OpEqualTo}}); err != nil {
			return nil, err
		}
	}
	slices.Sort(allowed.Names)
	allowed.Names = slices.Compact(allowed.Names)
	policy.Syscalls = append(policy.Syscalls, allowed)
	program, err := policy.Assemble()
	if err != nil {
		return nil, err
	}
	last := uint32(0)
	for number := range machine.SyscallNumbers {
		last = max(last, uint32(number))
	}
	return append([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 0, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: last, SkipFalse: 1},
		bpf.RetConstant{Val: uint32(seccomp.ActionErrno) | uint32(unix.ENOSYS)},
	}, program...), nil
}

func refusal(rule specs.LinuxSyscall) seccomp.Action {
	errno := uint(unix.EPERM)
	if rule.ErrnoRet != nil {
		errno = *rule.ErrnoRet
	}
	return seccomp.ActionErrno | seccomp.Action(errno)
}

// allow adds the calls, on the conditions.
func allow(g *seccomp.SyscallGroup, names []string, args []specs.LinuxSeccompArg) error {
	if len(args) == 0 {
		g.Names = append(g.Names, names...)
		return nil
	}
	var all seccomp.ArgumentConditions
	for _, a := range args {
		c := seccomp.Condition{Argument: uint32(a.Index), Operation: seccomp.Equal, Value: a.Value}
		switch {
		case a.Op == specs.OpEqualTo:
		case a.Op == specs.OpMaskedEqual && a.ValueTwo == 0:
			c.Operation = seccomp.BitsNotSet
		default:
			return fmt.Errorf("the profile has a condition of a new kind on %s: %s", strings.Join(names, ", "), a.Op)
		}
		all = append(all, c)
	}
	for _, name := range names {
		g.NamesWithCondtions = append(g.NamesWithCondtions, seccomp.NameWithConditions{Name: name, Conditions: all})
	}
	return nil
}
