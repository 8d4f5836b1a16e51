// Command gosdk drives the client of the official Go SDK:
//
//	gosdk '{"calls":[{"name":"echo","arguments":{}}]}' COMMAND [ARG…]
//
// It prints one JSON object: what the client saw. With a "mode" in the plan it
// offers that protocol version, or else the newest.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type plan struct {
	Mode  string
	Calls []struct {
		Name      string
		Arguments map[string]any
	}
}

type called struct {
	Name    string `json:"name"`
	IsError bool   `json:"isError"`
	Text    string `json:"text"`
}

type seen struct {
	Server   string   `json:"server"`
	Protocol string   `json:"protocol"`
	Tools    []string `json:"tools"`
	Calls    []called `json:"calls"`
}

func main() {
	if err := play(context.Background(), os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "gosdk:", err)
		os.Exit(1)
	}
}

func play(ctx context.Context, text string, command []string) error {
	var p plan
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return err
	}
	c := mcp.NewClient(&mcp.Implementation{Name: "gosdk", Version: "1"}, &mcp.ClientOptions{
		CreateMessageHandler: func(context.Context, *mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
			return &mcp.CreateMessageResult{Role: "assistant", Model: "none", Content: &mcp.TextContent{Text: "sampled by the driver"}}, nil
		},
		ElicitationHandler: func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			return &mcp.ElicitResult{Action: "decline"}, nil
		},
	})
	c.AddRoots(&mcp.Root{URI: "file:///srv/driver", Name: "driver"})
	server := exec.Command(command[0], command[1:]...)
	server.Stderr = os.Stderr
	var opts *mcp.ClientSessionOptions
	if p.Mode != "" {
		opts = &mcp.ClientSessionOptions{ProtocolVersion: p.Mode}
	}
	s, err := c.Connect(ctx, &mcp.CommandTransport{Command: server, TerminateDuration: 2 * time.Second}, opts)
	if err != nil {
		return err
	}
	out := seen{Tools: []string{}, Calls: []called{}}
	if r := s.InitializeResult(); r != nil && r.ServerInfo != nil {
		out.Server, out.Protocol = r.ServerInfo.Name, r.ProtocolVersion
	}
	for t, err := range s.Tools(ctx, nil) {
		if err != nil {
			return err
		}
		out.Tools = append(out.Tools, t.Name)
	}
	for _, one := range p.Calls {
		r, err := s.CallTool(ctx, &mcp.CallToolParams{Name: one.Name, Arguments: one.Arguments})
		if err != nil {
			out.Calls = append(out.Calls, called{one.Name, true, err.Error()})
			continue
		}
		var words []string
		for _, c := range r.Content {
			if t, ok := c.(*mcp.TextContent); ok {
				words = append(words, t.Text)
			}
		}
		out.Calls = append(out.Calls, called{one.Name, r.IsError, strings.Join(words, "\n")})
	}
	_ = s.Close() // a server that had to be signalled is an error
	return json.NewEncoder(os.Stdout).Encode(out)
}
