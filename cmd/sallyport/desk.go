package main

import (
	"os"
	"os/user"
	"strconv"

	"github.com/hashicorp/go-hclog"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/proxy/approval"
	"sallyport/proxy/approval/seal"
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
			logger.Info("a call waits for a person", "question", w.ID, "server", w.Server, "tool", w.Tool, "tier", w.Decision.Tier().String(),
				"via", w.Terms().Via, "answer", "sallyport approve "+w.ID)
		}}), nil
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
