package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/spf13/cobra"
)

func demoServerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "demo-server", Short: "The notes server of the demo, on stdio", Hidden: true, Args: noArgs,
		Example: "  sallyport wrap -- sallyport demo-server",
		RunE: ran(func(c *cobra.Command, _ []string) error {
			err := server.NewStdioServer(notesServer()).Listen(c.Context(), c.InOrStdin(), c.OutOrStdout())
			if c.Context().Err() != nil {
				return nil
			}
			return err
		}),
	}
}

// notes is a shelf of notes, kept for as long as the server runs.
type notes struct {
	mu    sync.Mutex
	texts map[string]string
}

// notesServer has a tool of each tier, and one that the demo's role may not use.
func notesServer() *server.MCPServer {
	n := &notes{texts: map[string]string{"Welcome": "Hello."}}
	s := server.NewMCPServer("notes", "1.0.0", server.WithToolCapabilities(false))
	title := mcp.WithString("title", mcp.Required(), mcp.Description("The note's title"))
	s.AddTool(mcp.NewTool("list_notes", mcp.WithDescription("Lists the titles of all notes."), mcp.WithReadOnlyHintAnnotation(true), mcp.WithOpenWorldHintAnnotation(false)), n.list)
	s.AddTool(mcp.NewTool("add_note", mcp.WithDescription("Adds a note."), title,
		mcp.WithString("text", mcp.Required()), mcp.WithDestructiveHintAnnotation(false), mcp.WithOpenWorldHintAnnotation(false)), n.add)
	s.AddTool(mcp.NewTool("delete_note", mcp.WithDescription("Deletes a note for good."), title,
		mcp.WithDestructiveHintAnnotation(true), mcp.WithOpenWorldHintAnnotation(false)), n.remove)
	s.AddTool(mcp.NewTool("mail_note", mcp.WithDescription("Mails a note to somebody."), title,
		mcp.WithString("to", mcp.Required()), mcp.WithOpenWorldHintAnnotation(true)), n.mail)
	s.AddTool(mcp.NewTool("export_all", mcp.WithDescription("Exports every note.")), n.list)
	return s
}

func (n *notes) list(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	titles := make([]string, 0, len(n.texts))
	for t := range n.texts {
		titles = append(titles, t)
	}
	slices.Sort(titles)
	return mcp.NewToolResultText(fmt.Sprintf("%d notes: %s", len(titles), strings.Join(titles, ", "))), nil
}

func (n *notes) add(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.texts[r.GetString("title", "")] = r.GetString("text", "")
	return mcp.NewToolResultText("added " + r.GetString("title", "")), nil
}

func (n *notes) remove(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.texts, r.GetString("title", ""))
	return mcp.NewToolResultText("deleted " + r.GetString("title", "")), nil
}

// mail only says so: the demo reaches nobody.
func (n *notes) mail(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	return mcp.NewToolResultText("mailed to " + r.GetString("to", "")), nil
}
