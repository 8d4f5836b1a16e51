//go:build linux

package group

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const hybrid = `25 1 0:22 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
26 25 0:23 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
27 25 0:24 / /sys/fs/cgroup/with\040blank rw,relatime - cgroup cgroup rw,memory
28 25 0:25 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
29 25 0:26 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`

// nobody is a machine without systemd.
func nobody(string) (scope, error) { return scope{}, errors.New("systemd does not run here") }

func TestFindVersion1(t *testing.T) {
	got := find(hybrid, "0::/\n", true, nobody)
	want := map[string]base{"cpu": {dir: "/sys/fs/cgroup/cpu"}, "memory": {dir: "/sys/fs/cgroup/with blank"}}
	if diff := cmp.Diff(want, got.bases, cmp.AllowUnexported(base{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got.lacks["pids"] == nil {
		t.Error("it does not say that pids is missing")
	}
	if got := find(hybrid, "0::/\n", false, nobody); len(got.bases) > 0 || len(got.lacks) != 3 {
		t.Errorf("an ordinary user has %v, lacks %v", got.bases, got.lacks)
	}
}

// unified lays out folders as version 2 has them: root → user (handed over) → own.
func unified(t *testing.T, on string) (mount, member string) {
	t.Helper()
	mount = t.TempDir()
	for _, dir := range []string{"", "user", "user/own"} {
		at := filepath.Join(mount, dir)
		if err := os.MkdirAll(at, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"cgroup.controllers": "cpuset cpu io memory pids\n", "cgroup.subtree_control": on + "\n", "cgroup.procs": ""} {
			if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return mount, "0::/user/own\n"
}

func mounted(at string) string { return "30 1 0:26 / " + at + " rw - cgroup2 cgroup2 rw\n" }

func TestFindVersion2(t *testing.T) {
	mount, member := unified(t, "cpu memory pids")
	for _, c := range []struct {
		who  string
		root bool
		want string
	}{
		{"root makes them at the root", true, mount},
		{"a user above the own group, where that is handed over", false, filepath.Join(mount, "user")},
	} {
		tree := find(mounted(mount), member, c.root, nobody)
		want := base{dir: c.want, v2: true}
		if diff := cmp.Diff(map[string]base{"memory": want, "pids": want, "cpu": want}, tree.bases, cmp.AllowUnexported(base{})); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.who, diff)
		}
	}
}

// A controller that is off, or nothing handed over, is told and not passed over.
func TestFindVersion2Lacks(t *testing.T) {
	mount, member := unified(t, "memory pids")
	tree := find(mounted(mount), member, true, nobody)
	if _, have := tree.bases["cpu"]; have || tree.lacks["cpu"] == nil || len(tree.bases) != 2 {
		t.Errorf("%+v", tree)
	}
	tree = find(mounted(mount), "0::/own\n", false, nobody)
	if len(tree.bases) != 2 {
		t.Errorf("%+v", tree)
	}
	tree = find(mounted(mount), "0::/\n", false, nobody)
	if len(tree.bases) != 0 || len(tree.lacks) != 3 {
		t.Errorf("nothing is above the root: %+v", tree)
	}
}

// What systemd has handed over goes before all else, for root as well: elsewhere it
// undoes limits that it knows nothing of.
func TestFindScope(t *testing.T) {
	mount, member := unified(t, "cpu memory pids")
	for _, root := range []bool{true, false} {
		tree := find(mounted(mount), member, root, func(at string) (scope, error) {
			if at != mount {
				t.Errorf("asked for one in %s", at)
			}
			return scope{unit: "own", dir: "/user/own"}, nil
		})
		want := base{dir: filepath.Join(mount, "user", "own"), v2: true}
		if diff := cmp.Diff(map[string]base{"memory": want, "pids": want, "cpu": want}, tree.bases, cmp.AllowUnexported(base{})); diff != "" {
			t.Errorf("root %v (-want +got)\n%s", root, diff)
		}
	}
	find(hybrid, member, true, func(string) (scope, error) {
		t.Error("asked where there is nothing to limit")
		return scope{}, nil
	})
}

func TestMakeVersion2(t *testing.T) {
	mount, _ := unified(t, "")
	tree := Tree{bases: map[string]base{}}
	for _, c := range controllers {
		tree.bases[c] = base{dir: mount, v2: true}
	}
	g, lacks := Make(tree, Limits{Memory: 1 << 20, PIDs: 7, CPU: 250})
	if len(lacks) > 0 {
		t.Fatal(lacks)
	}
	got := map[string]string{}
	for _, dir := range g.folders() {
		files, _ := filepath.Glob(filepath.Join(dir, "*"))
		for _, f := range files {
			text, _ := os.ReadFile(f)
			got[filepath.Base(f)] = string(text)
		}
	}
	want := map[string]string{"memory.max": "1048576", "memory.swap.max": "0", "memory.oom.group": "1", "pids.max": "7", "cpu.max": "25000 100000"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestBites(t *testing.T) {
	for _, c := range []struct {
		why, got, want string
		bites          bool
	}{
		{"as set", "max", "max", true},
		{"rounded down to a page", "1044480", "1048575", true},
		{"more than asked", "1048577", "1048576", false},
		{"no limit at all", "max", "1048576", false},
		{"no quota at all", "-1", "1000", false},
		{"less than asked, and no rounding", "1", "1000", false},
		{"the largest number", "9223372036854771712", "1048576", false},
		{"nothing", "", "12", false},
	} {
		if bites(c.got, c.want) != c.bites {
			t.Errorf("%s: %q for %q", c.why, c.got, c.want)
		}
	}
}

// Only those of our namespace whose maker has ended are nobody's.
func TestOrphan(t *testing.T) {
	name, err := newName()
	if err != nil {
		t.Fatal(err)
	}
	gone := exec.Command("/bin/true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(strings.TrimPrefix(name, prefix), "-")
	for _, c := range []struct {
		why, name string
		orphan    bool
	}{
		{"our own", name, false},
		{"one whose maker has ended", fmt.Sprintf("%s%d-%s-%s-0", prefix, gone.Process.Pid, parts[1], parts[2]), true},
		{"one whose maker had our id before us", fmt.Sprintf("%s%s-1-%s-0", prefix, parts[0], parts[2]), true},
		{"one of another namespace", fmt.Sprintf("%s%d-%s-1-0", prefix, gone.Process.Pid, parts[1]), false},
		{"somebody else's", "docker-1-1-1-0", false},
		{"one of another make", prefix + "x", false},
	} {
		if orphan(c.name) != c.orphan {
			t.Errorf("%s (%s): orphan is %v", c.why, c.name, !c.orphan)
		}
	}
}

// The real thing, where we may.
func TestRealGroup(t *testing.T) {
	g, lacks := Make(Find(), Limits{Memory: 64 << 20, PIDs: 5, CPU: 500})
	t.Cleanup(func() { g.Remove() })
	if len(lacks) > 0 {
		t.Skipf("no control groups: %v", lacks)
	}
	sleep := exec.Command("/bin/sleep", "100")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	go sleep.Wait()
	if err := g.Add(sleep.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if Sweep(Find()); len(g.folders()) == 0 {
		t.Fatal("it is nowhere")
	}
	for _, dir := range g.folders() {
		if procs := words(filepath.Join(dir, "cgroup.procs")); len(procs) != 1 {
			t.Errorf("%s has %v", dir, procs)
		}
	}
	if err := g.Remove(); err != nil {
		t.Error(err)
	}
	for _, dir := range g.folders() {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is left", dir)
		}
	}
}

// unified says that version 2 has controllers.
func (t Tree) unified() bool {
	for _, b := range t.bases {
		if b.v2 {
			return true
		}
	}
	return false
}

// Where systemd hands over groups, nothing that it does later takes a limit away, and
// the groups end with us.
func TestRealScope(t *testing.T) {
	tree := Find()
	if _, err := os.Stat("/run/systemd/system"); err == nil && tree.scope.unit == "" && os.Geteuid() == 0 && tree.unified() {
		t.Fatalf("systemd gives root no scope: %+v", tree)
	}
	if tree.scope.unit == "" {
		t.Skipf("systemd gives no scope: %v", tree.lacks)
	}
	g, lacks := Make(tree, Limits{Memory: 64 << 20, PIDs: 5, CPU: 500})
	t.Cleanup(func() { g.Remove() })
	if len(lacks) > 0 {
		t.Fatal(lacks)
	}
	if again := Find(); again.scope != tree.scope {
		t.Errorf("another scope: %v, %v", again.scope, tree.scope)
	}
	user := manager()
	for _, words := range [][]string{{"systemctl", "daemon-reload"}, {"systemd-run", "--scope", "--quiet", "--property=Delegate=yes", "/bin/true"}, {"systemctl", "daemon-reload"}} {
		cmd := exec.Command(words[0], append(user, words[1:]...)...)
		cmd.Env = environ()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%q: %v: %s", words, err, out)
		}
	}
	for c, want := range map[string]setting{"cpu": {file: "cpu.max", value: "50000 100000"}, "memory": {file: "memory.max", value: "67108864"}, "pids": {file: "pids.max", value: "5"}} {
		text, err := os.ReadFile(filepath.Join(g.dirs[c], want.file))
		if got := strings.TrimSpace(string(text)); err != nil || got != want.value {
			t.Errorf("%s is %q, want %q (%v)", want.file, got, want.value, err)
		}
	}
	sleep := exec.Command("/bin/sleep", "100")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	defer sleep.Wait()
	defer sleep.Process.Kill()
	if err := g.Add(sleep.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if at, err := groupOf(sleep.Process.Pid); err != nil || !strings.HasPrefix(at, tree.scope.dir+"/"+prefix) {
		t.Errorf("it is in %q, %v", at, err)
	}
}
