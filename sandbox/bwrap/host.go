package bwrap

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// programs are the folders where a proxy may have bubblewrap from. The proxy's own
// PATH is not asked: what contains others should not be chosen by a variable.
var programs = []string{"/usr/bin", "/usr/local/bin", "/bin", "/run/current-system/sw/bin"}

// shown are the places of a host that ordinary programs need. All are
// readable by everybody on any host, and none holds what belongs to somebody.
var shown = []string{
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
	// Which authorities to trust, in the layouts of Debian, Fedora, Alpine and SUSE.
	// Their neighbours hold private keys.
	"/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ssl/cert.pem", "/etc/ca-certificates",
	"/etc/pki/tls/certs", "/etc/pki/tls/openssl.cnf", "/etc/pki/ca-trust", "/etc/crypto-policies",
	"/var/lib/ca-certificates",
	"/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/mime.types",
}

// masked are the places of /proc that tell of the host, or of other boxes.
var masked = []string{
	"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/key-users",
	"/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
}

// Host is what a box depends on outside of it.
type Host struct {
	Bwrap string  // the program
	Self  string  // our own program, which is inside.Main when it is called inside.Word
	Root  bool    // we are root
	View  []Place // what of the host is shown
	Masks []Place // what of /proc is not

	ungrouped bool  // as if there were no control groups, for tests
	data      int64 // what our own program limits the command's memory to, instead of a group
}

// Place is a file, a folder or a link of the host.
type Place struct {
	Path   string
	Link   string // where it leads, for a link
	Folder bool
}

// Look finds out about this host. It fails if bubblewrap is not there.
func Look() (Host, error) {
	self, err := os.Executable()
	if err != nil {
		return Host{}, fmt.Errorf("finding our own program: %w", err)
	}
	h := Host{Self: self, Root: os.Geteuid() == 0}
	for _, dir := range programs {
		at := filepath.Join(dir, "bwrap")
		if info, err := os.Stat(at); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			h.Bwrap = at
			break
		}
	}
	if h.Bwrap == "" {
		return Host{}, fmt.Errorf("bubblewrap (bwrap) is not in any of %v: %w", programs, os.ErrNotExist)
	}
	h.View, h.Masks = places(shown), places(masked)
	return h, nil
}

// places leaves out what is not there.
func places(paths []string) []Place {
	var found []Place
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err != nil {
			continue
		}
		p := Place{Path: path, Folder: info.IsDir()}
		if info.Mode()&os.ModeSymlink != 0 {
			if p.Link, err = os.Readlink(path); err != nil {
				continue
			}
		}
		found = append(found, p)
	}
	return found
}

// Remark says how a limit is kept on this machine.
type Remark struct {
	Limit string // the word for it: "memory", "pids", "cpu", "exec"
	Bites bool   // it holds the box as a whole to what the spec says
	Soft  bool   // that it does not bite is not reason enough to refuse
	How   string // by what means; why not
}

func (r Remark) String() string {
	if r.Bites {
		return r.Limit + ": " + r.How
	}
	return r.Limit + " does not bite: " + r.How
}

// Toothless is an error that names the limits that do not bite, or nil. Start refuses
// with it what is not lenient.
func Toothless(remarks []Remark) error {
	var all []string
	for _, r := range remarks {
		if !r.Bites && !r.Soft {
			all = append(all, r.Limit+" ("+r.How+")")
		}
	}
	if len(all) == 0 {
		return nil
	}
	return errors.New("limits that would not bite in a bubblewrap box here: " + strings.Join(all, "; "))
}
