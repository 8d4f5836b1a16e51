package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"sallyport/audit"
	"sallyport/cmd/sallyport/contain"
	"sallyport/cmd/sallyport/launch"
	"sallyport/policy"
	"sallyport/proxy"
	"sallyport/proxy/redact"
)

// service is what wrap and run have in common.
type service struct {
	policy    *policy.Policy
	server    []policy.Server
	box       contain.Flags // of wrap
	role      string
	principal string               // on whose behalf the client speaks
	audit     string               // file
	level     string               // of the operator's log
	config    string               // the policy's file; empty: the built-in one
	change    func(*policy.Server) // what wrap was told; nil for run
}

// flags adds the flags that wrap and run share.
func (s *service) flags(c *cobra.Command) {
	c.Flags().StringVar(&s.role, "role", "", "role of the client (default: the policy's default_role, or its only role)")
	c.Flags().StringVar(&s.principal, "principal", localUser(), "on whose behalf the client speaks: approvals are given to this `NAME` alone")
	c.Flags().StringVar(&s.audit, "audit", "", "audit log `FILE` (default: what the policy says)")
	c.Flags().StringVar(&s.level, "log-level", "info", "`LEVEL` of what is told on stderr: debug, info, warn, error or off")
}

// serve runs one session on the given streams.
func (s *service) serve(ctx context.Context, in io.Reader, out, stderr io.Writer) error {
	level := hclog.LevelFromString(s.level)
	if level == hclog.NoLevel {
		return usage("--log-level %q: choose one of debug, info, warn, error, off", s.level)
	}
	logger := hclog.New(&hclog.LoggerOptions{Name: "sallyport", Level: level, Output: stderr})
	if err := s.settleRole(); err != nil {
		return err
	}
	for _, w := range s.policy.Warnings() {
		logger.Warn(w)
	}
	log, err := s.openAudit(ctx, logger)
	if err != nil {
		return err
	}
	looks, err := guarded(s.policy, logger)
	if err != nil {
		return errors.Join(err, log.Close())
	}
	desk, err := s.desk(log, logger)
	if err != nil {
		return errors.Join(err, log.Close())
	}
	state, _ := stateDir() // without one nothing is kept
	starts := launch.New(ctx, launch.Options{Logger: logger, Note: log.Note, Secret: readSecret, State: state, Own: s.own(state)})
	defer starts.Close()
	p := proxy.New(proxy.Config{Policy: s.policy, Servers: s.server, Audit: log, Logger: logger, Desk: desk, Guard: looks,
		Launch: starts.Server, Backoff: launch.Backoff, Version: version()})
	closeChannels, err := s.channels(p, logger)
	defer closeChannels()
	if err != nil {
		return errors.Join(err, log.Close())
	}
	err = p.Serve(ctx, proxy.Caller{Role: s.role, Principal: s.principal}, in, out)
	starts.Close() // before the log: what it ends is recorded
	return errors.Join(err, log.Close())
}

// settleRole finds the role under which the client acts.
func (s *service) settleRole() error {
	if s.role != "" {
		if !s.policy.HasRole(s.role) {
			return usage("--role %q: the policy has no such role; it has: %s", s.role, strings.Join(s.policy.Roles(), ", "))
		}
		return nil
	}
	role, ok := s.policy.DefaultRole()
	if !ok {
		return usage("the policy has several roles; say --role with one of: %s", strings.Join(s.policy.Roles(), ", "))
	}
	s.role = role
	return nil
}

// logPatience is how long a log that another process holds is waited for: some
// clients start a command twice in quick succession.
const logPatience = 3 * time.Second

// openAudit opens the audit log that the flag or the policy names.
func (s *service) openAudit(ctx context.Context, logger hclog.Logger) (*audit.Log, error) {
	conf := s.policy.Audit()
	path := s.audit
	if path == "" {
		path = conf.File
	}
	if path == "" {
		return nil, usage("no audit log is named: add audit { file = … } to the policy, or say --audit FILE")
	}
	path = s.fill(path)
	host, _ := os.Hostname()
	opt := audit.Options{MaxBody: conf.MaxBody, Version: version(), Policy: s.policy.Digest(), Host: host,
		Redact: redact.Func(conf),
		OnFail: func(err error) { logger.Error("every call is refused from now on", "error", err) }}
	if conf.SyncAlways {
		opt.Sync = audit.SyncAlways
	}
	for end := time.Now().Add(logPatience); ; {
		log, err := audit.Open(path, opt)
		if err == nil || !errors.Is(err, audit.ErrInUse) || time.Now().After(end) || ctx.Err() != nil {
			if errors.Is(err, audit.ErrInUse) {
				err = fmt.Errorf("%w; name another file with --audit, or put {pid} into its name for one file a session", err)
			}
			return log, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// fill replaces what may stand in the name of an audit log: {pid}, {time} and
// {server}.
func (s *service) fill(path string) string {
	server := "all"
	if len(s.server) == 1 {
		server = s.server[0].Name
	}
	return strings.NewReplacer(
		"{pid}", strconv.Itoa(os.Getpid()),
		"{time}", time.Now().UTC().Format("20060102T150405Z"),
		"{server}", server,
	).Replace(path)
}

// stateDir is where the built-in policy keeps its logs: $XDG_STATE_HOME or
// ~/.local/state, and below it sallyport.
func stateDir() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "sallyport"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", usage("cannot tell where to keep the audit log (%w): say --audit FILE", err)
	}
	return filepath.Join(home, ".local", "state", "sallyport"), nil
}

// own are files that no server may be shown.
func (s *service) own(state string) []string {
	var own []string
	log := s.audit
	if log == "" {
		log = s.policy.Audit().File
	}
	for _, file := range []string{s.config, s.fill(log), state, s.policy.Approval().Socket, s.policy.Approval().KeyFile} {
		if abs, err := filepath.Abs(file); file != "" && err == nil {
			own = append(own, abs)
		}
	}
	return own
}

// load reads a policy and tells mistakes as they are.
func load(path string) (*policy.Policy, error) {
	p, err := policy.Load(path)
	var mistakes *policy.Mistakes
	switch {
	case err == nil:
		return p, nil
	case errors.As(err, &mistakes):
		return nil, fmt.Errorf("the policy has mistakes:\n\n%w", err)
	default:
		return nil, &exitError{Code: 2, Err: err}
	}
}
