package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/go-hclog"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/proxy"
	"sallyport/proxy/approval"
	"sallyport/proxy/approval/hook"
	"sallyport/proxy/approval/seal"
	"sallyport/proxy/approval/socket"
	"sallyport/proxy/approval/web"
	"sallyport/proxy/redact"
	"sallyport/proxy/show"
)

// desk opens the desk at which calls wait for a person.
func (s *service) desk(log *audit.Log, logger hclog.Logger) (*approval.Desk, error) {
	conf := s.policy.Approval()
	keys, spent, err := sealing(conf)
	if err != nil {
		return nil, err
	}
	return approval.New(approval.Options{Log: log, Waiting: conf.Waiting, Keys: keys, Spent: spent, Owner: localUser(),
		Trouble: func(err error) { logger.Warn("approvals", "error", err) },
		Tell: func(w approval.Waiting) {
			words := []any{"question", w.ID, "server", w.Server, "tool", show.Line(w.Tool, 100), "tier", w.Decision.Tier().String(), "via", w.Terms().Via}
			if slices.Contains(w.Terms().Via, approval.CommandLine) {
				words = append(words, "answer", "sallyport approve "+w.ID)
			}
			logger.Info("a call waits for a person", words...)
		}}), nil
}

// channels opens the places at which questions can be answered, but for the
// client itself. Close ends them.
func (s *service) channels(p *proxy.Proxy, logger hclog.Logger) (close func(), err error) {
	conf := s.policy.Approval()
	var ends []func() error
	close = func() {
		for _, end := range ends {
			if err := end(); err != nil {
				logger.Warn("closing a channel of approval", "error", err)
			}
		}
	}
	page, err := openPage(conf.Web, p.Desk, logger)
	if err != nil {
		return close, err
	}
	if page != nil {
		ends = append(ends, page.Close)
	}
	for _, w := range conf.Webhooks {
		if err := s.webhook(w, page, p.Desk, logger); err != nil {
			return close, err
		}
	}
	sock, err := socket.Listen(conf.Socket, p.Desk)
	if err != nil && conf.Socket != "" {
		return close, err
	}
	if err != nil { // nobody has asked for it by name: the others go on
		logger.Warn("questions cannot be answered on the command line", "error", err)
		return close, nil
	}
	ends = append(ends, sock.Close)
	sock.Handle("reload", s.reloading(p, logger))
	if page != nil {
		sock.Handle("open", opening(page))
	}
	return close, nil
}

// openPage starts the page, if the policy has one.
func openPage(conf *policy.Web, desk *approval.Desk, logger hclog.Logger) (*web.Server, error) {
	if conf == nil {
		return nil, nil
	}
	o := web.Options{Desk: desk, Listen: conf.Listen, URL: conf.URL, Logf: func(format string, a ...any) { logger.Error(fmt.Sprintf(format, a...)) }}
	for _, a := range conf.Approvers {
		token, err := readSecret(a.Token.FromEnv, a.Token.FromFile)
		if err == nil && len(token) < 16 {
			err = errors.New("it has fewer than 16 characters; make one with: openssl rand -hex 24")
		}
		if err != nil {
			return nil, fmt.Errorf("approver %q: token: %w", a.Name, err)
		}
		o.Approvers = append(o.Approvers, web.Approver{Name: a.Name, Token: token})
	}
	page, err := web.Start(o)
	if err == nil {
		logger.Info("questions can be answered on a page", "open", cmp.Or(page.Link(), page.Origin()))
	}
	return page, err
}

// opening hands out a fresh link to the page.
func opening(page *web.Server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"message": cmp.Or(page.Link(), page.Origin())})
	})
}

func (s *service) webhook(w policy.Webhook, page *web.Server, desk *approval.Desk, logger hclog.Logger) error {
	secret, err := readSecret(w.Secret.FromEnv, w.Secret.FromFile)
	if err != nil {
		return fmt.Errorf("webhook %q: secret: %w", w.Name, err)
	}
	o := hook.Options{Name: w.Name, URL: w.URL, Secret: secret, Arguments: w.Arguments, Redact: redact.Func(s.policy.Audit()), Desk: desk,
		Logf: func(format string, a ...any) { logger.Warn(fmt.Sprintf(format, a...)) }}
	if page != nil {
		o.Callback = page.Callback(w.Name)
	}
	h, err := hook.New(o)
	if err == nil && page != nil {
		page.Mount(w.Name, h.Handler())
	}
	return err
}

// reloading puts the policy's file in force as it is now.
func (s *service) reloading(p *proxy.Proxy, logger hclog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		next, err := s.again()
		if err == nil {
			err = p.Reload(next)
		}
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			logger.Error("the policy stays as it was", "error", err)
			w.WriteHeader(http.StatusConflict)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": "the policy stays as it was: " + err.Error()})
			return
		}
		for _, warning := range next.Warnings() {
			logger.Warn(warning)
		}
		logger.Info("another policy is in force", "digest", next.Digest())
		_ = json.NewEncoder(w).Encode(map[string]string{"message": fmt.Sprintf("%s: in force, digest %.12s", next.File(), next.Digest())})
	})
}

// again reads the policy as it was read at the start.
func (s *service) again() (*policy.Policy, error) {
	if s.config == "" {
		return nil, errors.New("the built-in policy has no file; start with --config to have one")
	}
	next, err := load(s.config)
	if err != nil || s.change == nil {
		return next, err
	}
	return next.WithServer(s.server[0].Name, s.change)
}

// readSecret reads what a policy names: a variable of sallyport's own environment,
// or a file without the line ends at its end.
func readSecret(fromEnv, fromFile string) (string, error) {
	if fromEnv != "" {
		value, ok := os.LookupEnv(fromEnv)
		if !ok {
			return "", fmt.Errorf("secret_env(%q): sallyport's own environment has no such variable", fromEnv)
		}
		return value, nil
	}
	value, err := os.ReadFile(fromFile)
	return strings.TrimRight(string(value), "\r\n"), err
}

// sealing is what request states are sealed with: keys of this process, or those
// of the key file, which replicas share together with what they have used.
func sealing(conf policy.Channels) (*seal.Ring, *seal.Spent, error) {
	if conf.KeyFile == "" {
		keys, err := seal.New()
		return keys, seal.NewSpent(), err
	}
	keys, err := seal.Load(conf.KeyFile)
	if err != nil {
		return nil, nil, &exitError{Code: 2, Err: err}
	}
	spent, err := keys.Spent()
	return keys, spent, err
}

// localUser is the name of whoever runs sallyport.
func localUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "uid " + strconv.Itoa(os.Getuid())
}
