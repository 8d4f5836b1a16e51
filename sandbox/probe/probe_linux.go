package probe

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"sallyport/sandbox/gvisor"
)

// Words by which the probe starts itself again.
const (
	wordMemory  = "memory"
	wordThreads = "threads"
	wordHold    = "hold"
)

// Main is Word. Without words, or run as a script's interpreter, it says ok. With an
// Ask in JSON it prints the report, first without memory and more of it each
// time: it may itself be killed for want of memory.
func Main(args []string, stdout io.Writer) error {
	switch {
	case len(args) == 0 || strings.HasPrefix(args[0], "/"):
		_, err := fmt.Fprintln(stdout, "ok")
		return err
	case args[0] == wordMemory && len(args) == 3:
		return allocate(args[1], args[2], stdout)
	case args[0] == wordThreads && len(args) == 2:
		return threads(args[1], stdout)
	case args[0] == wordHold && len(args) == 2:
		return hold(args[1], stdout)
	}
	var ask Ask
	if err := json.Unmarshal([]byte(args[0]), &ask); err != nil {
		return fmt.Errorf("reading what to probe: %w", err)
	}
	r := look(ask)
	if err := json.NewEncoder(stdout).Encode(r); err != nil {
		return err
	}
	memory := ask.Limits.OrDefault().Memory
	r.Memory.Reached, r.Memory.Killed = tryMemory(memory, ask.Data)
	if err := json.NewEncoder(stdout).Encode(r); err != nil {
		return err
	}
	r.Memory.Together = tryTogether(memory)
	return json.NewEncoder(stdout).Encode(r)
}

// look tries all but memory.
func look(ask Ask) Report {
	l := ask.Limits.OrDefault()
	own := gvisor.Here()
	r := Report{UID: os.Getuid(), GID: os.Getgid(), CPU: CPU{Cgroup: cpuQuota()}, Attempts: tryAll()}
	r.Groups, _ = os.Getgroups()
	if own {
		r.Kernel = gvisor.Name
	}
	r.status()
	r.Root = !readOnly("/")
	r.Writable = writable()
	r.Tmp = tryPlace("/tmp", l.Scratch, l.Memory)
	r.Shm = tryPlace("/dev/shm", l.Shm, l.Memory)
	r.Memory = Memory{
		Cgroup: cgroupValue("memory.max", "memory/memory.limit_in_bytes"), Swap: swapLimit(), Reached: Unknown, Together: Unknown,
	}
	r.PIDs.Cgroup = cgroupValue("pids.max", "pids/pids.max")
	r.PIDs.Reached, r.PIDs.Refused = tryThreads(l.PIDs)
	r.CPU.Used = useCPU(own)
	var files unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &files) == nil {
		r.Files = files.Max
	}
	r.Interfaces = interfaces()
	r.Reached = reach(ask.Addresses)
	r.Devices = devices()
	return r
}

func (r *Report) status() {
	// Not every kernel says it in the file.
	set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	r.NoNewPrivs = err == nil && set == 1
	b, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		hex := func() uint64 {
			n, err := strconv.ParseUint(value, 16, 64)
			if err != nil {
				return ^uint64(0)
			}
			return n
		}
		switch name {
		case "CapEff":
			r.CapEff |= hex()
		case "CapPrm", "CapInh", "CapAmb":
			r.CapEff |= hex()
		case "CapBnd":
			r.CapBnd = hex()
		case "Seccomp":
			r.Seccomp, _ = strconv.Atoi(value)
		}
	}
}

// mountPoints are the places where something is mounted.
func mountPoints() []string {
	b, _ := os.ReadFile("/proc/self/mountinfo")
	var all []string
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 4 {
			all = append(all, f[4])
		}
	}
	return all
}

// readOnly asks in both ways: gVisor answers to one of them only.
func readOnly(at string) bool {
	var fs unix.Statfs_t
	if unix.Statfs(at, &fs) == nil && fs.Flags&unix.ST_RDONLY != 0 {
		return true
	}
	b, _ := os.ReadFile("/proc/self/mountinfo")
	return mountedReadOnly(string(b), at)
}

// mountedReadOnly reads it off a mountinfo, in which the last mount at a place is the one
// that is seen.
func mountedReadOnly(mountinfo, at string) bool {
	only := false
	for line := range strings.Lines(mountinfo) {
		if f := strings.Fields(line); len(f) > 5 && f[4] == at {
			only = slices.Contains(strings.Split(f[5], ","), "ro")
		}
	}
	return only
}

func writable() []string {
	var all []string
	for _, p := range mountPoints() {
		if !slices.Contains([]string{"/", "/tmp", "/dev/shm"}, p) && !slices.Contains(all, p) && canWrite(p) {
			all = append(all, p)
		}
	}
	return all
}

// canWrite tries: terminals' folder may be said to be writable, and takes no files.
func canWrite(place string) bool {
	info, err := os.Stat(place)
	switch {
	case err == nil && info.IsDir():
		f, err := os.CreateTemp(place, "sallyport-probe")
		if err != nil {
			return false
		}
		f.Close()
		_ = os.Remove(f.Name())
		return true
	case err == nil && info.Mode().IsRegular():
		return openForWriting(place) == nil
	}
	return false
}

// tryPlace fills the place, a little over its size at most, and never so far that the
// box's memory ends.
func tryPlace(dir string, size, memory int64) Place {
	p := Place{Size: Unknown}
	var fs unix.Statfs_t
	if slices.Contains(mountPoints(), dir) && unix.Statfs(dir, &fs) == nil {
		p.Size = int64(fs.Blocks) * fs.Bsize
		p.Suid, p.Dev = fs.Flags&unix.ST_NOSUID == 0, fs.Flags&unix.ST_NODEV == 0
	}
	p.Exec = tryExec(filepath.Join(dir, "sallyport-probe"))
	f, err := os.CreateTemp(dir, "sallyport-probe")
	if err != nil {
		return p
	}
	defer os.Remove(f.Name())
	defer f.Close()
	piece := make([]byte, 128<<10)
	for most := min(2*size, memory/2); p.Wrote < most; {
		n, err := f.Write(piece)
		p.Wrote += int64(n)
		if err != nil {
			break
		}
	}
	return p
}

// tryExec runs a script whose interpreter we are.
func tryExec(path string) bool {
	self, err := os.Executable()
	if err != nil {
		return false
	}
	script := "#!" + self + " box-probe\n"
	if os.WriteFile(path, []byte(script), 0o700) != nil {
		return false
	}
	defer os.Remove(path)
	out, err := command(path).Output()
	return err == nil && strings.TrimSpace(string(out)) == "ok"
}

// interfaces are read from a file: a box may not be allowed the socket that tells of
// them.
func interfaces() []string {
	b, err := os.ReadFile("/proc/self/net/dev")
	if err != nil {
		return []string{"unknown: " + err.Error()}
	}
	var all []string
	for line := range strings.Lines(string(b)) {
		if name, _, ok := strings.Cut(line, ":"); ok { // the headings have none
			all = append(all, strings.TrimSpace(name))
		}
	}
	return all
}

// reach returns those of the addresses that answer.
func reach(addresses []string) []string {
	var mu sync.Mutex
	var all sync.WaitGroup
	var reached []string
	for _, a := range addresses {
		all.Go(func() {
			c, err := net.DialTimeout("tcp", a, time.Second)
			// Who refuses was reached.
			if err != nil && !errors.Is(err, unix.ECONNREFUSED) {
				return
			}
			if host, _, e := net.SplitHostPort(a); err != nil && e == nil && net.ParseIP(host).IsLoopback() {
				return // our own loopback, with nobody there
			}
			if c != nil {
				c.Close()
			}
			mu.Lock()
			defer mu.Unlock()
			reached = append(reached, a)
		})
	}
	all.Wait()
	slices.Sort(reached)
	return reached
}

var harmless = []string{"null", "zero", "full", "random", "urandom", "tty", "console", "ptmx"}

func devices() []string {
	var all []string
	_ = filepath.WalkDir("/dev", func(path string, d os.DirEntry, err error) error {
		if err != nil || path == "/dev/pts" {
			return filepath.SkipDir
		}
		name := strings.TrimPrefix(path, "/dev/")
		if d.Type()&os.ModeDevice != 0 && !slices.Contains(harmless, name) {
			all = append(all, path)
		}
		return nil
	})
	return all
}

// cgroupValue reads a limit by its name of version 2, or of version 1.
func cgroupValue(two, one string) int64 {
	for _, name := range []string{two, one} {
		b, err := os.ReadFile("/sys/fs/cgroup/" + name)
		if err != nil {
			continue
		}
		word := strings.TrimSpace(string(b))
		n, err := strconv.ParseInt(word, 10, 64)
		switch {
		case word == "max", err == nil && n < 0, err == nil && n > 1<<60:
			return Unlimited
		case err == nil:
			return n
		}
	}
	return Unknown
}

// swapLimit is of memory and swap together, as version 1 has it.
func swapLimit() int64 {
	if n := cgroupValue("none", "memory/memory.memsw.limit_in_bytes"); n != Unknown {
		return n
	}
	b, err := os.ReadFile("/sys/fs/cgroup/memory.swap.max")
	memory := cgroupValue("memory.max", "none")
	if err != nil || memory == Unknown {
		return Unknown
	}
	swap, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	if err != nil || memory == Unlimited {
		return Unlimited
	}
	return memory + swap
}

// cpuQuota is in thousandths.
func cpuQuota() int64 {
	if b, err := os.ReadFile("/sys/fs/cgroup/cpu.max"); err == nil {
		quota, period, _ := strings.Cut(strings.TrimSpace(string(b)), " ")
		return thousandths(quota, period)
	}
	for _, dir := range []string{"/sys/fs/cgroup/cpu/", "/sys/fs/cgroup/cpu,cpuacct/"} {
		quota, err := os.ReadFile(dir + "cpu.cfs_quota_us")
		period, err2 := os.ReadFile(dir + "cpu.cfs_period_us")
		if err == nil && err2 == nil {
			return thousandths(strings.TrimSpace(string(quota)), strings.TrimSpace(string(period)))
		}
	}
	return Unknown
}

func thousandths(quota, period string) int64 {
	q, err := strconv.ParseInt(quota, 10, 64)
	p, err2 := strconv.ParseInt(period, 10, 64)
	switch {
	case err2 != nil || p <= 0:
		return Unknown
	case err != nil || q < 0:
		return Unlimited
	}
	return q * 1000 / p
}
