package bwrap

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"sallyport/sandbox"
	"sallyport/sandbox/box"
)

// setUpBound is how long bubblewrap may take to make a box.
const setUpBound = 20 * time.Second

// A Child is a command in its box.
type Child struct {
	*sandbox.Child
	bounds *bounds
	exited chan struct{}
	exit   sandbox.Exit  // written before exited is closed
	gone   chan struct{} // closed when the box has left nothing
}

// Start starts the command in a box. Of the command Dir is not used: the working
// directory is the spec's. Egress is as of Compose. A limit that would not bite is an error, unless the
// spec is lenient. The caller must Stop or Kill the child, or see it end.
func Start(h Host, s box.Spec, cmd sandbox.Command, egress string) (*Child, error) {
	return newBounds(h, s.Limits.OrDefault()).start(h, s, cmd, egress)
}

// start starts the command in a box within these bounds.
func (b *bounds) start(h Host, s box.Spec, cmd sandbox.Command, egress string) (*Child, error) {
	child, err := startWithin(h, s, cmd, egress, b)
	if err != nil {
		b.remove()
		return nil, err
	}
	c := &Child{Child: child, bounds: b, exited: make(chan struct{}), gone: make(chan struct{})}
	go c.end()
	return c, nil
}

// Try makes a box with nothing in it, runs a program of no effect, and says which limits
// would bite. An error says why there are no boxes here.
func Try(h Host, l box.Limits) ([]Remark, error) {
	c, err := Start(h, box.Spec{Limits: l, Lenient: true}, sandbox.Command{Argv: []string{"/bin/true"}}, "")
	if err != nil {
		return nil, err
	}
	defer c.Kill()
	select {
	case <-c.Exited():
	case <-time.After(setUpBound):
	}
	if exit := c.Exit(); exit.Code != 0 {
		return nil, fmt.Errorf("trying a box: %v: %s", exit, c.LastWords())
	}
	return c.Remarks(), nil
}

func startWithin(h Host, s box.Spec, cmd sandbox.Command, egress string, b *bounds) (*sandbox.Child, error) {
	if err := Toothless(b.remarks); err != nil && !s.Lenient {
		return nil, err
	}
	if startsInside(h, egress) {
		h.data = b.data // our own program needs more than it may leave the command
	} else if b.data > 0 {
		b.rlimits[unix.RLIMIT_DATA] = uint64(b.data)
	}
	line, err := Compose(h, s, cmd.Argv, cmd.Env, egress)
	if err != nil {
		return nil, err
	}
	ends, err := openEnds(line)
	if err != nil {
		return nil, err
	}
	defer ends.shut()
	cmd.Argv, cmd.Env, cmd.Dir, cmd.Files = line.Argv, nil, "/", ends.theirs
	child, err := sandbox.Start(cmd)
	if err != nil {
		return nil, err
	}
	ends.handOver()
	pid, err := ends.firstWithin()
	if err == nil {
		err = b.hold(pid)
	}
	if err == nil {
		err = ends.release()
	}
	if err != nil {
		child.Kill()
		return nil, explain(err, child)
	}
	return child, nil
}

// end waits for the end, says what brought it about, and tidies up.
func (c *Child) end() {
	<-c.Child.Exited()
	c.exit = c.Child.Exit()
	c.exit.Limit = c.bounds.met()
	close(c.exited)
	c.Child.Kill() // which waits for what is already killed
	c.bounds.remove()
	close(c.gone)
}

// Exited is closed when the command has ended, and why is known.
func (c *Child) Exited() <-chan struct{} { return c.exited }

// Exit is how it ended, once Exited is closed.
func (c *Child) Exit() sandbox.Exit {
	select {
	case <-c.exited:
		return c.exit
	default:
		return c.Child.Exit()
	}
}

// Remarks say which limits bite, and how.
func (c *Child) Remarks() []Remark { return c.bounds.remarks }

// Stop is as of sandbox.Child. The second stage, SIGTERM, ends bubblewrap and so all
// that is within at once: a command that wants to end in order does so at the
// end of its input.
func (c *Child) Stop() {
	c.Child.Stop()
	c.awaitGone()
}

// Kill ends all that is within at once.
func (c *Child) Kill() {
	c.Child.Kill()
	c.awaitGone()
}

func (c *Child) awaitGone() {
	select {
	case <-c.gone:
	case <-time.After(setUpBound):
	}
}

// explain adds what bubblewrap said, which names its options and no values.
func explain(err error, child *sandbox.Child) error {
	if words := strings.TrimSpace(child.LastWords()); words != "" {
		return fmt.Errorf("making the box: %w: %s", err, words)
	}
	return fmt.Errorf("making the box: %w", err)
}

// ends are the descriptors that bubblewrap is started with, and ours of them.
type ends struct {
	theirs     []*os.File
	hold, info *os.File
}

func openEnds(line Line) (*ends, error) {
	filter, err := filter()
	if err != nil {
		return nil, err
	}
	e := &ends{}
	var failed error
	note := func(f *os.File, err error) *os.File {
		if err != nil {
			failed = errors.Join(failed, err)
			return nil
		}
		e.theirs = append(e.theirs, f)
		return f
	}
	note(inMemory([]byte(strings.Join(line.Hidden, "\x00") + "\x00")))
	note(inMemory(filter))
	held, hold, err := os.Pipe()
	note(held, err)
	info, told, err := os.Pipe()
	note(told, err)
	e.hold, e.info = hold, info
	for _, text := range line.Texts {
		note(inMemory([]byte(text)))
	}
	if failed != nil {
		e.shut()
		return nil, fmt.Errorf("opening what bubblewrap reads: %w", failed)
	}
	return e, nil
}

// inMemory is a file that is nowhere else, to be read from its beginning.
func inMemory(content []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("sallyport", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "sallyport")
	if _, err := f.WriteAt(content, 0); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// handOver closes what is bubblewrap's, so that its end is seen.
func (e *ends) handOver() {
	for _, f := range e.theirs {
		_ = f.Close()
	}
	e.theirs = nil
}

func (e *ends) shut() {
	e.handOver()
	for _, f := range []*os.File{e.hold, e.info} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// firstWithin waits until the box is made and returns the process that will be
// the command, or its parent. It waits too, for release.
func (e *ends) firstWithin() (int, error) {
	if err := e.info.SetReadDeadline(time.Now().Add(setUpBound)); err != nil {
		return 0, err
	}
	said, err := io.ReadAll(io.LimitReader(e.info, 64<<10))
	if err != nil {
		return 0, fmt.Errorf("waiting for it: %w", err)
	}
	var info struct {
		Pid int `json:"child-pid"`
	}
	if err := json.Unmarshal(said, &info); err != nil || info.Pid <= 1 {
		return 0, errors.New("bubblewrap failed")
	}
	return info.Pid, nil
}

// release lets the command run.
func (e *ends) release() error {
	_, err := e.hold.Write([]byte{1})
	return err
}
