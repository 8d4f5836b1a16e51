package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"sallyport/sandbox"
	"sallyport/sandbox/box"
	"sallyport/sandbox/ending"
	"sallyport/sandbox/engine/image"
	"sallyport/sandbox/engine/keeper"
	"sallyport/sandbox/mount"
	"sallyport/sandbox/owner"
)

// A Job is an upstream to run in a box.
type Job struct {
	Server  string   // its name in the policy
	Command []string // all that runs; empty: the image's own entry point
	Env     []string // NAME=value
	Spec    box.Spec
	Egress  string   // folder with the socket that leads out; must be there if Spec.Egress is not empty
	Own     []string // sallyport's own files: no mount may show them
	Folder  string   // as of Run

	Stderr                    func(line []byte) // as of sandbox.Command, as are the time-outs
	StopTimeout, WriteTimeout time.Duration
}

// A Child is a container with the client that holds its standard streams. Its
// methods are safe for concurrent use.
type Child struct {
	client  *sandbox.Child
	engine  Engine
	name    string
	image   string
	limits  box.Limits
	remarks []string
	keeper  *keeper.Keeper

	stopped atomic.Bool
	silent  atomic.Bool // its output has ended
	exited  chan struct{}
	why     string // written before exited is closed
	gone    chan struct{}
	left    error // written before gone is closed
}

// Start starts the job. The caller must Stop the child, or see it end. The context is
// for starting only.
func (e Engine) Start(ctx context.Context, j Job) (*Child, error) {
	p, err := e.prepare(ctx, j)
	if err != nil {
		return nil, err
	}
	k, err := keeper.Start(slices.Concat([]string{e.Path}, e.removal(), []string{p.run.Name}), clientEnv(os.Environ()))
	if err != nil {
		p.remarks = append(p.remarks, fmt.Sprintf("nobody removes the container if sallyport is killed, before its next start: %v", err))
	}
	client, err := sandbox.Start(sandbox.Command{
		Argv: Argv(e, j.Spec, p.run), Env: p.env, Dir: nowhere, Stderr: j.Stderr,
		StopTimeout: j.StopTimeout, WriteTimeout: j.WriteTimeout,
	})
	if err != nil {
		k.Dismiss()
		return nil, err
	}
	c := &Child{
		client: client, engine: e, name: p.run.Name, image: p.run.Image, limits: j.Spec.Limits.OrDefault(), remarks: p.remarks, keeper: k,
		exited: make(chan struct{}), gone: make(chan struct{}),
	}
	go c.end()
	if len(p.first) > 0 {
		// If it fails the child ends, and says why.
		_, _ = client.Stdin().Write(p.first)
	}
	return c, nil
}

// A plan is a job that was looked at.
type plan struct {
	run     Run
	env     []string // of the client
	first   []byte   // what goes in before the upstream's own input
	remarks []string
}

func (e Engine) prepare(ctx context.Context, j Job) (plan, error) {
	p := plan{env: clientEnv(os.Environ())}
	p.run = Run{Name: containerName(j.Server), Owner: owner.Us(), Server: j.Server, Image: j.Spec.Image, Command: j.Command, Folder: j.Folder}
	if err := image.Check(j.Spec); err != nil {
		return plan{}, err
	}
	if err := mount.Check(j.Spec.Mounts, mount.Here(j.Own)); err != nil {
		return plan{}, err
	}
	if err := e.putInside(&p, j); err != nil {
		return plan{}, err
	}
	i, err := e.inspect(ctx, j.Spec)
	if err != nil {
		return plan{}, err
	}
	if err := i.Is(j.Spec.Image); err != nil {
		return plan{}, err
	}
	p.run.Image = i.ID
	if p.run.Volumes, err = i.Volumes(); err != nil {
		return plan{}, fmt.Errorf("image %s: %w", j.Spec.Image, err)
	}
	if len(p.run.Command) == 0 && p.run.Inside.needed() {
		if p.run.Command = i.Command(); len(p.run.Command) == 0 {
			return plan{}, fmt.Errorf("image %s has no entry point: the policy must name a command", j.Spec.Image)
		}
	}
	return p, nil
}

// putInside decides how the environment gets in, and the way out.
func (e Engine) putInside(p *plan, j Job) error {
	p.run.Inside.Self = e.Self.Path
	out := len(j.Spec.Egress) > 0
	switch {
	case out && j.Egress == "":
		return errors.New("there are places to connect to, and no socket that leads out")
	case out && e.Self.Path == "":
		return fmt.Errorf("a way out needs our own executable in the box: %s", e.Self.Why)
	case out:
		p.run.Inside.Egress = j.Egress
	}
	if e.Self.Path != "" {
		p.run.Inside.Env = len(j.Env) > 0
		if !p.run.Inside.Env {
			return nil
		}
		var err error
		p.first, err = handOver(j.Env)
		return err
	}
	p.remarks = append(p.remarks, "system calls are filtered by the engine alone: "+e.Self.Why)
	if len(j.Env) > 0 {
		p.remarks = append(p.remarks, fmt.Sprintf("who may talk to %s can read this server's variables with inspect: they could not go in by standard input", e.Tool))
	}
	for _, kv := range j.Env {
		name, _, _ := strings.Cut(kv, "=")
		if slices.Contains(clientNames, name) {
			return fmt.Errorf("variable %s would also be the %s client's own: it needs an executable that goes into the box: %s", name, e.Tool, e.Self.Why)
		}
		p.run.Names = append(p.run.Names, name)
	}
	p.env = append(p.env, j.Env...)
	return nil
}

// end is the second half of the child's life.
func (c *Child) end() {
	<-c.client.Exited()
	c.why = c.ask()
	close(c.exited)
	c.left = c.engine.remove(context.Background(), c.name)
	if c.left == nil {
		c.keeper.Dismiss()
	} else {
		c.keeper.Alarm()
	}
	close(c.gone)
}

// ask finds out why the container ended, as long as it is there.
func (c *Child) ask() string {
	exit := c.client.Exit()
	out, err := c.engine.call(context.Background(), nil, "container", "inspect",
		"--format={{.Id}} {{.State.Status}} {{.State.OOMKilled}} {{.State.ExitCode}}", c.name)
	e := ending.Ending{Client: exit, Stopped: c.stopped.Load(), Memory: c.limits.Memory, Tool: string(c.engine.Tool), Words: c.client.LastWords()}
	if err == nil {
		_, _ = fmt.Sscan(string(out), &e.ID, &e.Status, &e.OOM, &e.Code)
	}
	e.AskKernel()
	return e.String()
}

// Stdin is the upstream's standard input.
func (c *Child) Stdin() io.WriteCloser { return c.client.Stdin() }

// Stdout is the upstream's standard output.
func (c *Child) Stdout() io.Reader { return output{c.client.Stdout(), &c.silent} }

// output knows when it has ended: who is stopped after that has ended by himself.
type output struct {
	io.Reader
	ended *atomic.Bool
}

func (o output) Read(p []byte) (int, error) {
	n, err := o.Reader.Read(p)
	if err != nil {
		o.ended.Store(true)
	}
	return n, err
}

// Exited is closed when the upstream has ended, and Why is known.
func (c *Child) Exited() <-chan struct{} { return c.exited }

// Gone is closed when its container has been removed.
func (c *Child) Gone() <-chan struct{} { return c.gone }

// Name is the container's, and Image the id of what runs in it.
func (c *Child) Name() string  { return c.name }
func (c *Child) Image() string { return c.image }

// Remarks are for the operator.
func (c *Child) Remarks() []string { return c.remarks }

// LastWords is the end of what it wrote to its standard error.
func (c *Child) LastWords() string { return c.client.LastWords() }

// Why is how it ended, with the limit that ended it where one did.
func (c *Child) Why() string {
	select {
	case <-c.exited:
		return c.why
	default:
		return "still running"
	}
}

// Stop ends the upstream in order: the end of its input, then SIGTERM, then
// SIGKILL, and removes its container. An error says what is left.
func (c *Child) Stop() error {
	c.stopped.Store(!c.silent.Load())
	c.client.Stop()
	select {
	case <-c.gone:
		return c.left
	case <-time.After(2 * patience):
		return fmt.Errorf("container %s: %s does not answer", c.name, c.engine.Tool)
	}
}
