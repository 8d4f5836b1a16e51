// Package mount refuses to show a box what it must not see of the host.
//
// A source is taken as it is written: one that is a link, or passes through one, is
// refused, and the error says where it leads. So what is judged, what the operator
// reads in the policy and what is mounted are the same path.
package mount

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sallyport/sandbox/box"
)

// A Host is what has to be known of the host to judge a mount.
type Host struct {
	Home string   // of the user who runs us
	Own  []string // sallyport's own files: policy, log, keys; and engines' sockets
	// Look returns the path without links, and what is there.
	Look func(path string) (real string, mode fs.FileMode, err error)
}

// Here is this host.
func Here(own []string) Host {
	home, _ := os.UserHomeDir()
	h := Host{Home: home, Own: append([]string{}, own...), Look: look}
	for _, name := range []string{"DOCKER_HOST", "CONTAINER_HOST"} {
		if socket, ok := strings.CutPrefix(os.Getenv(name), "unix://"); ok {
			h.Own = append(h.Own, socket)
		}
	}
	for i, p := range h.Own {
		// A file that will be made later has a folder that is there.
		if real, err := filepath.EvalSymlinks(p); err == nil {
			h.Own[i] = real
		} else if dir, err := filepath.EvalSymlinks(filepath.Dir(p)); err == nil {
			h.Own[i] = filepath.Join(dir, filepath.Base(p))
		}
		if abs, err := filepath.Abs(h.Own[i]); err == nil {
			h.Own[i] = abs
		}
	}
	return h
}

func look(path string) (string, fs.FileMode, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", 0, err
	}
	info, err := os.Lstat(real)
	if err != nil {
		return "", 0, err
	}
	return real, info.Mode(), nil
}

// Places that no box may see, and none of what lies in them.
var hostPlaces = []string{
	"/proc", "/sys", "/dev", "/etc", "/run", "/var/run", "/boot",
	"/var/lib/docker", "/var/lib/containers", "/var/lib/containerd", "/var/lib/kubelet",
	"/private/etc", "/private/var/run",
}

// In every home folder, what holds keys.
var homePlaces = []string{
	".ssh", ".aws", ".gnupg", ".config", ".kube", ".docker", ".azure", ".netrc", ".git-credentials",
	".npmrc", ".pypirc", ".vault-token", ".password-store", ".pki", ".mozilla", ".local/share", ".bash_history", ".zsh_history",
	"Library",
}

// Folders in which each folder is a home.
var homes = []string{"/home", "/Users", "/var/home"}

// Check judges all mounts of one box. It reads nothing but by the host's Look.
func Check(mounts []box.Mount, h Host) error {
	seen := map[string]bool{}
	for _, m := range mounts {
		if err := checkTarget(m.Target); err != nil {
			return err
		}
		if seen[m.Target] {
			return fmt.Errorf("mount target %s is named twice", m.Target)
		}
		seen[m.Target] = true
		if err := h.checkSource(m); err != nil {
			return err
		}
	}
	return nil
}

// Sayable says whether a path can stand in a --mount, whose fields end at commas
// and may be quoted.
func Sayable(path string) bool {
	return !strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f || r == ',' || r == '"' || r == '\\' })
}

func checkPath(what, path string) error {
	switch {
	case !filepath.IsAbs(path) || filepath.Clean(path) != path:
		return fmt.Errorf("mount %s %q: write it from the root, without . or .. or a slash at the end", what, path)
	case !Sayable(path):
		return fmt.Errorf("mount %s %q: commas, quotes, backslashes and control characters cannot be said to an engine", what, path)
	}
	return nil
}

// Places within that are the box's own.
var boxPlaces = []string{"/proc", "/sys", "/dev", "/run/sallyport"}

func checkTarget(target string) error {
	if err := checkPath("target", target); err != nil {
		return err
	}
	if target == "/tmp" {
		return errors.New("mount target /tmp is the scratch folder: mount below it, or elsewhere")
	}
	for _, p := range boxPlaces {
		if within(target, p) || within(p, target) {
			return fmt.Errorf("mount target %s: %s is the box's own", target, p)
		}
	}
	return nil
}

func (h Host) checkSource(m box.Mount) error {
	if err := checkPath("source", m.Source); err != nil {
		return err
	}
	real, mode, err := h.Look(m.Source)
	if err != nil {
		return fmt.Errorf("mount source: %w", err)
	}
	if real != m.Source {
		return fmt.Errorf("mount source %s is or passes through a link: it leads to %s; write that if it is what you mean", m.Source, real)
	}
	if m.Dangerous {
		return nil
	}
	if !mode.IsDir() && !mode.IsRegular() {
		return fmt.Errorf("mount source %s is neither a folder nor a file: dangerous = true says that you mean it", m.Source)
	}
	if why := h.sensitive(m.Source); why != "" {
		return fmt.Errorf("mount source %s %s: dangerous = true says that you mean it", m.Source, why)
	}
	return nil
}

// sensitive says why a box must not see the source, or "".
func (h Host) sensitive(source string) string {
	for _, p := range append(append([]string{}, hostPlaces...), h.Own...) {
		switch {
		case same(source, p):
			return "must not be seen in a box"
		case within(source, p):
			return "lies in " + p
		case within(p, source):
			return "contains " + p
		}
	}
	home := h.homeOf(source)
	for _, all := range append([]string{"/root", h.Home}, homes...) {
		if all != "" && within(all, source) {
			home = source
		}
	}
	if home == "" {
		return ""
	}
	if same(home, source) {
		return "is a home folder, or contains one"
	}
	for _, p := range homePlaces {
		if p := filepath.Join(home, p); within(source, p) || within(p, source) {
			return "shows " + p
		}
	}
	return ""
}

// homeOf is the home folder that the path is or lies in, or "".
func (h Host) homeOf(path string) string {
	for _, home := range []string{"/root", h.Home} {
		if home != "" && home != "/" && within(path, home) {
			return home
		}
	}
	for _, all := range homes {
		if within(path, all) && !same(path, all) {
			name, _, _ := strings.Cut(path[len(all)+1:], "/")
			return path[:len(all)+1+len(name)]
		}
	}
	return ""
}

// within says whether a path is the folder or lies in it. Case does not count: there
// are file systems where it does not.
func within(path, folder string) bool {
	if folder == "/" {
		return true
	}
	return same(path, folder) || len(path) > len(folder) && path[len(folder)] == '/' && same(path[:len(folder)], folder)
}

func same(a, b string) bool { return strings.EqualFold(a, b) }
