package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sallyport/audit/chain"

	"golang.org/x/sys/unix"
)

// This binary plays the program that crashes, when asked to.
func TestMain(m *testing.M) {
	switch path := os.Getenv("AUDIT_TEST_LOG"); os.Getenv("AUDIT_TEST_PART") {
	case "killed":
		os.Exit(playKilled(path))
	case "limited":
		os.Exit(playLimited(path))
	}
	os.Exit(m.Run())
}

// playKilled calls from many goroutines until it is killed. It prints the id
// of each call at the moment at which the upstream would have heard of it.
func playKilled(path string) int {
	l, err := Open(path, Options{})
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	var out sync.Mutex
	for i := range 16 {
		go func() {
			for j := 0; ; j++ {
				r := testRecord()
				r.Call = fmt.Sprintf("s%d-%d-%d", os.Getpid(), i, j)
				r.Risk = []Risk{RiskRead, RiskRead, RiskRead, RiskDelete}[j%4]
				ticket, err := l.Decided(r)
				if err == nil {
					err = ticket.Spend(r.binding())
				}
				if err == nil {
					out.Lock()
					fmt.Println("sent", r.Call)
					out.Unlock()
					err = ticket.Done(Outcome{Result: []byte(strings.Repeat(" ", j%500) + `{}`)})
				}
				if err != nil {
					fmt.Println("error", err)
				}
			}
		}()
	}
	select {}
}

// start runs this binary as one of the parts above.
func start(t *testing.T, part, path string) (*os.Process, *bufio.Scanner) {
	t.Helper()
	r, w, err := os.Pipe()
	must(t, err)
	t.Cleanup(func() { r.Close() })
	p, err := os.StartProcess(must1(os.Executable()), []string{"audit.test"}, &os.ProcAttr{
		Env:   append(os.Environ(), "AUDIT_TEST_PART="+part, "AUDIT_TEST_LOG="+path),
		Files: []*os.File{nil, w, os.Stderr},
	})
	must(t, err)
	w.Close()
	return p, bufio.NewScanner(r)
}

// Killed at any moment, the log can be verified and continued, and knows of
// every call that was sent: the decision was on disk first.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	sent := map[string]bool{}
	for range 20 {
		p, out := start(t, "killed", path)
		for left := 1 + rand.IntN(300); out.Scan(); {
			word, call, _ := strings.Cut(out.Text(), " ")
			if word == "error" {
				t.Error(call)
			}
			sent[call] = true
			if left--; left == 0 {
				must(t, p.Kill())
			}
		}
		must1(p.Wait())
		if r := must1(chain.Verify(must1(os.Open(path)))); r.Status() == chain.Broken {
			t.Fatal(r.Bad)
		}
		l := open(t, path, Options{})
		must(t, l.Close())
	}
	events := read(t, path)
	inOrder(t, events)
	for _, e := range events {
		if e.Type == TypeDecision {
			delete(sent, e.Call)
		}
	}
	if len(sent) > 0 {
		t.Errorf("%d calls were sent without a decision on disk", len(sent))
	}
}

// playLimited runs into a limit of the file's size, which the system enforces
// as it does a full disk: with a short write.
func playLimited(path string) int {
	signal.Ignore(syscall.SIGXFSZ)
	limit := uint64(must1(strconv.Atoi(os.Getenv("AUDIT_TEST_LIMIT"))))
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		fmt.Println("error", err)
		return 1
	}
	l, err := Open(path, Options{})
	for err == nil {
		_, err = l.Decided(testRecord())
	}
	fmt.Println(errors.Is(err, syscall.EFBIG), err)
	return 0
}

// A write cut short by the system fails the log, and the next Open continues
// behind the unfinished line, even after several such failures in a row.
func TestShortWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	for _, limit := range []int{50, 4000, 4050, 4300, 9000} {
		t.Setenv("AUDIT_TEST_LIMIT", strconv.Itoa(limit))
		p, out := start(t, "limited", path)
		if !out.Scan() || !strings.HasPrefix(out.Text(), "true ") || !strings.Contains(out.Text(), "make room for it first") {
			t.Errorf("limit %d: %s", limit, out.Text())
		}
		must1(p.Wait())
		if info := must1(os.Stat(path)); info.Size() != int64(limit) {
			t.Errorf("limit %d: %d bytes", limit, info.Size())
		}
	}
	l := open(t, path, Options{})
	must(t, l.Close())
	read(t, path)
	if r := must1(chain.Verify(must1(os.Open(path)))); r.TornCount != 3 {
		// 4000, 4050 and 4300 are one: the resume records were torn, too.
		t.Errorf("%d unfinished writes: %+v", r.TornCount, r.Torn)
	}
}

// A disk that is really full.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	path := filepath.Join(dir, "audit.log")
	l := open(t, path, Options{})
	var err error
	deadline := time.Now().Add(time.Minute)
	for err == nil && time.Now().Before(deadline) {
		_, err = l.Decided(testRecord())
	}
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "make room for it first") {
		t.Fatal(err)
	}
	must(t, unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=1m"))
	if _, err := l.Decided(testRecord()); err == nil {
		t.Error("the log went on after a failure, without a restart")
	}
	l.Close()
	l = open(t, path, Options{})
	must(t, l.Close())
	if r := must1(chain.Verify(bytes.NewReader(must1(os.ReadFile(path))))); r.Status() != chain.Intact || r.TornCount != 1 {
		t.Errorf("%v, %d unfinished writes", r.Bad, r.TornCount)
	}

	must(t, unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	if _, err := Open(path, Options{}); !errors.Is(err, syscall.EROFS) {
		t.Errorf("on a read-only disk: %v", err)
	}
}
