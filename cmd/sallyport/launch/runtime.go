package launch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"sallyport/policy"
	"sallyport/policy/words"
	"sallyport/proxy/upstream"
	"sallyport/sandbox"
	"sallyport/sandbox/box"
	"sallyport/sandbox/bwrap"
	"sallyport/sandbox/engine"
	"sallyport/sandbox/mount"
	"sallyport/sandbox/probe"
)

// job is one start.
type job struct {
	conf    policy.Server
	spec    box.Spec
	made    string // of what the image was, where it was built
	command []string
	env     []string
	way     *way // out; nil: none
	stderr  func([]byte)
	own     []string
}

// runtime makes boxes.
type runtime interface {
	String() string
	// start may say in the job's made which image it was.
	start(ctx context.Context, j *job) (p upstream.Process, remarks []string, err error)
	// probe tries a box of that spec from within; the addresses are tried too.
	probe(ctx context.Context, s box.Spec, addresses []string) (probe.Report, error)
	// key changes when what a probe would say may have changed.
	key() string
}

// runtime finds the runtime that the policy names, or the best for auto.
func (l *Launcher) runtime(s words.Sandbox) (runtime, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := s.Runtime
	if name == box.Auto && s.Image == "" {
		name = box.Bwrap // images are the engines'
	}
	if rt := l.chosen[name]; rt != nil {
		return rt, nil
	}
	if l.closed {
		return nil, errClosed
	}
	var rt runtime
	var err error
	if name == box.Bwrap {
		rt, err = findBubble()
	} else {
		rt, err = l.findContainers(name)
	}
	if err != nil {
		return nil, fmt.Errorf("sandbox %q: %w (sallyport sandbox doctor tells more)", s.Runtime, err)
	}
	l.chosen[name] = rt
	if s.Runtime == box.Auto {
		l.opt.Logger.Info("sandbox \"auto\" is "+rt.String(), "image", s.Image != "")
	}
	return rt, nil
}

// containers are boxes of podman or docker.
type containers struct {
	engine.Engine
	state string // folder for what every container is shown; empty: none
	where string // surroundings, on which it depends what an engine can limit
}

func (l *Launcher) findContainers(name string) (runtime, error) {
	ctx, stop := context.WithTimeout(l.ctx, patience)
	defer stop()
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding our own program: %w", err)
	}
	c := containers{state: l.opt.State}
	c.where = surroundings(name, self)
	say := l.opt.Logger.Debug // it was told when it was found out
	if !l.kept("engine", c.where, &c.Engine) {
		if c.Engine, err = engine.Find(ctx, name, self); err != nil {
			return nil, err
		}
		l.keep("engine", c.where, c.Engine)
		say = l.opt.Logger.Info
	}
	for _, r := range c.Remarks {
		say("sandbox: " + r)
	}
	l.sparer.Go(func() { l.reap(c.Engine) })
	return c, nil
}

// reap removes what proxies left that were killed together with their keepers.
func (l *Launcher) reap(e engine.Engine) {
	ctx, stop := context.WithTimeout(l.ctx, patience)
	defer stop()
	names, err := e.Reap(ctx)
	for _, name := range names {
		l.opt.Logger.Info("removed what a dead sallyport left", "container", name)
	}
	if err != nil && ctx.Err() == nil {
		l.opt.Logger.Warn("removing what dead sallyports left", "error", err)
	}
}

func (c containers) key() string { return fmt.Sprintf("%+v %s", c.Engine, c.where) }

func (c containers) probe(ctx context.Context, s box.Spec, addresses []string) (probe.Report, error) {
	if c.Self.Path == "" {
		return probe.Report{}, fmt.Errorf("it cannot be tried from within: %s", c.Self.Why)
	}
	return c.Probe(ctx, s, addresses)
}

func (c containers) start(ctx context.Context, j *job) (upstream.Process, []string, error) {
	ej := engine.Job{Server: j.conf.Name, Command: j.command, Env: j.env, Spec: withHosts(c.state, j.spec), Own: j.own,
		Stderr: j.stderr, StopTimeout: j.conf.StopTimeout}
	if j.way != nil {
		ej.Egress = j.way.folder
	}
	child, err := c.Start(ctx, ej)
	if err != nil {
		return upstream.Process{}, nil, err
	}
	if j.made == "" {
		j.made = "which is " + child.Image()
	}
	return upstream.Process{
		In: child.Stdin(), Out: child.Stdout(), Exited: child.Exited(),
		Reason: func() string { return reason(child.Why(), child.LastWords()) },
		Stop: func() {
			if err := child.Stop(); err != nil {
				j.stderr([]byte("its container is not gone: " + err.Error()))
			}
		},
	}, child.Remarks(), nil
}

// bubbles are boxes of bubblewrap.
type bubbles struct {
	bwrap.Host
	held string // how its limits are kept, which depends on where we were started
}

func findBubble() (runtime, error) {
	h, err := bwrap.Look()
	if err != nil {
		return nil, err
	}
	return bubbles{h, fmt.Sprint(bwrap.Means(h))}, nil
}

func (b bubbles) String() string {
	if b.Root {
		return "bubblewrap, as root"
	}
	return "bubblewrap, as an ordinary user"
}

func (b bubbles) key() string {
	return fmt.Sprintf("%+v %s %s %s", b.Host, stamp(b.Bwrap), stamp(b.Self), b.held)
}

func (b bubbles) probe(ctx context.Context, s box.Spec, addresses []string) (probe.Report, error) {
	return bwrap.Probe(ctx, b.Host, s, addresses)
}

func (b bubbles) start(_ context.Context, j *job) (upstream.Process, []string, error) {
	if err := mount.Check(j.spec.Mounts, mount.Here(j.own)); err != nil {
		return upstream.Process{}, nil, err
	}
	out := ""
	if j.way != nil {
		out = j.way.folder
	}
	child, err := bwrap.Start(b.Host, j.spec, sandbox.Command{
		Argv: j.command, Env: j.env, Stderr: j.stderr, StopTimeout: j.conf.StopTimeout,
	}, out)
	if err != nil {
		return upstream.Process{}, nil, err
	}
	var remarks []string
	for _, r := range child.Remarks() {
		if !r.Bites {
			remarks = append(remarks, r.String())
		}
	}
	return upstream.Process{
		In: child.Stdin(), Out: child.Stdout(), Exited: child.Exited(), Stop: child.Stop,
		Reason: func() string { return reason(child.Exit().String(), child.LastWords()) },
	}, remarks, nil
}

// verifyTime bounds a probe.
const verifyTime = 3 * time.Minute

// An answer is what was found out about a box.
type answer struct {
	Checks  []probe.Judgement
	Remarks []string
}

// verify tries a box of this spec from within, unless that was done. It returns
// what the operator should know; an error if a promise is not kept.
func (l *Launcher) verify(rt runtime, s box.Spec) ([]string, error) {
	promise := box.Spec{Class: s.Class, User: s.User, Limits: s.Limits.OrDefault(), Lenient: s.Lenient}
	key := fmt.Sprintf("%s %s %+v", rt.key(), classStamp(s.Class), promise)
	l.mu.Lock()
	defer l.mu.Unlock()
	if warnings, ok := l.proven[key]; ok {
		return warnings, nil
	}
	var known answer
	if !l.kept("probe", key, &known) {
		ctx, stop := context.WithTimeout(l.ctx, verifyTime)
		defer stop()
		l.opt.Logger.Info("trying from within what a box holds to", "in", rt.String())
		seen, all, err := try(ctx, rt, promise)
		if err != nil && !s.Lenient {
			return nil, fmt.Errorf("%w (enforcement = \"best_effort\" makes this a warning)", err)
		} else if err != nil {
			return []string{err.Error()}, nil
		}
		known = answer{all, seen.Remarks()}
		l.keep("probe", key, known)
	}
	if err := probe.Enforce(promise, known.Checks); err != nil {
		return nil, fmt.Errorf("%s: %w (enforcement = \"best_effort\" makes this a warning)", rt, err)
	}
	warnings := []string{}
	for _, s := range probe.Broken(known.Checks) {
		warnings = append(warnings, "does not hold: "+s.String())
	}
	warnings = append(warnings, known.Remarks...)
	l.proven[key] = warnings
	return warnings, nil
}

func try(ctx context.Context, rt runtime, promise box.Spec) (probe.Report, []probe.Judgement, error) {
	addresses, closeAll := listen()
	defer closeAll()
	report, err := rt.probe(ctx, promise, addresses)
	if err != nil {
		return report, nil, fmt.Errorf("trying what a box of %s holds to: %w", rt, err)
	}
	if len(addresses) == 0 {
		return report, nil, errors.New("no address of this host to try to reach")
	}
	if _, ok := rt.(bubbles); ok {
		promise.Limits.Exec = true // bubblewrap cannot; a remark says so at each start
	}
	return report, probe.Check(promise, report), nil
}
