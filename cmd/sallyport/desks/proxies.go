// Package desks are the commands by which people answer the questions of running
// proxies, and tell those what to do.
//
// Whatever a proxy says is made fit for a terminal once more before it is written:
// most of it was written by a client or a server in the first place.
package desks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"sallyport/cmd/sallyport/words"
	"sallyport/proxy/approval/socket/client"
	"sallyport/proxy/show"
)

// proxies are the running ones that a command speaks to.
type proxies struct{ socket string }

func (p *proxies) flag(f interface {
	StringVar(*string, string, string, string)
}) {
	f.StringVar(&p.socket, "socket", "", "speak to the proxy at this socket `PATH` (default: to all of this user)")
}

func (p *proxies) dial() ([]*client.Client, error) {
	if p.socket != "" {
		return client.Dial(p.socket)
	}
	return client.Dial()
}

// errNoProxy is what to say where there is nobody to speak to.
var errNoProxy = errors.New("no sallyport of this user is running")

// desk is what lies on the desk of one proxy.
type desk struct {
	*client.Client
	board client.Board
}

// desks asks all proxies. Who does not answer is told of, and left out.
func (p *proxies) desks(ctx context.Context, stderr io.Writer) ([]desk, error) {
	clients, err := p.dial()
	if err != nil {
		return nil, err
	}
	var all []desk
	for _, c := range clients {
		b, err := c.List(ctx)
		if err != nil {
			fmt.Fprintln(stderr, "sallyport: "+fit(err).Error())
			continue
		}
		all = append(all, desk{c, b})
	}
	if len(all) < len(clients) && len(all) == 0 {
		return nil, errors.New("no running sallyport answers")
	}
	return all, nil
}

// entry is one thing on a desk that can be named by its id.
type entry struct {
	*client.Client
	client.About
}

// what is an entry in a few words.
func (e entry) what() string {
	return fmt.Sprintf("%s/%s for role %s", cell(e.Server), cell(e.Tool), cell(e.Role))
}

// find looks for what an id, or the beginning of one, names.
func (p *proxies) find(c *cobra.Command, id string, of func(client.Board) []client.About) (entry, error) {
	all, err := p.desks(c.Context(), c.ErrOrStderr())
	if err != nil {
		return entry{}, err
	}
	var exact, begun []entry
	for _, d := range all {
		for _, a := range of(d.board) {
			switch {
			case a.ID == id:
				exact = append(exact, entry{d.Client, a})
			case strings.HasPrefix(a.ID, id):
				begun = append(begun, entry{d.Client, a})
			}
		}
	}
	found := exact
	if len(found) == 0 {
		found = begun
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(exact) > 1:
		return entry{}, words.Usage("%s lies on the desks of several proxies; say --socket with one of: %s", cell(id), each(exact, entry.Path))
	case len(found) > 1:
		return entry{}, words.Usage("%s is the beginning of several: %s", cell(id), each(found, func(e entry) string { return cell(e.ID) }))
	case len(all) == 0:
		return entry{}, fmt.Errorf("nothing is called %s: %w", cell(id), errNoProxy)
	default:
		return entry{}, fmt.Errorf("nothing is called %s: it has been answered or withdrawn, or has run out (see: sallyport approvals)", cell(id))
	}
}

func each(all []entry, word func(entry) string) string {
	var words []string
	for _, e := range all {
		words = append(words, word(e))
	}
	return strings.Join(words, ", ")
}

// waits are the questions of a desk.
func waits(b client.Board) []client.About {
	var all []client.About
	for _, w := range b.Waiting {
		all = append(all, w.About)
	}
	return all
}

// stands are the approvals of a desk.
func stands(b client.Board) []client.About {
	var all []client.About
	for _, m := range b.Remembered {
		all = append(all, m.About)
	}
	for _, u := range b.Unspent {
		all = append(all, u.About)
	}
	return all
}

// oneID is a command line that names one thing.
func oneID(c *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return words.Usage("say which: %s (see: sallyport approvals)", c.UseLine())
	}
	return nil
}

// fit is an error that can be shown: a proxy has had a hand in its words.
func fit(err error) error { return errors.New(show.Line(err.Error(), 600)) }

const maxCell = 60

// cell is text from a proxy for one line on a terminal.
func cell(text string) string { return show.Line(text, maxCell) }

// screen is text of several lines that a proxy has made fit to show. It stays as
// it is, unless that is not true.
func screen(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		}
	}
	return b.String()
}
