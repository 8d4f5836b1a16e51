// Package kind names what a call can be about.
package kind

import "strings"

// Kind is what a call is about. The zero Kind is none and is refused.
type Kind uint8

// The kinds of call that a policy judges.
const (
	ToolCall     Kind = iota + 1 // Name is the upstream's own tool name
	ResourceRead                 // Name is the resource's URI, or a URI template in a list
	PromptGet                    // Name is the prompt's name
	Extension                    // Name is a method that is not in the protocol
	Count                        // no kind: the number of those above, and the zero Kind
	// Protocol is the protocol's own machinery, such as a list or a ping: every
	// role may use it, at tier Read. Name is the method.
	Protocol Kind = 255
)

// String is the kind as a noun for messages.
func (k Kind) String() string {
	if k >= Count {
		k = 0
	}
	return [Count]string{"unknown kind", "tool", "resource", "prompt", "method"}[k]
}

// OwnMethod reports the protocol's own methods: they have their own lists and
// must not slip through as extensions.
func OwnMethod(name string) bool {
	switch name {
	case "initialize", "ping":
		return true
	}
	area, _, _ := strings.Cut(name, "/")
	switch area {
	case "tools", "resources", "prompts", "completion", "logging", "sampling", "roots", "elicitation",
		"tasks", "server", "subscriptions":
		return true
	}
	return false
}
