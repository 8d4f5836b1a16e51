package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/go-hclog"

	"sallyport/cmd/sallyport/launch"
	"sallyport/cmd/sallyport/scan"
	"sallyport/cmd/sallyport/scan/inspect"
	"sallyport/policy"
)

// scanned is a server as wrap and run would start it. What it says on its standard
// error is told only if it fails.
func (s *service) scanned(config, server string, command []string) (scan.Server, error) {
	conf, err := s.serverOf(config, server, command)
	if err != nil {
		return scan.Server{}, err
	}
	return scan.Server{Name: conf.Name, Start: func() (inspect.Process, error) {
		state, _ := stateDir()
		starts := launch.New(context.Background(), launch.Options{Logger: hclog.NewNullLogger(), Secret: readSecret, State: state})
		p, err := starts.Server(conf)()
		if err != nil {
			starts.Close()
			return inspect.Process{}, err
		}
		stop := p.Stop
		p.Stop = func() { stop(); starts.Close() }
		return inspect.Process(p), nil
	}}, nil
}

func (s *service) serverOf(config, server string, command []string) (policy.Server, error) {
	if len(command) > 0 {
		s.audit = "-" // nothing is logged: no call is made
		err := s.wrap(config, server, command)
		if err != nil {
			return policy.Server{}, err
		}
		return s.server[0], nil
	}
	p, err := load(config)
	if err != nil {
		return policy.Server{}, err
	}
	all := p.Servers()
	names := make([]string, len(all))
	for i, one := range all {
		names[i] = one.Name
	}
	if server == "" && len(all) == 1 {
		server = names[0]
	}
	conf, ok := p.Server(server)
	switch {
	case !ok && server == "":
		return conf, usage("%s has several servers; say --server with one of: %s", config, strings.Join(names, ", "))
	case !ok:
		return conf, usage("--server %q: %s has no such server; it has: %s", server, config, strings.Join(names, ", "))
	case len(conf.Command) == 0 && conf.Sandbox.Image == "":
		return conf, fmt.Errorf("server %q has no command: add command = [\"program\", …], or say -- COMMAND", server)
	}
	return conf, s.box.Narrow(&conf)
}
