package method

import "testing"

// TestKinds keeps requests and notifications apart: what is a request must not
// pass without an id, nor a notification with one.
func TestKinds(t *testing.T) {
	tests := []struct {
		name                  string
		request, notification bool
		why                   string
	}{
		{"tools/call", true, false, "the one that does things"},
		{"resources/read", true, false, "a request"},
		{"tasks/update", true, false, "mcp-go does not have it"},
		{"notifications/initialized", false, true, "a notification"},
		{"notifications/roots/list_changed", false, true, "a notification"},
		{"notifications/cancelled", false, false, "it is rewritten, never passed on as it is"},
		{"notifications/progress", false, false, "it is rewritten, never passed on as it is"},
		{"notifications/message", false, false, "a server's word, not a client's"},
		{"sampling/createMessage", false, false, "a server's request"},
		{"Tools/call", false, false, "names are compared as they are"},
		{"tools/call ", false, false, "names are compared as they are"},
		{"", false, false, "nothing"},
	}
	for _, tt := range tests {
		if got := Request(tt.name); got != tt.request {
			t.Errorf("Request(%q) = %v: %s", tt.name, got, tt.why)
		}
		if got := Notification(tt.name); got != tt.notification {
			t.Errorf("Notification(%q) = %v: %s", tt.name, got, tt.why)
		}
	}
}
