package desks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/spf13/cobra"

	"sallyport/cmd/sallyport/words"
	"sallyport/proxy/approval/form"
	"sallyport/proxy/approval/socket/client"
)

// Approvals is the command that lists what lies on the desks, and those below it.
func Approvals() *cobra.Command {
	var p proxies
	var asJSON bool
	c := words.Group(&cobra.Command{
		Use: "approvals", Short: "Look at the questions that wait, and at the approvals that stand",
		Long: `approvals lists, for all running proxies of this user, the calls that wait for a
person, the approvals that are remembered for more calls than one, and those that
no call has used yet. An id may be shortened, as long as it is clear which is meant.

Exit codes: 0 done; 1 a proxy does not answer, or there is no such id; 2 wrong usage.`,
		Example: `  sallyport approvals
  sallyport approvals --json
  sallyport approvals show k7mq2x
  sallyport approvals revoke k7mq2x`,
	}, showCommand(&p), revokeCommand(&p), watchCommand(&p), openCommand(&p), keyCommand())
	c.RunE = words.Ran(func(c *cobra.Command, _ []string) error {
		all, err := p.desks(c.Context(), c.ErrOrStderr())
		if err != nil {
			return err
		}
		boards := make([]client.Board, 0, len(all))
		for _, d := range all {
			boards = append(boards, d.board)
		}
		if asJSON {
			return writeJSON(c.OutOrStdout(), map[string]any{"proxies": boards})
		}
		if len(all) == 0 {
			fmt.Fprintln(c.ErrOrStderr(), "sallyport: "+errNoProxy.Error())
		}
		return writeBoards(c.OutOrStdout(), boards, time.Now())
	})
	p.flag(c.PersistentFlags())
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return c
}

// writeBoards lays out what lies on all desks together.
func writeBoards(out io.Writer, boards []client.Board, now time.Time) error {
	var all client.Board
	for _, b := range boards {
		all.Waiting = append(all.Waiting, b.Waiting...)
		all.Remembered = append(all.Remembered, b.Remembered...)
		all.Unspent = append(all.Unspent, b.Unspent...)
	}
	slices.SortStableFunc(all.Waiting, func(x, y client.Waiting) int { return x.Asked.Compare(y.Asked) })
	if len(all.Waiting) == 0 {
		if _, err := fmt.Fprintln(out, "Nothing waits."); err != nil {
			return err
		}
	}
	return errors.Join(
		table(out, "", "ID\tAGE\tEXPIRES IN\tROLE\tSERVER\tTOOL\tTIER\tAPPROVED\tVIA", all.Waiting, func(w client.Waiting) []string {
			return []string{w.ID, short(now.Sub(w.Asked)), short(w.Expires.Sub(now)), w.Role, w.Server, w.Tool, w.Tier,
				fmt.Sprintf("%d of %d", w.Approvals, w.Quorum), strings.Join(w.Via, ", ")}
		}),
		table(out, "\nRemembered", "ID\tENDS IN\tROLE\tSERVER\tTOOL\tTIER\tARGUMENTS\tUSES\tBY", all.Remembered, func(m client.Remembered) []string {
			arguments := m.Arguments[:min(12, len(m.Arguments))] + "…"
			if m.Any {
				arguments = "any"
			}
			return []string{m.ID, short(m.Until.Sub(now)), m.Role, m.Server, m.Tool, m.Tier, arguments, fmt.Sprint(m.Uses), strings.Join(m.By, ", ")}
		}),
		table(out, "\nApproved, for one call that has not come yet", "ID\tENDS IN\tROLE\tSERVER\tTOOL\tTIER\tBY", all.Unspent, func(u client.Unspent) []string {
			return []string{u.ID, short(u.Until.Sub(now)), u.Role, u.Server, u.Tool, u.Tier, u.By}
		}))
}

// table writes rows with aligned columns, if there are any.
func table[T any](out io.Writer, title, head string, all []T, row func(T) []string) error {
	if len(all) == 0 {
		return nil
	}
	if title != "" {
		fmt.Fprintln(out, title)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, head)
	for _, one := range all {
		cells := row(one)
		for i, text := range cells {
			cells[i] = cell(text)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

func short(d time.Duration) string { return form.Short(max(d, 0).Truncate(time.Second)) }

// writeJSON writes a value with everything escaped that a terminal might not show.
func writeJSON(out io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	var text strings.Builder
	for _, r := range b.String() {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			text.WriteRune(r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&text, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&text, `\u%04x`, r)
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}
