package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"sallyport/policy/ask"
	"sallyport/policy/tier"
	"sallyport/policy/words"
)

// loadApproval reads where people are asked, and the blocks for all roles.
func (l *loader) loadApproval(doc *words.Document) {
	b := words.First(doc.Approvals)
	c := ask.Channels{Waiting: int(l.Count(b.Waiting, 100, ask.MostWaiting)), KeyFile: l.path(b.KeyFile), Web: l.web(b.Web), Webhooks: l.webhooks(b.Webhooks)}
	if b.CommandLine != nil {
		c.Socket = l.path(b.CommandLine.Socket)
		if len(c.Socket) > ask.LongestSocket {
			l.Mistake(b.CommandLine.Socket.Expr.Range(), "Path too long", "The path of a socket is at most %d bytes, and %q is longer. Choose a shorter one.", ask.LongestSocket, c.Socket)
		}
	}
	l.policy.channels = c
	change := l.change(b.Terms())
	terms := change.Of(ask.Defaults())
	if b.Via != nil && change.Via == nil {
		terms.Via = nil // what is mistaken is not counted
	}
	l.policy.terms = &terms
	l.reach(b.Terms(), terms)
	l.shared = l.approvals(doc.Tiers)
}

// path is an optional path, which an empty text does not name.
func (l *loader) path(a *hcl.Attribute) string {
	path := l.Resolve(l.Text(a, "."))
	switch {
	case a == nil:
		return ""
	case path == "":
		l.Mistake(a.Expr.Range(), "Empty path", "Name a file, or leave %s out.", a.Name)
	}
	return path
}

func (l *loader) web(b *words.WebBlock) *ask.Web {
	if b == nil {
		return nil
	}
	web := &ask.Web{Listen: l.Text(b.Listen, "127.0.0.1:0"), URL: l.Text(b.URL, "")}
	if err := ask.Listen(web.Listen); err != nil {
		l.Mistake(b.Listen.Expr.Range(), "Unusable listen", "%q %v.", web.Listen, err)
	}
	if b.URL != nil {
		origin, err := ask.Origin(web.URL)
		if err != nil {
			l.Mistake(b.URL.Expr.Range(), "Unusable url", "%q %v.", web.URL, err)
		}
		web.URL = origin
	}
	seen := map[string]hcl.Range{}
	for _, a := range b.Approvers {
		l.Label(seen, "web approver", a.Name, a.Range)
		l.Required(a.Token, "token", `secret_env("TOKEN")`, a.Range)
		web.Approvers = append(web.Approvers, ask.Approver{Name: a.Name, Token: l.secret(a.Token)})
	}
	return web
}

func (l *loader) webhooks(blocks []words.WebhookBlock) (hooks []ask.Webhook) {
	seen := map[string]hcl.Range{}
	for _, b := range blocks {
		l.Label(seen, "webhook", b.Name, b.Range)
		l.Required(b.URL, "url", `"https://approvals.example.com/ask"`, b.Range)
		l.Required(b.Secret, "secret", `secret_env("SECRET")`, b.Range)
		w := ask.Webhook{Name: b.Name, URL: l.Text(b.URL, ""), Secret: l.secret(b.Secret),
			Arguments: l.Choice(b.Arguments, "redacted", "full", "redacted", "none")}
		if b.URL != nil {
			if err := ask.Endpoint(w.URL); err != nil {
				l.Mistake(b.URL.Expr.Range(), "Unusable url", "%q %v.", w.URL, err)
			}
		}
		hooks = append(hooks, w)
	}
	return hooks
}

func (l *loader) secret(a *hcl.Attribute) ask.Secret {
	text, function := l.Secret(a)
	if function == "secret_file" {
		return ask.Secret{FromFile: l.Resolve(text)}
	}
	return ask.Secret{FromEnv: text}
}

// change reads what a block says of terms.
func (l *loader) change(b words.TermsBlock) ask.Change {
	c := ask.Change{
		Via:     l.channels(b.Via),
		Timeout: l.DurationFrom(b.Timeout, time.Second, 0),
		Life:    l.DurationFrom(b.Life, time.Second, 0),
		Widen:   l.Choice(b.Widen, "", ask.Arguments, ask.Tool),
		Quorum:  int(l.Count(b.Quorum, 0, ask.MostPeople)),
	}
	if b.Remember != nil { // "0s" takes back what an outer block allows
		remember := l.DurationFrom(b.Remember, 0, 0)
		c.Remember = &remember
	}
	return c
}

// channels reads a via: nil if it is absent or anything in it is mistaken.
func (l *loader) channels(a *hcl.Attribute) []string {
	if a == nil {
		return nil
	}
	list, known := l.List(a), l.policy.channels.Names()
	seen := map[string]hcl.Range{}
	usable := len(list) > 0
	if list != nil && !usable {
		l.Mistake(a.Expr.Range(), "Nowhere to ask", "A question needs a channel. Name one of %s, or leave via out.", words.Quoted(known))
	}
	for _, w := range list {
		_, twice := seen[w.Text]
		l.Once(seen, "channel", w.Text, w.Range)
		usable = usable && !twice && slices.Contains(known, w.Text)
		l.via[w.Text] = true
		name, isHook := strings.CutPrefix(w.Text, ask.WebhookPrefix)
		switch {
		case slices.Contains(known, w.Text):
		case w.Text == ask.WebPage:
			l.Mistake(w.Range, "No web block", "There is no page to ask on. Add a block web { } to the approval block without a label, or ask elsewhere.")
		case isHook:
			l.Mistake(w.Range, "Unknown webhook", "There is no webhook %q%s. Add a block webhook %q { … } to the approval block without a label, or name one of %s.", name, l.DidYouMean(w.Text, known), name, words.Quoted(known))
		default:
			l.Mistake(w.Range, "Unknown channel", "%q is not one of %s%s. A webhook is named \"webhook/NAME\".", w.Text, words.Quoted(known), l.DidYouMean(w.Text, known))
		}
	}
	if !usable {
		return nil
	}
	return words.Texts(list)
}

// reach says so when a block makes a quorum that its channels cannot bring.
func (l *loader) reach(b words.TermsBlock, t ask.Terms) {
	where := cmp.Or(b.Quorum, b.Via)
	if people := l.policy.channels.People(t.Via); where != nil && len(t.Via) > 0 && t.Quorum > people {
		l.Mistake(where.Expr.Range(), "Quorum out of reach", "%d people could never approve: %s can tell %d apart. Lower quorum, or name approvers in the web block, or use a webhook.", t.Quorum, words.Quoted(t.Via), people)
	}
}

// approvals reads the approval blocks of one place, for each server those that
// speak of its tools.
func (l *loader) approvals(blocks []words.TierBlock) map[int][]*approval {
	out := map[int][]*approval{}
	for i := range blocks {
		b := &blocks[i]
		whole := l.approval(b)
		made := map[int]*approval{}
		add := func(s int, name string) {
			if made[s] == nil {
				own := whole
				made[s] = &own
				out[s] = append(out[s], &own)
			}
			made[s].tools.Add(name, false, whole.by)
		}
		for i := range l.policy.servers {
			if b.Tools == nil {
				add(i, "*")
			}
		}
		for _, w := range l.tools(b.Tools, "Approval block") {
			l.eachServer(w, add)
		}
	}
	return out
}

func (l *loader) approval(b *words.TierBlock) approval {
	if labels := append(tierWords[:4:4], "*"); !slices.Contains(labels, b.Tier) {
		l.Mistake(b.Range, "Unknown tier", "%q is not one of %s%s.", b.Tier, words.Quoted(labels), l.DidYouMean(b.Tier, labels))
	}
	out := approval{then: l.Choice(b.Then, "ask", "ask", "allow", "deny"), by: source{Rule: fmt.Sprintf("approval %q", b.Tier), At: at(b.Range)}}
	if b.Tier != "*" {
		out.tier = tier.Parse(b.Tier)
	}
	if b.When != nil {
		out.guarded, out.when = true, l.condition(b.When)
	}
	change := l.change(b.Terms())
	terms := change.Of(*l.policy.terms)
	out.terms = &terms
	if b.Via == nil || change.Via != nil {
		l.reach(b.Terms(), terms)
	}
	return out
}

// ruleTerms reads what a rule says of its own questions.
func (l *loader) ruleTerms(r *rule, b *words.RuleBlock) {
	terms := b.Terms()
	for _, a := range terms.Said() {
		if r.then == "ask" {
			change := l.change(terms)
			r.change = &change
			if b.Via == nil || change.Via != nil {
				l.reach(terms, change.Of(*l.policy.terms))
			}
			return
		}
		l.Mistake(a.NameRange, "Terms without a question", "%s says how a person is asked, and this rule asks nobody. Write then = \"ask\", or leave %s out.", a.Name, a.Name)
	}
}
