package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/spf13/cobra"

	"sallyport/audit"
	"sallyport/cmd/sallyport/launch"
	"sallyport/policy"
	"sallyport/proxy"
	"sallyport/proxy/guard"
)

//go:embed demo.hcl
var demoPolicy []byte

func demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show what sallyport does, with nothing but this program",
		Long: `demo starts the real proxy over real pipes in front of a small notes server that is
built into this program, drives it with a real MCP client, and prints what happens.
It changes nothing outside a temporary folder.`,
		Example: "  sallyport demo\n  go run ./cmd/sallyport demo",
		Args:    noArgs,
		RunE:    ran(func(c *cobra.Command, _ []string) error { return demo(c.Context(), c.OutOrStdout(), c.ErrOrStderr()) }),
	}
}

// transcript is the demo's voice. The first error ends it.
type transcript struct {
	out io.Writer
	mcp *client.Client
	ctx context.Context
	err error
}

func demo(ctx context.Context, out, stderr io.Writer) error {
	dir, err := os.MkdirTemp("", "sallyport-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	logFile := filepath.Join(dir, "audit.jsonl")
	t := &transcript{out: out, ctx: ctx}
	t.say("sallyport stands between an agent and its tool servers. This is the policy of the demo:\n\n%s", indent(demoPolicy))
	if err := t.session(logFile, stderr); err != nil {
		return err
	}
	t.showLog(logFile)
	t.tamper(logFile)
	return t.err
}

// session runs the proxy on pipes and plays the agent's part.
func (t *transcript) session(logFile string, stderr io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	p, err := policy.Parse(demoPolicy, "demo.hcl")
	if err != nil {
		return err
	}
	if p, err = p.WithServer("notes", func(s *policy.Server) { s.Command = []string{self, "demo-server"} }); err != nil {
		return err
	}
	host, _ := os.Hostname()
	log, err := audit.Open(logFile, audit.Options{Version: version(), Policy: p.Digest(), Host: host})
	if err != nil {
		return err
	}
	logger := hclog.New(&hclog.LoggerOptions{Name: "sallyport", Level: hclog.Error, Output: stderr})
	desk, err := (&service{policy: p}).desk(log, logger)
	if err != nil {
		return err
	}
	starts := launch.New(t.ctx, launch.Options{Logger: logger, Note: log.Note, Secret: readSecret})
	defer starts.Close()
	x := proxy.New(proxy.Config{Policy: p, Servers: p.Servers(), Audit: log, Logger: logger, Desk: desk, Guard: guard.New(nil),
		Launch: starts.Server, Backoff: launch.Backoff, Version: version()})
	proxyIn, toProxy, err := os.Pipe()
	if err != nil {
		return err
	}
	fromProxy, proxyOut, err := os.Pipe()
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() {
		err := x.Serve(t.ctx, proxy.Caller{Role: "assistant", Principal: localUser()}, proxyIn, proxyOut)
		proxyOut.Close()
		served <- err
	}()
	t.mcp = client.NewClient(transport.NewIO(fromProxy, toProxy, io.NopCloser(strings.NewReader(""))), client.WithElicitationHandler(t))
	t.play()
	t.mcp.Close()
	toProxy.Close()
	return errors.Join(<-served, log.Close())
}

// Elicit is the part of the person at the agent's side, who is shown the
// question and lets nothing be mailed.
func (t *transcript) Elicit(_ context.Context, r mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	t.say("  ? The client shows its user:")
	for line := range strings.Lines(r.Params.Message) {
		t.say("      %s", strings.TrimSuffix(line, "\n"))
	}
	answer := mcp.ElicitationResponseActionAccept
	if strings.Contains(r.Params.Message, "mail_note") {
		answer = mcp.ElicitationResponseActionDecline
	}
	t.say("  ! The user answers: %s", answer)
	return &mcp.ElicitationResult{ElicitationResponse: mcp.ElicitationResponse{Action: answer}}, nil
}

// play is the agent's part.
func (t *transcript) play() {
	t.check(t.mcp.Start(t.ctx))
	if t.err != nil {
		return
	}
	hello := mcp.InitializeRequest{}
	hello.Params.ProtocolVersion = mcp.LATEST_PROTOCOL_VERSION
	hello.Params.ClientInfo = mcp.Implementation{Name: "demo-agent", Version: "1"}
	_, err := t.mcp.Initialize(t.ctx, hello)
	t.check(err)
	if t.err != nil {
		return
	}
	t.title("The agent asks what tools there are")
	tools, err := t.mcp.ListTools(t.ctx, mcp.ListToolsRequest{})
	t.check(err)
	if t.err != nil {
		return
	}
	var names []string
	for _, tool := range tools.Tools {
		names = append(names, tool.Name)
	}
	t.say("  ← %s", strings.Join(names, ", "))
	t.say("  The server also has export_all. It is not on the role's list, so it is not even shown.")
	t.call("Allowed: a tool of tier read", "list_notes", nil)
	t.call("Allowed: a tool of tier modify; the decision is synced to disk before the server hears of it",
		"add_note", map[string]any{"title": "Standup", "text": "Demo the proxy."})
	t.call("Refused: not on the role's list, though the agent guesses the name", "export_all", nil)
	t.call("Refused: the arguments do not fit the tool's own schema; the server never sees them",
		"add_note", map[string]any{"title": 42})
	t.call("Refused: a rule on the value of an argument",
		"add_note", map[string]any{"title": "Salaries 2026", "text": "…"})
	t.call("Waits for a person: a tier that destroys. Here the person approves, for this call alone",
		"delete_note", map[string]any{"title": "Standup"})
	t.call("Waits for a person: what leaves the machine. Here the person declines",
		"mail_note", map[string]any{"title": "Welcome", "to": "someone@example.com"})
	t.call("The agent tries again: the answer stands, and nobody is asked twice",
		"mail_note", map[string]any{"title": "Welcome", "to": "someone@example.com"})
	t.call("One note was deleted, and nothing was mailed", "list_notes", nil)
}

// call makes one call and shows the answer.
func (t *transcript) call(title, tool string, args map[string]any) {
	if t.err != nil {
		return
	}
	t.title(title)
	shown, _ := json.Marshal(args)
	if args == nil {
		shown = []byte("{}")
	}
	t.say("  → %s %s", tool, shown)
	req := mcp.CallToolRequest{}
	req.Params.Name, req.Params.Arguments = tool, args
	res, err := t.mcp.CallTool(t.ctx, req)
	if err != nil {
		t.say("  ✗ %v", err)
		return
	}
	mark := "✓"
	if res.IsError {
		mark = "✗"
	}
	for _, c := range res.Content {
		if text, ok := c.(mcp.TextContent); ok {
			t.say("  %s %s", mark, text.Text)
		}
	}
}

// showLog prints the audit log, a line an event.
func (t *transcript) showLog(path string) {
	if t.err != nil {
		return
	}
	t.title("The audit log: one event a line, each chained to the one before by its hash")
	b, err := os.ReadFile(path)
	t.check(err)
	for line := range bytes.Lines(b) {
		var e audit.Event
		if err := json.Unmarshal(line, &e); err != nil {
			t.check(err)
			return
		}
		what := strings.TrimSpace(strings.Join([]string{e.Method, e.Tool}, " "))
		verdict := strings.TrimSpace(strings.Join([]string{string(e.Verdict), e.Code}, " "))
		t.say("  %3d %-11s %-8s %-28s %-22s %s…", e.Seq, e.Type, e.Risk, what, verdict, e.Hash[:12])
	}
}

// tamper verifies the log, and a copy in which one byte was changed.
func (t *transcript) tamper(path string) {
	if t.err != nil {
		return
	}
	t.title("sallyport audit verify, on the log and on a copy with one byte changed")
	t.verify(path)
	b, err := os.ReadFile(path)
	t.check(err)
	at := bytes.Index(b, []byte("Standup"))
	if at < 0 {
		t.check(errors.New("the log does not hold what the agent did"))
		return
	}
	b[at] = 's'
	copied := path + ".tampered"
	t.check(os.WriteFile(copied, b, 0o600))
	t.verify(copied)
}

func (t *transcript) verify(path string) {
	if t.err != nil {
		return
	}
	var said bytes.Buffer
	err := verifyFile(&said, path, nil)
	t.say("  %s", strings.ReplaceAll(strings.TrimSpace(said.String()), "\n", "\n  "))
	t.say("  (exit code %d)", exitCode(err))
}

func (t *transcript) title(s string) { t.say("\n▸ %s", s) }

func (t *transcript) say(format string, a ...any) {
	_, err := fmt.Fprintf(t.out, format+"\n", a...)
	t.check(err)
}

func (t *transcript) check(err error) {
	if t.err == nil {
		t.err = err
	}
}

func indent(text []byte) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n  ")
}
