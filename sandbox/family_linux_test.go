package sandbox

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestProcessIsWhatTheKernelSays(t *testing.T) {
	got, ok := process(os.Getpid())
	session, err := unix.Getsid(0)
	if err != nil {
		t.Fatal(err)
	}
	want := relative{pid: os.Getpid(), parent: os.Getppid(), group: unix.Getpgrp(), session: session, state: got.state, born: got.born}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(relative{})); !ok || got.born == 0 || diff != "" {
		t.Errorf("%v (-want +got)\n%s", ok, diff)
	}
}

// An id that was given to another process since is not signalled.
func TestFamilyKnowsByBirth(t *testing.T) {
	c := start(t, Command{Argv: []string{"/bin/cat"}})
	r, ok := process(c.Pid())
	if !ok {
		t.Fatal("no such process")
	}
	r.born--
	(&family{known: []relative{r}}).signal(unix.SIGKILL)
	if _, err := io.WriteString(c.Stdin(), "alive\n"); err != nil {
		t.Error(err)
	}
	if line, err := bufio.NewReader(c.Stdout()).ReadString('\n'); err != nil {
		t.Errorf("a stranger was killed: got %q, %v", line, err)
	}
	r.born++
	(&family{known: []relative{r}}).signal(unix.SIGKILL)
	await(t, c.Exited())
}

// The name of a process is its own to choose; it must not forge the fields.
func FuzzParseStat(f *testing.F) {
	f.Add("sh", 2, 1, 2, 2, uint64(77))
	f.Add(") R 9 9 9 9 (", 2, 1, 2, 2, uint64(77))
	f.Add("\n1 (x) Z 1", 2, 1, 2, 2, uint64(77))
	f.Fuzz(func(t *testing.T, name string, pid, parent, group, session int, born uint64) {
		want := relative{pid: pid, parent: parent, group: group, session: session, state: 'S', born: born}
		line := fmt.Sprintf("%d (%s) S %d %d %d%s %d 0 0", pid, name, parent, group, session, strings.Repeat(" 0", 15), born)
		got, ok := parseStat([]byte(line))
		if !ok {
			t.Fatalf("refused %q", line)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(relative{})); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		for end := range len(line) - len(" 0 0") - len(fmt.Sprint(born)) {
			if got, ok := parseStat([]byte(line[:end])); ok {
				t.Fatalf("%q was taken for %+v", line[:end], got)
			}
		}
	})
}
