package words

import (
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// ReadBlock is screen { … } of a server: how its arguments are read.
type ReadBlock struct {
	Documents *hcl.Attribute `hcl:"documents,optional"`
	Roots     *hcl.Attribute `hcl:"roots,optional"`
}

// ScreenBlock is screen { … }: how arguments are read, and who is asked besides.
type ScreenBlock struct {
	Range      hcl.Range        `hcl:",def_range"`
	Documents  *hcl.Attribute   `hcl:"documents,optional"`
	Roots      *hcl.Attribute   `hcl:"roots,optional"`
	Classifier *ClassifierBlock `hcl:"classifier,block"`
}

// ClassifierBlock is classifier { … } of a screen block.
type ClassifierBlock struct {
	Range     hcl.Range      `hcl:",def_range"`
	URL       *hcl.Attribute `hcl:"url"`
	Format    *hcl.Attribute `hcl:"format,optional"`
	Labels    *hcl.Attribute `hcl:"labels,optional"`
	Secret    *hcl.Attribute `hcl:"secret,optional"`
	Timeout   *hcl.Attribute `hcl:"timeout,optional"`
	OnFailure *hcl.Attribute `hcl:"on_failure,optional"`
}

// HandlingBlock is screen "SIGN" { … }, of the file or of a role.
type HandlingBlock struct {
	Label   string         `hcl:"sign,label"`
	Range   hcl.Range      `hcl:",def_range"`
	In      *hcl.Attribute `hcl:"in,optional"`
	Tools   *hcl.Attribute `hcl:"tools,optional"`
	Servers *hcl.Attribute `hcl:"servers,optional"`
	Then    *hcl.Attribute `hcl:"then,optional"`
	Alone   *hcl.Attribute `hcl:"alone,optional"`
}

// Reading is how the arguments of one server's tools are read.
type Reading struct {
	Documents string   // "log": what documents quote is noted; "off": not read; "judge": read as anything else
	Roots     []string // folders that paths may be in, as the server sees them; none is no limit
}

// Classifier is who gives texts a score besides.
type Classifier struct {
	URL, Format string
	Labels      []string
	FromEnv     string // the secret's variable, or
	FromFile    string // its file; neither: there is none
	Timeout     time.Duration
	Suspect     bool // no answer counts as suspicion
}

// Reading reads what is said of arguments; what is not said stays as it was.
func (r *Reader) Reading(documents, roots *hcl.Attribute, before Reading) Reading {
	if before.Documents == "" {
		before.Documents = "log"
	}
	out := Reading{Documents: r.Choice(documents, before.Documents, "log", "off", "judge"), Roots: before.Roots}
	if roots == nil {
		return out
	}
	out.Roots = nil
	for _, w := range r.List(roots) {
		if len(w.Text) == 0 || w.Text[0] != '/' {
			r.Mistake(w.Range, "Not an absolute path", "%q does not begin with \"/\". Name folders as the server sees them, for instance roots = [\"/srv/data\"].", w.Text)
		}
		out.Roots = append(out.Roots, w.Text)
	}
	return out
}

// Classifier reads a block that may be absent: nil.
func (r *Reader) Classifier(b *ClassifierBlock, endpoint func(string) error) *Classifier {
	if b == nil {
		return nil
	}
	c := &Classifier{
		URL:     r.Text(b.URL, ""),
		Format:  r.Choice(b.Format, "sallyport", "sallyport", "tei"),
		Labels:  Texts(r.List(b.Labels)),
		Timeout: r.Duration(b.Timeout, 300*time.Millisecond),
		Suspect: r.Choice(b.OnFailure, "ignore", "ignore", "suspect") == "suspect",
	}
	if b.URL != nil {
		if err := endpoint(c.URL); err != nil {
			r.Mistake(b.URL.Expr.Range(), "Unusable url", "%q %v.", c.URL, err)
		}
	}
	switch text, function := r.Secret(b.Secret); function {
	case "secret_env":
		c.FromEnv = text
	case "secret_file":
		c.FromFile = r.Resolve(text)
	}
	if b.Labels != nil && c.Format != "tei" {
		r.Mistake(b.Labels.Range, "Labels without a model", "Only format = \"tei\" answers with labels. Write that, or leave labels out.")
	}
	return c
}

// Signs are the words that screen blocks may use.
type Signs struct {
	Known           []string // the names of all rules
	Named           func(label, rule string) bool
	Places, Actions []string
	Fits            func(action, place string) bool
	Servers         []string
}

// Handling is what a screen block with a label says. What is empty or nil is not
// said.
type Handling struct {
	In, Servers []string
	Tools       []Word
	Then, Alone string
}

// Handling reads a screen block with a label.
func (r *Reader) Handling(b *HandlingBlock, of Signs) Handling {
	h := Handling{Then: r.Choice(b.Then, "", of.Actions...), Alone: r.Choice(b.Alone, "", of.Actions...), Tools: r.List(b.Tools)}
	r.sign(b, of)
	if b.Then == nil && b.Alone == nil {
		r.Mistake(b.Range, "Nothing to do", "This block must say what is done: then = \"log\" about what acts, or alone = \"annotate\" about one weak sign alone.")
	}
	if h.Tools != nil && len(h.Tools) == 0 {
		r.Mistake(b.Tools.Expr.Range(), "Screen block for no tools", "This block would never apply. Name tools, for instance tools = [\"*/*\"].")
	}
	for _, w := range r.List(b.Servers) {
		if !slices.Contains(of.Servers, w.Text) {
			r.Mistake(w.Range, "Unknown server", "There is no server %q%s. Name one of %s.", w.Text, r.DidYouMean(w.Text, of.Servers), Quoted(of.Servers))
		}
		h.Servers = append(h.Servers, w.Text)
	}
	h.In = r.places(b, h, of)
	if (h.Then == "off" || h.Alone == "off") && b.Tools == nil && b.Servers == nil && b.In == nil {
		r.Warn(b.Range, "screen %q: nothing is done about this any more, for any server, and nothing is logged; name tools, servers or places, or write \"log\"", b.Label)
	}
	return h
}

// sign checks that a block speaks of something.
func (r *Reader) sign(b *HandlingBlock, of Signs) {
	if slices.ContainsFunc(of.Known, func(rule string) bool { return of.Named(b.Label, rule) }) {
		return
	}
	var families []string
	for _, rule := range of.Known {
		family, _, _ := strings.Cut(rule, "/")
		families = append(families, family)
	}
	slices.Sort(families)
	families = slices.Compact(families)
	r.Mistake(b.Range, "Unknown sign", "%q is neither a family of signs nor a rule%s. Write \"*\", one of %s, or a rule such as \"shell/destructive\"; sallyport scan --rules lists them.",
		b.Label, r.DidYouMean(b.Label, append(families, of.Known...)), Quoted(families))
}

// places reads where a block applies.
func (r *Reader) places(b *HandlingBlock, h Handling, of Signs) (in []string) {
	list := r.List(b.In)
	if list != nil && len(list) == 0 {
		r.Mistake(b.In.Expr.Range(), "Nowhere", "This block would never apply. Name one of %s, or leave in out.", Quoted(of.Places))
	}
	for _, w := range list {
		if !slices.Contains(of.Places, w.Text) {
			r.Mistake(w.Range, "Unknown place", "%q is not one of %s%s.", w.Text, Quoted(of.Places), r.DidYouMean(w.Text, of.Places))
			continue
		}
		for _, action := range []string{h.Then, h.Alone} {
			if action != "" && !of.Fits(action, w.Text) {
				fitting := slices.DeleteFunc(slices.Clone(of.Actions), func(a string) bool { return !of.Fits(a, w.Text) })
				r.Mistake(w.Range, "Cannot be done here", "In %s there is no %q, only %s. For another place write a block of its own.", w.Text, action, Quoted(fitting))
			}
		}
		if b.Tools != nil && slices.Index(of.Places, w.Text) > 2 {
			r.Mistake(w.Range, "Not of a tool", "%s belong to no tool. Name servers instead of tools, or leave tools out.", w.Text)
		}
		in = append(in, w.Text)
	}
	return in
}
