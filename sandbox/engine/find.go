package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"sallyport/sandbox/box"
	"sallyport/sandbox/owner"
)

// Find looks for the engine of that name (podman, docker or auto), and learns by
// trying what it can do. self is our own executable. An engine that cannot start
// the strictest box is an error that says why.
func Find(ctx context.Context, name, self string) (Engine, error) {
	tools := []Tool{Tool(name)}
	switch name {
	case box.Auto:
		tools = []Tool{Podman, Docker}
	case box.Podman, box.Docker:
	default:
		return Engine{}, fmt.Errorf("%q is no container engine", name)
	}
	var failed error
	for _, tool := range tools {
		e := Engine{Tool: tool, Init: true, Self: SelfOf(self)}
		err := e.find(ctx)
		if err == nil {
			return e, nil
		}
		failed = errors.Join(failed, fmt.Errorf("%s: %w", tool, err))
	}
	return Engine{}, failed
}

func (e *Engine) find(ctx context.Context) error {
	path, err := exec.LookPath(string(e.Tool))
	if err != nil {
		return err
	}
	e.Path = path
	runtimes, err := e.look(ctx)
	if err != nil {
		return err
	}
	name, err := e.probeImage(ctx)
	if err != nil {
		e.remark("%s was not tried, and what a box holds to cannot be probed: %v", e.Tool, err)
		if e.Self.Path != "" {
			return fmt.Errorf("making an image of our own: %w", err)
		}
		return nil
	}
	return e.settle(runtimes, processLimit(), func(e Engine) error {
		_, err := e.trial(ctx, name)
		return err
	})
}

// look reads what the engine says of itself, and returns the other OCI runtimes
// that it may have.
func (e *Engine) look(ctx context.Context) ([]string, error) {
	out, err := e.call(ctx, nil, "info", "--format={{json .}}")
	if err != nil {
		return nil, err
	}
	read := e.readDocker
	if e.Tool == Podman {
		read = e.readPodman
	}
	runtimes, err := read(out)
	if err != nil {
		return nil, err
	}
	if e.Tool == Docker {
		out, err := e.call(ctx, nil, "version", "--format={{.Client.Version}} {{json .Server}}")
		if err != nil {
			return nil, err
		}
		client, server, _ := strings.Cut(string(out), " ")
		e.Client = client
		if e.Behind = strings.Contains(server, "Podman Engine"); e.Behind {
			e.remark("docker's client speaks to podman's server, which takes no OCI runtime from it: choose one there (podman --runtime … system service)")
		}
	}
	switch {
	case e.Rootless && e.Cgroup == 1:
		e.remark("rootless %s with cgroup v1 ignores limits on memory, processors and processes", e.Tool)
	case e.Rootless && e.Manager == "cgroupfs":
		e.remark("no systemd of this user hands over control groups, and so rootless %s may ignore limits on memory, processors and processes (who logs in by ssh or at a console has one, and so has whom loginctl enable-linger names)", e.Tool)
	}
	return runtimes, nil
}

func (e *Engine) readPodman(out []byte) ([]string, error) {
	var info struct {
		Host struct {
			CgroupVersion   string
			CgroupManager   string
			ServiceIsRemote bool
			OCIRuntime      struct{ Name string }
			Security        struct{ Rootless, SeccompEnabled bool }
		}
		Version struct{ Version string }
	}
	if err := json.Unmarshal(out, &info); err != nil {
		return nil, fmt.Errorf("what podman says of itself cannot be read: %w", err)
	}
	e.Version, e.Rootless = info.Version.Version, info.Host.Security.Rootless
	e.Cgroup, e.Manager = cgroup(info.Host.CgroupVersion), info.Host.CgroupManager
	if !info.Host.Security.SeccompEnabled {
		e.remark("podman has no seccomp here: system calls are not filtered")
	}
	if info.Host.ServiceIsRemote {
		e.remark("podman runs on another machine, or in a virtual one: mounts are that machine's")
	}
	var others []string
	for _, r := range []string{"crun", "runc"} {
		if _, err := exec.LookPath(r); err == nil && r != info.Host.OCIRuntime.Name {
			others = append(others, r)
		}
	}
	return others, nil
}

func (e *Engine) readDocker(out []byte) ([]string, error) {
	var info struct {
		ServerVersion, CgroupVersion, DefaultRuntime string
		ServerErrors                                 []string
		SecurityOptions                              []string
		Runtimes                                     map[string]struct{}
	}
	if err := json.Unmarshal(out, &info); err != nil {
		return nil, fmt.Errorf("what docker says of itself cannot be read: %w", err)
	}
	if len(info.ServerErrors) > 0 || info.ServerVersion == "" {
		return nil, fmt.Errorf("no server answers: %s", strings.Join(info.ServerErrors, "; "))
	}
	e.Version, e.Cgroup = info.ServerVersion, cgroup(info.CgroupVersion)
	has := func(what string) bool {
		return slices.ContainsFunc(info.SecurityOptions, func(o string) bool { return strings.Contains(o, "name="+what) })
	}
	e.Rootless = has("rootless")
	if !has("seccomp") {
		e.remark("docker has no seccomp here: system calls are not filtered")
	}
	var others []string
	for _, r := range []string{"crun", "runc"} {
		if _, ok := info.Runtimes[r]; ok && r != info.DefaultRuntime {
			others = append(others, r)
		}
	}
	return others, nil
}

func cgroup(version string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(version, "v"))
	if err != nil {
		return 0
	}
	return n
}

// trial starts the strictest box with our executable in it, which says "ok".
func (e Engine) trial(ctx context.Context, name string) (string, error) {
	run := Run{Name: containerName("trial"), Owner: owner.Us(), Server: "trial", Image: name}
	out, err := e.call(ctx, nil, Argv(e, box.Spec{}, run)[1:]...)
	_ = e.remove(context.WithoutCancel(ctx), run.Name)
	if err == nil && strings.TrimSpace(string(out)) != "ok" {
		err = fmt.Errorf("the trial box said %.200q", out)
	}
	return string(out), err
}

// settle tries one way after another until one works, and keeps it.
func (e *Engine) settle(runtimes []string, limit uint64, try func(Engine) error) error {
	way, plain := *e, *e
	limits := ladder(limit)
	var first error
	for range 3 * (1 + len(runtimes)) * (1 + len(limits)) {
		err := try(way)
		if err == nil {
			*e = way
			e.explain(plain, first)
			return nil
		}
		first = cmp.Or(first, err)
		if !way.step(err.Error(), &runtimes, limits) {
			break
		}
	}
	return fmt.Errorf("the strictest box does not start, nor does any other way that was tried: %w", first)
}

// ladder is what to ask for, from the top, where an engine asks for more processes
// than it may have.
func ladder(limit uint64) []uint64 {
	const least = 512
	var l []uint64
	for n := limit; n > least && len(l) < 6; n /= 2 {
		l = append(l, n)
	}
	return append(l, least)
}

// step changes one thing about the way that failed with these words.
func (e *Engine) step(words string, runtimes *[]string, limits []uint64) bool {
	says := func(any ...string) bool {
		return slices.ContainsFunc(any, func(w string) bool { return strings.Contains(strings.ToLower(words), w) })
	}
	// An engine behind a socket may keep its reason to itself.
	silent := says("received 409", "received 500")
	if e.Init && says("catatonit", "docker-init", "init binary", "init_path", "init path") {
		e.Init = false
		return true
	}
	if silent || says("rlimit") {
		for _, n := range limits {
			if e.NProc == 0 || n < e.NProc {
				e.NProc = n
				return true
			}
		}
	}
	if len(*runtimes) == 0 {
		return false
	}
	// A limit that was found stays: it is the host's, not the runtime's.
	e.Runtime, *runtimes = (*runtimes)[0], (*runtimes)[1:]
	if silent {
		e.NProc = 0
	}
	return true
}

// explain says in which way the one that works differs from the plain one.
func (e *Engine) explain(plain Engine, first error) {
	if first == nil {
		return
	}
	if e.Runtime != plain.Runtime {
		e.remark("the default OCI runtime fails here; %s works and is used", e.Runtime)
	}
	if e.NProc != plain.NProc {
		e.remark("a limit of %d processes per user is set, as the engine's own is above the host's", e.NProc)
	}
	if e.Init != plain.Init {
		e.remark("there is no init to put in front: the server is process 1 in its box, and what it leaves behind as zombies stays")
	}
	e.remark("the plain way failed: %s", strings.TrimSpace(firstWords(first.Error())))
}

// firstWords is the first line that tells of an error, bounded.
func firstWords(s string) string {
	_, failed, found := strings.Cut(s, "\nError: ")
	if found {
		s = failed
	}
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}
