package launch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// keptFor is how long an answer counts.
const keptFor = 24 * time.Hour

// kept reads what was found out under this key, by us or by another proxy of the same user.
func (l *Launcher) kept(what, key string, into any) bool {
	at := l.place(what, key)
	if at == "" {
		return false
	}
	info, err := os.Lstat(at)
	if err != nil || !mine(info) || !info.Mode().IsRegular() || info.Mode().Perm()&0o022 != 0 || time.Since(info.ModTime()) > keptFor || time.Since(info.ModTime()) < 0 {
		return false
	}
	b, err := os.ReadFile(at)
	return err == nil && json.Unmarshal(b, into) == nil
}

// keep writes an answer down. That it cannot is no matter: it is found out again.
func (l *Launcher) keep(what, key string, answer any) {
	at := l.place(what, key)
	b, err := json.Marshal(answer)
	if at == "" || err != nil || os.MkdirAll(filepath.Dir(at), 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(at), "new-")
	if err != nil {
		return
	}
	_, err = f.Write(b)
	if f.Close() != nil || err != nil || os.Rename(f.Name(), at) != nil {
		_ = os.Remove(f.Name())
	}
	forget(filepath.Dir(at))
}

// forget removes answers that count no more.
func forget(dir string) {
	all, _ := os.ReadDir(dir)
	for _, e := range all {
		if info, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), ".json") && time.Since(info.ModTime()) > keptFor {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

func (l *Launcher) place(what, key string) string {
	if l.opt.State == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(l.opt.State, "sandbox", what+"-"+hex.EncodeToString(sum[:12])+".json")
}

// surroundings is what the answer to "what can this engine do" depends on.
func surroundings(name, self string) string {
	all := []string{name, fmt.Sprint(os.Geteuid()), stamp(self), boot()}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		for _, program := range []string{"podman", "docker", "runc", "crun", "runsc"} {
			if at := filepath.Join(dir, program); stamp(at) != "" {
				all = append(all, stamp(at))
			}
		}
	}
	for _, file := range []string{"/etc/containers/containers.conf", "/etc/docker/daemon.json", os.Getenv("CONTAINERS_CONF")} {
		all = append(all, stamp(file))
	}
	// Without a systemd of the user's own an engine of his limits nothing.
	run := os.Getenv("XDG_RUNTIME_DIR")
	if run == "" {
		run = fmt.Sprintf("/run/user/%d", os.Geteuid())
	}
	all = append(all, stamp(filepath.Join(run, "bus")))
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "DBUS_SESSION_BUS_ADDRESS=") || strings.HasPrefix(kv, "DOCKER_") || strings.HasPrefix(kv, "CONTAINER") || strings.HasPrefix(kv, "XDG_") || strings.HasPrefix(kv, "HOME=") {
			all = append(all, kv)
		}
	}
	return strings.Join(all, "\n")
}

// stamp is a file's name, size and time; empty if there is none.
func stamp(path string) string {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return ""
	}
	return fmt.Sprintf("%s %d %d", path, info.Size(), info.ModTime().UnixNano())
}

// classStamp is that of the OCI runtime that a policy names, which may be a script with
// flags for another. What a name means is said in the engines' own files.
func classStamp(class string) string {
	if class == "" || filepath.IsAbs(class) {
		return stamp(class)
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if s := stamp(filepath.Join(dir, class)); s != "" {
			return s
		}
	}
	return ""
}

// boot names the life of this machine.
func boot() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b))
}
