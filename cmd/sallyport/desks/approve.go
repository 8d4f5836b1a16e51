package desks

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sallyport/cmd/sallyport/words"
	"sallyport/proxy/approval/form"
	"sallyport/proxy/approval/socket/client"
)

// Approve is the command that says yes.
func Approve() *cobra.Command {
	var p proxies
	var span time.Duration
	var anyArguments, yes bool
	c := &cobra.Command{
		Use:   "approve ID",
		Short: "Let a call be made that waits for a person",
		Long: `approve writes the whole question, and approves exactly what it has written: if the
question has changed by then, it is not approved. On a terminal it asks first.

An approval is for one call. With --for it stands for further calls with the same
arguments, and with --any-arguments for the tool whatever its arguments, as far as
the policy allows. It can be taken back: sallyport approvals revoke ID.

Exit codes: 0 done; 1 not approved, and why; 2 wrong usage.`,
		Example: `  sallyport approve k7mq2x
  sallyport approve k7mq2x --for 10m --yes`,
		Args: oneID,
		RunE: words.Ran(func(c *cobra.Command, args []string) error {
			a := client.Answer{Approve: true, For: span, Any: anyArguments}
			switch {
			case c.Flags().Changed("for") && span <= 0:
				return words.Usage("--for %v: write a duration such as 10m", span)
			case anyArguments && span == 0:
				return words.Usage("--any-arguments needs --for: say for how long")
			}
			e, err := p.find(c, args[0], waits)
			if err != nil {
				return err
			}
			a.ID = e.ID
			if a.Digest, err = showQuestion(c, e); err != nil {
				return err
			}
			if !yes && terminal(c.InOrStdin()) {
				if err := confirm(c, a); err != nil {
					return err
				}
			}
			return approve(c, e, a)
		}),
	}
	p.flag(c.Flags())
	c.Flags().DurationVar(&span, "for", 0, "let the approval stand for further calls, for this `DURATION`")
	c.Flags().BoolVar(&anyArguments, "any-arguments", false, "with --for: whatever their arguments")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask on a terminal")
	return c
}

func approve(c *cobra.Command, e entry, a client.Answer) error {
	taken, err := e.Answer(c.Context(), a)
	if err != nil {
		return fit(err)
	}
	how := "once"
	if a.For > 0 {
		how = form.Wider(a.For, a.Any)
	}
	missing := "."
	switch {
	case taken.Missing == 1:
		missing = "; one more person has to approve."
	case taken.Missing > 1:
		missing = fmt.Sprintf("; %d more people have to approve.", taken.Missing)
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "Approved %s: %s%s\n", how, e.what(), missing)
	return err
}

// errNotApproved ends approve when its question gets no yes.
var errNotApproved = errors.New("not approved; the question still waits")

// confirm asks whoever is at the terminal.
func confirm(c *cobra.Command, a client.Answer) error {
	how := ""
	if a.For > 0 {
		how = " " + form.Wider(a.For, a.Any)
	}
	fmt.Fprintf(c.OutOrStdout(), "Approve%s? [y/N] ", how)
	line, err := readLine(c.Context(), c.InOrStdin())
	if err != nil {
		fmt.Fprintln(c.OutOrStdout())
		return errNotApproved
	}
	if word := strings.ToLower(strings.TrimSpace(line)); word != "y" && word != "yes" {
		return errNotApproved
	}
	return nil
}

// readLine reads one line, unless ctx ends first. The goroutine that waits for a
// terminal cannot be called back; the program ends then.
func readLine(ctx context.Context, in io.Reader) (string, error) {
	type result struct {
		line string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		line, err := bufio.NewReader(in).ReadString('\n')
		done <- result{line, err}
	}()
	select {
	case r := <-done:
		return r.line, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// terminal says whether somebody may sit there.
func terminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
