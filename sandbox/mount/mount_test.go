package mount

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/sandbox/box"
)

// host has whatever is asked for, apart from these.
var host = Host{
	Home: "/home/ann", Own: []string{"/srv/proxy/sallyport.hcl", "/srv/log/audit.jsonl", "/opt/sock/podman.sock"},
	Look: func(path string) (string, fs.FileMode, error) {
		switch path {
		case "/srv/link":
			return "/etc", fs.ModeDir, nil
		case "/srv/missing":
			return "", 0, fs.ErrNotExist
		case "/srv/pipe":
			return path, fs.ModeNamedPipe, nil
		}
		return path, fs.ModeDir | 0o755, nil
	},
}

func TestSources(t *testing.T) {
	for _, c := range []struct {
		source, want string // want is part of the error; empty: it may be mounted
		why          string
	}{
		{"/srv/data", "", "an ordinary folder"},
		{"/home/ann/work", "", "a folder in a home"},
		{"/etcetera", "", "a name that begins like a place"},
		{"/home/ann/.sshd", "", "a name that begins like a home's place"},
		{"data", "from the root", "relative"},
		{"/srv/../etc", "from the root", "not the shortest way to say it"},
		{"/srv/data/", "from the root", "a slash at the end"},
		{"/srv/a,readonly=false", "cannot be said", "it would be more fields"},
		{"/srv/\"a", "cannot be said", "it would begin a quoted field"},
		{"/srv/missing", "not exist", "an engine may make it, as root"},
		{"/srv/link", "leads to /etc", "what is judged must be what is mounted"},
		{"/srv/pipe", "neither", "not a file"},
		{"/", "contains", "everything"},
		{"/etc", "must not", "the place itself"},
		{"/etc/ssl", "lies in /etc", "a part of it"},
		{"/ETC/ssl", "lies in /etc", "the same on some file systems"},
		{"/var", "contains", "it holds /var/run"},
		{"/run/podman/podman.sock", "lies in /run", "an engine's socket"},
		{"/opt/sock/podman.sock", "must not", "an engine's socket elsewhere"},
		{"/proc/self", "lies in", "the host's processes"},
		{"/dev/sda", "lies in", "a device"},
		{"/srv/proxy", "contains /srv/proxy/sallyport.hcl", "our own policy"},
		{"/srv/log/audit.jsonl", "must not", "our own log"},
		{"/home/ann", "is a home", "our home"},
		{"/home/bob", "is a home", "another's home"},
		{"/home", "home folder, or contains one", "all homes"},
		{"/Users/eve", "is a home", "a home on macOS"},
		{"/root", "is a home", "root's"},
		{"/home/ann/.ssh", "shows", "keys"},
		{"/home/bob/.ssh/id_ed25519", "shows", "another's key"},
		{"/home/ann/.config/gh", "shows", "tokens"},
		{"/root/.kube/config", "shows", "root's cluster"},
		{"/home/ann/.local", "shows", "it contains .local/share"},
	} {
		t.Run(c.source, func(t *testing.T) {
			m := box.Mount{Source: c.source, Target: "/data"}
			err := Check([]box.Mount{m}, host)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", c.why, err, c.want)
			}
			m.Dangerous = true
			err = Check([]box.Mount{m}, host)
			for _, never := range []string{"from the root", "cannot be said", "not exist", "leads to"} {
				if c.want == never && err == nil {
					t.Errorf("%s: nothing makes it right", c.why)
				}
			}
		})
	}
}

func TestTargets(t *testing.T) {
	for target, want := range map[string]string{
		"/data": "", "/tmp/in": "", "/run/tool": "",
		"/": "the box's own", "/tmp": "scratch", "/proc": "own", "/proc/sys": "own", "/dev/shm": "own",
		"/run": "/run/sallyport", "/run/sallyport/sallyport": "own", "data": "from the root", "/a,b": "cannot be said",
	} {
		err := Check([]box.Mount{{Source: "/srv/data", Target: target}}, host)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", target, err, want)
		}
	}
	two := box.Mount{Source: "/srv/data", Target: "/data"}
	if err := Check([]box.Mount{two, two}, host); err == nil {
		t.Error("one target twice")
	}
}

func TestHere(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"data", "log"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "log"), filepath.Join(dir, "alias")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_HOST", "unix://"+dir+"/sockets/docker.sock")
	h := Here([]string{filepath.Join(dir, "alias", "audit.jsonl")}) // not there yet
	for source, ok := range map[string]bool{"data": true, "log": false, "alias": false, "sockets": false} {
		err := Check([]box.Mount{{Source: filepath.Join(dir, source), Target: "/data"}}, h)
		if (err == nil) != ok {
			t.Errorf("%s: %v", source, err)
		}
	}
	if err := Check([]box.Mount{{Source: dir + "/none", Target: "/data"}}, h); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
