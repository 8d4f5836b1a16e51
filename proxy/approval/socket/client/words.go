package client

import "time"

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

// Named is what is to be revoked.
type Named struct {
	ID string `json:"id"`
}

// Said is what a verb of the proxy answers.
type Said struct {
	Message string `json:"message"`
}

// Fault is why a proxy does not do as it is asked.
type Fault struct {
	Error string `json:"error"`
}
