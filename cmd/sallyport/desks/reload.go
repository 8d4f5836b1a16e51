package desks

import (
	"github.com/spf13/cobra"

	"sallyport/cmd/sallyport/words"
)

// Reload is the command that has policies read again.
func Reload() *cobra.Command {
	var p proxies
	c := &cobra.Command{
		Use:   "reload",
		Short: "Have running proxies read their policies again",
		Long: `reload has each running proxy of this user read its policy file again. A policy with
mistakes changes nothing: the proxy goes on with the one it has, and says why.

Exit codes: 0 all have; 1 one has not, or none is running; 2 wrong usage.`,
		Example: `  sallyport reload
  sallyport reload --socket /run/sallyport/approvals.sock`,
		Args: words.NoArgs,
		RunE: words.Ran(func(c *cobra.Command, _ []string) error {
			_, err := p.tell(c, "reload", false)
			return err
		}),
	}
	p.flag(c.Flags())
	return c
}
