//go:build unix

// Package inside runs first in a box: it takes in the environment, forbids more
// system calls, opens the way out if there is one, and becomes the upstream's command.
//
// Without a way out nothing of it stays. With one it has to: it is then the
// command's parent, hands signals on, and ends as the command ends.
package inside

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// Forward hands each connection that the listener accepts to the socket. It
// returns when the listener is closed.
type Forward func(l net.Listener, socket string) error

// envLimit bounds what is read as environment. It is the sender's limit too.
const envLimit = 1 << 20

// Codes as shells and engines have them.
const (
	failed    = 125
	cannotRun = 126
	notFound  = 127
	bySignal  = 128
)

// Main is the word box-run: [--env] [--egress=SOCKET --port=N] -- COMMAND…
// It returns an exit code, or does not return.
func Main(args []string, forward Forward) (int, error) {
	flags := flag.NewFlagSet("box-run", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	takeEnv := flags.Bool("env", false, "")
	socket := flags.String("egress", "", "")
	port := flags.Int("port", 0, "")
	if err := flags.Parse(args); err != nil {
		return failed, err
	}
	if flags.NArg() == 0 {
		return failed, errors.New("no command")
	}
	env := environ{}
	env.add(os.Environ())
	env["HOME"] = "/tmp" // the one place that can be written to
	if *takeEnv {
		given, err := readEnv(os.Stdin)
		if err != nil {
			return failed, fmt.Errorf("reading the environment: %w", err)
		}
		env.add(given)
	}
	if err := lock(); err != nil {
		return failed, err
	}
	if *socket == "" {
		return become(flags.Args(), env)
	}
	if forward == nil {
		return failed, errors.New("there is no way out")
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(*port)))
	if err != nil {
		return failed, err
	}
	env.proxy("http://" + l.Addr().String())
	return accompany(flags.Args(), env, func() error { return forward(l, *socket) }, l.Close)
}

// environ is variables by name.
type environ map[string]string

func (e environ) add(pairs []string) {
	for _, kv := range pairs {
		if name, value, ok := strings.Cut(kv, "="); ok {
			e[name] = value
		}
	}
}

// proxy says where the way out is, to all who ask in their own way. It overrules
// what was given: there is no other way.
func (e environ) proxy(url string) {
	for _, name := range []string{"http_proxy", "https_proxy", "all_proxy"} {
		e[name], e[strings.ToUpper(name)] = url, url
	}
	e["no_proxy"], e["NO_PROXY"] = "localhost,127.0.0.1", "localhost,127.0.0.1"
}

func (e environ) list() []string {
	var l []string
	for name, value := range e {
		l = append(l, name+"="+value)
	}
	return l
}

// readEnv reads the environment and not a byte more: what follows is the command's.
func readEnv(r io.Reader) ([]string, error) {
	var digits [8]byte
	if _, err := io.ReadFull(r, digits[:]); err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(string(digits[:]), 16, 32)
	if err != nil || n > envLimit {
		return nil, errors.New("its length cannot be read, or is too large")
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	var env []string
	if err := json.Unmarshal(body, &env); err != nil {
		return nil, errors.New("it is not a list of strings")
	}
	return env, nil
}

// find looks the program up in the PATH that it will have.
func find(command []string, env environ) (string, int, error) {
	if err := os.Setenv("PATH", env["PATH"]); err != nil {
		return "", failed, err
	}
	path, err := exec.LookPath(command[0])
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, os.ErrNotExist):
		return "", notFound, fmt.Errorf("command %q is not in the box's PATH %q", command[0], env["PATH"])
	case err != nil:
		return "", cannotRun, err
	}
	return path, 0, nil
}

func become(command []string, env environ) (int, error) {
	path, code, err := find(command, env)
	if err != nil {
		return code, err
	}
	err = syscall.Exec(path, command, env.list())
	return cannotRun, fmt.Errorf("running %s: %w", path, err)
}

// accompany runs the command as a child while the way out is open.
func accompany(command []string, env environ, serve, shut func() error) (int, error) {
	path, code, err := find(command, env)
	if err != nil {
		return code, err
	}
	cmd := exec.Command(path)
	cmd.Args, cmd.Env = command, env.list()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	if err := cmd.Start(); err != nil {
		return cannotRun, err
	}
	// Else the command's input would have a second reader's end open, and its output
	// a second writer's.
	_ = os.Stdin.Close()
	_ = os.Stdout.Close()
	served, ended := make(chan error, 1), make(chan error, 1)
	go func() { served <- serve() }()
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s)
		case err := <-served:
			// Without the way out it would run on and find nothing.
			fmt.Fprintln(os.Stderr, "sallyport: the way out is closed:", err)
			served = nil
		case <-ended:
			_ = shut()
			return exitCode(cmd.ProcessState), nil
		}
	}
}

func exitCode(s *os.ProcessState) int {
	if status, ok := s.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return bySignal + int(status.Signal())
	}
	return s.ExitCode()
}
