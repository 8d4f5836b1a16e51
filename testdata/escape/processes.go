package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"sallyport/sandbox/gvisor"
)

// processes are about others, and about being many.
func processes() []attempt {
	return []attempt{
		{"see the host's processes", func(f Facts) (string, error) {
			all, _ := filepath.Glob("/proc/[0-9]*")
			var names []string
			for _, dir := range all {
				comm, _ := os.ReadFile(filepath.Join(dir, "comm"))
				names = append(names, strings.TrimSpace(string(comm)))
			}
			if len(all) > 5 { // an init, our executable, who makes the quiet attempts, and we
				return "", escaped("%v", names)
			}
			return fmt.Sprintf("only %v", names), nil
		}},
		{"signal the host's processes", func(f Facts) (string, error) {
			return each(map[string]error{"terminate": unix.Kill(f.Pid, unix.SIGTERM), "kill": unix.Kill(f.Pid, unix.SIGKILL)})
		}},
		{"outlive the box by killing its first process", func(Facts) (string, error) {
			unix.Kill(1, unix.SIGKILL)
			time.Sleep(50 * time.Millisecond)
			return "it lives, or we would not", nil
		}},
		{"trace another process", func(f Facts) (string, error) {
			sleep := again("wait")
			if err := sleep.Start(); err != nil {
				return "", err
			}
			defer sleep.Process.Kill()
			pid := sleep.Process.Pid
			buf := make([]byte, 8)
			local := []unix.Iovec{{Base: &buf[0], Len: 8}}
			_, peek := unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: 0x400000, Len: 8}}, 0)
			_, poke := unix.ProcessVMWritev(pid, local, []unix.RemoteIovec{{Base: 0x400000, Len: 8}}, 0)
			runtime.LockOSThread()
			defer unix.Kill(1, unix.SIGCONT) // else a box that is open never ends
			defer unix.PtraceDetach(1)
			defer unix.PtraceDetach(pid)
			_, _, seize := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(pid), 0, 0, 0, 0)
			return each(map[string]error{
				"attach": unix.PtraceAttach(pid), "seize": fail(seize), "attach to 1": unix.PtraceAttach(1),
				"process_vm_readv": peek, "process_vm_writev": poke,
			})
		}},
		{"become root by a setuid program", func(Facts) (string, error) { return setuid() }},
		{"have a capability", func(Facts) (string, error) {
			head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
			var none, now [2]unix.CapUserData
			if err := unix.Capget(&head, &now[0]); err != nil || now != none {
				return "", escaped("%+v %v", now, err)
			}
			all := [2]unix.CapUserData{{Effective: ^uint32(0), Permitted: ^uint32(0)}, {Effective: ^uint32(0), Permitted: ^uint32(0)}}
			return each(map[string]error{"capset": unix.Capset(&head, &all[0]), "setuid": unix.Setresuid(0, 0, 0), "setgid": unix.Setresgid(0, 0, 0), "setgroups": unix.Setgroups([]int{0})})
		}},
		{"make a user namespace", func(Facts) (string, error) {
			own, _ := unix.Open("/proc/1/ns/user", unix.O_RDONLY, 0)
			child, _, clone := unix.RawSyscall6(unix.SYS_CLONE, unix.CLONE_NEWUSER|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
			if clone == 0 && child == 0 {
				unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
			}
			args := [8]uint64{unix.CLONE_NEWUSER, 0, 0, 0, uint64(unix.SIGCHLD)}
			child, _, clone3 := unix.RawSyscall(unix.SYS_CLONE3, ptr(&args), 64, 0)
			if clone3 == 0 && child == 0 {
				unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
			}
			return each(map[string]error{
				"unshare user": unix.Unshare(unix.CLONE_NEWUSER), "unshare mounts": unix.Unshare(unix.CLONE_NEWNS), "unshare net": unix.Unshare(unix.CLONE_NEWNET),
				"unshare cgroup": unix.Unshare(unix.CLONE_NEWCGROUP), "clone": fail(clone), "clone3": fail(clone3), "setns": unix.Setns(own, unix.CLONE_NEWUSER),
			})
		}},
		{"raise a limit", func(Facts) (string, error) {
			ways := map[string]error{}
			for name, which := range map[string]int{"files": unix.RLIMIT_NOFILE, "core": unix.RLIMIT_CORE, "priority": unix.RLIMIT_NICE} {
				ways[name] = unix.Setrlimit(which, &unix.Rlimit{Cur: 1 << 20, Max: 1 << 20})
			}
			if !gvisor.Here() { // it keeps the number, and the host knows nothing of it
				ways["nice"] = unix.Setpriority(unix.PRIO_PROCESS, 0, -10)
			}
			return each(ways)
		}},
	}
}

func fail(e unix.Errno) error {
	if e == 0 {
		return nil
	}
	return e
}

// setuid runs what would be root if it could.
func setuid() (string, error) {
	tried := 0
	for _, file := range []string{"/usr/bin/su", "/usr/bin/passwd", "/usr/bin/mount", "/usr/bin/newgrp", "/usr/bin/sudo", "/usr/bin/chsh", "/setuid", "/capable"} {
		info, err := os.Stat(file)
		if err != nil || info.Mode()&os.ModeSetuid == 0 && file != "/capable" {
			continue
		}
		cmd := exec.Command(file)
		if strings.Count(file, "/") == 1 { // ours, that an image brought
			cmd.Args = []string{file, "wait", os.Args[2]}
		}
		in, err := cmd.StdinPipe()
		if err != nil {
			return "", err
		}
		if err := cmd.Start(); err != nil {
			tried++
			continue
		}
		for range 20 {
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
			for line := range strings.Lines(string(status)) {
				if ids := strings.Fields(line); len(ids) > 2 && ids[0] == "Uid:" && (ids[2] == "0" || ids[3] == "0") {
					return "", escaped("%s runs as 0", file)
				} else if len(ids) == 2 && ids[0] == "CapEff:" && strings.Trim(ids[1], "0") != "" {
					return "", escaped("%s has capabilities %s", file, ids[1])
				}
			}
			time.Sleep(time.Millisecond)
		}
		in.Close()
		cmd.Process.Kill()
		cmd.Wait()
		tried++
	}
	own := "/tmp/own"
	os.WriteFile(own, []byte("#!/bin/sh\n"), 0o755)
	if err := unix.Chown(own, 0, 0); err == nil {
		return "", escaped("a file of ours is root's")
	}
	if on, _ := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); on != 1 {
		return "", escaped("no_new_privs is off")
	}
	return fmt.Sprintf("%d programs run as us; no_new_privs is on", tried), nil
}
