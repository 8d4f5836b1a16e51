// Package method knows the requests and notifications of the client's that MCP
// has, in any revision. All else is an extension, which the policy must name.
//
// # Why
//
// The two are kept apart because a request's method without an id is, in form, a
// notification: a lenient server would act on it, so it must not pass as one.
package method

import (
	"github.com/mark3labs/mcp-go/mcp"

	"sallyport/policy/handling"
	"sallyport/policy/kind"
	"sallyport/proxy/wire"
)

// Request says whether MCP knows the request in some revision.
func Request(name string) bool {
	switch mcp.MCPMethod(name) {
	case mcp.MethodInitialize, mcp.MethodPing, mcp.MethodServerDiscover, mcp.MethodSubscriptionsListen,
		mcp.MethodToolsList, mcp.MethodToolsCall, mcp.MethodPromptsList, mcp.MethodPromptsGet,
		mcp.MethodResourcesList, mcp.MethodResourcesTemplatesList, mcp.MethodResourcesRead,
		mcp.MethodResourcesSubscribe, mcp.MethodResourcesUnsubscribe, mcp.MethodCompletionComplete,
		mcp.MethodSetLogLevel, mcp.MethodTasksGet, mcp.MethodTasksList, mcp.MethodTasksResult, mcp.MethodTasksCancel,
		tasksUpdate:
		return true
	}
	return false
}

// tasksUpdate answers a task's questions (the tasks extension of revision
// 2026-07-28); mcp-go has no name for it.
const tasksUpdate mcp.MCPMethod = "tasks/update"

// Notification says whether MCP knows the notification in some revision. Those
// that concern one request, cancellation and progress, are not among them: they
// are not passed on as they are.
func Notification(name string) bool {
	switch mcp.MCPMethod(name) {
	case mcp.MethodNotificationInitialized, mcp.MethodNotificationRootsListChanged,
		mcp.MethodNotificationTasksStatus, mcp.MethodNotificationElicitationComplete:
		return true
	}
	return false
}

// Lists says whether the answer is a list of definitions.
func Lists(name string) bool {
	switch mcp.MCPMethod(name) {
	case mcp.MethodToolsList, mcp.MethodPromptsList, mcp.MethodResourcesList, mcp.MethodResourcesTemplatesList:
		return true
	}
	return false
}

// Place is where the texts of the answer stand, for the screen.
func Place(name string) handling.Place {
	switch mcp.MCPMethod(name) {
	case mcp.MethodInitialize, mcp.MethodServerDiscover:
		return handling.Instructions
	case mcp.MethodResourcesRead:
		return handling.Resources
	case mcp.MethodPromptsGet:
		return handling.Prompts
	}
	return handling.Results
}

// Common says whether a request concerns all servers where there are several.
func Common(name string) bool {
	switch mcp.MCPMethod(name) {
	case mcp.MethodInitialize, mcp.MethodServerDiscover, mcp.MethodPing, mcp.MethodSetLogLevel,
		mcp.MethodTasksList, mcp.MethodSubscriptionsListen:
		return true
	}
	return Lists(name)
}

// Completed is what a completion is for, a prompt by its name or a resource by its
// URI, and the key in ref that holds it; or why that cannot be told.
func Completed(m *wire.Message) (of kind.Kind, key, name, fault string) {
	ref := m.Param("ref")
	what, _ := wire.Text(wire.Get(ref, "type"))
	of, key = kind.PromptGet, "name"
	if what == "ref/resource" {
		of, key = kind.ResourceRead, "uri"
	}
	name, ok := wire.Text(wire.Get(ref, key))
	if !ok || (what != "ref/resource" && what != "ref/prompt") {
		fault = `ref must be {"type":"ref/prompt","name":…} or {"type":"ref/resource","uri":…}`
	}
	return of, key, name, fault
}
