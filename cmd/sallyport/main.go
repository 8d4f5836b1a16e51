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

	"sallyport/cmd/sallyport/desks"
	"sallyport/cmd/sallyport/doctor"
	"sallyport/cmd/sallyport/launch"
	"sallyport/cmd/sallyport/scan"
	"sallyport/cmd/sallyport/words"
)

func main() {
	if code, ours := launch.Within(os.Args[1:]); ours {
		os.Exit(code)
	}
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
type exitError = words.Exit

// errQuiet ends the program with a code and no word more.
var errQuiet = errors.New("")

func exitCode(err error) int {
	var e *exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.Code
	default:
		return 1
	}
}

// usage marks an error as a mistake on the command line.
func usage(format string, a ...any) error { return words.Usage(format, a...) }

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
	var looked service
	group(root, wrapCommand(), runCommand(), validateCommand(), demoCommand(), demoServerCommand(),
		desks.Approvals(), desks.Approve(), desks.Deny(), desks.Reload(), doctor.Command(launch.Examine),
		scan.Command(scan.Program{Version: version(), Server: looked.scanned, Flags: looked.box.Add}), auditCommand(), schemaCommand(), versionCommand())
	err := root.ExecuteContext(ctx)
	var coded *exitError
	if err != nil && !errors.As(err, &coded) && words.IsUsage(err) {
		return usage("%w (see: sallyport --help)", err)
	}
	return err
}

// group puts commands below another.
func group(c *cobra.Command, below ...*cobra.Command) *cobra.Command { return words.Group(c, below...) }

// noArgs refuses words that would have no meaning.
func noArgs(c *cobra.Command, args []string) error { return words.NoArgs(c, args) }

// ran wraps a command's work, to tell its errors from cobra's own.
func ran(f func(c *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return words.Ran(f)
}
