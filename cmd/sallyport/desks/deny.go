package desks

import (
	"fmt"

	"github.com/spf13/cobra"

	"sallyport/cmd/sallyport/words"
	"sallyport/proxy/approval/socket/client"
)

// Deny is the command that says no.
func Deny() *cobra.Command {
	var p proxies
	var reason string
	c := &cobra.Command{
		Use:   "deny ID",
		Short: "Refuse a call that waits for a person",
		Long: `deny refuses a call that waits, wherever it may be approved. The refusal stands for
a while: an agent that tries the same again is not asked for again.

Exit codes: 0 done; 1 there is no such question any more; 2 wrong usage.`,
		Example: `  sallyport deny k7mq2x
  sallyport deny k7mq2x --reason "not in production"`,
		Args: oneID,
		RunE: words.Ran(func(c *cobra.Command, args []string) error {
			e, err := p.find(c, args[0], waits)
			if err != nil {
				return err
			}
			if _, err := e.Answer(c.Context(), client.Answer{ID: e.ID, Reason: reason}); err != nil {
				return fit(err)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "Denied: %s.\n", e.what())
			return err
		}),
	}
	p.flag(c.Flags())
	c.Flags().StringVar(&reason, "reason", "", "`TEXT` that the agent is told")
	return c
}
