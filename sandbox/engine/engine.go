package engine

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// A Tool is a container engine's command line.
type Tool string

// The tools.
const (
	Podman Tool = "podman"
	Docker Tool = "docker"
)

// An Engine is a container engine on this machine, and what was found out about it.
type Engine struct {
	Tool     Tool
	Path     string // of the client
	Version  string // of the server, where there is one
	Client   string // version of docker's client
	Rootless bool
	Cgroup   int    // 1 or 2; 0 is not known
	Manager  string // of control groups, as podman says: systemd or cgroupfs
	Runtime  string // OCI runtime to ask for; empty: the engine's default
	NProc    uint64 // limit on a user's processes to ask for; 0: none
	Init     bool   // it has an init to put in front
	Behind   bool   // docker's client speaks to podman's server
	Self     Self
	Remarks  []string // what the operator should know
}

// Answers to other questions than running come within this time.
const patience = time.Minute

// outputLimit bounds what is kept of an answer.
const outputLimit = 4 << 20

// call runs the client and returns what it printed.
func (e Engine) call(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	return e.callWith(ctx, bytes.NewReader(stdin), args...)
}

func (e Engine) callWith(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, e.Path, args...)
	cmd.Env, cmd.Dir = clientEnv(os.Environ()), nowhere
	cmd.Stdin = stdin
	cmd.WaitDelay = time.Second
	stdout, stderr := bounded{limit: outputLimit}, bounded{limit: 16 << 10}
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err == nil {
		return stdout.Bytes(), nil
	}
	what := string(e.Tool) + " " + args[0]
	if ctx.Err() != nil {
		return stdout.Bytes(), fmt.Errorf("%s: no answer: %w", what, ctx.Err())
	}
	if said := strings.TrimSpace(stderr.String()); said != "" {
		return stdout.Bytes(), fmt.Errorf("%s: %s (%w)", what, strings.ToValidUTF8(said, "?"), err)
	}
	return stdout.Bytes(), fmt.Errorf("%s: %w", what, err)
}

// bounded keeps the first bytes that are written to it.
type bounded struct {
	bytes.Buffer
	limit int
}

func (b *bounded) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), max(0, b.limit-b.Len()))])
	return len(p), nil
}

// clientNames are the variables that say where an engine, its storage and its
// configuration are. Nothing else of the proxy's environment reaches the client:
// some of it could be passed on into the box.
var clientNames = []string{
	"PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LANG",
	"XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "DBUS_SESSION_BUS_ADDRESS",
	"CONTAINER_HOST", "CONTAINER_SSHKEY", "CONTAINERS_CONF", "CONTAINERS_CONF_OVERRIDE",
	"CONTAINERS_STORAGE_CONF", "CONTAINERS_REGISTRIES_CONF", "REGISTRY_AUTH_FILE", "STORAGE_DRIVER", "STORAGE_OPTS",
	"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "DOCKER_API_VERSION",
}

func clientEnv(environ []string) []string {
	var env []string
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if slices.Contains(clientNames, name) {
			env = append(env, kv)
		}
	}
	return env
}

// remark adds to what the operator should know, once.
func (e *Engine) remark(format string, a ...any) {
	if r := fmt.Sprintf(format, a...); !slices.Contains(e.Remarks, r) {
		e.Remarks = append(e.Remarks, r)
	}
}

// String names the engine, for a log.
func (e Engine) String() string {
	s := fmt.Sprintf("%s %s", e.Tool, e.Version)
	if e.Rootless {
		s += ", rootless"
	}
	if e.Cgroup != 0 {
		s += fmt.Sprintf(", cgroup v%d", e.Cgroup)
	}
	if e.Runtime != "" {
		s += ", runtime " + e.Runtime
	}
	return s
}
