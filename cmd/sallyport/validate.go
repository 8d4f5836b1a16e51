package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"sallyport/cmd/sallyport/launch"
	"sallyport/policy"
)

func validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE…",
		Short: "Check policies, and point at every mistake in them",
		Long: `validate reads each policy and reports all mistakes at once, each with its line and
what to do about it. Warnings, such as a tool that no role may use, do not fail.

Exit codes: 0 no mistakes; 1 mistakes; 2 a file cannot be read.`,
		Example: "  sallyport validate sallyport.hcl\n  sallyport validate policies/*.hcl",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("say which files: sallyport validate FILE…")
			}
			return nil
		},
		RunE: ran(func(c *cobra.Command, files []string) error {
			worst := 0
			for _, file := range files {
				worst = max(worst, validate(c, file))
			}
			if worst > 0 {
				return &exitError{Code: worst, Err: errQuiet}
			}
			return nil
		}),
	}
}

// validate reports on one file and returns its exit code.
func validate(c *cobra.Command, file string) int {
	p, err := policy.Load(file)
	var mistakes *policy.Mistakes
	switch {
	case errors.As(err, &mistakes):
		fmt.Fprintln(c.ErrOrStderr(), mistakes)
		fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", file, many(mistakes.Count(), "mistake"))
		return 1
	case err != nil:
		fmt.Fprintln(c.ErrOrStderr(), "sallyport: "+err.Error())
		return 2
	}
	for _, w := range p.Warnings() {
		fmt.Fprintln(c.ErrOrStderr(), "warning: "+w)
	}
	wrong := 0
	for _, server := range p.Servers() {
		if err := launch.Judge(server); err != nil {
			fmt.Fprintf(c.ErrOrStderr(), "Error: %s: %v\n", file, err)
			wrong++
		}
	}
	if wrong > 0 {
		fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", file, many(wrong, "mistake"))
		return 1
	}
	fmt.Fprintf(c.OutOrStdout(), "%s: ok (%s, %s, digest %s)\n", file, many(len(p.Servers()), "server"), many(len(p.Roles()), "role"), p.Digest()[:12])
	return 0
}

// many is a number of things, in words.
func many(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
