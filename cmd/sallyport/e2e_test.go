//go:build unix

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"sallyport/audit"
)

// e2ePatience ends a run that hangs; nothing is timed by it.
const e2ePatience = 3 * time.Minute

// A plannedCall is one that every client makes. In arguments and texts {DIR}
// stands for the folder of the run.
type plannedCall struct {
	Name      string         `json:"name"`
	Arguments map[string]any `json:"arguments"`

	eras    era    // of the clients that make it; zero: all
	asks    bool   // it needs a client that can be asked for a sample
	lost    bool   // there is no such tool
	says    string // part of what the server answers
	fails   bool   // the server answers with an error
	refused string // part of what the built-in policy answers instead
}

// era is a generation of the protocol: with a handshake, or without.
type era uint8

const (
	legacy era = 1 << iota
	modern
)

// A subject is a server that somebody else wrote.
type subject struct {
	name  string
	eras  era
	argv  func(software) []string
	calls []plannedCall
	left  map[string]bool // files in the folder of the run, and whether the built-in policy lets them come to be
}

// needsPerson is what a client hears of a call that its user did not approve, in
// a form or on the command line.
const needsPerson = "a person was asked and refused"

var subjects = []subject{
	{
		name: "npm-everything", eras: legacy,
		argv: func(s software) []string { return s.npm("server-everything") },
		calls: []plannedCall{
			{Name: "echo", Arguments: map[string]any{"message": "häh?\u2028"}, says: "Echo: häh?\u2028"},
			{Name: "get-sum", Arguments: map[string]any{"a": 2, "b": 3}, says: "The sum of 2 and 3 is 5."},
			{Name: "get-sum", Arguments: map[string]any{"a": 2}, fails: true, says: "b", refused: "the arguments do not fit the input schema"},
			{Name: "trigger-sampling-request", Arguments: map[string]any{"prompt": "hello", "maxTokens": 5}, asks: true,
				says: "sampled by the driver", refused: needsPerson},
		},
	},
	{
		name: "npm-filesystem", eras: legacy,
		argv: func(s software) []string { return append(s.npm("server-filesystem"), "{DIR}") },
		calls: []plannedCall{
			{Name: "list_directory", Arguments: map[string]any{"path": "{DIR}"}, says: "[FILE] hello.txt"},
			{Name: "read_text_file", Arguments: map[string]any{"path": "{DIR}/hello.txt"}, says: "Hello, {DIR}."},
			{Name: "read_text_file", Arguments: map[string]any{"path": "/etc/hostname"}, fails: true, says: "Access denied"},
			{Name: "write_file", Arguments: map[string]any{"path": "{DIR}/new.txt", "content": "x"}, says: "Successfully wrote", refused: needsPerson},
		},
		left: map[string]bool{"hello.txt": true, "new.txt": false},
	},
	{
		name: "npm-memory", eras: legacy,
		argv: func(s software) []string {
			return append([]string{"env", "MEMORY_FILE_PATH={DIR}/memory.jsonl"}, s.npm("server-memory")...)
		},
		calls: []plannedCall{
			{Name: "create_entities", Arguments: map[string]any{"entities": []any{map[string]any{"name": "port", "entityType": "gate", "observations": []any{"two gates"}}}}, says: "two gates"},
			{Name: "search_nodes", Arguments: map[string]any{"query": "port"}, says: "two gates"},
			{Name: "delete_entities", Arguments: map[string]any{"entityNames": []any{"port"}}, says: "deleted", refused: needsPerson},
			{Name: "read_graph", Arguments: map[string]any{}, says: "entities"},
		},
		left: map[string]bool{"memory.jsonl": true},
	},
	{
		name: "gosdk-everything", eras: legacy | modern,
		argv: func(s software) []string { return []string{filepath.Join(s.dir, "bin", "everything-server")} },
		calls: []plannedCall{
			{Name: "test_simple_text", says: "This is a simple text response for testing.", refused: needsPerson},
			{Name: "test_error_handling", fails: true, says: "error", refused: needsPerson},
			{Name: "test_sampling", Arguments: map[string]any{"prompt": "hello"}, eras: legacy, asks: true, says: "sampled by the driver", refused: needsPerson},
			{Name: "test_input_required_result_sampling", eras: modern, asks: true, says: "sampled by the driver", refused: needsPerson},
			{Name: "no_such_tool", lost: true, fails: true, says: "no_such_tool", refused: "no_such_tool"},
		},
	},
}

// A seen is what a client saw of a server.
type seen struct {
	Server   string       `json:"server"`
	Protocol string       `json:"protocol"`
	Tools    []string     `json:"tools"`
	Calls    []seenResult `json:"calls"`
	Asked    []string     `json:"asked"` // the texts of the forms that it was to show
}

type seenResult struct {
	Name    string `json:"name"`
	IsError bool   `json:"isError"`
	Text    string `json:"text"`
}

// An agent is a client that somebody else wrote.
type agent struct {
	name  string
	mode  string
	era   func(subject) era // that it speaks with a server
	asked bool              // it can be asked for a sample
	mute  bool              // it cannot be asked anything
	sure  bool              // it calls no tool that is not listed
	drive func(context.Context, *errand) (seen, error)
}

func always(e era) func(subject) era { return func(subject) era { return e } }

// newest is for clients that find out what a server speaks.
func newest(s subject) era {
	if s.eras&modern != 0 {
		return modern
	}
	return legacy
}

var agents = []agent{
	{name: "typescript-v1", era: always(legacy), asked: true, drive: node("ts-v1.mjs")},
	{name: "typescript-v2-legacy", mode: "legacy", era: always(legacy), asked: true, drive: node("ts-v2.mjs")},
	{name: "typescript-v2-auto", mode: "auto", era: newest, asked: true, drive: node("ts-v2.mjs")},
	{name: "typescript-v2-2026-07-28", mode: "2026-07-28", era: always(modern), asked: true, drive: node("ts-v2.mjs")},
	{name: "gosdk", era: newest, asked: true, drive: goSDK},
	{name: "gosdk-2025-06-18", mode: "2025-06-18", era: always(legacy), asked: true, drive: goSDK},
	{name: "mcp-go", era: always(legacy), drive: mcpGo},
	{name: "inspector", era: newest, sure: true, mute: true, drive: inspector},
}

// An errand is one run of a client.
type errand struct {
	software
	agent  agent
	argv   []string // the server, or sallyport in front of it
	calls  []plannedCall
	elicit string       // how its user answers forms: "accept", "bare", "decline", "cancel", "silence", "vanish", or "none" if it shows none
	said   bytes.Buffer // on stderr
}

// TestSoftware puts the program between clients and servers that nobody here
// wrote. Each client meets each server three times: directly, through a policy
// that allows everything, which it must not notice, and through the built-in
// policy. SALLYPORT_E2E_DIR names the folder in which the software is; without
// it the test is skipped, or fails if SALLYPORT_E2E is "require".
func TestSoftware(t *testing.T) {
	s := findSoftware(t)
	for _, srv := range subjects {
		for _, a := range agents {
			if a.era(srv)&srv.eras == 0 {
				continue // a client and a server that cannot speak with each other directly
			}
			t.Run(srv.name+"/"+a.name, func(t *testing.T) {
				t.Parallel()
				meet(t, s, srv, a)
			})
		}
	}
}

func meet(t *testing.T, s software, srv subject, a agent) {
	var calls []plannedCall
	for _, c := range srv.calls {
		if (c.eras == 0 || c.eras&a.era(srv) != 0) && (a.asked || !c.asks) && !(a.sure && c.lost) {
			calls = append(calls, c)
		}
	}
	direct := drive(t, s, srv, a, calls, nil)
	for i, c := range calls {
		direct.expect(t, "directly", i, c, c.says, c.fails)
	}
	open := drive(t, s, srv, a, calls, []string{"--config", filepath.Join(root(t), "testdata", "transparent.hcl")})
	direct.seen.Asked, open.seen.Asked = nil, nil // their order is not looked at
	if diff := gocmp.Diff(direct.seen, open.seen); diff != "" {
		t.Errorf("through a policy that allows everything (-direct +through)\n%s", diff)
	}
	open.checkLogs(t, calls, func(plannedCall) audit.Verdict { return audit.VerdictAllow })

	careful := drive(t, s, srv, a, calls, []string{})
	if diff := gocmp.Diff(direct.seen.Tools, careful.seen.Tools); diff != "" {
		t.Errorf("tools through the built-in policy (-direct +through)\n%s", diff)
	}
	for i, c := range calls {
		careful.expect(t, "through the built-in policy", i, c, cmp.Or(c.refused, c.says), c.fails || c.refused != "")
	}
	for file, wanted := range srv.left {
		if _, err := os.Stat(filepath.Join(careful.dir, file)); (err == nil) != wanted {
			t.Errorf("%s after the calls: %v, though its being there should be %t", file, err, wanted)
		}
	}
	careful.checkLogs(t, calls, func(c plannedCall) audit.Verdict {
		if c.refused != "" {
			return audit.VerdictRefuse
		}
		return audit.VerdictAllow
	})
}

// A visit is what came of one errand.
type visit struct {
	seen seen
	dir  string // of the server's files
	logs string // of the audit logs
}

// drive runs a client against a server; with flags, through sallyport.
func drive(t *testing.T, s software, srv subject, a agent, calls []plannedCall, flags []string) visit {
	t.Helper()
	v := visit{dir: t.TempDir(), logs: t.TempDir()}
	if err := os.WriteFile(filepath.Join(v.dir, "hello.txt"), []byte("Hello, "+v.dir+"."), 0o600); err != nil {
		t.Fatal(err)
	}
	e := &errand{software: s, agent: a, elicit: "accept"}
	if len(flags) == 0 && flags != nil { // the built-in policy: the person says no
		e.elicit = "decline"
	}
	if flags != nil {
		e.argv = append([]string{s.sallyport, "wrap", "--audit", filepath.Join(v.logs, "{pid}.jsonl")}, append(flags, "--")...)
	}
	e.argv = append(e.argv, srv.argv(s)...)
	for i, word := range e.argv {
		e.argv[i] = strings.ReplaceAll(word, "{DIR}", v.dir)
	}
	raw, err := json.Marshal(calls)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(bytes.ReplaceAll(raw, []byte("{DIR}"), []byte(v.dir)), &e.calls); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), e2ePatience)
	defer cancel()
	v.seen, err = a.drive(ctx, e)
	if err != nil {
		t.Fatalf("%q: %v\n%s", e.argv, err, e.said.String())
	}
	for i, c := range v.seen.Calls {
		v.seen.Calls[i].Text = strings.ReplaceAll(c.Text, v.dir, "{DIR}")
	}
	if len(v.seen.Tools) == 0 || len(v.seen.Calls) != len(calls) {
		t.Fatalf("%q: saw %d tools and made %d calls of %d", e.argv, len(v.seen.Tools), len(v.seen.Calls), len(calls))
	}
	return v
}

func (v visit) expect(t *testing.T, how string, i int, c plannedCall, text string, isError bool) {
	t.Helper()
	got := v.seen.Calls[i]
	if got.Name != c.Name || got.IsError != isError || !strings.Contains(got.Text, text) {
		t.Errorf("%s: call %d of %s: error %t, %q; want error %t, with %q", how, i, c.Name, got.IsError, got.Text, isError, text)
	}
}

// checkLogs proves each log, holds its lines against the schema, and looks for
// the verdict on each call. Some clients start the server anew for each call, so
// the order is not looked at.
func (v visit) checkLogs(t *testing.T, calls []plannedCall, verdict func(plannedCall) audit.Verdict) {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(v.logs, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, c := range calls {
		want = append(want, fmt.Sprint(c.Name, " ", verdict(c)))
	}
	for _, log := range logs {
		var out bytes.Buffer
		if err := verifyFile(&out, log, nil); err != nil || !strings.Contains(out.String(), "closed in good order") {
			t.Errorf("%v: %s", err, out.String())
		}
		b, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkLog(b); err != nil {
			t.Error(err)
		}
		for line := range bytes.Lines(b) {
			var e audit.Event
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatal(err)
			}
			if e.Type == audit.TypeDecision && e.Method == "tools/call" && e.Verdict != audit.VerdictAsk {
				got = append(got, fmt.Sprint(e.Tool, " ", e.Verdict))
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	// A call that is carried on with answers is decided each time.
	if diff := gocmp.Diff(slices.Compact(want), slices.Compact(got)); diff != "" {
		t.Errorf("decisions in %d logs (-want +got)\n%s", len(logs), diff)
	}
}
