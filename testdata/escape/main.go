// Escape tries to get out of the box that it runs in, one attempt at a time:
//
//	escape NAME FACTS
//
// FACTS is JSON about the outside. It writes "refused: how" and ends with 0, or
// "ESCAPED: how" and 1. Some attempts are refused by its being killed.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Facts are what an attacker might know, or guess.
type Facts struct {
	Secret    string   // stands in the host's files and in the proxy's environment
	File      string   // of the host, and has the secret
	Pid       int      // of a process of the host
	Addresses []string // TCP, where the host listens
	Abstract  string   // name of an abstract Unix socket of the host
	Scratch   int64
	Shm       int64
	Memory    int64
	PIDs      int
	Files     int
	Other     string // what stands in another box's /tmp/other, and where it listens
	Port      int    // of the other box, on its loopback
}

// An attempt returns how it was refused, or an escape.
type attempt struct {
	name string
	try  func(Facts) (string, error)
}

// errEscaped is what an attempt returns that got through.
type errEscaped struct{ how string }

func (e errEscaped) Error() string { return e.how }

func escaped(format string, args ...any) error { return errEscaped{fmt.Sprintf(format, args...)} }

func main() {
	all := slices.Concat(files(), places(), processes(), network(), kernel())
	if len(os.Args) == 2 && os.Args[1] == "list" {
		for _, a := range all {
			fmt.Println(a.name)
		}
		return
	}
	var facts Facts
	if len(os.Args) != 3 || json.Unmarshal([]byte(os.Args[2]), &facts) != nil {
		fmt.Fprintln(os.Stderr, "usage: escape list | escape NAME FACTS")
		os.Exit(2)
	}
	for _, a := range all {
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
			for _, file := range []string{"/bin/sh", "/usr/bin/env", "/etc/passwd", "/etc/hosts", "/etc/ld.so.cache", os.Args[0], "/run/sallyport/sallyport"} {
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
		{"read the host's files", func(f Facts) (string, error) {
			ways := map[string]error{}
			for _, file := range []string{"/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/ssh", "/etc/machine-id", "/etc/hostname", "/etc/ssl/private",
				"/root", "/home", "/work", "/var", "/srv", "/opt", "/mnt", "/boot", "/sys", "/run/user", "/run/docker.sock", f.File} {
				ways[file] = readable(file)
			}
			return each(ways)
		}},
		{"find the secret in any file of /proc", func(f Facts) (string, error) { return inProc(f.Secret) }},
		{"read our environment", func(f Facts) (string, error) {
			if strings.Contains(strings.Join(os.Environ(), "\n"), f.Secret) {
				return "", escaped("it is ours as well")
			}
			return fmt.Sprintf("%d variables, all of the box", len(os.Environ())), nil
		}},
		{"inherit descriptors", func(Facts) (string, error) { return descriptors() }},
		{"make devices", func(Facts) (string, error) {
			return each(map[string]error{
				"memory": unix.Mknod("/tmp/mem", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 1))),
				"disk":   unix.Mknod("/tmp/disk", unix.S_IFBLK|0o666, int(unix.Mkdev(254, 0))),
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
