package socket

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"sallyport/proxy/approval"
	"sallyport/proxy/show"
)

// Board is what lies on the desk of one proxy.
type Board struct {
	PID        int          `json:"pid"`
	Socket     string       `json:"socket"`
	Waiting    []Waiting    `json:"waiting"`
	Remembered []Remembered `json:"remembered"`
	Unspent    []Unspent    `json:"unspent"`
}

// About is what all entries of a board say of their calls. The texts are as the
// client and the servers wrote them: they are not fit to be shown as they are.
type About struct {
	ID        string `json:"id"`
	Role      string `json:"role"`
	Client    string `json:"client,omitempty"` // as it calls itself
	Server    string `json:"server"`
	Tool      string `json:"tool"`
	Tier      string `json:"tier"`
	Rule      string `json:"rule,omitempty"`
	RuleAt    string `json:"rule_at,omitempty"`
	Arguments string `json:"arguments_sha256"`
}

// Waiting is a question.
type Waiting struct {
	About
	Asked     time.Time `json:"asked"`
	Expires   time.Time `json:"expires"`
	Via       []string  `json:"via"`
	Approvals int       `json:"approvals"`
	Quorum    int       `json:"quorum"`
	Attended  bool      `json:"attended"` // its caller still waits
}

// Remembered is an approval for more than one call.
type Remembered struct {
	About
	Any   bool      `json:"any_arguments"`
	Until time.Time `json:"until"`
	By    []string  `json:"by"`
	Uses  int       `json:"uses"`
}

// Unspent is an approval for one call that has not come yet.
type Unspent struct {
	About
	Until time.Time `json:"until"`
	By    string    `json:"by"`
}

// Question is one that waits, with all that there is to read before it is
// answered, and the digest by which an answer names that text.
type Question struct {
	Waiting
	Text   string `json:"text"`
	Digest string `json:"text_sha256"`
}

// Answer is a person's word. A yes names the text that the person has read.
type Answer struct {
	ID      string        `json:"id"`
	Approve bool          `json:"approve"`
	Digest  string        `json:"text_sha256,omitempty"`
	For     time.Duration `json:"for,omitempty"` // nanoseconds
	Any     bool          `json:"any_arguments,omitempty"`
	Reason  string        `json:"reason,omitempty"` // of a no
}

// Taken is what has become of a question by an answer.
type Taken struct {
	Missing int `json:"missing"` // how many more people have to approve
}

type named struct {
	ID string `json:"id"`
}

// Said is what a verb of the proxy answers.
type Said struct {
	Message string `json:"message"`
}

type fault struct {
	Error string `json:"error"`
}

func about(id string, s *approval.Subject) About {
	digest := sha256.Sum256(s.Params)
	return About{ID: id, Role: s.Role, Client: s.Agent, Server: s.Server, Tool: s.Tool, Tier: s.Decision.Tier().String(),
		Rule: s.Decision.Rule(), RuleAt: s.Decision.At(), Arguments: hex.EncodeToString(digest[:])}
}

func waiting(w *approval.Waiting) Waiting {
	terms := w.Terms()
	return Waiting{About: about(w.ID, &w.Subject), Asked: w.Asked.UTC(), Expires: w.Expires.UTC(), Via: terms.Via,
		Approvals: len(w.Approvals), Quorum: terms.Quorum, Attended: w.Attended}
}

func board(b approval.Board) Board {
	out := Board{Waiting: []Waiting{}, Remembered: []Remembered{}, Unspent: []Unspent{}}
	for _, w := range b.Waiting {
		out.Waiting = append(out.Waiting, waiting(&w))
	}
	for _, m := range b.Remembered {
		by := []string{}
		for _, a := range m.By {
			by = append(by, a.Approver)
		}
		out.Remembered = append(out.Remembered, Remembered{about(m.ID, &m.Subject), m.Any, m.Until.UTC(), by, m.Uses})
	}
	for _, u := range b.Unspent {
		out.Unspent = append(out.Unspent, Unspent{about(u.ID, &u.Subject), u.Until.UTC(), u.By})
	}
	return out
}

// whole is all of a question, nothing left out.
func whole(w *approval.Waiting) string { return w.Question().Text(show.All) }
