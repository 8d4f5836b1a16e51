package bake

import (
	_ "embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"sallyport/sandbox/box"
)

// Places in the image that is made.
const (
	Folder = "/opt/sallyport" // holds all that was installed
	Run    = Folder + "/run"  // starts it
)

// An Installer is what the base image must have.
type Installer string

// The installers.
const (
	NPM Installer = "npm"
	UV  Installer = "uv"
)

// A Recipe is one command that was read. Only Read makes one.
type Recipe struct {
	Installer Installer
	Packages  []string // as the installer is told; of uv the first is the tool, the others go with it
	Program   string   // to start; empty: the package's own
	Args      []string // of the program
	Python    string   // of uv: which one of the image's; empty: its choice
	Scripts   bool     // whether the packages' own scripts may run in the build; to be set by the operator
}

var (
	//go:embed npm.sh
	npmScript string
	//go:embed uv.sh
	uvScript string
)

// Read reads a command. It is not known if it installs nothing; an error says why
// one that does cannot be built.
func Read(command []string) (r Recipe, known bool, err error) {
	if len(command) == 0 {
		return Recipe{}, false, nil
	}
	rest := command[1:]
	begins := func(words ...string) bool { return len(rest) >= len(words) && slices.Equal(rest[:len(words)], words) }
	switch name := path.Base(command[0]); {
	case name == "npx":
		r, err = readNPX(rest, false)
	case name == "npm" && (begins("exec") || begins("x")):
		r, err = readNPX(rest[1:], true)
	case name == "uvx":
		r, err = readUVX(rest)
	case name == "uv" && begins("tool", "run"):
		r, err = readUVX(rest[2:])
	default:
		return Recipe{}, false, nil
	}
	if err != nil {
		return Recipe{}, true, fmt.Errorf("%s: %w", command[0], err)
	}
	return r, true, nil
}

// Install is what runs in a box made from the base image, with a way out to Egress and with
// Folder to write to. It ends with Folder as a tar on its standard output.
func (r Recipe) Install() []string {
	allow := "no"
	if r.Scripts {
		allow = "yes"
	}
	sh := []string{"/bin/sh", "-c"}
	if r.Installer == UV {
		a := append(sh, uvScript, "uv", Folder, allow, r.Program)
		if r.Python != "" {
			a = append(a, "--python="+r.Python)
		}
		for _, p := range r.Packages[1:] {
			a = append(a, "--with="+p)
		}
		return append(a, "--", r.Packages[0])
	}
	a := append(sh, npmScript, "npm", Folder, allow, r.Program)
	if r.Program == "" {
		a = append(a, npmName(r.Packages[0]))
	} else {
		a = append(a, "")
	}
	return append(a, r.Packages...)
}

// Command is what runs afterwards, in the image that was made.
func (r Recipe) Command() []string { return append([]string{Run}, r.Args...) }

// Egress is what the installation connects to.
func (r Recipe) Egress() []box.Endpoint {
	if r.Installer == UV {
		return []box.Endpoint{{Host: "pypi.org", Port: 443}, {Host: "files.pythonhosted.org", Port: 443}}
	}
	return []box.Endpoint{{Host: "registry.npmjs.org", Port: 443}}
}

// Believes is the variable that names a file with authorities whose certificates the
// installer believes. What npm reads there is believed besides what node has, what uv
// reads instead of it.
func (r Recipe) Believes() string {
	if r.Installer == UV {
		return "SSL_CERT_FILE"
	}
	return "NODE_EXTRA_CA_CERTS"
}

// Spec is the box to install in: of the server's own it keeps the image, how that is
// come by, and what contains it. Mounts and limits are the server's and not the build's.
func (r Recipe) Spec(server box.Spec) box.Spec {
	return box.Spec{
		Runtime: server.Runtime, Image: server.Image, Pull: server.Pull, Digest: server.Digest, Class: server.Class,
		Egress: r.Egress(), Limits: Limits(),
	}
}

// Limits are what an installation may use. What is installed and what was fetched for it
// lie in memory.
func Limits() box.Limits {
	return box.Limits{Memory: 2 << 30, CPU: 2000, Scratch: 1 << 30, PIDs: 512, Files: 4096, Exec: true}
}

// Remarks are for the operator.
func (r Recipe) Remarks() []string {
	var all []string
	for _, p := range r.Packages {
		if !r.exact(p) {
			all = append(all, p+" has no exact version: what is installed is what the registry has on the day of the build, and stays until the image is removed")
		}
	}
	return all
}

func (r Recipe) exact(p string) bool {
	if r.Installer == UV {
		_, version, _ := strings.Cut(p, "==")
		return version != "" && !strings.Contains(version, "*") && !strings.Contains(version, ",")
	}
	return npmExact.MatchString(p[len(npmName(p)):])
}
