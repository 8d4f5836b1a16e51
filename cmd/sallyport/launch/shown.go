package launch

import (
	"os"
	"path/filepath"
	"slices"

	"sallyport/sandbox/box"
	"sallyport/sandbox/mount"
)

// hosts is what a container knows of names. Podman would copy the host's own file into
// it, and no flag of podman's stops that without taking localhost away.
const hosts = "127.0.0.1\tlocalhost box\n::1\tlocalhost\n"

// withHosts adds the file to a container's mounts, unless the policy has one there or
// there is no place to keep it.
func withHosts(state string, s box.Spec) box.Spec {
	const target = "/etc/hosts"
	if slices.ContainsFunc(s.Mounts, func(m box.Mount) bool { return m.Target == target || m.Target == "/etc" }) {
		return s
	}
	return withText(state, s, target, hosts)
}

// withText shows a container a text of ours, unless there is no place to keep it.
func withText(state string, s box.Spec, target, text string) box.Spec {
	if state == "" {
		return s
	}
	dir := filepath.Join(state, "sandbox")
	if os.MkdirAll(dir, 0o700) != nil {
		return s
	}
	dir, err := filepath.EvalSymlinks(dir)
	file := filepath.Join(dir, filepath.Base(target))
	if err != nil || !mount.Sayable(file) {
		return s
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != text {
		f, err := os.CreateTemp(dir, "new-")
		if err != nil {
			return s
		}
		_, err = f.WriteString(text)
		if f.Chmod(0o644) != nil || f.Close() != nil || err != nil || os.Rename(f.Name(), file) != nil {
			_ = os.Remove(f.Name())
			return s
		}
	}
	s.Mounts = append(slices.Clone(s.Mounts), box.Mount{Source: file, Target: target, Dangerous: true})
	return s
}
