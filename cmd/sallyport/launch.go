package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/go-hclog"

	"sallyport/policy"
	"sallyport/proxy/upstream"
	"sallyport/sandbox"
)

// launcher starts servers as the policy says.
func launcher(log hclog.Logger) func(policy.Server) upstream.Launch {
	return func(conf policy.Server) upstream.Launch {
		said := log.Named(conf.Name)
		return func() (upstream.Process, error) {
			env, err := environment(conf)
			if err != nil {
				return upstream.Process{}, err
			}
			child, err := sandbox.Start(sandbox.Command{
				Argv: conf.Command, Env: env, Dir: conf.Dir, StopTimeout: conf.StopTimeout,
				Stderr: func(line []byte) { said.Info(string(line)) },
			})
			if err != nil {
				return upstream.Process{}, err
			}
			return upstream.Process{
				In: child.Stdin(), Out: child.Stdout(), Exited: child.Exited(), Stop: child.Stop,
				Reason: func() string {
					why := child.Exit().String()
					if words := strings.TrimSpace(child.LastWords()); words != "" {
						why += ": " + words
					}
					return why
				},
			}, nil
		}
	}
}

// environment is the whole environment of a server's process. Secrets are read
// here, at each start, and stand nowhere else.
func environment(conf policy.Server) ([]string, error) {
	set := make(map[string]string, len(conf.Env))
	for _, v := range conf.Env {
		if set[v.Name] = v.Literal; v.FromEnv == "" && v.FromFile == "" {
			continue
		}
		value, err := readSecret(v.FromEnv, v.FromFile)
		if err != nil {
			return nil, fmt.Errorf("env %s: %w", v.Name, err)
		}
		set[v.Name] = value
	}
	return sandbox.Environ(os.Environ(), sandbox.Inherit{All: conf.InheritAll, Names: conf.Inherit}, set), nil
}

// backoff spaces out the restarts of one server.
func backoff() upstream.Backoff { return new(sandbox.Backoff) }
