// Package words is what all commands have in common: how mistakes on the command
// line are told, and with which code the program ends.
package words

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// Exit is an error with an exit code of its own.
type Exit struct {
	Code int
	Err  error
}

func (e *Exit) Error() string { return e.Err.Error() }
func (e *Exit) Unwrap() error { return e.Err }

// Usage marks an error as a mistake on the command line.
func Usage(format string, a ...any) error {
	return &Exit{Code: 2, Err: fmt.Errorf(format, a...)}
}

// Group puts commands below another. A word that none of them is called is a
// mistake; without a word the group shows its help.
func Group(c *cobra.Command, below ...*cobra.Command) *cobra.Command {
	c.AddCommand(below...)
	c.DisableFlagsInUseLine = true
	c.SuggestionsMinimumDistance = 2
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		hint := ""
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			hint = fmt.Sprintf("; did you mean %q?", near[0])
		}
		return Usage("%s has no command %q%s (see: %s --help)", c.CommandPath(), args[0], hint, c.CommandPath())
	}
	c.RunE = Ran(func(c *cobra.Command, _ []string) error { return c.Help() })
	return c
}

// NoArgs refuses words that would have no meaning.
func NoArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Usage("%s takes no arguments, but was given %q (see: %s --help)", c.CommandPath(), args[0], c.CommandPath())
	}
	return nil
}

// IsUsage says whether an error is the command line's, not of a command that ran.
func IsUsage(err error) bool {
	var ran *ranError
	return !errors.As(err, &ran)
}

// ranError is an error of a command that was understood and ran.
type ranError struct{ err error }

func (e *ranError) Error() string { return e.err.Error() }
func (e *ranError) Unwrap() error { return e.err }

// Ran wraps a command's work, to tell its errors from cobra's own.
func Ran(f func(c *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		if err := f(c, args); err != nil {
			return &ranError{err}
		}
		return nil
	}
}
