package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"sallyport/sandbox/gvisor"
)

// tryTime bounds one attempt that is a process.
const tryTime = 20 * time.Second

func command(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Env = []string{"GOMAXPROCS=1"}
	return cmd
}

// tryAll makes every attempt that must be refused, each on a thread of its own that
// is thrown away.
func tryAll() map[string]string {
	seen := map[string]string{}
	for name, try := range map[string]func() error{
		"mount":          func() error { return unix.Mount("none", "/tmp", "tmpfs", 0, "") },
		"umount":         func() error { return unix.Unmount("/proc", unix.MNT_DETACH) },
		"user namespace": newUser,
		"setuid root":    func() error { return become(unix.SYS_SETUID) },
		"setgid root":    func() error { return become(unix.SYS_SETGID) },
		"device node":    deviceNode,
		"raw socket":     func() error { return socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP) },
		"packet socket":  func() error { return socket(unix.AF_PACKET, unix.SOCK_RAW, 0x300) },
		"keyring":        keyring,
		"bpf":            func() error { return raw(unix.SYS_BPF, unix.BPF_MAP_CREATE, 0, 0) },
		"chroot":         func() error { return unix.Chroot("/") },
		"hostname":       func() error { return unix.Sethostname([]byte("escaped")) },
		"sysctl":         func() error { return openForWriting("/proc/sys/kernel/core_pattern") },
		"sysrq":          func() error { return openForWriting("/proc/sysrq-trigger") },
		"netlink socket": func() error { return socket(unix.AF_NETLINK, unix.SOCK_RAW, 0) },
		"process memory": processMemory,
		"personality":    personality,
		"host processes": hostProcesses,
	} {
		seen[name] = told(onThread(try))
	}
	return seen
}

// told is how an attempt ended. One that was let through and then failed for its
// senseless arguments was not refused.
func told(err error) string {
	switch {
	case err == nil:
		return Done
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EFAULT), errors.Is(err, unix.E2BIG):
		return "let through: " + err.Error()
	}
	return "refused: " + err.Error()
}

// onThread runs the attempt on a thread that ends with it.
func onThread(try func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- try()
	}()
	return <-done
}

// raw makes a system call in this thread alone.
func raw(call, a, b, c uintptr) error {
	if _, _, errno := unix.RawSyscall(call, a, b, c); errno != 0 {
		return errno
	}
	return nil
}

// become asks for root's id. In a user name space that has no root it is no id at
// all, and not one that was let through.
func become(call uintptr) error {
	err := raw(call, 0, 0, 0)
	if errors.Is(err, unix.EINVAL) {
		return errors.New("there is no root here")
	}
	return err
}

func newUser() error {
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	cmd := command(self, Word)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	return cmd.Run()
}

func deviceNode() error {
	path := filepath.Join("/tmp", "sallyport-probe-device")
	defer os.Remove(path)
	err := unix.Mknod(path, unix.S_IFBLK|0o600, int(unix.Mkdev(8, 0)))
	if err == nil && gvisor.Here() {
		// There anybody may make one, and it would lead to gVisor's own devices.
		if err = openForWriting(path); err != nil {
			err = fmt.Errorf("made, and leads nowhere: %w", err)
		}
	}
	return err
}

// personality asks for one in which what can be read can be run. A kernel that has none
// says that it is no valid one, and nothing is changed.
func personality() error {
	const readImpliesExec, ask = 0x0400000, 0xffffffff
	err := raw(unix.SYS_PERSONALITY, readImpliesExec, 0, 0)
	if !errors.Is(err, unix.EINVAL) {
		return err
	}
	if now, _, errno := unix.RawSyscall(unix.SYS_PERSONALITY, ask, 0, 0); errno == 0 && now&readImpliesExec != 0 {
		return nil
	}
	return errors.New("there is no other one here")
}

func socket(family, kind, protocol int) error {
	fd, err := unix.Socket(family, kind, protocol)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

func keyring() error {
	name, _ := unix.BytePtrFromString("user")
	_, _, errno := unix.Syscall6(unix.SYS_ADD_KEY, uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(name)),
		uintptr(unsafe.Pointer(name)), 4, ^uintptr(3), 0) // the user's keyring, -4
	if errno != 0 {
		return errno
	}
	return nil
}

// processMemory reads our own memory, in the way in which one reads that of others.
func processMemory() error {
	var from, to [8]byte
	local := []unix.Iovec{{Base: &to[0], Len: 8}}
	_, err := unix.ProcessVMReadv(os.Getpid(), local, []unix.RemoteIovec{{Base: uintptr(unsafe.Pointer(&from[0])), Len: 8}}, 0)
	return err
}

// hostProcesses looks for more than there can be in a box in which we run alone.
func hostProcesses() error {
	all, _ := filepath.Glob("/proc/[0-9]*")
	if len(all) > 5 {
		return nil
	}
	return fmt.Errorf("%d processes", len(all))
}

func openForWriting(path string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

// follow starts ourselves with the words, and reads numbers until it ends. It
// returns the last one, Unknown if there is none, and whether it came to its own end.
func follow(words ...string) (last int64, whole bool) {
	self, err := os.Executable()
	if err != nil {
		return Unknown, false
	}
	ctx, stop := context.WithTimeout(context.Background(), tryTime)
	defer stop()
	cmd := exec.CommandContext(ctx, self, append([]string{Word}, words...)...)
	cmd.Env = []string{"GOMAXPROCS=2", "GOTRACEBACK=none"}
	out, err := cmd.StdoutPipe()
	if err != nil || cmd.Start() != nil {
		return Unknown, false
	}
	last = Unknown
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if n, err := strconv.ParseInt(strings.TrimSpace(lines.Text()), 10, 64); err == nil {
			last = n
		}
	}
	return last, cmd.Wait() == nil || ctx.Err() != nil
}

// tryMemory takes up to twice the promise.
func tryMemory(promise, data int64) (int64, bool) {
	got, whole := follow(wordMemory, decimal(2*promise), decimal(data))
	return got, !whole && got >= 0
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

const step = 1 << 20

func allocate(most, data string, stdout io.Writer) error {
	// It has begun; under the limit it may end at any time.
	if _, err := fmt.Fprintln(stdout, 0); err != nil {
		return err
	}
	if err := limit(data); err != nil {
		return err
	}
	_, err := take(most, unix.MAP_PRIVATE, stdout)
	return err
}

// limit is of this process's private memory, if there is one.
func limit(data string) error {
	n, err := strconv.ParseUint(data, 10, 64)
	if err != nil || n == 0 {
		return err
	}
	return unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: n, Max: n})
}

// take takes memory of that kind up to the number of bytes, and prints how far it came.
func take(most string, kind int, stdout io.Writer) ([][]byte, error) {
	n, err := strconv.ParseInt(most, 10, 64)
	if err != nil {
		return nil, err
	}
	var all [][]byte
	for got := int64(0); got < n; {
		b, err := unix.Mmap(-1, 0, step, unix.PROT_READ|unix.PROT_WRITE, kind|unix.MAP_ANON)
		if err != nil {
			return all, err
		}
		touch(b)
		all = append(all, b)
		got += step
		if _, err := fmt.Fprintln(stdout, got); err != nil {
			return all, err
		}
	}
	return all, nil
}

func touch(b []byte) {
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
}

// hold takes memory, says that it has it, and at the end of its input says so again.
// It is memory that processes could share: a limit of each process's own does not
// count it, so there is none here.
func hold(most string, stdout io.Writer) error {
	all, err := take(most, unix.MAP_SHARED, stdout)
	if _, err := fmt.Fprintln(stdout, have); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	for _, b := range all {
		touch(b)
	}
	if len(all) == 0 {
		return err
	}
	return nil
}

const have = "have"

// tryTogether has two processes take three quarters of the promise each, one after the
// other, and returns how much there was at once. Who is alive at the end has had
// all of his the whole time.
func tryTogether(promise int64) int64 {
	self, err := os.Executable()
	if err != nil {
		return Unknown
	}
	ctx, stop := context.WithTimeout(context.Background(), tryTime)
	defer stop()
	var first, alive int64
	var ends []func() int64
	for i := range 2 {
		cmd := exec.CommandContext(ctx, self, Word, wordHold, decimal(promise*3/4))
		cmd.Env = []string{"GOMAXPROCS=1", "GOTRACEBACK=none"}
		in, err1 := cmd.StdinPipe()
		out, err2 := cmd.StdoutPipe()
		if errors.Join(err1, err2) != nil || cmd.Start() != nil {
			break
		}
		var got int64
		for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != have; {
			if n, err := strconv.ParseInt(lines.Text(), 10, 64); err == nil {
				got = n
			}
		}
		if i == 0 {
			first = got
		}
		ends = append(ends, func() int64 {
			in.Close()
			if cmd.Wait() != nil {
				return 0
			}
			return got
		})
	}
	for _, end := range ends {
		alive += end()
	}
	if ctx.Err() != nil {
		return Unknown
	}
	return max(first, alive)
}

// tryThreads starts up to twice the promise. Threads count as processes do, and cost
// less memory.
func tryThreads(promise int) (int, bool) {
	spareThreads()
	got, whole := follow(wordThreads, strconv.Itoa(2*promise))
	return int(got), !whole && got > 0
}

// spareThreads are for what we do while there can be no more: for want of one the
// runtime would end us as well. It keeps those that it has.
func spareThreads() {
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() { _ = unix.Nanosleep(&unix.Timespec{Nsec: 20e6}, nil) })
	}
	all.Wait()
}

// threads starts threads until the runtime ends us because there are no more.
func threads(most string, stdout io.Writer) error {
	n, err := strconv.Atoi(most)
	if err != nil {
		return err
	}
	var pipe [2]int
	if err := unix.Pipe(pipe[:]); err != nil {
		return err
	}
	for i := range n {
		started := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(started)
			var b [1]byte
			_, _ = unix.Read(pipe[0], b[:]) // for ever
		}()
		<-started
		if _, err := fmt.Fprintln(stdout, i+1); err != nil {
			return err
		}
	}
	return nil
}
