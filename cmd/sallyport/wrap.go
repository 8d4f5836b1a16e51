package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"sallyport/policy"
	"sallyport/policy/builtin"
)

func wrapCommand() *cobra.Command {
	var s service
	var config, server string
	var print bool
	c := &cobra.Command{
		Use:   "wrap [flags] -- COMMAND [ARG…]",
		Short: "Put one stdio server behind a policy, its names unchanged",
		Long: `wrap starts COMMAND, an MCP server that speaks on stdin and stdout, and stands in
front of it. Put it where your client has the server's command today.

Without --config a careful built-in policy applies: arguments must fit the tools'
schemas, each tool's risk is told from its annotations and name (unknown means
delete), what deletes or leaves the machine waits for a person, who is asked in
the client or answers with sallyport approve, and every request is logged, one
file a session, below
~/.local/state/sallyport. See it with --print-config, save it, edit it, and name
it with --config.

The server gets only the environment that the policy names. It is a plain process
with your rights unless --sandbox contains it: in a container without network, in
which it sees only what --mount shows. What npx or uvx would fetch is then installed
once, into an image of its own.`,
		Example: `  sallyport wrap -- npx -y @modelcontextprotocol/server-filesystem /data
  sallyport wrap --sandbox podman --mount /data -- npx -y @modelcontextprotocol/server-filesystem /data
  sallyport wrap --print-config -- npx -y @modelcontextprotocol/server-memory > sallyport.hcl
  sallyport wrap --config sallyport.hcl --role developer -- npx -y @modelcontextprotocol/server-memory`,
		Args: func(c *cobra.Command, args []string) error {
			if at := c.ArgsLenAtDash(); at > 0 || at < 0 && len(args) > 0 {
				return usage("put -- before the command: sallyport wrap [flags] -- COMMAND [ARG…]")
			}
			return nil
		},
		RunE: ran(func(c *cobra.Command, command []string) error {
			if print {
				return s.printConfig(c, config, serverName(server, command), command)
			}
			if len(command) == 0 {
				return usage("no command to wrap: sallyport wrap [flags] -- COMMAND [ARG…] (to start what a policy names: sallyport run --config FILE)")
			}
			if err := s.wrap(config, server, command); err != nil {
				return err
			}
			return s.serve(c.Context(), c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		}),
	}
	s.flags(c)
	s.box.Add(c)
	c.Flags().StringVar(&config, "config", "", "policy `FILE` (default: a careful built-in policy)")
	c.Flags().StringVar(&server, "server", "", "server block of the policy that COMMAND is (default: its only one)")
	c.Flags().BoolVar(&print, "print-config", false, "print the policy that would apply, and stop")
	return c
}

// wrap settles the policy for one command.
func (s *service) wrap(config, server string, command []string) error {
	if config == "" {
		return s.builtin(serverName(server, command), command)
	}
	p, err := load(config)
	if err != nil {
		return err
	}
	s.config = config
	if server == "" {
		all := p.Servers()
		if len(all) != 1 {
			names := make([]string, len(all))
			for i, one := range all {
				names[i] = one.Name
			}
			return usage("%s has several servers; say --server with one of: %s", config, strings.Join(names, ", "))
		}
		server = all[0].Name
	}
	one, _ := p.Server(server)
	if err := s.box.Narrow(&one); err != nil {
		return err
	}
	runtime := one.Sandbox.Runtime
	s.change = func(one *policy.Server) { one.Command, one.Sandbox.Runtime = command, runtime }
	if s.policy, err = p.WithServer(server, s.change); err != nil {
		return usage("--server: %w", err)
	}
	one, _ = s.policy.Server(server)
	s.server = []policy.Server{one}
	return nil
}

// builtin applies the built-in policy. Its audit log is one file a process, so
// that two clients can use the same server at once.
func (s *service) builtin(server string, command []string) error {
	block, err := s.box.Block(command)
	if err != nil {
		return err
	}
	p, err := policy.Parse(builtin.Text(server, command, block), "built-in policy")
	if err != nil {
		return fmt.Errorf("the built-in policy does not fit this command: %w", err)
	}
	if s.audit == "" {
		dir, err := stateDir()
		if err != nil {
			return err
		}
		s.audit = filepath.Join(dir, "{server}-{time}-{pid}.jsonl")
	}
	s.policy, s.server = p, p.Servers()
	return nil
}

func (s *service) printConfig(c *cobra.Command, config, server string, command []string) error {
	block, err := s.box.Block(command)
	if err != nil {
		return err
	}
	text := builtin.Text(server, command, block)
	if config != "" {
		if _, err := load(config); err != nil {
			return err
		}
		if text, err = os.ReadFile(config); err != nil {
			return &exitError{Code: 2, Err: err}
		}
	}
	_, err = c.OutOrStdout().Write(text)
	return err
}

// serverName is a name for a command that the policy does not name: that of
// the package which npx or uvx runs, or of the program.
func serverName(given string, command []string) string {
	if given != "" || len(command) == 0 {
		return cmpOr(given, "server")
	}
	name := filepath.Base(command[0])
	switch name {
	case "npx", "uvx", "node", "python", "python3", "bunx", "go":
		for _, arg := range command[1:] {
			if !strings.HasPrefix(arg, "-") && arg != "run" && arg != "exec" {
				name = filepath.Base(arg)
				break
			}
		}
	}
	name, _, _ = strings.Cut(name, "@")
	name = strings.TrimSuffix(strings.TrimPrefix(name, "server-"), filepath.Ext(name))
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, name)
	return cmpOr(strings.Trim(name[:min(len(name), 32)], "-"), "server")
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func runCommand() *cobra.Command {
	var s service
	var config string
	c := &cobra.Command{
		Use:   "run --config FILE [flags]",
		Short: "Put the servers of a policy behind one stdio endpoint",
		Long: `run starts the servers that the policy describes and offers them as one MCP server
on stdin and stdout. With one server its names are unchanged; with several, tools
and prompts are named server__tool (names { separator = "__" }).`,
		Example: `  sallyport run --config sallyport.hcl
  sallyport run --config sallyport.hcl --role infrastructure_agent --audit /var/log/sallyport/agent.jsonl`,
		Args: noArgs,
		RunE: ran(func(c *cobra.Command, _ []string) error {
			if config == "" {
				return usage("say --config FILE: the policy to run")
			}
			if err := s.load(config); err != nil {
				return err
			}
			return s.serve(c.Context(), c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		}),
	}
	s.flags(c)
	c.Flags().StringVar(&config, "config", "", "policy `FILE`")
	return c
}

func (s *service) load(config string) error {
	s.config = config
	p, err := load(config)
	if err != nil {
		return err
	}
	s.policy, s.server = p, p.Servers()
	var missing []error
	for _, one := range s.server {
		if len(one.Command) == 0 && one.Sandbox.Image == "" {
			missing = append(missing, fmt.Errorf("server %q has no command: add command = [\"program\", …], or use sallyport wrap --server %s -- COMMAND", one.Name, one.Name))
		}
	}
	return errors.Join(missing...)
}
