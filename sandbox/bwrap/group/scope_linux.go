package group

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// askBound is how long systemd may take to answer.
const askBound = 10 * time.Second

// A scope is a group that systemd has handed to us. What we do below it systemd leaves
// alone; anywhere else it may undo our limits at any time.
type scope struct {
	unit string
	dir  string // as /proc says
}

// ours is the scope of this process, if there is one.
var ours struct {
	sync.Mutex
	scope
}

// within is our scope. It is asked for once, and again where it has gone: a user's end
// with his last session.
func within(mount string) (scope, error) {
	ours.Lock()
	defer ours.Unlock()
	if ours.unit != "" {
		if _, err := os.Stat(filepath.Join(mount, ours.dir, holder)); err == nil {
			return ours.scope, nil
		}
	}
	s, err := ask(mount)
	if err == nil {
		ours.scope = s
	}
	return s, err
}

// holder is the group below the scope that keeps it from being empty.
const holder = "sallyport"

// ask has systemd start a process in a scope of its own, which ends with us.
func ask(mount string) (scope, error) {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return scope{}, errors.New("systemd does not run here")
	}
	in, hold, err := os.Pipe()
	if err != nil {
		return scope{}, err
	}
	said, tell, err := os.Pipe()
	if err != nil {
		return scope{}, errors.Join(err, in.Close(), hold.Close())
	}
	defer said.Close()
	var words bytes.Buffer
	cmd := exec.Command("/usr/bin/systemd-run", append(manager(), "--scope", "--quiet", "--collect", "--property=Delegate=yes", "/bin/cat")...)
	cmd.Env, cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = environ(), "/", in, tell, &words
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	_, _ = in.Close(), tell.Close()
	if err != nil {
		return scope{}, errors.Join(err, hold.Close())
	}
	gone := make(chan struct{})
	go func() { _ = cmd.Wait(); close(gone) }()
	s, err := settle(mount, cmd.Process.Pid, hold, said)
	if err == nil {
		held = append(held, hold)
		return s, nil
	}
	_ = hold.Close()
	_ = cmd.Process.Kill()
	<-gone
	if why := strings.TrimSpace(words.String()); why != "" {
		err = errors.New(why)
	}
	return scope{}, fmt.Errorf("systemd gave none: %w", err)
}

// held are the pipes at whose end the holders wait.
var held []*os.File

// settle waits until the process is where systemd wants it, and moves it one further.
func settle(mount string, pid int, hold, said *os.File) (scope, error) {
	if err := said.SetReadDeadline(time.Now().Add(askBound)); err != nil {
		return scope{}, err
	}
	if _, err := hold.WriteString("\n"); err != nil {
		return scope{}, err
	}
	if _, err := bufio.NewReader(said).ReadByte(); err != nil {
		return scope{}, err
	}
	at, err := groupOf(pid)
	if err != nil {
		return scope{}, err
	}
	s := scope{unit: filepath.Base(at), dir: at}
	if !strings.HasSuffix(s.unit, ".scope") {
		return s, fmt.Errorf("it put us into %s", at)
	}
	dir := filepath.Join(mount, at, holder)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return s, err
	}
	return s, os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
}

// groupOf is where a process is in version 2.
func groupOf(pid int) (string, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if at, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return at, nil
		}
	}
	return "", errors.New("it is in no control group of version 2")
}

// attach has systemd put a process into a group below the scope: an ordinary user may
// not take it out of the session that it was started in.
func (s scope) attach(group string, pid int) error {
	if s.unit == "" {
		return errors.New("it is no scope of ours")
	}
	ctx, stop := context.WithTimeout(context.Background(), askBound)
	defer stop()
	cmd := exec.CommandContext(ctx, "/usr/bin/busctl", append(manager(), "--quiet", "call",
		"org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
		"AttachProcessesToUnit", "ssau", s.unit, "/"+group, "1", strconv.Itoa(pid))...)
	cmd.Env, cmd.Dir = environ(), "/"
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("systemd did not move the process: %w: %.200s", err, bytes.TrimSpace(out))
	}
	at, err := groupOf(pid)
	if err == nil && at != filepath.Join(s.dir, group) {
		err = fmt.Errorf("systemd moved the process to %q", at)
	}
	return err
}

// manager says whose systemd is asked.
func manager() []string {
	if os.Geteuid() == 0 {
		return nil
	}
	return []string{"--user"}
}

// environ is what the tools need to find it. Clients of ours often start us without.
func environ() []string {
	run := os.Getenv("XDG_RUNTIME_DIR")
	if run == "" {
		run = "/run/user/" + strconv.Itoa(os.Geteuid())
	}
	env := []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "XDG_RUNTIME_DIR=" + run}
	if bus := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); bus != "" {
		env = append(env, "DBUS_SESSION_BUS_ADDRESS="+bus)
	}
	return env
}
