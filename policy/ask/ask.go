// Package ask says when a person is asked, and on what terms: where, for how
// long, and what an answer covers. It knows no calls and asks nobody.
package ask

import (
	"math"
	"slices"
	"time"
)

// Terms are how one question is asked. They are shared by all decisions of a
// policy and must not be changed.
type Terms struct {
	Via      []string      // names of channels, in the order in which they are tried; never empty
	Timeout  time.Duration // how long a question waits for its answer
	Life     time.Duration // how long an answer stands: an unspent yes, or a no
	Remember time.Duration // longest time for which a person may widen an approval; 0 = never
	Widen    string        // what a widened approval covers: Arguments or Tool
	Quorum   int           // how many different people must approve, at least 1
}

// What a widened approval covers.
const (
	Arguments = "arguments" // this tool with these arguments
	Tool      = "tool"      // this tool with all arguments for which the policy asks on the same terms
)

// The names of channels; that of a webhook is WebhookPrefix and its own name.
const (
	Elicitation   = "elicitation"
	CommandLine   = "command_line"
	WebPage       = "web"
	WebhookPrefix = "webhook/"
)

// Bounds of what a policy may say.
const (
	MostPeople    = 5
	MostWaiting   = 1000
	LongestSocket = 100 // bytes; systems take some 104
)

// Defaults are the terms of a policy that says nothing.
func Defaults() Terms {
	return Terms{
		Via: []string{Elicitation, CommandLine}, Timeout: 2 * time.Minute, Life: 2 * time.Minute,
		Widen: Arguments, Quorum: 1,
	}
}

// Change is what one block says of terms. What is zero stays as it was.
type Change struct {
	Via           []string
	Timeout, Life time.Duration
	Remember      *time.Duration
	Widen         string
	Quorum        int
}

// Of is t with the change made.
func (c Change) Of(t Terms) Terms {
	if len(c.Via) > 0 {
		t.Via = c.Via
	}
	if c.Timeout > 0 {
		t.Timeout = c.Timeout
	}
	if c.Life > 0 {
		t.Life = c.Life
	}
	if c.Remember != nil {
		t.Remember = *c.Remember
	}
	if c.Widen != "" {
		t.Widen = c.Widen
	}
	if c.Quorum > 0 {
		t.Quorum = c.Quorum
	}
	return t
}

// Channels are the places where people can be asked.
type Channels struct {
	Waiting  int    // questions that may wait per role
	KeyFile  string // keys that seal request states; empty = a key in memory
	Web      *Web   // nil: no page
	Socket   string // of the command line; empty = the default place
	Webhooks []Webhook
}

// Web is the page on which questions are answered.
type Web struct {
	Listen    string // a loopback address with its port
	URL       string // origin under which people reach it; empty = Listen itself
	Approvers []Approver
}

// Approver is a person whom the page knows by a token.
type Approver struct {
	Name  string
	Token Secret
}

// Webhook is a service that is told of questions and answers them.
type Webhook struct {
	Name, URL string
	Secret    Secret
	Arguments string // what of the arguments it is told: "full", "redacted" or "none"
}

// Secret is named, never read when a policy is loaded. Exactly one source is
// set: a variable of the proxy's environment, or a file.
type Secret struct{ FromEnv, FromFile string }

// Names are the channels that there are, as via names them.
func (c Channels) Names() []string {
	names := []string{Elicitation, CommandLine}
	if c.Web != nil {
		names = append(names, WebPage)
	}
	for _, w := range c.Webhooks {
		names = append(names, WebhookPrefix+w.Name)
	}
	return names
}

// People is how many different people the channels of via can tell apart.
// Whoever sits before the client, the command line, or a page without named
// approvers is one and the same; a webhook's answers carry names without end.
func (c Channels) People(via []string) int {
	local, named := 0, 0
	for _, name := range via {
		switch {
		case name == WebPage && c.Web != nil && len(c.Web.Approvers) > 0:
			named = len(c.Web.Approvers)
		case name == WebPage, name == Elicitation, name == CommandLine:
			local = 1
		default:
			return math.MaxInt
		}
	}
	return local + named
}

// Clone is a copy that its owner may change.
func (c Channels) Clone() Channels {
	c.Webhooks = slices.Clone(c.Webhooks)
	if c.Web != nil {
		web := *c.Web
		web.Approvers = slices.Clone(web.Approvers)
		c.Web = &web
	}
	return c
}
