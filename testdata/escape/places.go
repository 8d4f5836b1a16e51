package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"sallyport/sandbox/gvisor"
)

// writable looks for any folder but the scratch ones in which a file can be made.
func writable() (string, error) {
	looked := 0
	var found error
	filepath.WalkDir("/", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return nil
		case slices.Contains([]string{"/tmp", "/dev/shm", "/dev/mqueue", "/proc"}, path):
			return fs.SkipDir
		}
		looked++
		file := filepath.Join(path, "escape-was-here")
		if fd, err := unix.Open(file, unix.O_CREAT|unix.O_WRONLY, 0o600); err == nil {
			unix.Close(fd)
			unix.Unlink(file)
			found = escaped("%s", path)
			return fs.SkipAll
		}
		return nil
	})
	return fmt.Sprintf("%d folders", looked), found
}

// fillQueues makes message queues, the largest that may be, until it cannot.
func fillQueues() (string, error) {
	const bound = 1 << 20
	type attributes struct{ flags, most, size, now, _, _, _, _ int64 }
	sum := int64(0)
	for n := 0; sum <= bound; {
		name, _ := unix.BytePtrFromString(fmt.Sprintf("escape-%d", n))
		a := attributes{most: 10, size: 8192}
		fd, _, e := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(name)), unix.O_CREAT|unix.O_RDWR, 0o600, ptr(&a), 0, 0)
		if e != 0 {
			return fmt.Sprintf("%v after %d queues of %d KiB", e, n, sum>>10), nil
		}
		unix.Close(int(fd)) // it stays
		n, sum = n+1, sum+a.most*a.size
	}
	return "", escaped("%d bytes", sum)
}

// inProc reads whatever /proc has of other processes.
func inProc(secrets ...string) (string, error) {
	read := 0
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		if filepath.Base(dir) == fmt.Sprint(os.Getpid()) {
			continue // our own command line has it
		}
		for _, file := range []string{"environ", "cmdline", "mountinfo", "cgroup", "status"} {
			text, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				continue
			}
			read++
			// Our parent's command line may have ours in it, and so the secret.
			for _, secret := range secrets {
				if file != "cmdline" && strings.Contains(string(text), secret) {
					return "", escaped("%s/%s", dir, file)
				}
			}
		}
	}
	return fmt.Sprintf("not in %d files of %d processes", read, len(all)), nil
}

func descriptors() (string, error) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		at, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err != nil { // it was the one by which we looked
			continue
		}
		if slices.Contains([]string{"0", "1", "2"}, e.Name()) || strings.HasPrefix(at, "anon_inode:[event") || strings.HasPrefix(at, "/sys/fs/cgroup/cpu") { // of the language's runtime
			continue
		}
		return "", escaped("%s is %s", e.Name(), at)
	}
	return "only standard input, output and error", nil
}

// places are about /proc/sys and mounts.
func places() []attempt {
	return []attempt{
		{"write to /proc and /sys", func(Facts) (string, error) {
			ways := map[string]error{}
			// What is there already: should it work, no harm is done.
			for _, file := range []string{
				"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/kernel/modprobe", "/proc/sys/vm/overcommit_memory",
				"/proc/sys/net/ipv4/ip_forward", "/proc/sys/user/max_user_namespaces", "/sys/kernel/uevent_helper",
			} {
				text, _ := os.ReadFile(file)
				ways[file] = write(file, string(text))
			}
			for file, text := range map[string]string{
				"/proc/sysrq-trigger": "h", "/proc/self/oom_score_adj": "-1000", "/proc/1/oom_score_adj": "-1000", "/proc/self/uid_map": "0 0 1", "/proc/1/mem": "x",
				"/sys/fs/cgroup/cgroup.procs": "1", "/sys/fs/cgroup/memory/cgroup.procs": "1",
			} {
				ways[file] = write(file, text)
			}
			if gvisor.Here() { // it keeps the number, and the host knows nothing of it
				delete(ways, "/proc/self/oom_score_adj")
				delete(ways, "/proc/1/oom_score_adj")
			}
			return each(ways)
		}},
		{"read the kernel's secrets", func(f Facts) (string, error) {
			ways := map[string]error{}
			for _, file := range []string{"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/interrupts", "/proc/sched_debug", "/proc/1/maps", "/proc/1/environ", "/proc/kpagecount", "/proc/kmsg"} {
				text, err := os.ReadFile(file)
				if err == nil && len(text) == 0 {
					err = fmt.Errorf("empty")
				}
				ways[file] = err
			}
			if f.Sys {
				delete(ways, "/proc/interrupts") // not every engine hides it
			}
			if os.Getppid() != 1 || os.Getpid() == 2 {
				// Pid 1 is bubblewrap, and in an ordinary user's box has the same owner: no secret
				// of the host, and "find the secret" looks at it.
				delete(ways, "/proc/1/maps")
				delete(ways, "/proc/1/environ")
			}
			return each(ways)
		}},
		{"mount", func(Facts) (string, error) {
			_, fsopen := unix.Fsopen("tmpfs", 0)
			_, tree := unix.OpenTree(unix.AT_FDCWD, "/usr", unix.OPEN_TREE_CLONE)
			return each(map[string]error{
				"tmpfs":         unix.Mount("x", "/tmp", "tmpfs", 0, ""),
				"proc":          unix.Mount("proc", "/tmp", "proc", 0, ""),
				"bind":          unix.Mount("/usr", "/tmp", "", unix.MS_BIND, ""),
				"remount /":     unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND, ""),
				"remount /usr":  unix.Mount("", "/usr", "", unix.MS_REMOUNT|unix.MS_BIND, ""),
				"umount":        unix.Unmount("/proc/kcore", unix.MNT_DETACH),
				"pivot_root":    unix.PivotRoot("/tmp", "/tmp"),
				"fsopen":        fsopen,
				"open_tree":     tree,
				"mount_setattr": unix.MountSetattr(unix.AT_FDCWD, "/usr", 0, &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}),
			})
		}},
		{"chroot", func(Facts) (string, error) { return each(map[string]error{"chroot": unix.Chroot("/tmp")}) }},
	}
}

func write(file, text string) error {
	fd, err := unix.Open(file, unix.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(text))
	return err
}
