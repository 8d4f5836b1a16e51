package desks

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"sallyport/cmd/sallyport/words"
	"sallyport/proxy/approval/seal"
	"sallyport/proxy/approval/socket/client"
	"sallyport/proxy/show"
)

func showCommand(p *proxies) *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Read one question, with all of its arguments",
		Example: "  sallyport approvals show k7mq2x",
		Args:    oneID,
		RunE: words.Ran(func(c *cobra.Command, args []string) error {
			e, err := p.find(c, args[0], waits)
			if err != nil {
				return err
			}
			_, err = showQuestion(c, e)
			return err
		}),
	}
}

// showQuestion writes a question and returns the digest of its text.
func showQuestion(c *cobra.Command, e entry) (digest string, err error) {
	q, err := e.Show(c.Context(), e.ID)
	if err != nil {
		return "", fit(err)
	}
	digest = show.Digest(q.Text)
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n\nSHA-256 of this text: %s\n", screen(q.Text), digest)
	return digest, err
}

func revokeCommand(p *proxies) *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "Take back an approval that stands",
		Long: `revoke takes back an approval that is remembered for more calls than one, or that
no call has used yet. A call that was sent already cannot be taken back.`,
		Example: "  sallyport approvals revoke k7mq2x",
		Args:    oneID,
		RunE: words.Ran(func(c *cobra.Command, args []string) error {
			e, err := p.find(c, args[0], stands)
			if err != nil {
				return err
			}
			if err := e.Revoke(c.Context(), e.ID); err != nil {
				return fit(err)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "Revoked: %s.\n", e.what())
			return err
		}),
	}
}

func watchCommand(p *proxies) *cobra.Command {
	return &cobra.Command{
		Use: "watch", Short: "List again at each change, until interrupted",
		Example: "  sallyport approvals watch",
		Args:    words.NoArgs,
		RunE: words.Ran(func(c *cobra.Command, _ []string) error {
			clients, err := p.dial()
			switch {
			case err != nil:
				return err
			case len(clients) == 0:
				return errNoProxy
			}
			return watch(c, clients)
		}),
	}
}

// watch lists what lies on the desks until the last of them is gone.
func watch(c *cobra.Command, clients []*client.Client) error {
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	type change struct {
		of    int
		board client.Board
	}
	changes := make(chan change)
	errs := make([]error, len(clients))
	var wg sync.WaitGroup
	for i, one := range clients {
		wg.Go(func() {
			err := one.Watch(ctx, func(b client.Board) {
				select {
				case changes <- change{i, b}:
				case <-ctx.Done():
				}
			})
			if err != nil && ctx.Err() == nil {
				errs[i] = fit(err)
			}
		})
	}
	go func() { wg.Wait(); close(changes) }()
	boards := make([]client.Board, len(clients))
	for one := range changes {
		boards[one.of] = one.board
		now := time.Now()
		fmt.Fprintln(c.OutOrStdout(), "── "+now.Format(time.TimeOnly))
		if err := writeBoards(c.OutOrStdout(), boards, now); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}

func openCommand(p *proxies) *cobra.Command {
	return &cobra.Command{
		Use: "open", Short: "Print a fresh link to the page on which questions are answered",
		Long: `open prints, for each running proxy that has a web page, a link that opens it once
for whoever has the link. Proxies without one are passed over.`,
		Example: "  sallyport approvals open",
		Args:    words.NoArgs,
		RunE: words.Ran(func(c *cobra.Command, _ []string) error {
			n, err := p.tell(c, "open", true)
			if n == 0 && err == nil {
				return errors.New("no running sallyport has a web page: add web { } to the approval block of its policy")
			}
			return err
		}),
	}
}

// tell has all proxies do one thing and writes what they say of it. Those that
// cannot are passed over if mayLack is set. It returns how many did it.
func (p *proxies) tell(c *cobra.Command, verb string, mayLack bool) (n int, err error) {
	clients, err := p.dial()
	if err == nil && len(clients) == 0 {
		err = errNoProxy
	}
	var all []error
	for _, one := range clients {
		said, err := one.Tell(c.Context(), verb)
		var no *client.Refused
		switch {
		case mayLack && errors.As(err, &no) && no.Unknown():
		case err != nil:
			all = append(all, fmt.Errorf("%s: %w", cell(one.Name()), fit(err)))
		default:
			n++
			fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", cell(one.Name()), show.Line(said.Message, 2000))
		}
	}
	return n, errors.Join(append(all, err)...)
}

func keyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "key", Short: "Make a key for a key file",
		Long: `key prints a line for the key_file of an approval block. Replicas that share the
file take each other's request states.`,
		Example: "  (umask 077; sallyport approvals key > sallyport.key)",
		Args:    words.NoArgs,
		RunE: words.Ran(func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), seal.Generate())
			return err
		}),
	}
}
