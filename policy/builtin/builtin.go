// Package builtin is the careful policy for wrapping one server without a file.
package builtin

import (
	_ "embed"
	"strings"

	"sallyport/policy/spelling"
)

//go:embed builtin.hcl
var text string

// Text is the text of the careful policy for wrapping one server without a
// file, contained as the sandbox block says; an empty one is none. It parses without mistakes for a usable server name. HCL keeps text in
// Unicode's NFC; a caller that must start a command in another spelling, or one
// that is not UTF-8, uses WithServer after parsing.
func Text(server string, command []string, sandbox string) []byte {
	var quoted []string
	for _, w := range command {
		quoted = append(quoted, spelling.Quote(w))
	}
	commandLine := "# command: given by the command line"
	if len(quoted) > 0 {
		commandLine = "command = [" + strings.Join(quoted, ", ") + "]"
	}
	// A box has its own programs and its own home.
	inherit := `["LANG", "LC_ALL"]`
	if sandbox == "" {
		sandbox = "  # A plain process with your own rights. Nothing contains it; wrap --sandbox would.\n  sandbox \"none\" {}"
		inherit = `["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER", "SHELL", "TERM"]`
	}
	return []byte(strings.NewReplacer(
		"{server}", spelling.Quote(server),
		"{command}", commandLine,
		"{sandbox}", sandbox,
		"{inherit}", inherit,
		"{tools}", spelling.Quote(server+"/*"),
		"{resources}", spelling.Quote(server+"/**"),
		"{prompts}", spelling.Quote(server+"/*"),
	).Replace(text))
}
