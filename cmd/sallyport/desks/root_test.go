package desks

import "github.com/spf13/cobra"

func newRoot() *cobra.Command {
	return &cobra.Command{Use: "sallyport", SilenceUsage: true, SilenceErrors: true}
}
