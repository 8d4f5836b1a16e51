// Package contain reads the flags by which wrap is told how to contain a server that
// no policy describes, and writes them as a policy's sandbox block.
package contain

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sallyport/cmd/sallyport/words"
	"sallyport/policy"
	"sallyport/policy/spelling"
)

// Flags are what the command line says.
type Flags struct {
	runtime, image string
	pull           bool
	mounts, egress []string
	registry       []string
}

// The images in which a command is looked for that names none: they hold what the command
// is, and what it needs to install a package.
var images = map[string]string{
	"npx": "docker.io/library/node:22-slim",
	"npm": "docker.io/library/node:22-slim",
	"uvx": "ghcr.io/astral-sh/uv:python3.13-bookworm-slim",
}

// Add adds the flags.
func (f *Flags) Add(c *cobra.Command) {
	set := c.Flags()
	set.StringVar(&f.runtime, "sandbox", "", "contain the server with `RUNTIME`: podman, docker, bwrap, auto or none (default none)")
	set.StringVar(&f.image, "image", "", "`IMAGE` for podman or docker (default for npx "+images["npx"]+", for uvx "+images["uvx"]+")")
	set.BoolVar(&f.pull, "pull", false, "fetch the image if it is not there")
	set.StringArrayVar(&f.mounts, "mount", nil, "`SOURCE[:TARGET][:rw]` of the host to be seen in the sandbox, read-only unless :rw; may be repeated")
	set.StringArrayVar(&f.registry, "registry", nil, "`HOST[:PORT]` from which npx or uvx installs instead of the usual registry, at a public or a private address; may be repeated")
	set.StringArrayVar(&f.egress, "egress", nil, "`HOST[:PORT]` that the server may connect to; may be repeated")
}

// said are the flags that were given.
func (f *Flags) said() []string {
	var all []string
	for _, one := range []struct {
		name string
		is   bool
	}{{"--sandbox", f.runtime != ""}, {"--image", f.image != ""}, {"--pull", f.pull}, {"--mount", len(f.mounts) > 0}, {"--egress", len(f.egress) > 0}, {"--registry", len(f.registry) > 0}} {
		if one.is {
			all = append(all, one.name)
		}
	}
	return all
}

// Narrow applies the flags to a server of a policy: they may say what it leaves open,
// and nothing else.
func (f *Flags) Narrow(s *policy.Server) error {
	said := f.said()
	switch {
	case len(said) == 0:
		return nil
	case len(said) > 1 || said[0] != "--sandbox":
		return words.Usage("%s: with --config the policy's sandbox block says this", said[len(said)-1])
	case f.runtime == s.Sandbox.Runtime:
		return nil
	case s.Sandbox.Runtime != "auto":
		return words.Usage("--sandbox %s: the policy says sandbox %q; it could leave the choice open with \"auto\"", f.runtime, s.Sandbox.Runtime)
	case f.runtime != "podman" && f.runtime != "docker" && f.runtime != "bwrap":
		return words.Usage("--sandbox %q: choose podman, docker or bwrap", f.runtime)
	case (f.runtime == "bwrap") != (s.Sandbox.Image == ""):
		return words.Usage("--sandbox %s: bwrap has no images, podman and docker need one", f.runtime)
	}
	s.Sandbox.Runtime = f.runtime
	return nil
}

// Block is the sandbox block for a command, or empty where nothing was said.
func (f *Flags) Block(command []string) (string, error) {
	if f.runtime == "" || f.runtime == "none" {
		if said := f.said(); len(said) > 0 && said[len(said)-1] != "--sandbox" {
			return "", words.Usage("%s says something of a sandbox: choose one with --sandbox podman, docker, bwrap or auto", said[len(said)-1])
		}
		return "", nil
	}
	if !slices.Contains([]string{"podman", "docker", "bwrap", "auto"}, f.runtime) {
		return "", words.Usage("--sandbox %q: choose podman, docker, bwrap, auto or none", f.runtime)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "  sandbox %s {\n", spelling.Quote(f.runtime))
	if err := f.writeImage(&b, command); err != nil {
		return "", err
	}
	for _, m := range f.mounts {
		if err := writeMount(&b, m); err != nil {
			return "", err
		}
	}
	if len(f.egress) > 0 {
		fmt.Fprintf(&b, "    network {\n      egress = %s\n    }\n", list(f.egress))
	}
	if len(f.registry) > 0 {
		fmt.Fprintf(&b, "    build {\n      network {\n        private = %s\n      }\n    }\n", list(f.registry))
	}
	b.WriteString("  }")
	return b.String(), nil
}

func list(all []string) string {
	var quoted []string
	for _, one := range all {
		quoted = append(quoted, spelling.Quote(one))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func (f *Flags) writeImage(b *strings.Builder, command []string) error {
	image := f.image
	if image == "" && f.runtime != "bwrap" && len(command) > 0 {
		image = images[filepath.Base(command[0])]
	}
	switch {
	case image == "" && (f.runtime == "podman" || f.runtime == "docker"):
		return words.Usage("--sandbox %s needs an image in which the command is: say --image NAME", f.runtime)
	case image == "" && f.pull:
		return words.Usage("--pull: there is no image to fetch")
	case image == "":
		return nil
	}
	fmt.Fprintf(b, "    image = %s\n", spelling.Quote(image))
	if f.pull {
		b.WriteString("    pull  = \"missing\"\n")
	}
	return nil
}

func writeMount(b *strings.Builder, text string) error {
	rest, write := strings.CutSuffix(text, ":rw")
	if !write {
		rest = strings.TrimSuffix(text, ":ro")
	}
	source, target, both := strings.Cut(rest, ":")
	source, err := filepath.Abs(source)
	if err != nil {
		return err
	}
	if !both {
		target = source
	}
	if rest == "" || target == "" || strings.Contains(target, ":") {
		return words.Usage("--mount %q: write SOURCE, SOURCE:TARGET, and :rw at the end if it may be written to", text)
	}
	mode := "ro"
	if write {
		mode = "rw"
	}
	fmt.Fprintf(b, "    mount {\n      source = %s\n      target = %s\n      mode   = %q\n    }\n", spelling.Quote(source), spelling.Quote(target), mode)
	return nil
}
