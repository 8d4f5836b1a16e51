// Package launch starts upstreams as the policy says they are contained, and ends
// what that needs besides: ways out, spares, what dead proxies left.
//
// # Why
//
// Nothing is taken on trust. Which runtime works is tried, and before the first
// server starts a box like the one promised is tried from within; what does not hold
// is an error, or a warning where the policy says best_effort. Both answers are kept
// for a day, or until something changes that they depend on: trying costs seconds.
package launch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/proxy/upstream"
	"sallyport/sandbox"
)

// Options are what a Launcher is made of.
type Options struct {
	Logger hclog.Logger
	// Note records what a server's box is, and each connection out of it. While it
	// fails no server starts and nothing gets out. Nil: nothing is recorded.
	Note   func(audit.Event) error
	Secret func(fromEnv, fromFile string) (string, error)
	State  string   // folder for what was found out; empty: nothing is kept
	Own    []string // sallyport's own files: no mount may show them
}

// Launcher starts servers. Its methods may be called from many goroutines.
type Launcher struct {
	opt    Options
	ctx    context.Context // ends with Close
	stop   context.CancelFunc
	sparer sync.WaitGroup
	swept  sync.Once

	mu     sync.Mutex // of what is below; held while a runtime is looked for
	chosen map[string]runtime
	proven map[string][]string // by what was tried: the warnings
	ways   map[string]*way     // by server
	spares map[string]*spare   // by server
	told   map[string]bool
	closed bool
}

// New makes a launcher; nothing is looked for until a server needs it. When ctx ends
// nothing more is started.
func New(ctx context.Context, o Options) *Launcher {
	if o.Note == nil {
		o.Note = func(audit.Event) error { return nil }
	}
	ctx, stop := context.WithCancel(ctx)
	return &Launcher{opt: o, ctx: ctx, stop: stop, chosen: map[string]runtime{}, proven: map[string][]string{},
		ways: map[string]*way{}, spares: map[string]*spare{}, told: map[string]bool{}}
}

// Server is how one server is started.
func (l *Launcher) Server(conf policy.Server) upstream.Launch {
	if conf.Sandbox.Runtime == "none" {
		return func() (upstream.Process, error) { return l.plain(conf) }
	}
	return func() (upstream.Process, error) {
		if p, ok := l.takeSpare(conf.Name); ok {
			l.prepareSpare(conf)
			return p, nil
		}
		p, err := l.contained(conf)
		if err == nil {
			l.prepareSpare(conf)
		}
		return p, err
	}
}

// Backoff spaces out the restarts of one server.
func Backoff() upstream.Backoff { return new(sandbox.Backoff) }

// Close ends spares and ways out. Servers are ended by who started them, before.
func (l *Launcher) Close() {
	l.stop() // who looks for a runtime holds the lock until then
	l.mu.Lock()
	l.closed = true
	spares, ways := l.spares, l.ways
	l.spares, l.ways = nil, nil
	l.mu.Unlock()
	l.sparer.Wait()
	for _, s := range spares {
		s.process.Stop()
	}
	for _, w := range ways {
		w.close()
	}
}

// plain starts a process with our own rights.
func (l *Launcher) plain(conf policy.Server) (upstream.Process, error) {
	env, err := l.environment(conf)
	if err != nil {
		return upstream.Process{}, err
	}
	child, err := sandbox.Start(sandbox.Command{
		Argv: conf.Command, Env: env, Dir: conf.Dir, StopTimeout: conf.StopTimeout, Stderr: l.stderr(conf),
	})
	if err != nil {
		return upstream.Process{}, err
	}
	return upstream.Process{
		In: child.Stdin(), Out: child.Stdout(), Exited: child.Exited(), Stop: child.Stop,
		Reason: func() string { return reason(child.Exit().String(), child.LastWords()) },
	}, nil
}

func (l *Launcher) stderr(conf policy.Server) func([]byte) {
	said := l.opt.Logger.Named(conf.Name)
	return func(line []byte) { said.Info(string(line)) }
}

// reason is how a server ended, and its last words.
func reason(why, words string) string {
	if words = strings.TrimSpace(words); words != "" {
		return why + ": " + words
	}
	return why
}

// environment is the whole environment of a server. Secrets are read here, at
// each start, and stand nowhere else.
func (l *Launcher) environment(conf policy.Server) ([]string, error) {
	set := make(map[string]string, len(conf.Env))
	for _, v := range conf.Env {
		if set[v.Name] = v.Literal; v.FromEnv == "" && v.FromFile == "" {
			continue
		}
		value, err := l.opt.Secret(v.FromEnv, v.FromFile)
		if err != nil {
			return nil, fmt.Errorf("env %s: %w", v.Name, err)
		}
		set[v.Name] = value
	}
	return sandbox.Environ(os.Environ(), sandbox.Inherit{All: conf.InheritAll, Names: conf.Inherit}, set), nil
}

// patience bounds all that happens before a server's process is there, but for
// fetching and building an image, which have their own bounds.
const patience = 2 * time.Minute

var errClosed = errors.New("sallyport is ending")

// contained starts a server in its box.
func (l *Launcher) contained(conf policy.Server) (upstream.Process, error) {
	rt, err := l.runtime(conf.Sandbox)
	if err != nil {
		return upstream.Process{}, err
	}
	j := job{conf: conf, spec: specOf(conf.Sandbox), command: conf.Command, stderr: l.stderr(conf), own: l.opt.Own}
	if j.env, err = l.environment(conf); err != nil {
		return upstream.Process{}, err
	}
	warnings, err := l.verify(rt, j.spec)
	if err != nil {
		return upstream.Process{}, err
	}
	built, err := l.build(rt, &j)
	if err != nil {
		return upstream.Process{}, err
	}
	if len(j.spec.Egress) > 0 {
		if j.way, err = l.wayOut(conf.Name, j.spec.Egress); err != nil {
			return upstream.Process{}, err
		}
	}
	p, remarks, err := rt.start(l.ctx, &j)
	if err != nil {
		return upstream.Process{}, err
	}
	if err := l.tell(rt, j, slices.Concat(warnings, built, j.unseen(), remarks)); err != nil {
		p.Stop()
		return upstream.Process{}, err
	}
	return p, nil
}

// tell says how the server is contained: to the operator once, to the log at each
// start.
func (l *Launcher) tell(rt runtime, j job, remarks []string) error {
	name := j.conf.Name
	l.mu.Lock()
	first := !l.told[name]
	l.told[name] = true
	l.mu.Unlock()
	if first {
		l.opt.Logger.Info("contained", "server", name, "in", rt.String())
		for _, r := range remarks {
			l.opt.Logger.Warn("sandbox: "+r, "server", name)
		}
	}
	message := "started in " + rt.String() + ": " + j.describe()
	if len(remarks) > 0 {
		message += "; " + strings.Join(remarks, "; ")
	}
	err := l.opt.Note(audit.Event{Type: audit.TypeNotice, Method: "sandbox", Server: name, Code: "contained", Message: message})
	if err != nil {
		return fmt.Errorf("recording how the server is contained: %w", err)
	}
	return nil
}
