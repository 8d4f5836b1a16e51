// Command sallyport guards MCP tool servers: it stands between an MCP client
// and the servers, applies an HCL policy to every call, and keeps an audit log
// that proves itself.
//
// Exit codes: 0 all went well; 1 it did not (a policy with mistakes, a server
// that does not start, an audit log that was tampered with); 2 the command
// line is wrong, a file cannot be read, or an audit log ends in an unfinished
// line; 130 ended by a signal.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	// A client that goes away must be an error of write(2), not our death:
	// what we started has to be ended in good order.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // the second signal ends us at once
	stdin, restoreIn := unblock(os.Stdin)
	stdout, restoreOut := unblock(os.Stdout)
	err := run(ctx, os.Args[1:], stdin, stdout, os.Stderr)
	restoreIn()
	restoreOut()
	code := exitCode(err)
	if err != nil && !errors.Is(err, errQuiet) {
		fmt.Fprintln(os.Stderr, "sallyport: "+err.Error())
	}
	if code == 0 && ctx.Err() != nil {
		code = 130
	}
	os.Exit(code)
}

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// errQuiet ends the program with a code and no word more.
var errQuiet = errors.New("")

func exitCode(err error) int {
	var e *exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.code
	default:
		return 1
	}
}

// usage marks an error as a mistake on the command line.
func usage(format string, a ...any) error {
	return &exitError{code: 2, err: fmt.Errorf(format, a...)}
}

// run is the whole program.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	root := &cobra.Command{
		Use:   "sallyport",
		Short: "An MCP security proxy: policy, risk tiers and a log that proves itself in front of any stdio MCP server",
		Long: `sallyport stands between an MCP client and MCP tool servers. Every request that
goes to a server is decided by an HCL policy and written to an append-only audit
log first; what the policy allows passes unchanged.

Exit codes: 0 all went well; 1 it did not; 2 wrong usage, an unreadable file, or
an audit log with an unfinished last line; 130 ended by a signal.`,
		Example: `  sallyport demo
  sallyport wrap -- npx -y @modelcontextprotocol/server-filesystem /data
  sallyport run --config sallyport.hcl --role developer
  sallyport audit verify sallyport.audit.jsonl`,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("%w (see: %s --help)", err, c.CommandPath())
	})
	group(root, wrapCommand(), runCommand(), validateCommand(), demoCommand(), demoServerCommand(),
		approvalsCommand(), approveCommand(), denyCommand(), reloadCommand(), auditCommand(), schemaCommand(), versionCommand())
	err := root.ExecuteContext(ctx)
	var coded *exitError
	if err != nil && !errors.As(err, &coded) && isUsage(err) {
		return usage("%w (see: sallyport --help)", err)
	}
	return err
}

// group puts commands below another. A word that none of them is called is a
// mistake; without a word the group shows its help.
func group(c *cobra.Command, below ...*cobra.Command) *cobra.Command {
	c.AddCommand(below...)
	c.DisableFlagsInUseLine = true
	c.SuggestionsMinimumDistance = 2
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		hint := ""
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			hint = fmt.Sprintf("; did you mean %q?", near[0])
		}
		return usage("%s has no command %q%s (see: %s --help)", c.CommandPath(), args[0], hint, c.CommandPath())
	}
	c.RunE = ran(func(c *cobra.Command, _ []string) error { return c.Help() })
	return c
}

// noArgs refuses words that would have no meaning.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%s takes no arguments, but was given %q (see: %s --help)", c.CommandPath(), args[0], c.CommandPath())
	}
	return nil
}

func isUsage(err error) bool {
	var ran *ranError
	return !errors.As(err, &ran)
}

// ranError is an error of a command that was understood and ran.
type ranError struct{ err error }

func (e *ranError) Error() string { return e.err.Error() }
func (e *ranError) Unwrap() error { return e.err }

// ran wraps a command's work, to tell its errors from cobra's own.
func ran(f func(c *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		if err := f(c, args); err != nil {
			return &ranError{err}
		}
		return nil
	}
}
