//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"sallyport/audit"
)

// everythingPolicy asks about every call of a server that somebody else wrote.
const everythingPolicy = `
server "everything" {
  sandbox "none" {}
  risk = "delete"
  tool "test_error_handling" {
    risk        = "read"
    annotations = "ignore"
  }
}
role "r" { allow = ["everything/*"] }
approval {
  via     = ["elicitation"]
  timeout = "{TIMEOUT}"
}
`

// An interview is a way in which a client's user answers, and what comes of it.
type interview struct {
	elicit string
	says   string // part of what the call answers
	fails  bool
	asked  int    // forms that were shown for the two equal calls
	status string // approval_status of the call's decision, in the end
}

var interviews = []interview{
	{elicit: "accept", says: "This is a simple text response", asked: 2, status: "approved"},
	{elicit: "bare", says: "This is a simple text response", asked: 2, status: "approved"},
	{elicit: "decline", says: "a person was asked and refused", fails: true, asked: 1, status: "declined"},
	{elicit: "cancel", says: "closed the question without an answer", fails: true, asked: 1, status: "cancelled"},
	{elicit: "silence", says: "nobody answered in time", fails: true, asked: 2, status: "unanswered"},
	{elicit: "none", says: "nobody could be asked", fails: true, asked: 0, status: "nobody_to_ask"},
}

// TestApprovalClients has the users of clients that nobody here wrote answer in
// every way, in both eras: the same call is made twice, and a call that needs
// nobody in between.
func TestApprovalClients(t *testing.T) {
	s := findSoftware(t)
	srv := subjects[3]
	calls := []plannedCall{{Name: "test_simple_text"}, {Name: "test_error_handling"}, {Name: "test_simple_text"}}
	for _, a := range agents {
		for _, in := range interviews {
			if a.mute != (in.elicit == "none") && (a.mute || in.elicit == "bare" && a.name == "mcp-go") {
				continue
			}
			if in.elicit == "silence" && a.era(srv) == modern {
				continue // such a client waits for its user with no call open: see TestApprovalGone
			}
			t.Run(a.name+"/"+in.elicit, func(t *testing.T) {
				t.Parallel()
				v := askedRun(t, s, srv, a, in.elicit, calls)
				for _, i := range []int{0, 2} {
					v.expect(t, in.elicit, i, calls[i], in.says, in.fails)
				}
				v.expect(t, in.elicit, 1, calls[1], "error", true)
				if got := len(v.seen.Asked); got != in.asked {
					t.Errorf("%d forms were shown, want %d", got, in.asked)
				}
				for _, text := range v.seen.Asked {
					if !strings.Contains(text, "Tool        test_simple_text\n") || !strings.Contains(text, "Tier        delete, by risk of server") {
						t.Errorf("the form says %q", text)
					}
				}
				v.checkStatus(t, in.status)
			})
		}
	}
}

// TestApprovalNested: a server that itself asks in the middle of a call that was
// approved gets its own answer, in both eras.
func TestApprovalNested(t *testing.T) {
	s := findSoftware(t)
	srv := subjects[3]
	for _, a := range agents {
		tool, says, args := "test_elicitation", "action=accept", map[string]any{"message": "who?"}
		if a.era(srv) == modern {
			tool, says, args = "test_input_required_result_multi_round", "", nil
		}
		if a.mute || a.name == "mcp-go" { // whose person fills in nothing
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			calls := []plannedCall{{Name: tool, Arguments: args}}
			v := askedRun(t, s, srv, a, "accept", calls)
			v.expect(t, "nested", 0, calls[0], says, false)
			ours := 0
			for _, text := range v.seen.Asked {
				if strings.HasPrefix(text, "sallyport asks") {
					ours++
				}
			}
			if ours != 1 || len(v.seen.Asked) < 2 {
				t.Errorf("%d forms were shown, %d of them sallyport's: %q", len(v.seen.Asked), ours, v.seen.Asked)
			}
			v.checkStatus(t, "approved")
		})
	}
}

// TestApprovalGone kills the client while its user looks at the form, or lets the
// question run out: nothing reaches the server, the log says what has become of
// the question, and ends in good order.
func TestApprovalGone(t *testing.T) {
	s := findSoftware(t)
	for _, a := range agents {
		if a.mute || a.name == "mcp-go" { // which is this process
			continue
		}
		elicit, want := "vanish", "approval_withdrawn"
		if a.era(subjects[3]) == modern {
			elicit, want = "silence", "approval_expired"
		}
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			v, e := newErrand(t, s, subjects[3], a, elicit, []plannedCall{{Name: "test_simple_text"}})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			lived := make(chan error, 1)
			go func() { _, err := a.drive(ctx, e); lived <- err }()
			v.comes(t, want) // one that vanishes does so by itself
			if elicit == "silence" {
				cancel()
			}
			if err := <-lived; err == nil {
				t.Error("the client lived on")
			}
			v.comes(t, `"type":"close"`)
			for _, e := range v.events(t) {
				if e.Type == audit.TypeToolCall && e.Method == "tools/call" {
					t.Error("the call was sent")
				}
			}
			if log := string(v.log(t)); !strings.Contains(log, want) || !strings.Contains(log, `"type":"close"`) {
				t.Errorf("the log does not say how it ended: …%s", log[max(0, len(log)-3000):])
			}
		})
	}
}

// comes waits until the logs hold a text, or long enough.
func (v visit) comes(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(e2ePatience); !strings.Contains(string(v.log(t)), text) && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
}

// newErrand prepares a run through sallyport with everythingPolicy.
func newErrand(t *testing.T, s software, srv subject, a agent, elicit string, calls []plannedCall) (visit, *errand) {
	t.Helper()
	v := visit{dir: t.TempDir(), logs: t.TempDir()}
	config := filepath.Join(v.dir, "policy.hcl")
	if err := os.WriteFile(config, []byte(strings.ReplaceAll(everythingPolicy, "{TIMEOUT}", map[bool]string{true: "2s", false: "30s"}[elicit == "silence"])), 0o600); err != nil {
		t.Fatal(err)
	}
	e := &errand{software: s, agent: a, elicit: elicit, calls: calls,
		argv: append([]string{s.sallyport, "wrap", "--config", config, "--audit", filepath.Join(v.logs, "{pid}.jsonl"), "--"}, srv.argv(s)...)}
	return v, e
}

func askedRun(t *testing.T, s software, srv subject, a agent, elicit string, calls []plannedCall) visit {
	t.Helper()
	v, e := newErrand(t, s, srv, a, elicit, calls)
	ctx, cancel := context.WithTimeout(t.Context(), e2ePatience)
	defer cancel()
	var err error
	if v.seen, err = a.drive(ctx, e); err != nil {
		t.Fatalf("%v\n%s", err, e.said.String())
	}
	if len(v.seen.Calls) != len(calls) {
		t.Fatalf("made %d calls of %d", len(v.seen.Calls), len(calls))
	}
	return v
}

// log is all that the logs of a run hold.
func (v visit) log(t *testing.T) []byte {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(v.logs, "*.jsonl"))
	var all []byte
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

func (v visit) events(t *testing.T) (all []audit.Event) {
	t.Helper()
	for line := range bytes.Lines(v.log(t)) {
		var e audit.Event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// checkStatus proves the logs, and looks for how each call that needs a person
// ended, on every event of the call.
func (v visit) checkStatus(t *testing.T, want string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(v.logs, "*.jsonl"))
	for _, file := range files {
		var out bytes.Buffer
		if err := verifyFile(&out, file, nil); err != nil {
			t.Errorf("%v: %s", err, out.String())
		}
	}
	if err := checkLog(v.log(t)); err != nil {
		t.Error(err)
	}
	var got []string
	for _, e := range v.events(t) {
		if e.Method != "tools/call" || e.Type == audit.TypeNotice {
			continue
		}
		if e.ApprovalStatus == "" {
			t.Errorf("an event of the call has no approval_status: %+v", e)
		}
		if e.Type == audit.TypeDecision && e.Verdict != audit.VerdictAsk && e.Risk != audit.RiskRead {
			got = append(got, e.ApprovalStatus)
		}
	}
	if diff := gocmp.Diff([]string{want}, slices.Compact(got)); diff != "" {
		t.Errorf("approval_status of the decisions (-want +got)\n%s", diff)
	}
}
