package inside

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
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"sallyport/sandbox/gvisor"
)

// Codes as shells and engines have them.
const (
	failed    = 125
	cannotRun = 126
	notFound  = 127
	bySignal  = 128
)

// entry is what is asked of us.
type entry struct {
	user     string // UID:GID to become; empty: we are who we should be
	env      bool   // the environment comes by standard input
	prefixed bool   // of our own, only what has VarPrefix is the command's
	pids     uint64 // processes and threads of the box, to be held where the kernel is gVisor's
	data     uint64 // bytes of private memory that each process of the command may have; 0: any
	socket   string // where the way out leads; empty: there is none
	port     int    // where it begins
	command  []string
}

// Main is Word with its options:
//
//	[--user=UID:GID] [--env] [--prefixed] [--pids=N] [--data=BYTES] [--egress=SOCKET --port=N] -- COMMAND…
//
// It returns an exit code, or does not return.
func Main(args []string, forward Forward) (int, error) {
	// Capabilities are a thread's, and the command gets this one's. It ends with this
	// thread, too.
	runtime.LockOSThread()
	e, err := parse(args)
	if err != nil {
		return failed, err
	}
	if e.user != "" {
		if err := leaveRoot(e.user); err != nil {
			return failed, fmt.Errorf("leaving root: %w", err)
		}
	}
	if err := e.lock(); err != nil {
		return failed, err
	}
	env, err := e.environment()
	if err != nil {
		return failed, err
	}
	if e.socket == "" {
		return e.become(env)
	}
	if forward == nil {
		return failed, errors.New("there is no way out")
	}
	stock()
	if err := open(e.socket); err != nil {
		return failed, err
	}
	l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(e.port)))
	if err != nil {
		return failed, fmt.Errorf("opening the way out: %w", err)
	}
	defer l.Close()
	env.proxy("http://" + l.Addr().String())
	return e.accompany(env, func() error { return forward(l, e.socket) })
}

// threads are as many as this process can ever need at once: two that run, one that waits
// for the command, one that writes, and some to spare.
const threads = 6

// stock makes our threads while they can be had. The runtime keeps them; it ends the
// process when it needs one and the command has taken all that the box may have.
func stock() {
	runtime.GOMAXPROCS(min(2, runtime.GOMAXPROCS(0)))
	var there, gone sync.WaitGroup
	there.Add(threads)
	for range threads {
		gone.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			there.Done()
			there.Wait()
		})
	}
	gone.Wait()
}

// open tries the way out: a server that finds it shut would only be told with each
// connection.
func open(socket string) error {
	c, err := net.Dial("unix", socket)
	if err == nil {
		return c.Close()
	}
	if gvisor.Here() {
		return fmt.Errorf("the way out is shut: gVisor lets nobody connect to a socket of the host, unless runsc is given --host-uds=open: %w", err)
	}
	return fmt.Errorf("the way out is shut: %w", err)
}

func parse(args []string) (entry, error) {
	e := entry{}
	flags := flag.NewFlagSet(Word, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&e.user, "user", "", "")
	flags.BoolVar(&e.env, "env", false, "")
	flags.BoolVar(&e.prefixed, "prefixed", false, "")
	flags.Uint64Var(&e.pids, "pids", 0, "")
	flags.Uint64Var(&e.data, "data", 0, "")
	flags.StringVar(&e.socket, "egress", "", "")
	flags.IntVar(&e.port, "port", 0, "")
	if err := flags.Parse(args); err != nil {
		return entry{}, err
	}
	if e.command = flags.Args(); len(e.command) == 0 {
		return entry{}, errors.New("no command")
	}
	return e, nil
}

// find looks the program up in the PATH that it will have, and of that only in
// folders which do not depend on the working directory.
func find(name string, env environ) (string, int, error) {
	places, where := []string{name}, "the box"
	if !strings.Contains(name, "/") {
		places, where = nil, fmt.Sprintf("the box's PATH %q", env["PATH"])
		for _, dir := range filepath.SplitList(env["PATH"]) {
			if filepath.IsAbs(dir) {
				places = append(places, filepath.Join(dir, name))
			}
		}
	}
	var refused error
	for _, at := range places {
		_, err := exec.LookPath(at)
		if err == nil {
			return at, 0, nil
		}
		if refused == nil && !errors.Is(err, fs.ErrNotExist) {
			refused = err
		}
	}
	if refused != nil {
		return "", cannotRun, fmt.Errorf("command %q: %w", name, refused)
	}
	return "", notFound, fmt.Errorf("command %q is not in %s", name, where)
}

func (e entry) become(env environ) (int, error) {
	path, code, err := find(e.command[0], env)
	if err != nil {
		return code, err
	}
	list := env.list("")
	if e.data > 0 {
		return cannotRun, fmt.Errorf("running %s: %w", path, execWithin(e.data, path, e.command, list))
	}
	err = syscall.Exec(path, e.command, list)
	return cannotRun, fmt.Errorf("running %s: %w", path, err)
}

// accompany runs the command as a child while the way out is open.
func (e entry) accompany(env environ, serve func() error) (int, error) {
	path, code, err := find(e.command[0], env)
	if err != nil {
		return code, err
	}
	cmd := exec.Command(path)
	cmd.Args, cmd.Env = e.command, env.list("")
	if e.data > 0 {
		// This process needs more memory than the command may have; another of us sets
		// the limit and becomes the command.
		cmd = exec.Command("/proc/self/exe", append([]string{Word, "--prefixed", fmt.Sprintf("--data=%d", e.data), "--"}, e.command...)...)
		cmd.Env = env.list(VarPrefix)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	// Not ignored: they would be so for the command as well.
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	if err := cmd.Start(); err != nil {
		return cannotRun, err
	}
	// Else the command's input would have a second reader's end open, and its output
	// a second writer's.
	_ = os.Stdin.Close()
	_ = os.Stdout.Close()
	served, ended := make(chan error, 1), make(chan error, 1)
	go func() { served <- serve() }()
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s)
		case err := <-served:
			// Without the way out it would run on and find nothing.
			fmt.Fprintln(os.Stderr, "sallyport: the way out is closed:", err)
			served = nil
		case <-ended:
			return exitCode(cmd.ProcessState), nil
		}
	}
}

// execWithin becomes the command, with a limit of its private memory, which is ours for a
// moment: in it the runtime must not want a thread or memory. That there are as many files
// for us as for the command is the box's business.
func execWithin(data uint64, path string, argv, env []string) error {
	to, err := syscall.BytePtrFromString(path)
	if err != nil {
		return err
	}
	words, err := syscall.SlicePtrFromStrings(argv)
	if err != nil {
		return err
	}
	vars, err := syscall.SlicePtrFromStrings(env)
	if err != nil {
		return err
	}
	limit := &unix.Rlimit{Cur: data, Max: data}
	debug.SetGCPercent(-1)
	runtime.GOMAXPROCS(1) // nothing else runs, and no call below lets go of the processor
	if _, _, e := syscall.RawSyscall6(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_DATA, uintptr(unsafe.Pointer(limit)), 0, 0, 0); e != 0 {
		return fmt.Errorf("limiting memory: %w", e)
	}
	_, _, e := syscall.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(to)), uintptr(unsafe.Pointer(&words[0])), uintptr(unsafe.Pointer(&vars[0])))
	return e
}

func exitCode(s *os.ProcessState) int {
	if status, ok := s.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return bySignal + int(status.Signal())
	}
	return s.ExitCode()
}
