//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package audit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sallyport/audit/chain"
)

// What Open refuses, what it says, and that it leaves the file as it was.
func TestOpenRefuses(t *testing.T) {
	log := func(t *testing.T, path string) []byte {
		l := open(t, path, Options{})
		must(t, l.Note(Event{Type: TypeNotice}))
		must(t, l.Close())
		return must1(os.ReadFile(path))
	}
	for _, c := range []struct {
		why     string
		prepare func(t *testing.T, path string)
		want    string
	}{
		{"a link could lead anywhere", func(t *testing.T, path string) {
			log(t, path+".real")
			must(t, os.Symlink(path+".real", path))
		}, "is a symbolic link"},
		{"so could one to nowhere", func(t *testing.T, path string) {
			must(t, os.Symlink(path+".real", path))
		}, "is a symbolic link"},
		{"a pipe keeps nothing", func(t *testing.T, path string) {
			must(t, syscall.Mkfifo(path, 0o600))
		}, "is not a regular file"},
		{"nor does a folder", func(t *testing.T, path string) {
			must(t, os.Mkdir(path, 0o700))
		}, "is a directory"},
		{"the group could write it", func(t *testing.T, path string) {
			log(t, path)
			must(t, os.Chmod(path, 0o620))
		}, "can be written by group or others (mode 0620): chmod 600 it"},
		{"everybody could write it", func(t *testing.T, path string) {
			log(t, path)
			must(t, os.Chmod(path, 0o602))
		}, "can be written by group or others"},
		{"another user owns it", func(t *testing.T, path string) {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			log(t, path)
			must(t, os.Chown(path, 12345, -1))
		}, "belongs to user 12345"},
		{"another sallyport writes it", func(t *testing.T, path string) {
			open(t, path, Options{})
		}, "is in use by another sallyport"},
		{"some other file", func(t *testing.T, path string) {
			must(t, os.WriteFile(path, []byte("dear diary\n"), 0o600))
		}, "not an audit log"},
		{"the last record was altered", func(t *testing.T, path string) {
			b := log(t, path)
			b[len(b)-170] ^= 1
			must(t, os.WriteFile(path, b, 0o600))
		}, "run `sallyport audit verify` on it, then move it away"},
		{"the last but one was removed", func(t *testing.T, path string) {
			lines := bytes.SplitAfter(log(t, path), []byte("\n"))
			must(t, os.WriteFile(path, bytes.Join(append(lines[:1:1], lines[2:]...), nil), 0o600))
		}, "record 1 is missing"},
		{"a line was added", func(t *testing.T, path string) {
			must(t, os.WriteFile(path, append(log(t, path), '\n'), 0o600))
		}, "the end of the log is damaged"},
	} {
		t.Run(c.why, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.log")
			c.prepare(t, path)
			before, _ := readRegular(path)
			l, err := Open(path, Options{OnFail: func(error) { t.Error("OnFail was called") }})
			if err == nil {
				l.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) || !strings.HasPrefix(err.Error(), "opening audit log: ") {
				t.Errorf("error %q, want it to say %q and name the file", err, c.want)
			}
			if after, _ := readRegular(path); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

func readRegular(path string) ([]byte, error) {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return nil, err
	}
	return os.ReadFile(path)
}

func TestOpenInUseNamesThePid(t *testing.T) {
	l := newLog(t, Options{})
	_, err := Open(l.path, Options{})
	if !errors.Is(err, ErrInUse) {
		t.Fatal(err)
	}
	if _, e := os.Stat("/proc/locks"); e == nil && !strings.Contains(err.Error(), fmt.Sprintf("(pid %d)", os.Getpid())) {
		t.Errorf("no pid in %q", err)
	}
	must(t, l.Close())
	open(t, l.path, Options{})
}

func TestOpenMakesAPrivatePlace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	l := open(t, filepath.Join(dir, "audit.log"), Options{})
	for path, want := range map[string]os.FileMode{dir: 0o700 | os.ModeDir, l.path: 0o600} {
		if info := must1(os.Stat(path)); info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
		}
	}
}

// A crash in mid-write: the rest stays as evidence and the log goes on.
func TestOpenContinuesATornLog(t *testing.T) {
	l := newLog(t, Options{})
	must(t, l.Note(Event{Type: TypeNotice, Message: "whole"}))
	must(t, l.Note(Event{Type: TypeNotice, Message: "torn"}))
	whole := must1(os.ReadFile(l.path))
	must(t, l.Close())
	for _, cut := range []int{1, 2, 50, 150} {
		torn := whole[:len(whole)-cut]
		must(t, os.WriteFile(l.path, torn, 0o600))
		again := open(t, l.path, Options{})
		must(t, again.Close())
		data := must1(os.ReadFile(l.path))
		r := must1(chain.Verify(bytes.NewReader(data)))
		if !bytes.HasPrefix(data, torn) || r.Status() != chain.Intact || (r.TornCount == 1) != (cut > 1) {
			t.Errorf("cut by %d: %v, %d unfinished writes", cut, r.Bad, r.TornCount)
		}
	}
}

// From outside, each of these leaves the log useless; the next write finds out.
func TestFailsForEver(t *testing.T) {
	for _, c := range []struct {
		why    string
		damage func(l *Log) error
		want   string
	}{
		{"deleted", func(l *Log) error { return os.Remove(l.path) }, "deleted or out of reach while in use"},
		{"renamed, as log rotation does", func(l *Log) error { return os.Rename(l.path, l.path+".1") }, "deleted or out of reach"},
		{"replaced by an empty file", func(l *Log) error {
			must1(0, os.Rename(l.path, l.path+".1"))
			return os.WriteFile(l.path, nil, 0o600)
		}, "replaced by another file"},
		{"replaced by a copy", func(l *Log) error {
			b := must1(os.ReadFile(l.path))
			must1(0, os.Rename(l.path, l.path+".1"))
			return os.WriteFile(l.path, b, 0o600)
		}, "replaced by another file"},
		{"replaced by a link to itself", func(l *Log) error {
			must1(0, os.Rename(l.path, l.path+".1"))
			return os.Symlink(l.path+".1", l.path)
		}, "replaced by another file"},
		{"emptied", func(l *Log) error { return os.Truncate(l.path, 0) }, "truncated by another"},
		{"cut", func(l *Log) error { return os.Truncate(l.path, 100) }, "truncated by another"},
		{"written by another", func(l *Log) error {
			f := must1(os.OpenFile(l.path, os.O_APPEND|os.O_WRONLY, 0))
			defer f.Close()
			_, err := f.WriteString("hello\n")
			return err
		}, "written by another"},
		{"folder gone", func(l *Log) error { return os.Rename(filepath.Dir(l.path), filepath.Dir(l.path)+".gone") }, "deleted or out of reach"},
		{"cannot be written", func(l *Log) error { return l.file.Close() }, "writing failed"},
		{"cannot be synced", func(l *Log) error {
			l.flush = func(*os.File) error { return syscall.EIO }
			return nil
		}, "syncing failed: input/output error"},
	} {
		t.Run(c.why, func(t *testing.T) {
			var announced []error
			dir := filepath.Join(t.TempDir(), "log")
			l := open(t, filepath.Join(dir, "audit.log"), Options{OnFail: func(err error) { announced = append(announced, err) }})
			issued := ticketFor(t, l, testRecord())
			spent := ticketFor(t, l, testRecord())
			must(t, spent.Spend(testRecord().binding()))
			must(t, c.damage(l))

			r := testRecord()
			r.Risk = RiskDelete
			var failed *FailedError
			ticket, err := l.Decided(r)
			if !errors.As(err, &failed) || ticket != nil {
				t.Fatalf("decided: %v, %v", ticket, err)
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), l.path) || !strings.Contains(err.Error(), "restart") {
				t.Errorf("error %q, want %q", err, c.want)
			}
			size := sizeOf(l)
			for what, err := range map[string]error{
				"failed": l.Failed(), "note": l.Note(Event{Type: TypeNotice}), "decided": second(l.Decided(testRecord())),
				"spend": issued.Spend(testRecord().binding()), "done": spent.Done(Outcome{}), "close": l.Close(),
			} {
				if !errors.As(err, &failed) {
					t.Errorf("%s afterwards: %v", what, err)
				}
			}
			if len(announced) != 1 {
				t.Errorf("announced %d times", len(announced))
			}
			if sizeOf(l) != size {
				t.Error("something was written after the failure")
			}
		})
	}
}

// Two who fail at once announce one failure.
func TestFailsOnce(t *testing.T) {
	announced := 0
	l := newLog(t, Options{OnFail: func(error) { announced++ }})
	started, release := make(chan struct{}), make(chan struct{})
	l.flush = func(*os.File) error {
		close(started)
		<-release
		return syscall.EIO
	}
	r := testRecord()
	r.Risk = RiskDelete
	var wg sync.WaitGroup
	wg.Go(func() {
		if ticket, err := l.Decided(r); err == nil || ticket != nil {
			t.Errorf("a decision that was never synced: %v, %v", ticket, err)
		}
	})
	<-started
	must(t, os.Remove(l.path))
	if _, err := l.Decided(testRecord()); err == nil || !strings.Contains(err.Error(), "deleted") {
		t.Error(err)
	}
	close(release)
	wg.Wait()
	if err := l.Failed(); announced != 1 || !strings.Contains(err.Error(), "deleted") {
		t.Errorf("announced %d times; failed for: %v", announced, err)
	}
}

func sizeOf(l *Log) int64 {
	info, err := os.Stat(l.path)
	if err != nil {
		return -1
	}
	return info.Size()
}
