// Package doctor is the command that says what the sandboxes of this machine hold to,
// by trying them.
package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sallyport/cmd/sallyport/words"
	"sallyport/sandbox/box"
	"sallyport/sandbox/probe"
)

var runtimes = []string{box.Podman, box.Docker, box.Bwrap}

// Examine tries one runtime, with the OCI runtime of that class, or with what works.
type Examine func(ctx context.Context, name, class string) Examination

// Examination is what one runtime turned out to be on this machine.
type Examination struct {
	Runtime string            `json:"runtime"`
	Class   string            `json:"runtime_class,omitempty"` // the OCI runtime, where one was named
	Is      string            `json:"is,omitempty"`            // version and ways; empty if it does not work
	Error   string            `json:"error,omitempty"`         // why it does not
	Remarks []string          `json:"remarks,omitempty"`       // in which way it works
	Checks  []probe.Judgement `json:"checks,omitempty"`        // what a box with the default limits holds to
	But     []string          `json:"but,omitempty"`           // limits that this runtime never has
	FindMS  int64             `json:"find_ms"`                 // to find out how it works
	TryMS   int64             `json:"try_ms,omitempty"`        // to try a box from within
}

// Command is sandbox with its one word doctor.
func Command(examine Examine) *cobra.Command {
	c := &cobra.Command{Use: "sandbox", Short: "Look at the sandboxes that this machine has", Example: "  sallyport sandbox doctor"}
	return words.Group(c, doctor(examine))
}

func doctor(examine Examine) *cobra.Command {
	var asJSON bool
	var class string
	c := &cobra.Command{
		Use:   "doctor [RUNTIME…]",
		Short: "Say what each sandbox runtime can and cannot enforce here, by trying it",
		Long: `doctor starts a box of each runtime (podman, docker, bwrap) with the default limits
and tries from within what it promises: user, capabilities, system calls, what can be
written, memory, processors, processes, network.

Exit codes: 0 at least one runtime holds to everything; 1 none does; 2 wrong usage.`,
		Example: "  sallyport sandbox doctor\n  sallyport sandbox doctor podman\n  sallyport sandbox doctor podman --runtime-class runsc\n  sallyport sandbox doctor --json",
		Args: func(_ *cobra.Command, args []string) error {
			if class != "" && (len(args) == 0 || slices.Contains(args, box.Bwrap)) {
				return words.Usage("--runtime-class belongs to podman or docker: name one of them")
			}
			for _, name := range args {
				if !slices.Contains(runtimes, name) {
					return words.Usage("there is no runtime %q: choose of %s", name, strings.Join(runtimes, ", "))
				}
			}
			return nil
		},
		RunE: words.Ran(func(c *cobra.Command, names []string) error {
			if len(names) == 0 {
				names = runtimes
			}
			var all []Examination
			good := false
			for _, name := range names {
				x := examine(c.Context(), name, class)
				good = good || x.Error == "" && len(missed(x)) == 0
				all = append(all, x)
				if !asJSON {
					write(c.OutOrStdout(), x)
				}
			}
			if asJSON {
				e := json.NewEncoder(c.OutOrStdout())
				e.SetIndent("", "  ")
				if err := e.Encode(all); err != nil {
					return err
				}
			}
			if !good {
				return fmt.Errorf("no runtime here holds to everything; a policy can say enforcement = \"best_effort\" and then only warns")
			}
			return nil
		}),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().StringVar(&class, "runtime-class", "", "the OCI runtime to try, as a policy's runtime_class")
	return c
}

// missed are the checks that failed.
func missed(x Examination) []string {
	var all []string
	for _, check := range probe.Broken(x.Checks) {
		all = append(all, check.What)
	}
	return slices.Compact(all)
}

func write(w io.Writer, x Examination) {
	verdict := "holds to everything"
	if len(x.But) > 0 {
		verdict += " but " + strings.Join(x.But, ", ")
	}
	switch bad := missed(x); {
	case x.Is == "":
		verdict = "cannot be used"
	case x.Error != "":
		verdict = "was not tried from within"
	case len(bad) > 0:
		verdict = "does not hold to: " + strings.Join(bad, ", ")
	}
	name := x.Runtime
	if x.Class != "" {
		name += " with " + x.Class
	}
	fmt.Fprintf(w, "%s: %s\n", name, verdict)
	if x.Is != "" {
		fmt.Fprintf(w, "  is     %s (found out in %d ms, tried in %d ms)\n", x.Is, x.FindMS, x.TryMS)
	}
	if x.Error != "" {
		fmt.Fprintf(w, "  error  %s\n", strings.ReplaceAll(x.Error, "\n", "\n         "))
	}
	for _, r := range x.Remarks {
		fmt.Fprintf(w, "  note   %s\n", r)
	}
	for _, check := range x.Checks {
		word := "ok"
		if !check.Kept {
			word = "FAILS"
		}
		fmt.Fprintf(w, "  %-6s %-20s promised %-28s seen %s\n", word, check.What, check.Promised, check.Seen)
	}
	fmt.Fprintln(w)
}
