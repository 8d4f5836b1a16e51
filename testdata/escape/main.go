// Escape tries to get out of the box that it runs in:
//
//	escape NAME FACTS
//	escape quiet FACTS
//
// FACTS is JSON about the outside. An attempt writes "refused: how" and ends with 0, or
// "ESCAPED: how" and 1. Some attempts are refused by its being killed. All the quiet ones
// are made one after another, each by a process of its own; their lines begin with
// the name and a tab.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"sallyport/sandbox/gvisor"
	"sallyport/sandbox/outside"
)

// Facts are what an attacker might know, or guess.
type Facts = outside.Facts

// An attempt returns how it was refused, or an escape.
type attempt struct {
	name string
	try  func(Facts) (string, error)
}

// loud attempts end the box, or use up what another would need.
var loud = []string{
	"fill scratch beyond its size", "fill /dev/shm beyond its size", "fill the message queues", "open more files than allowed",
	"outlive the box by killing its first process", "more memory than allowed", "more memory than allowed, by many",
	"more memory than allowed, held by nobody", "more memory than allowed, in a file without a name",
	"more processes than allowed", "fork bomb",
}

// errEscaped is what an attempt returns that got through.
type errEscaped struct{ how string }

func (e errEscaped) Error() string { return e.how }

func escaped(format string, args ...any) error { return errEscaped{fmt.Sprintf(format, args...)} }

func main() {
	all := slices.Concat(files(), places(), processes(), crowds(), network(), neighbours(), kernel())
	if len(os.Args) == 3 && os.Args[1] == "list" {
		for _, a := range all {
			if slices.Contains(loud, a.name) == (os.Args[2] == "loud") {
				fmt.Println(a.name)
			}
		}
		return
	}
	var facts Facts
	if len(os.Args) != 3 || json.Unmarshal([]byte(os.Args[2]), &facts) != nil {
		fmt.Fprintln(os.Stderr, "usage: escape list quiet|loud | escape quiet FACTS | escape NAME FACTS")
		os.Exit(2)
	}
	if os.Args[1] == "quiet" {
		for _, a := range all {
			if !slices.Contains(loud, a.name) {
				inTurn(a.name)
			}
		}
		return
	}
	for _, a := range append(all, parts()...) {
		if a.name != os.Args[1] {
			continue
		}
		how, err := a.try(facts)
		if err != nil {
			fmt.Printf("ESCAPED: %v\n", err)
			os.Exit(1)
		}
		fmt.Printf("refused: %s\n", how)
		return
	}
	fmt.Fprintln(os.Stderr, "no such attempt")
	os.Exit(2)
}

// again is this program with another word.
func again(word string) *exec.Cmd { return exec.Command("/proc/self/exe", word, os.Args[2]) }

// patience ends what hangs; no attempt is timed by it.
const patience = 30 * time.Second

func inTurn(name string) {
	cmd := again(name)
	cmd.Stdin, cmd.WaitDelay = os.Stdin, patience
	defer time.AfterFunc(patience, func() { cmd.Process.Kill() }).Stop()
	out, err := cmd.Output()
	said := strings.TrimSpace(string(out))
	if !strings.HasPrefix(said, "ESCAPED: ") && (err != nil || !strings.HasPrefix(said, "refused: ")) {
		said = fmt.Sprintf("UNCLEAR: %v: %q", err, said)
	}
	fmt.Printf("%s\t%s\n", name, strings.ReplaceAll(said, "\n", " "))
}

// parts are of other attempts, and of the scene.
func parts() []attempt {
	wait := func() (string, error) { time.Sleep(time.Minute); return "", nil }
	return []attempt{
		{"wait", func(Facts) (string, error) { return wait() }},
		{"hold memory", func(f Facts) (string, error) {
			hold(f.Memory / 2)
			fmt.Println("held")
			return wait()
		}},
		{"neighbour", func(f Facts) (string, error) { return "", neighbour(f) }},
	}
}

// each tries several ways, of which every one must fail.
func each(ways map[string]error) (string, error) {
	why := map[string]int{}
	for way, err := range ways {
		if err == nil {
			return "", escaped("%s", way)
		}
		var number unix.Errno
		if errors.As(err, &number) {
			why[number.Error()]++
		} else {
			why[err.Error()]++
		}
	}
	var words []string
	for w, n := range why {
		if n > 1 {
			w = fmt.Sprintf("%s (%d×)", w, n)
		}
		words = append(words, w)
	}
	slices.Sort(words)
	return strings.Join(words, ", "), nil
}

// files are about what may be read and written.
func files() []attempt {
	return []attempt{
		{"write outside of scratch", func(Facts) (string, error) { return writable() }},
		{"overwrite programs and files", func(Facts) (string, error) {
			ways := map[string]error{}
			for _, file := range []string{"/bin/sh", "/usr/bin/env", "/etc/passwd", "/etc/hosts", "/etc/ld.so.cache", os.Args[0], "/run/sallyport/sallyport", "/etc/resolv.conf", "/etc/hostname", "/sbin/docker-init", "/run/podman-init"} {
				f, err := os.OpenFile(file, os.O_WRONLY, 0)
				if err == nil {
					f.Close()
				}
				ways[file] = err
			}
			return each(ways)
		}},
		{"fill scratch beyond its size", func(f Facts) (string, error) { return fill("/tmp/fill", f.Scratch) }},
		{"fill /dev/shm beyond its size", func(f Facts) (string, error) { return fill("/dev/shm/fill", f.Shm) }},
		{"fill the message queues", func(Facts) (string, error) { return fillQueues() }},
		{"read the host's files", func(f Facts) (string, error) {
			ways := map[string]error{}
			for _, file := range []string{"/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/ssh", "/etc/machine-id", "/etc/ssl/private",
				"/root", "/home", "/work", "/var/lib", "/var/log", "/var/spool", "/var/backups", "/srv", "/opt", "/mnt", "/boot", "/run/user", "/run/docker.sock", "/run/podman/podman.sock",
				"/proc/1/root" + f.File, "/proc/1/cwd" + f.File, "/proc/self/root/../.." + f.File, f.File} {
				ways[file] = readable(file)
			}
			within := []string{"/sys/firmware", "/sys/kernel/debug", "/sys/kernel/security", "/sys/fs/bpf", "/sys/class/dmi/id/product_uuid", "/sys/fs/pstore"}
			if !f.Sys {
				within = []string{"/sys"}
			}
			for _, file := range within {
				ways[file] = readable(file)
			}
			return each(ways)
		}},
		{"learn the host's name", func(f Facts) (string, error) {
			name, _ := os.Hostname()
			return each(map[string]error{"/etc/hostname": tells("/etc/hostname", f.Hostname), "kernel": tells("/proc/sys/kernel/hostname", f.Hostname),
				"uname": differs(name, f.Hostname)})
		}},
		{"learn the names of other hosts", func(f Facts) (string, error) {
			return each(map[string]error{"/etc/hosts": tells("/etc/hosts", f.Hostname), "domain": tells("/etc/resolv.conf", f.Hostname)})
		}},
		{"find the secret in any file of /proc", func(f Facts) (string, error) { return inProc(f.Secret, f.Other) }},
		{"read our environment", func(f Facts) (string, error) {
			for _, kv := range os.Environ() {
				if strings.Contains(kv, f.Secret) || strings.Contains(kv, f.Other) {
					return "", escaped("it is ours as well: %s", kv)
				}
			}
			return fmt.Sprintf("%d variables, all of the box", len(os.Environ())), nil
		}},
		{"inherit descriptors", func(Facts) (string, error) { return descriptors() }},
		{"make devices", func(Facts) (string, error) {
			return each(map[string]error{
				"memory": node("/tmp/mem", unix.S_IFCHR, unix.Mkdev(1, 1)),
				"disk":   node("/tmp/disk", unix.S_IFBLK, unix.Mkdev(254, 0)),
			})
		}},
		{"open devices", func(Facts) (string, error) {
			ways := map[string]error{}
			for _, d := range []string{"mem", "kmem", "port", "kmsg", "fuse", "kvm", "vda", "sda", "loop-control", "net/tun", "vhost-vsock", "snd", "dri", "input", "tty"} {
				fd, err := unix.Open("/dev/"+d, unix.O_RDONLY, 0)
				if err == nil {
					unix.Close(fd)
				}
				ways["/dev/"+d] = err
			}
			if gvisor.Here() { // these are its own, for whom it lets mount and make interfaces
				delete(ways, "/dev/fuse")
				delete(ways, "/dev/net/tun")
			}
			// An image may bring its own.
			brought, _ := os.ReadDir("/devices")
			for _, d := range brought {
				fd, err := unix.Open("/devices/"+d.Name(), unix.O_RDONLY, 0)
				if err == nil {
					unix.Close(fd)
				}
				ways["/devices/"+d.Name()] = err
			}
			return each(ways)
		}},
		{"open more files than allowed", func(f Facts) (string, error) {
			for n := 0; n < 4*f.Files; n++ {
				if _, err := unix.Open("/dev/null", unix.O_RDONLY, 0); err != nil {
					return fmt.Sprintf("%v after %d", err, n), nil
				}
			}
			return "", escaped("%d files", 4*f.Files)
		}},
	}
}

// node makes a device. With gVisor anybody may, and must not come to one by it.
func node(at string, kind uint32, device uint64) error {
	err := unix.Mknod(at, kind|0o666, int(device))
	if err != nil || !gvisor.Here() {
		return err
	}
	fd, err := unix.Open(at, unix.O_RDONLY, 0)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

func readable(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		f, err := os.Open(file)
		if err == nil {
			f.Close()
		}
		return err
	}
	entries, err := os.ReadDir(file)
	if err == nil && len(entries) == 0 {
		return errors.New("empty")
	}
	return err
}

func differs(a, b string) error {
	if a == b {
		return nil
	}
	return errors.New("not there")
}

// tells looks for a word in a file.
func tells(file, word string) error {
	text, err := os.ReadFile(file)
	if err == nil && !slices.Contains(strings.Fields(string(text)), word) {
		err = errors.New("not there")
	}
	return err
}

// fill writes until it cannot, and must not get beyond the size.
func fill(file string, size int64) (string, error) {
	f, err := os.Create(file)
	if err != nil {
		return "", fmt.Errorf("not even a beginning: %w", err)
	}
	block := bytes.Repeat([]byte{1}, 64<<10)
	var written int64
	for written <= size+1<<20 {
		n, err := f.Write(block)
		written += int64(n)
		if err != nil {
			return fmt.Sprintf("%v after %d KiB", errors.Unwrap(err), written>>10), nil
		}
	}
	return "", escaped("%d bytes", written)
}
