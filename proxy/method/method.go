// Package method knows the requests and notifications of the client's that MCP
// has, in any revision. All else is an extension, which the policy must name.
//
// # Why
//
// The two are kept apart because a request's method without an id is, in form, a
// notification: a lenient server would act on it, so it must not pass as one.
package method

import "github.com/mark3labs/mcp-go/mcp"

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
