// Package builtin is the careful policy for wrapping one server without a file.
package builtin

import (
	_ "embed"
	"strings"

	"sallyport/policy/words"
)

//go:embed builtin.hcl
var text string

// Text is the text of the careful policy for wrapping one server without a
// file. It parses without mistakes for a usable server name. HCL keeps text in
// Unicode's NFC; a caller that must start a command in another spelling, or one
// that is not UTF-8, uses WithServer after parsing.
func Text(server string, command []string) []byte {
	var quoted []string
	for _, w := range command {
		quoted = append(quoted, words.Quote(w))
	}
	commandLine := "# command: given by the command line"
	if len(quoted) > 0 {
		commandLine = "command = [" + strings.Join(quoted, ", ") + "]"
	}
	return []byte(strings.NewReplacer(
		"{server}", words.Quote(server),
		"{command}", commandLine,
		"{tools}", words.Quote(server+"/*"),
		"{resources}", words.Quote(server+"/**"),
		"{prompts}", words.Quote(server+"/*"),
	).Replace(text))
}
