package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	defaultStopTimeout  = 5 * time.Second
	defaultWriteTimeout = 30 * time.Second
)

// A Command says what to start. Nothing of the proxy's own environment reaches
// the child unless it stands in Env.
type Command struct {
	// Argv is the program and its arguments. A program without a slash is looked
	// up in the PATH of Env, not of the proxy; relative PATH entries are passed
	// over. One with a slash is relative to Dir.
	Argv []string
	// Env is the whole environment, as NAME=value, each name once. Empty means an
	// empty environment.
	Env []string
	// Dir is the working directory; empty means the proxy's.
	Dir string
	// Stderr is given each line that the child writes to its standard error, or
	// is nil. It is called from one goroutine. A line is printable UTF-8 without
	// its newline, of at most 4 KiB, and only valid during the call. Beyond 100
	// lines a second lines are dropped and counted. It must not block: while it
	// does the child may too.
	Stderr func(line []byte)
	// StopTimeout is how long Stop waits at each stage; 0 means 5 s.
	StopTimeout time.Duration
	// Files become the child's descriptors 3, 4 and so on. Start does not close them.
	Files []*os.File
	// WriteTimeout is how long one write to Stdin may wait for a child that does
	// not read; 0 means 30 s.
	WriteTimeout time.Duration
}

// An Exit is how a child ended.
type Exit struct {
	Code   int    // exit status, or -1 if a signal ended it
	Signal string // "killed", "terminated", …; empty if it exited by itself
	Limit  string // the limits that it ran into, in a sentence; empty if none is known
}

// String is "exit status 3" or "signal: killed", and the limits.
func (e Exit) String() string {
	how := "signal: " + e.Signal
	if e.Signal == "" {
		how = fmt.Sprintf("exit status %d", e.Code)
	}
	if e.Limit != "" {
		how += " (" + e.Limit + ")"
	}
	return how
}

// check refuses what cannot be started as it is written, and returns the
// program's path. Values of variables never reach an error.
func (c Command) check() (string, error) {
	if len(c.Argv) == 0 || c.Argv[0] == "" {
		return "", errors.New("no command given")
	}
	for i, a := range c.Argv {
		if strings.ContainsRune(a, 0) {
			return "", fmt.Errorf("argument %d contains a NUL byte", i)
		}
	}
	seen := make(map[string]bool, len(c.Env))
	for i, kv := range c.Env {
		name, value, ok := strings.Cut(kv, "=")
		switch {
		case !ok || !validName(name):
			return "", fmt.Errorf("environment entry %d is not NAME=value", i)
		case strings.ContainsRune(value, 0):
			return "", fmt.Errorf("environment variable %s contains a NUL byte", name)
		case seen[name]:
			return "", fmt.Errorf("environment variable %s is set twice", name)
		}
		seen[name] = true
	}
	if c.Dir != "" {
		if info, err := os.Stat(c.Dir); err != nil {
			return "", fmt.Errorf("working directory: %w", err)
		} else if !info.IsDir() {
			return "", fmt.Errorf("working directory %s is not a directory", c.Dir)
		}
	}
	return c.lookup()
}

func (c Command) lookup() (string, error) {
	name := c.Argv[0]
	if strings.ContainsRune(name, filepath.Separator) {
		at := name
		if c.Dir != "" && !filepath.IsAbs(name) {
			at = filepath.Join(c.Dir, name)
		}
		return name, executable(at)
	}
	path, ok := c.path()
	if !ok {
		return "", fmt.Errorf("command %q: the child's environment has no PATH; give one, or the command's full path: %w", name, fs.ErrNotExist)
	}
	var found error
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		at := filepath.Join(dir, name)
		err := executable(at)
		if err == nil {
			return at, nil
		}
		if found == nil && !errors.Is(err, fs.ErrNotExist) {
			found = err
		}
	}
	if found != nil {
		return "", found
	}
	return "", fmt.Errorf("command %q not found in the child's PATH %q: %w", name, path, fs.ErrNotExist)
}

func (c Command) path() (string, bool) {
	for _, kv := range c.Env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			return v, true
		}
	}
	return "", false
}

// executable refuses what is not a file that somebody may execute. Whether we
// may is left to the kernel, which knows of more than mode bits.
func executable(at string) error {
	info, err := os.Stat(at)
	switch {
	case err != nil:
		return fmt.Errorf("command: %w", err)
	case info.IsDir():
		return fmt.Errorf("command %s is a directory: %w", at, fs.ErrPermission)
	case info.Mode()&0o111 == 0:
		return fmt.Errorf("command %s is not executable: %w", at, fs.ErrPermission)
	}
	return nil
}
