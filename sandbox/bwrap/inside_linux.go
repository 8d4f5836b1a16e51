package bwrap

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Inside is our own program as the first within a box: the words after "box-run".
// It leaves root for good, opens the way out, and runs the command. It returns the
// status to exit with. Where there is no way out it does not return: it
// becomes the command.
//
// Forward serves the listener until it is closed: each connection is another to
// the socket.
func Inside(args []string, stderr io.Writer, forward func(l net.Listener, socket string)) int {
	f := flag.NewFlagSet(runWord, flag.ContinueOnError)
	f.SetOutput(stderr)
	e := entry{}
	f.StringVar(&e.user, "user", "", "user and group to become")
	f.Uint64Var(&e.data, "data", 0, "memory that each process may have")
	f.StringVar(&e.listen, "listen", "", "where the command finds the way out")
	f.StringVar(&e.socket, "socket", "", "where it leads")
	if err := f.Parse(args); err != nil || f.NArg() == 0 {
		return 125
	}
	e.command = f.Args()
	err := e.run(forward)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode()
	case errors.As(err, &exit):
		return 128 + int(exit.Sys().(syscall.WaitStatus).Signal())
	}
	fmt.Fprintf(stderr, "%s: %v\n", runWord, err)
	return 126
}

// entry is what our own program is to do within.
type entry struct {
	user, listen, socket string
	data                 uint64
	command              []string
}

func (e entry) run(forward func(net.Listener, string)) error {
	runtime.LockOSThread() // capabilities are a thread's, and the command gets this one's
	if e.user != "" {
		if err := leaveRoot(e.user); err != nil {
			return fmt.Errorf("leaving root: %w", err)
		}
	}
	env := handedOn(os.Environ())
	program, err := lookUp(e.command[0], env)
	if err != nil {
		return fmt.Errorf("command %q: %w", e.command[0], err)
	}
	if e.listen != "" {
		return e.beside(program, env, forward)
	}
	if e.data > 0 {
		if err := unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: e.data, Max: e.data}); err != nil {
			return fmt.Errorf("limiting memory: %w", err)
		}
	}
	return fmt.Errorf("running %s: %w", program, syscall.Exec(program, e.command, env))
}

// beside runs the command beside the way out.
func (e entry) beside(program string, env []string, forward func(net.Listener, string)) error {
	l, err := net.Listen("tcp4", e.listen)
	if err != nil {
		return fmt.Errorf("opening the way out: %w", err)
	}
	defer l.Close()
	go forward(l, e.socket)
	cmd := exec.Command(program, e.command[1:]...)
	cmd.Args[0], cmd.Env = e.command[0], env
	if e.data > 0 {
		// This process needs more memory than the command may have; another of us sets
		// the limit and becomes the command.
		cmd = exec.Command("/proc/self/exe", append([]string{runWord, fmt.Sprintf("--data=%d", e.data), "--"}, e.command...)...)
		cmd.Env = os.Environ()
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	// A request to end is sent to every process here, and is the command's to answer.
	// Ignored, it would be so for the command as well.
	signal.Notify(make(chan os.Signal, 1), unix.SIGTERM, unix.SIGINT, unix.SIGHUP)
	return cmd.Run()
}

// handedOn are the variables that are the command's.
func handedOn(environ []string) []string {
	env := []string{}
	for _, kv := range environ {
		if kv, ok := strings.CutPrefix(kv, varPrefix); ok {
			env = append(env, kv)
		}
	}
	return env
}

// lookUp finds the program in the command's PATH, not in ours: we have none. The
// last of a name counts, as for bubblewrap.
func lookUp(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, kv := range slices.Backward(env) {
		list, ok := strings.CutPrefix(kv, "PATH=")
		if !ok {
			continue
		}
		for _, dir := range filepath.SplitList(list) {
			at := filepath.Join(dir, name)
			if info, err := os.Stat(at); err == nil && filepath.IsAbs(dir) && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				return at, nil
			}
		}
		break
	}
	return "", fmt.Errorf("not found in the box's PATH: %w", fs.ErrNotExist)
}

// leaveRoot becomes the user, of no group but the one, with no capability and
// no way to one.
func leaveRoot(user string) error {
	u, g, _ := strings.Cut(user, ":")
	uid, err := strconv.Atoi(u)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(g)
	if err != nil {
		return err
	}
	if uid <= 0 || gid <= 0 {
		return fmt.Errorf("%d:%d is root", uid, gid)
	}
	if err := dropBounds(); err != nil {
		return err
	}
	if err := syscall.Setgroups([]int{}); err != nil {
		return fmt.Errorf("setgroups: %w", err)
	}
	if err := syscall.Setresgid(gid, gid, gid); err != nil {
		return fmt.Errorf("setresgid: %w", err)
	}
	if err := syscall.Setresuid(uid, uid, uid); err != nil {
		return fmt.Errorf("setresuid: %w", err)
	}
	// The kernel took what was effective along with root; what may be inherited stays
	// until it is given up.
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none, now [2]unix.CapUserData
	if err := unix.Capset(&head, &none[0]); err != nil {
		return fmt.Errorf("capset: %w", err)
	}
	if err := unix.Capget(&head, &now[0]); err != nil {
		return fmt.Errorf("capget: %w", err)
	}
	if now != none || os.Getuid() != uid || os.Geteuid() != uid || os.Getegid() != gid {
		return errors.New("some of it is left")
	}
	return nil
}

// dropBounds makes every capability one that this thread cannot get.
func dropBounds() error {
	for c := uintptr(0); ; c++ {
		in, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, c, 0, 0, 0)
		if err != nil {
			return nil // the kernel has no such capability: that was the last
		}
		if in == 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			return fmt.Errorf("capability %d: %w", c, err)
		}
	}
}
