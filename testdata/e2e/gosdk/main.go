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
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type plan struct {
	Mode, Elicit string
	Calls        []struct {
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
	Asked    []string `json:"asked"`
}

// person answers forms as the plan says: by default as a willing person would.
type person struct {
	how   string
	mu    sync.Mutex
	asked []string
}

func (p *person) elicit(ctx context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Params.Message)
	p.mu.Unlock()
	switch p.how {
	case "decline", "cancel":
		return &mcp.ElicitResult{Action: p.how}, nil
	case "silence":
		<-ctx.Done()
		return nil, ctx.Err()
	case "vanish":
		self, _ := os.FindProcess(os.Getpid())
		_ = self.Kill()
	case "bare":
		return &mcp.ElicitResult{Action: "accept"}, nil
	}
	content := map[string]any{}
	raw, _ := json.Marshal(r.Params.RequestedSchema)
	var schema struct {
		Required []string
	}
	_ = json.Unmarshal(raw, &schema)
	for _, name := range schema.Required {
		content[name] = "someone@example.com"
	}
	return &mcp.ElicitResult{Action: "accept", Content: content}, nil
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
	who := &person{how: p.Elicit}
	handler := who.elicit
	if p.Elicit == "none" {
		handler = nil
	}
	c := mcp.NewClient(&mcp.Implementation{Name: "gosdk", Version: "1"}, &mcp.ClientOptions{
		CreateMessageHandler: func(context.Context, *mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
			return &mcp.CreateMessageResult{Role: "assistant", Model: "none", Content: &mcp.TextContent{Text: "sampled by the driver"}}, nil
		},
		ElicitationHandler: handler,
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
	out.Asked = who.asked
	_ = s.Close() // a server that had to be signalled is an error
	return json.NewEncoder(os.Stdout).Encode(out)
}
