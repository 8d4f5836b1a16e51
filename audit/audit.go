// Package audit keeps an append-only log of every decision, call, result and
// error that proves itself, and issues the tickets without which nothing can
// be sent to an upstream.
//
// The log is a file of JSON objects, one [Event] a line, each tied to the one
// before by a hash. Package chain defines that tie and proves it: what an
// outsider needs to check a log is written there. A file marked append-only
// (chattr +a) works with this package.
//
// # Why
//
// Durability is bought where it matters. A decision about a call of tier
// "read" waits for write(2), which outlives our own crash; all other tiers and
// any tier unknown to this package wait for fdatasync, which outlives the
// machine's. One caller writes for all that are waiting, and another syncs for
// all that are waiting, so a sync of milliseconds never holds up a read.
//
// There is no way back from a failure: after a failed write the bytes on disk
// are unknown, and after a failed sync the kernel may already have dropped
// them. A log that failed once refuses everything until it is opened anew.
package audit

import (
	"crypto/sha256"
	"encoding/json"
	"time"
)

// Type says what an event tells of.
type Type string

// The closed set of event types.
const (
	TypeGenesis    Type = "genesis"     // the first record of a file
	TypeResume     Type = "resume"      // an existing file was opened
	TypeDecision   Type = "decision"    // a call was allowed, refused, or put to a person
	TypeToolCall   Type = "tool_call"   // an allowed call is being handed to the upstream
	TypeToolResult Type = "tool_result" // what the upstream answered
	TypeError      Type = "error"       // something failed, or was found
	TypeNotice     Type = "notice"      // something else worth keeping
	TypeClose      Type = "close"       // the log was closed in good order
)

// Risk is the tier of a call. Only [RiskRead] is ever treated as harmless.
type Risk string

// The four tiers.
const (
	RiskRead     Risk = "read"
	RiskModify   Risk = "modify"
	RiskDelete   Risk = "delete"
	RiskExternal Risk = "external"
)

// Verdict is what was decided. Only [VerdictAllow] yields a ticket.
type Verdict string

// The three verdicts.
const (
	VerdictAllow  Verdict = "allow"
	VerdictRefuse Verdict = "refuse"
	VerdictAsk    Verdict = "ask"
)

// How loudly an event speaks; nothing for what is in order.
const (
	SeverityWarning  = "warning"  // refusals and errors
	SeverityCritical = "critical" // somebody tried what no mistake explains
)

// FormatVersion is the version of the line format, written into genesis and
// resume records as "schema".
const FormatVersion = 1

// Event is one line of the log, in the order in which its members are written.
// Empty members are left out, but for seq, time, type, prev and hash.
//
// A caller fills in what it knows from Agent to Result and leaves the rest to
// the log, which sets and overrules Seq, Time, Type (where the method implies
// it), Severity, the sizes and digests, everything from Version on, and the chain.
// A caller can make an event critical; it cannot make one quieter than it is.
// Strings longer than 4 KiB are cut; invalid UTF-8 becomes U+FFFD.
type Event struct {
	Seq  uint64    `json:"seq" jsonschema_description:"Number of this record in its file, from 0."`
	Time time.Time `json:"time" jsonschema_description:"When the record was made: RFC 3339, UTC, always nine digits of a second."`
	Type Type      `json:"type" jsonschema:"enum=genesis,enum=resume,enum=decision,enum=tool_call,enum=tool_result,enum=error,enum=notice,enum=close" jsonschema_description:"What the event tells of."`

	Agent          string `json:"agent,omitempty" jsonschema_description:"Agent id: the name that the client gives itself. Unverified."`
	Session        string `json:"session,omitempty" jsonschema_description:"Session id."`
	Call           string `json:"call,omitempty" jsonschema_description:"Ties the events of one call together: session-N."`
	Method         string `json:"method,omitempty" jsonschema_description:"MCP method, such as tools/call or resources/read."`
	Server         string `json:"server,omitempty" jsonschema_description:"Name of the upstream server."`
	Tool           string `json:"tool,omitempty" jsonschema_description:"Tool name, resource URI or prompt name."`
	Role           string `json:"role,omitempty" jsonschema_description:"Role under which the agent acts."`
	Risk           Risk   `json:"risk,omitempty" jsonschema:"enum=read,enum=modify,enum=delete,enum=external" jsonschema_description:"Risk tier of the call."`
	ApprovalStatus string `json:"approval_status,omitempty" jsonschema_description:"Whether a person was needed, and what became of the question."`
	Rule           string `json:"rule,omitempty" jsonschema_description:"The rule that decided."`
	Policy         string `json:"policy,omitempty" jsonschema_description:"Digest of the policy in force."`
	Trace          string `json:"trace,omitempty" jsonschema_description:"Trace id, from the caller's traceparent."`

	Verdict    Verdict `json:"verdict,omitempty" jsonschema:"enum=allow,enum=refuse,enum=ask" jsonschema_description:"What was decided."`
	Severity   string  `json:"severity,omitempty" jsonschema:"enum=warning,enum=critical" jsonschema_description:"warning for a decision that does not allow, and for every error; critical for an attack; nothing otherwise."`
	Code       string  `json:"code,omitempty" jsonschema_description:"Reason code."`
	RuleAt     string  `json:"rule_at,omitempty" jsonschema_description:"Where the rule stands: file:line."`
	Message    string  `json:"message,omitempty" jsonschema_description:"The reason as a sentence for people."`
	Question   string  `json:"question,omitempty" jsonschema_description:"Id of the question that was put to a person."`
	Channel    string  `json:"channel,omitempty" jsonschema_description:"Where the question was shown or answered: elicitation, web, command_line or webhook/NAME."`
	Approver   string  `json:"approver,omitempty" jsonschema_description:"Who answered, as the channel knows them."`
	Shown      string  `json:"shown_sha256,omitempty" jsonschema_description:"SHA-256 of the text that the person was shown."`
	Until      string  `json:"until,omitempty" jsonschema_description:"When the question or the approval ends: RFC 3339, UTC."`
	IsError    bool    `json:"is_error,omitempty" jsonschema_description:"The tool itself reported an error."`
	Tokens     int     `json:"tokens,omitempty" jsonschema_description:"Estimate of the tokens in this event's body."`
	DurationUS int64   `json:"duration_us,omitempty" jsonschema_description:"Duration of the call in microseconds."`

	ParamsBytes  int             `json:"params_bytes,omitempty" jsonschema_description:"Length of the original parameters."`
	ParamsSHA256 string          `json:"params_sha256,omitempty" jsonschema_description:"SHA-256 of the original parameters, before redaction."`
	Params       json.RawMessage `json:"params,omitempty" jsonschema_description:"The parameters, redacted; left out when large. A JSON string if they were not valid JSON."`
	ResultBytes  int             `json:"result_bytes,omitempty" jsonschema_description:"Length of the original result."`
	ResultSHA256 string          `json:"result_sha256,omitempty" jsonschema_description:"SHA-256 of the original result, before redaction."`
	Result       json.RawMessage `json:"result,omitempty" jsonschema_description:"The result, redacted; left out when large. A JSON string if it was not valid JSON."`

	Findings []Finding `json:"findings,omitempty" jsonschema_description:"What the screen found in the parameters or the result."`

	Version    string `json:"version,omitempty" jsonschema_description:"Version of sallyport (genesis and resume)."`
	Host       string `json:"host,omitempty" jsonschema_description:"Host name (genesis and resume)."`
	PID        int    `json:"pid,omitempty" jsonschema_description:"Process id (genesis and resume)."`
	Schema     int    `json:"schema,omitempty" jsonschema_description:"Version of this line format (genesis and resume)."`
	TornBytes  int64  `json:"torn_bytes,omitempty" jsonschema_description:"Length of the unfinished write that stands before this record."`
	TornSHA256 string `json:"torn_sha256,omitempty" jsonschema_description:"SHA-256 of the unfinished write that stands before this record."`

	// Critical raises Severity; it is not written as such.
	Critical bool `json:"-"`

	Prev string `json:"prev" jsonschema:"pattern=^[0-9a-f]{64}$" jsonschema_description:"Hash of the record before; 64 zeros in the first."`
	Hash string `json:"hash" jsonschema:"pattern=^[0-9a-f]{64}$" jsonschema_description:"SHA-256 of the raw bytes of prev and of this line up to here."`
}

// Finding is what the screen found in one text, without the text.
type Finding struct {
	Rule    string `json:"rule" jsonschema_description:"The sign: its family and its name."`
	At      string `json:"at,omitempty" jsonschema_description:"The text's place: member names and indices with dots."`
	Start   int    `json:"start" jsonschema_description:"First byte in that text."`
	End     int    `json:"end" jsonschema_description:"Byte behind the last."`
	Action  string `json:"action" jsonschema:"enum=refuse,enum=quarantine,enum=ask,enum=filter,enum=annotate,enum=log" jsonschema_description:"What was done about it."`
	Decoded string `json:"decoded,omitempty" jsonschema_description:"What hidden or encoded text says, cut short and without secrets."`
	More    int    `json:"more,omitempty" jsonschema_description:"How many further findings are left out."`
}

// Digest is the SHA-256 by which a call's arguments are known to tickets. No
// arguments have the digest of no bytes.
func Digest(args []byte) [32]byte { return sha256.Sum256(args) }
