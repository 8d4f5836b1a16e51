package words

import (
	"cmp"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/zclconf/go-cty/cty"
)

// Sandbox is how a server is contained. What is zero has the strictest value, or the
// default of package sandbox/box.
type Sandbox struct {
	Runtime string // one of runtimes
	Image   string // empty: the runtime shows the host's programs
	Class   string // the OCI runtime to use
	Dir     string // working directory within

	Pull, Digest      bool // fetch an image that is not there; refuse one without a digest
	BestEffort, Spare bool // what does not bite is a warning; keep a second one started

	UID, GID             int // 0: nobody
	Memory, Scratch, Shm int64
	CPU, PIDs, Files     int // thousandths of a processor, processes, open files of a process
	Exec                 bool
	Mounts               []Mount
	Egress               []Endpoint
	Build                Build
}

// Mount shows a folder or file of the host.
type Mount struct {
	Source, Target   string
	Write, Dangerous bool
}

// Endpoint is a place that may be connected to.
type Endpoint struct {
	Host    string
	Port    uint16
	Private bool // it may be at an address that is not public
}

// Build is how a package that npx or uvx names gets into the image.
type Build struct {
	Never   bool
	Scripts bool       // the packages' own scripts are run
	Egress  []Endpoint // empty: the usual registry
}

type buildBlock struct {
	When    *hcl.Attribute `hcl:"when,optional"`
	Scripts *hcl.Attribute `hcl:"scripts,optional"`
	Network *networkBlock  `hcl:"network,block"`
}

type networkBlock struct {
	Egress  *hcl.Attribute `hcl:"egress,optional"`
	Private *hcl.Attribute `hcl:"private,optional"`
}

type mountBlock struct {
	Range     hcl.Range      `hcl:",def_range"`
	Source    *hcl.Attribute `hcl:"source"`
	Target    *hcl.Attribute `hcl:"target,optional"`
	Mode      *hcl.Attribute `hcl:"mode,optional"`
	Dangerous *hcl.Attribute `hcl:"dangerous,optional"`
}

// boxBody is what stands in a sandbox block that is not "none".
type boxBody struct {
	Image       *hcl.Attribute `hcl:"image,optional"`
	Pull        *hcl.Attribute `hcl:"pull,optional"`
	Digest      *hcl.Attribute `hcl:"require_digest,optional"`
	Class       *hcl.Attribute `hcl:"runtime_class,optional"`
	Enforcement *hcl.Attribute `hcl:"enforcement,optional"`
	Spare       *hcl.Attribute `hcl:"spare,optional"`
	User        *hcl.Attribute `hcl:"user,optional"`
	Dir         *hcl.Attribute `hcl:"workdir,optional"`
	Memory      *hcl.Attribute `hcl:"memory,optional"`
	CPU         *hcl.Attribute `hcl:"cpu,optional"`
	Scratch     *hcl.Attribute `hcl:"scratch,optional"`
	Shm         *hcl.Attribute `hcl:"shm,optional"`
	PIDs        *hcl.Attribute `hcl:"pids,optional"`
	Files       *hcl.Attribute `hcl:"files,optional"`
	Exec        *hcl.Attribute `hcl:"scratch_exec,optional"`
	Mounts      []mountBlock   `hcl:"mount,block"`
	Network     *networkBlock  `hcl:"network,block"`
	Build       *buildBlock    `hcl:"build,block"`
}

var runtimes = []string{"auto", "podman", "docker", "bwrap", "none"}

// sandbox reads the block, of which there must be one.
func (r *Reader) sandbox(b *ServerBlock) Sandbox {
	const remedy = `Write sandbox "podman" { image = "…" }, "docker", "bwrap" or "auto"; or, if it may have all your own rights, sandbox "none" {}`
	if len(b.Sandboxes) == 0 {
		r.Mistake(b.Range, "Missing sandbox block", "How server %q is contained must be said out loud. %s", b.Name, remedy)
		return Sandbox{}
	}
	for _, extra := range b.Sandboxes[1:] {
		r.Mistake(extra.Range, "Duplicate sandbox block", "A server runs in one sandbox. Keep one of the blocks.")
	}
	block := b.Sandboxes[0]
	s := Sandbox{Runtime: block.Runtime}
	switch {
	case !slices.Contains(runtimes, block.Runtime):
		r.Mistake(block.Range, "Unknown sandbox runtime", "%q does not exist%s. %s", block.Runtime, r.DidYouMean(block.Runtime, runtimes), remedy)
		return Sandbox{}
	case block.Runtime == "none":
		_, diags := block.Body.Content(&hcl.BodySchema{})
		r.Add(diags)
		return s
	case b.Dir != nil:
		r.Mistake(b.Dir.Range, "dir of a contained server", "dir is a folder of the host. Write workdir = \"…\" in the sandbox block, a folder of the box.")
	}
	var body boxBody
	diags := gohcl.DecodeBody(block.Body, nil, &body)
	r.Add(diags)
	if diags.HasErrors() {
		return s
	}
	r.box(&s, &body)
	r.image(&s, &body, block.Range, b.Command != nil)
	if s.Image != "" && slices.ContainsFunc(r.List(b.Inherit), func(w Word) bool { return w.Text == "PATH" || w.Text == "HOME" }) {
		r.Warn(b.Inherit.Range, "server %q inherits PATH or HOME: the host's say nothing of what is in an image", b.Name)
	}
	return s
}

func (r *Reader) box(s *Sandbox, b *boxBody) {
	s.Class = r.Text(b.Class, "")
	s.Dir = r.absolute(b.Dir)
	s.BestEffort = r.Choice(b.Enforcement, "required", "required", "best_effort") == "best_effort"
	s.Spare, s.Exec = r.Flag(b.Spare), r.Flag(b.Exec)
	s.UID, s.GID = r.user(b.User)
	s.Memory, s.Scratch, s.Shm = r.Size(b.Memory, 0, 1<<40), r.Size(b.Scratch, 0, 1<<40), r.Size(b.Shm, 0, 1<<40)
	if s.Memory > 0 && s.Memory < 16<<20 {
		r.Mistake(b.Memory.Expr.Range(), "Too little memory", "A box needs at least 16Mi.")
	}
	s.CPU = r.processors(b.CPU)
	s.PIDs, s.Files = int(r.Count(b.PIDs, 0, 1<<20)), int(r.Count(b.Files, 0, 1<<20))
	for _, m := range b.Mounts {
		r.Required(m.Source, "source", `"/srv/data"`, m.Range)
		source, _ := filepath.Abs(r.Resolve(r.Text(m.Source, ""))) // the policy's folder may be relative
		s.Mounts = append(s.Mounts, Mount{Source: source, Target: cmp.Or(r.absolute(m.Target), source),
			Write: r.Choice(m.Mode, "ro", "ro", "rw") == "rw", Dangerous: r.Flag(m.Dangerous)})
	}
	s.Egress = r.network(b.Network)
	if i := b.Build; i != nil {
		s.Build = Build{Never: r.Choice(i.When, "needed", "needed", "never") == "never",
			Scripts: r.Choice(i.Scripts, "ignore", "ignore", "run") == "run", Egress: r.network(i.Network)}
	}
}

var digestShape = regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)

// image reads what only a container engine has.
func (r *Reader) image(s *Sandbox, b *boxBody, block hcl.Range, command bool) {
	s.Image, s.Pull, s.Digest = r.Text(b.Image, ""), r.Choice(b.Pull, "never", "never", "missing") == "missing", r.Flag(b.Digest)
	engine := s.Runtime == "podman" || s.Runtime == "docker"
	switch {
	case s.Image == "" && (engine || s.Runtime == "auto" && !command):
		r.Mistake(block, "Missing image", "What runs in the box comes from an image. Write image = \"NAME@sha256:…\"; for a command that npx or uvx runs, an image with node or uv in it.")
	case s.Image == "":
		for _, a := range []*hcl.Attribute{b.Image, b.Pull, b.Digest, b.Class} {
			if a != nil {
				r.Mistake(a.Range, "No image to say this of", "%s belongs to an image, which podman and docker have. Write image = \"…\", or leave %s out.", a.Name, a.Name)
			}
		}
	case s.Runtime == "bwrap":
		r.Mistake(b.Image.Range, "bwrap has no images", "bubblewrap shows the host's own programs. Leave image out, or choose \"podman\", \"docker\" or \"auto\".")
	case digestShape.MatchString(s.Image):
	case s.Digest || strings.Contains(s.Image, "@"):
		r.Mistake(b.Image.Expr.Range(), "Image without a digest", "%q does not say which bytes are meant. Write NAME@sha256: and 64 hexadecimal digits.", s.Image)
	default:
		r.Warn(b.Image.Expr.Range(), "image %q has no digest: what it names can change. Write NAME@sha256:…", s.Image)
	}
}

// Flag is true or false; absent or mistaken, it is false.
func (r *Reader) Flag(a *hcl.Attribute) bool {
	if a == nil {
		return false
	}
	v, ok := r.constant(a.Expr)
	if ok && v.Type() != cty.Bool {
		r.Mistake(a.Expr.Range(), "Truth value expected", "Write %s = true or %s = false, without quotes.", a.Name, a.Name)
		return false
	}
	return ok && v.True()
}

// absolute is a path within the box.
func (r *Reader) absolute(a *hcl.Attribute) string {
	p := r.Text(a, "")
	if a != nil && (!strings.HasPrefix(p, "/") || filepath.Clean(p) != p) {
		r.Mistake(a.Expr.Range(), "Not a place in the box", "%q must begin at the root, without . or .. or a slash at its end.", p)
	}
	return p
}

// user reads "1000" or "1000:1000".
func (r *Reader) user(a *hcl.Attribute) (uid, gid int) {
	if a == nil {
		return 0, 0
	}
	u, g, both := strings.Cut(r.Text(a, ""), ":")
	if !both {
		g = u
	}
	id, err := strconv.ParseUint(u, 10, 31)
	group, err2 := strconv.ParseUint(g, 10, 31)
	if err != nil || err2 != nil || min(id, group) == 0 {
		r.Mistake(a.Expr.Range(), "Not a user", "Write the numbers of a user and a group, such as \"65534:65534\"; neither may be root's, which is 0.")
	}
	return int(id), int(group)
}

// processors reads "500m" or "1.5", and returns thousandths.
func (r *Reader) processors(a *hcl.Attribute) int {
	if a == nil {
		return 0
	}
	text := r.Text(a, "1")
	number, scale := text, 1000.0
	if m, ok := strings.CutSuffix(text, "m"); ok {
		number, scale = m, 1
	}
	n, err := strconv.ParseFloat(number, 64)
	if n *= scale; err != nil || !(n >= 10 && n <= 1024*1000) || n != float64(int(n)) {
		r.Mistake(a.Expr.Range(), "Not an amount of processor", "%q is not from \"10m\" (a hundredth) to \"1024\". Write one such as \"500m\", half a processor, or \"2\".", text)
		return 0
	}
	return int(n)
}

// network reads what may be connected to. An address is named by being written: it may
// be a private one.
func (r *Reader) network(b *networkBlock) (out []Endpoint) {
	if b == nil {
		return nil
	}
	for _, a := range []*hcl.Attribute{b.Egress, b.Private} {
		for _, w := range r.List(a) {
			host, port, address, err := r.Endpoint(w.Text)
			if err != nil {
				r.Mistake(w.Range, "Not a place to connect to", "%q: %v. Write \"api.example.com\", \"api.example.com:8443\", \"*.example.com\" or \"10.1.2.3:443\".", w.Text, err)
			}
			out = append(out, Endpoint{Host: host, Port: port, Private: address || a == b.Private})
		}
	}
	return out
}
