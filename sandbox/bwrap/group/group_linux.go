package group

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// removeBound is how long killed processes may take to leave a group.
const removeBound = 3 * time.Second

// Limits of a group; a zero one is not set.
type Limits struct {
	Memory int64 // bytes, and no swap beyond
	PIDs   int
	CPU    int // thousandths of a processor
}

// A Group is one box's control groups: one folder in each hierarchy.
type Group struct {
	dirs  map[string]string // by controller
	v2    map[string]bool
	scope scope
}

// Make makes a group. What it cannot limit is in the map, by controller, with the
// reason; the others were set and read back.
func Make(t Tree, l Limits) (*Group, map[string]error) {
	g := &Group{dirs: map[string]string{}, v2: map[string]bool{}, scope: t.scope}
	lacks := map[string]error{}
	name, err := newName()
	if err != nil {
		t = none(err)
	}
	made := map[base]error{}
	for _, b := range t.folders() {
		made[b] = os.Mkdir(filepath.Join(b.dir, name), 0o755)
	}
	for _, c := range controllers {
		b, ok := t.bases[c]
		if !ok {
			lacks[c] = t.lacks[c]
			continue
		}
		if made[b] != nil {
			lacks[c] = made[b]
			continue
		}
		g.dirs[c], g.v2[c] = filepath.Join(b.dir, name), b.v2
		if err := g.limit(c, l); err != nil {
			lacks[c] = err
		}
	}
	return g, lacks
}

// setting is a file of a group and what is to be in it.
type setting struct {
	file, value string
	optional    bool // not there on some kernels, which then have nothing to limit
}

func (g *Group) limit(controller string, l Limits) error {
	for _, s := range settings(controller, g.v2[controller], l) {
		file := filepath.Join(g.dirs[controller], s.file)
		err := os.WriteFile(file, []byte(s.value), 0o600)
		// To make a file there is not allowed, so what is absent is told by looking.
		if _, absent := os.Lstat(file); err != nil && s.optional && errors.Is(absent, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if got := strings.TrimSpace(string(text)); !bites(got, s.value) {
			return fmt.Errorf("%s was set to %q and is %q", file, s.value, got)
		}
	}
	return nil
}

// bites allows for the kernel's rounding down to a page.
func bites(got, want string) bool {
	if got == want {
		return true
	}
	g, err1 := strconv.ParseInt(got, 10, 64)
	w, err2 := strconv.ParseInt(want, 10, 64)
	page := int64(os.Getpagesize())
	return err1 == nil && err2 == nil && w >= page && g == w-w%page
}

const period = 100_000 // microseconds: the kernel's own

func settings(controller string, v2 bool, l Limits) []setting {
	memory, pids, quota := strconv.FormatInt(l.Memory, 10), strconv.Itoa(l.PIDs), strconv.Itoa(l.CPU*period/1000)
	switch {
	case controller == "memory" && l.Memory > 0 && v2:
		// Half a server that has lost a process is worse than none.
		return []setting{{"memory.max", memory, false}, {"memory.swap.max", "0", true}, {"memory.oom.group", "1", true}}
	case controller == "memory" && l.Memory > 0:
		// Memory with swap must be no less than without, so it comes second.
		return []setting{{"memory.limit_in_bytes", memory, false}, {"memory.memsw.limit_in_bytes", memory, true}, {"memory.swappiness", "0", true}}
	case controller == "pids" && l.PIDs > 0:
		return []setting{{"pids.max", pids, false}}
	case controller == "cpu" && l.CPU > 0 && v2:
		return []setting{{"cpu.max", quota + " " + strconv.Itoa(period), false}}
	case controller == "cpu" && l.CPU > 0:
		return []setting{{"cpu.cfs_period_us", strconv.Itoa(period), false}, {"cpu.cfs_quota_us", quota, false}}
	}
	return nil
}

// Add puts a process, and whatever it will start, into the group.
func (g *Group) Add(pid int) error {
	for _, dir := range g.folders() {
		err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
		if errors.Is(err, fs.ErrPermission) && filepath.Base(filepath.Dir(dir)) == g.scope.unit {
			err = g.scope.attach(filepath.Base(dir), pid)
		}
		if err != nil {
			return fmt.Errorf("entering the control group: %w", err)
		}
	}
	return nil
}

func (g *Group) folders() []string {
	var all []string
	seen := map[string]bool{}
	for _, c := range controllers {
		if dir, ok := g.dirs[c]; ok && !seen[dir] {
			seen[dir] = true
			all = append(all, dir)
		}
	}
	return all
}

// Killed is how many processes were killed for want of memory.
func (g *Group) Killed() int {
	if g.v2["memory"] {
		return g.count("memory", "memory.events", "oom_kill")
	}
	return g.count("memory", "memory.oom_control", "oom_kill")
}

// Refused is how often a process or thread was not made because there were too many.
func (g *Group) Refused() int { return g.count("pids", "pids.events", "max") }

func (g *Group) count(controller, file, key string) int {
	dir, ok := g.dirs[controller]
	if !ok {
		return 0
	}
	text, _ := os.ReadFile(filepath.Join(dir, file))
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == key {
			n, _ := strconv.Atoi(f[1])
			return n
		}
	}
	return 0
}

// Remove kills what is left in the group and removes it.
func (g *Group) Remove() error {
	var failed error
	for _, dir := range g.folders() {
		failed = errors.Join(failed, remove(dir))
	}
	return failed
}

func remove(dir string) error {
	pause := time.Millisecond
	for end := time.Now().Add(removeBound); ; {
		err := unix.Rmdir(dir)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("removing the control group %s: %w", dir, err)
		}
		kill(dir)
		time.Sleep(pause)
		pause = min(2*pause, 50*time.Millisecond)
	}
}

func kill(dir string) {
	if os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0) == nil {
		return
	}
	for _, p := range words(filepath.Join(dir, "cgroup.procs")) {
		if pid, err := strconv.Atoi(p); err == nil && pid > 1 {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
}

const prefix = "sallyport-"

// newName is prefix, our id, our birth, our namespace and a number.
func newName() (string, error) {
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return "", err
	}
	pid := os.Getpid()
	born, ok := birth(pid)
	if !ok {
		return "", errors.New("/proc does not say when we were born")
	}
	return fmt.Sprintf("%s%d-%s-%s-%x", prefix, pid, born, strings.Trim(space, "pid:[]"), rand.Uint64()), nil
}

// birth is when a process started, in the kernel's words. A process that has ended
// has none, though it may still wait to be reaped.
func birth(pid int) (string, bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", false
	}
	// The fields after the name, which may hold anything: state … and, 22nd of all, starttime.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return "", false
	}
	return fields[19], true
}

// Sweep removes the groups whose maker is gone, and returns how many there were. It
// leaves those of other namespaces: who lives there cannot be seen.
func Sweep(t Tree) int {
	swept := 0
	for _, b := range t.folders() {
		entries, _ := os.ReadDir(b.dir)
		for _, e := range entries {
			if e.IsDir() && orphan(e.Name()) && remove(filepath.Join(b.dir, e.Name())) == nil {
				swept++
			}
		}
	}
	return swept
}

func orphan(name string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	parts := strings.Split(rest, "-")
	space, err := os.Readlink("/proc/self/ns/pid")
	if !ok || len(parts) != 4 || err != nil || parts[2] != strings.Trim(space, "pid:[]") {
		return false
	}
	pid, err := strconv.Atoi(parts[0])
	if err != nil {
		return false
	}
	born, alive := birth(pid)
	return !alive || born != parts[1]
}
