//go:build linux

package bwrap

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/sandbox"
	"sallyport/sandbox/box"
	"sallyport/sandbox/bwrap/group"
)

// grouped skips where there are no control groups for us.
func grouped(t *testing.T) {
	t.Helper()
	g, lacks := group.Make(group.Find(), group.Limits{Memory: 64 << 20, PIDs: 10, CPU: 500})
	if err := g.Remove(); err != nil {
		t.Fatal(err)
	}
	if len(lacks) > 0 {
		t.Skipf("no control groups: %v", lacks)
	}
}

// groups are the folders, wherever they are, that a process has made.
func groups(maker int) []string {
	var all []string
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), fmt.Sprintf("sallyport-%d-", maker)) {
			all = append(all, path)
		}
		return nil
	})
	return all
}

// hog takes memory until it is stopped: tail keeps all of a line that does not end.
const hog = `tail /dev/zero`

func TestOutOfMemoryIsNamed(t *testing.T) {
	h := real(t)
	grouped(t)
	c := start(t, h, box.Spec{Limits: box.Limits{Memory: 32 << 20}}, "/bin/sh", "-c", hog)
	<-c.Exited()
	if why := c.Exit().String(); !strings.HasPrefix(why, "exit status 137 (out of memory: the box may have 32 MiB; the kernel killed ") {
		t.Errorf("told as %q", why)
	}
	c.Stop()
	if left := groups(os.Getpid()); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// The scratch folder is memory too: with the group it counts as such.
func TestScratchCounts(t *testing.T) {
	h := real(t)
	grouped(t)
	s := box.Spec{Limits: box.Limits{Memory: 32 << 20, Scratch: 512 << 20}}
	out := output(t, h, s, "/bin/sh", "-c", `head -c 200M /dev/zero > /tmp/x; ls -s /tmp/x`)
	if strings.Contains(out, "204800") || !strings.Contains(out, "out of memory") {
		t.Errorf("%s", out)
	}
}

func TestTooManyProcessesIsNamed(t *testing.T) {
	h := real(t)
	grouped(t)
	out := output(t, h, box.Spec{Limits: box.Limits{PIDs: 12}}, "/bin/sh", "-c", `for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 1000 & done; exit 3`)
	if !strings.Contains(out, "exit status") || !strings.Contains(out, "too many processes: the box may have 12") {
		t.Errorf("%q", out)
	}
}

func TestProcessorIsShared(t *testing.T) {
	h := real(t)
	grouped(t)
	began := time.Now()
	out := output(t, h, box.Spec{Limits: box.Limits{CPU: 100}}, "/bin/sh", "-c", `timeout 2 sh -c 'while :; do :; done'; times`)
	lasted := time.Since(began)
	// The last line of times is what the children took.
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var m, s float64
	if _, err := fmt.Sscanf(lines[1], "%fm%fs", &m, &s); err != nil {
		t.Fatalf("%q: %v", out, err)
	}
	t.Logf("%.2f s of processor in %v", 60*m+s, lasted)
	if used := 60*m + s; used > 0.2*lasted.Seconds() {
		t.Errorf("%.2f s of processor in %v", used, lasted)
	}
}

// What is left where there are no groups.
func TestWithoutGroups(t *testing.T) {
	h := real(t)
	h.ungrouped = true
	_, err := Start(h, box.Spec{}, sandbox.Command{Argv: []string{"/bin/true"}}, "")
	if err == nil || !strings.Contains(err.Error(), "memory (") || !strings.Contains(err.Error(), "cpu (") {
		t.Errorf("limits that do not bite: %v", err)
	}
	c := start(t, h, box.Spec{Limits: box.Limits{Memory: 64 << 20}}, "/bin/sh", "-c", hog)
	<-c.Exited()
	if c.Exit().Code == 0 || !strings.Contains(c.LastWords(), "memory exhausted") {
		t.Errorf("%v: %s", c.Exit(), c.LastWords())
	}
	for _, r := range c.Remarks() {
		t.Logf("%+v", r)
	}
	if h.Root {
		return // whose count is that of the whole machine
	}
	out := output(t, h, box.Spec{Limits: box.Limits{PIDs: 12}}, "/bin/sh", "-c", `for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 1000 & done; exit 3`)
	if out == "exit status 3\n" {
		t.Errorf("more than 12 processes")
	}
}

// asProxy is what TestKilled kills.
func asProxy(mark string) {
	h, err := Look()
	if err != nil {
		panic(err)
	}
	for range 2 {
		c, err := Start(h, box.Spec{Lenient: true}, sandbox.Command{Argv: []string{"/bin/sh", "-c", `(trap "" TERM HUP; setsid sleep ` + mark + `) & echo; cat`}}, "")
		if err != nil {
			panic(err)
		}
		c.Stdout().Read(make([]byte, 1))
	}
	fmt.Println("ready")
	select {}
}

// Killing the proxy ends everything at once, but for the groups: these go with
// the next start.
func TestKilled(t *testing.T) {
	h := real(t)
	mark := newMark()
	proxy := exec.Command("/proc/self/exe")
	proxy.Env = append(os.Environ(), "BWRAP_TEST_AS_PROXY="+mark)
	out, err := proxy.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%q: %v", line, err)
	}
	if len(marked(mark)) < 2 {
		t.Fatal("they do not run")
	}
	proxy.Process.Kill()
	proxy.Wait()
	for end := time.Now().Add(patience); len(marked(mark)) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still there: %v", marked(mark))
		}
	}
	t.Logf("%d groups left", len(groups(proxy.Process.Pid)))
	if _, err := Try(h, box.Limits{}); err != nil {
		t.Fatal(err)
	}
	if left := groups(proxy.Process.Pid); len(left) > 0 {
		t.Errorf("left after the next start: %v", left)
	}
}
