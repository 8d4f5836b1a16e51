//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package sandbox

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// goneBound is how long killed processes may take to be gone.
const goneBound = 2 * time.Second

// A Child is a running process and all that it started. Its methods are safe for
// concurrent use.
type Child struct {
	pid         int
	stdin       *writer
	stdout      *reader
	stderr      *reader
	words       *words
	stopTimeout time.Duration

	stop   sync.Once
	exited chan struct{}
	exit   Exit          // written before exited is closed
	gone   chan struct{} // closed when nothing is left to wait for

	mu     sync.Mutex // while held, pid is ours unless reaped
	reaped bool
	family family
}

// Start starts the command. An error names what is wrong and never the value of a
// variable; it matches fs.ErrNotExist or fs.ErrPermission where that is the cause.
// The caller must Stop or Kill the child, or see it end.
func Start(c Command) (*Child, error) {
	path, err := c.check()
	if err != nil {
		return nil, err
	}
	p, err := openPipes()
	if err != nil {
		return nil, err
	}
	if c.StopTimeout <= 0 {
		c.StopTimeout = defaultStopTimeout
	}
	if c.WriteTimeout <= 0 {
		c.WriteTimeout = defaultWriteTimeout
	}
	child := &Child{
		words:       newWords(c.Stderr),
		stopTimeout: c.StopTimeout,
		exited:      make(chan struct{}),
		gone:        make(chan struct{}),
	}
	started := make(chan error)
	go child.own(c, path, p, started)
	if err := <-started; err != nil {
		return nil, startError(path, err)
	}
	return child, nil
}

// own is the child's life, from start to reaping, on one thread: the kernel kills
// the child when the thread that started it ends, not only when the proxy does.
func (c *Child) own(cmd Command, path string, p *pipes, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	sealDescriptors()
	files := []uintptr{uintptr(p.stdin[0]), uintptr(p.stdout[1]), uintptr(p.stderr[1])}
	for _, f := range cmd.Files {
		files = append(files, f.Fd())
	}
	pid, _, err := syscall.StartProcess(path, cmd.Argv, &syscall.ProcAttr{
		Dir:   cmd.Dir,
		Env:   append([]string{}, cmd.Env...),
		Files: files,
		Sys:   session(),
	})
	if err != nil {
		p.closeAll()
		started <- err
		return
	}
	shut(p.stdin[0], p.stdout[1], p.stderr[1])
	c.stdin = newWriter(p.stdin[1], cmd.WriteTimeout)
	c.stdout = newReader(p.stdout[0], "stdout of a child")
	c.stderr = newReader(p.stderr[0], "stderr of a child")
	c.pid = pid
	keeper := keep(pid)
	started <- nil
	var reading sync.WaitGroup
	reading.Go(c.listen)

	awaitEnd(pid)
	c.exit = c.bury()
	close(c.exited)

	keeper.dismiss()
	c.awaitGroup()
	_ = c.stdin.Close()
	c.stdout.finish()
	c.stderr.finish()
	reading.Wait()
	close(c.gone)
}

// listen reads the child's standard error to its end.
func (c *Child) listen() {
	buf := make([]byte, 16<<10)
	for {
		read := c.stderr.Read
		if c.words.dropped > 0 {
			read = func(p []byte) (int, error) { return c.stderr.readFor(p, reportEvery) }
		}
		n, err := read(buf)
		now := time.Now()
		c.words.feed(buf[:n], now)
		if err != nil && !errors.Is(err, errIdle) {
			c.words.end(now)
			return
		}
		c.words.report(now)
	}
}

// bury kills what the child left running, and reaps it. The order matters: once
// reaped, its id may be another's.
func (c *Child) bury() Exit {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.family.look(c.pid)
	_ = unix.Kill(-c.pid, unix.SIGKILL)
	c.family.signal(unix.SIGKILL)
	status := reap(c.pid)
	c.reaped = true
	if status.Signaled() {
		return Exit{Code: -1, Signal: status.Signal().String()}
	}
	return Exit{Code: status.ExitStatus()}
}

func reap(pid int) unix.WaitStatus {
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, 0, nil)
		if err != unix.EINTR {
			return status
		}
	}
}

// awaitGroup waits, for a bounded time, until the last of the killed is gone.
func (c *Child) awaitGroup() {
	pause := 100 * time.Microsecond
	for end := time.Now().Add(goneBound); c.family.lives(c.pid) && time.Now().Before(end); {
		time.Sleep(pause)
		pause = min(2*pause, 20*time.Millisecond)
	}
}

// Stdin is the child's standard input. Writes are whole and in turn. One that has
// to wait for longer than WriteTimeout fails with an error that matches
// os.ErrDeadlineExceeded, as does every later one. Close ends the child's input.
func (c *Child) Stdin() io.WriteCloser { return c.stdin }

// Stdout is the child's standard output. After the
// child has ended, what it wrote (at most 1 MiB) can still be read; then comes io.EOF.
func (c *Child) Stdout() io.Reader { return c.stdout }

// Pid is the process id, which is also that of its group and session.
func (c *Child) Pid() int { return c.pid }

// Exited is closed as soon as the process has ended, whoever ended it.
func (c *Child) Exited() <-chan struct{} { return c.exited }

// Exit is how it ended; before Exited is closed, its code is -1 and its signal
// "none, still running".
func (c *Child) Exit() Exit {
	select {
	case <-c.exited:
		return c.exit
	default:
		return Exit{Code: -1, Signal: "none, still running"}
	}
}

// LastWords is the end of what the child wrote to its standard error, for an
// error message: at most 20 lines and 2 KiB, printable. It may hold whatever the
// child chose to print.
func (c *Child) LastWords() string {
	select {
	case <-c.exited:
		// Some of it may still be in the pipe.
		select {
		case <-c.gone:
		case <-time.After(goneBound):
		}
	default:
	}
	return c.words.last()
}

// Stop ends the child in order: the end of its input, then SIGTERM, then SIGKILL,
// the next one when StopTimeout has passed. It returns when nothing is left of
// the child, or once StopTimeout has passed after the last stage. It may be called
// at any time, more than once, and concurrently.
func (c *Child) Stop() {
	c.stop.Do(func() {
		c.signal(0)
		_ = c.stdin.Close()
		if !c.waited(c.exited) {
			c.signal(unix.SIGTERM)
		}
		if !c.waited(c.exited) {
			c.signal(unix.SIGKILL)
		}
		c.waited(c.gone)
	})
}

// Kill ends the child at once. It returns when nothing is left of it, or once
// StopTimeout has passed.
func (c *Child) Kill() {
	c.signal(unix.SIGKILL)
	c.waited(c.gone)
}

func (c *Child) waited(done <-chan struct{}) bool {
	t := time.NewTimer(c.stopTimeout)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}

// signal reaches the group and the family, unless the child has been reaped. The
// signal 0 does nothing to them, but notes who is of the family: that shows only
// while the child lives.
func (c *Child) signal(s unix.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reaped {
		return
	}
	c.family.look(c.pid)
	_ = unix.Kill(-c.pid, s)
	c.family.signal(s)
}

func startError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("starting %s: the file is there, so the interpreter that its first line names, or its loader, is not: %w", path, err)
	case errors.Is(err, unix.ENOEXEC):
		return fmt.Errorf("starting %s: neither a program for this machine nor a script with a #! line: %w", path, err)
	case errors.Is(err, unix.E2BIG):
		return fmt.Errorf("starting %s: arguments and environment are too long: %w", path, err)
	}
	return fmt.Errorf("starting %s: %w", path, err)
}
