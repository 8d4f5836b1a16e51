package launch

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"sallyport/policy"
	"sallyport/policy/words"
	"sallyport/sandbox/bake"
	"sallyport/sandbox/box"
	"sallyport/sandbox/mount"
)

// specOf is a policy's sandbox block as the runtimes read it.
func specOf(s words.Sandbox) box.Spec {
	spec := box.Spec{
		Runtime: s.Runtime, Image: s.Image, Pull: s.Pull, Digest: s.Digest, Class: s.Class, Dir: s.Dir, Lenient: s.BestEffort,
		User:   box.User{UID: s.UID, GID: s.GID},
		Limits: box.Limits{Memory: s.Memory, CPU: s.CPU, Scratch: s.Scratch, Shm: s.Shm, PIDs: s.PIDs, Files: s.Files, Exec: s.Exec},
	}
	for _, m := range s.Mounts {
		spec.Mounts = append(spec.Mounts, box.Mount(m))
	}
	spec.Egress = endpoints(s.Egress)
	return spec
}

func endpoints(list []words.Endpoint) []box.Endpoint {
	var all []box.Endpoint
	for _, e := range list {
		all = append(all, box.Endpoint(e))
	}
	return all
}

// describe is what an auditor wants to know of a box.
func (j job) describe() string {
	s, l := j.spec, j.spec.Limits.OrDefault()
	var out strings.Builder
	if s.Image != "" {
		fmt.Fprintf(&out, "image %s, ", s.Image)
	}
	if j.made != "" {
		out.WriteString(j.made + ", ")
	}
	if s.Class != "" {
		fmt.Fprintf(&out, "runtime class %s, ", s.Class)
	}
	fmt.Fprintf(&out, "memory %s, cpu %dm, pids %d, scratch %s", size(l.Memory), l.CPU, l.PIDs, size(l.Scratch))
	for _, m := range s.Mounts {
		mode := "ro"
		if m.Write {
			mode = "rw"
		}
		fmt.Fprintf(&out, ", mount %s at %s %s", m.Source, m.Target, mode)
	}
	if len(s.Egress) == 0 {
		out.WriteString(", no network")
	}
	for i, e := range s.Egress {
		sep := ", "
		if i == 0 {
			sep = ", network only "
		}
		fmt.Fprintf(&out, "%s%s:%d", sep, e.Host, e.Port)
	}
	return out.String()
}

// unseen says which files of this machine the command names, and the box does not show:
// most servers that end at once do so for want of one. What an image usually has of its
// own is left out.
func (j job) unseen() []string {
	var all []string
	for _, arg := range j.command {
		if strings.HasPrefix(arg, "-") {
			_, arg, _ = strings.Cut(arg, "=")
		}
		arg = path.Clean(arg)
		if !path.IsAbs(arg) || arg == "/" || slices.ContainsFunc(common, func(dir string) bool { return below(arg, dir) }) ||
			slices.ContainsFunc(j.spec.Mounts, func(m box.Mount) bool { return below(arg, m.Target) || below(m.Target, arg) }) {
			continue
		}
		if _, err := os.Stat(arg); err == nil {
			all = append(all, fmt.Sprintf("the command names %[1]s, which is on this machine and not shown in the box: mount { source = %[1]q }, or --mount %[1]s, shows it, read-only", arg))
		}
	}
	return all
}

// common are folders that boxes have, whatever the policy says.
var common = []string{"/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/dev", "/proc", "/sys", bake.Folder}

func below(file, dir string) bool { return file == dir || strings.HasPrefix(file, dir+"/") }

func size(n int64) string {
	switch {
	case n%(1<<30) == 0:
		return fmt.Sprintf("%dGi", n>>30)
	case n%(1<<20) == 0:
		return fmt.Sprintf("%dMi", n>>20)
	}
	return fmt.Sprintf("%dB", n)
}

// Judge says what is wrong with a server's sandbox block whatever machine it will run
// on: what must not be mounted anywhere.
func Judge(conf policy.Server) error {
	home, _ := os.UserHomeDir()
	anywhere := mount.Host{Home: home, Look: func(path string) (string, fs.FileMode, error) { return path, fs.ModeDir, nil }}
	if err := mount.Check(specOf(conf.Sandbox).Mounts, anywhere); err != nil {
		return fmt.Errorf("server %q: %w", conf.Name, err)
	}
	return nil
}
