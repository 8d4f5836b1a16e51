package socket

import (
	"crypto/sha256"
	"encoding/hex"

	"sallyport/proxy/approval"
	"sallyport/proxy/approval/socket/client"
	"sallyport/proxy/show"
)

func about(id string, s *approval.Subject) client.About {
	digest := sha256.Sum256(s.Params)
	return client.About{ID: id, Role: s.Role, Client: s.Agent, Server: s.Server, Tool: s.Tool, Tier: s.Decision.Tier().String(),
		Rule: s.Decision.Rule(), RuleAt: s.Decision.At(), Arguments: hex.EncodeToString(digest[:])}
}

func waiting(w *approval.Waiting) client.Waiting {
	terms := w.Terms()
	return client.Waiting{About: about(w.ID, &w.Subject), Asked: w.Asked.UTC(), Expires: w.Expires.UTC(), Via: terms.Via,
		Approvals: len(w.Approvals), Quorum: terms.Quorum, Attended: w.Attended}
}

func board(b approval.Board) client.Board {
	out := client.Board{Waiting: []client.Waiting{}, Remembered: []client.Remembered{}, Unspent: []client.Unspent{}}
	for _, w := range b.Waiting {
		out.Waiting = append(out.Waiting, waiting(&w))
	}
	for _, m := range b.Remembered {
		by := []string{}
		for _, a := range m.By {
			by = append(by, a.Approver)
		}
		out.Remembered = append(out.Remembered, client.Remembered{About: about(m.ID, &m.Subject), Any: m.Any, Until: m.Until.UTC(), By: by, Uses: m.Uses})
	}
	for _, u := range b.Unspent {
		out.Unspent = append(out.Unspent, client.Unspent{About: about(u.ID, &u.Subject), Until: u.Until.UTC(), By: u.By})
	}
	return out
}

// whole is all of a question, nothing left out.
func whole(w *approval.Waiting) string { return w.Question().Text(show.All) }
