package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"sallyport/policy/ask"
	"sallyport/policy/handling"
	"sallyport/policy/match"
	"sallyport/policy/screen/secret"
	"sallyport/policy/screen/sign"
	"sallyport/policy/spelling"
	"sallyport/policy/words"
	"sallyport/sandbox/egress/place"
)

// Mistakes is all that is wrong with a file, with lines and remedies.
type Mistakes = words.Mistakes

// Load reads and checks a policy file. What is wrong in the file comes as
// *Mistakes; other errors are about reading it.
func Load(path string) (*Policy, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading policy: %w", err)
	}
	return Parse(src, path)
}

// Parse checks the text of a policy; filename is for messages and the folder
// to which relative paths belong. The error is *Mistakes.
func Parse(src []byte, filename string) (*Policy, error) {
	l := &loader{
		Reader: words.Reader{Folder: filepath.Dir(filename), Plain: match.Plain, Longest: match.MaxPattern,
			DidYouMean: spelling.DidYouMean, Endpoint: place.Read},
		language: match.NewLanguage(spelling.DidYouMean),
		policy:   &Policy{file: filename, roles: map[string]*role{}},
		via:      map[string]bool{},
		signs:    Signs(),
	}
	sum := sha256.Sum256(src)
	l.policy.digest = hex.EncodeToString(sum[:])
	files := map[string]*hcl.File{}
	if l.Readable(src, filename) {
		file, diags := hclsyntax.ParseConfig(src, filename, hcl.InitialPos)
		files[filename] = file
		l.Add(diags)
		if !diags.HasErrors() { // after a syntax error the rest would be noise
			l.load(file.Body)
		}
	}
	if err := l.Report(files); err != nil {
		return nil, err
	}
	l.policy.warnings = l.Warnings()
	return l.policy, nil
}

// loader turns blocks into a Policy and gathers mistakes on the way.
type loader struct {
	words.Reader
	language *match.Language
	policy   *Policy
	shared   map[int][]*approval // those that stand at top level
	screens  *handling.Table     // those that stand at top level
	reading  words.Reading       // of a server that says nothing
	signs    []string            // the names of all that the screen finds
	via      map[string]bool     // channels that are named anywhere
}

func (l *loader) load(body hcl.Body) {
	doc := l.Document(body)
	l.policy.wire = l.Wire(doc.Wire)
	l.policy.separator = l.Separator(doc.Names)
	l.policy.audit = l.Audit(doc.Audit)
	l.loadScreen(&doc)
	l.loadServers(doc.Servers, body.MissingItemRange())
	l.loadApproval(&doc)
	l.screens = l.screenBlocks(doc.Handling)
	l.loadRoles(&doc, body.MissingItemRange())
	if !l.Failed() {
		l.review(&doc)
	}
}

// loadScreen reads how texts are read.
func (l *loader) loadScreen(doc *words.Document) {
	b := words.First(doc.Screens)
	l.reading = l.Reading(b.Documents, b.Roots, words.Reading{})
	l.policy.classifier = l.Classifier(b.Classifier, ask.Endpoint)
}

// screenBlocks reads what one place in the file says of findings.
func (l *loader) screenBlocks(from []words.HandlingBlock) *handling.Table {
	t := &handling.Table{}
	signs := words.Signs{Known: l.signs, Named: handling.Named, Places: handling.Places(), Actions: handling.Actions(), Fits: handling.Fits, Servers: l.policy.serverNames()}
	for i := range from {
		h := l.Handling(&from[i], signs)
		b := handling.Block{Label: from[i].Label, In: h.In, Servers: h.Servers, Then: h.Then, Alone: h.Alone,
			By: handling.Source{Rule: fmt.Sprintf("screen %q", from[i].Label), At: at(from[i].Range)}}
		tools := map[string]*match.Set[source]{}
		for _, w := range h.Tools {
			l.eachServer(w, func(s int, name string) {
				server := l.policy.servers[s].Name
				if tools[server] == nil {
					tools[server] = &match.Set[source]{}
				}
				tools[server].Add(name, false, source{})
			})
		}
		if h.Tools != nil {
			b.Tools = map[string]func(string) bool{}
		}
		for server, set := range tools {
			b.Tools[server] = func(tool string) bool { return set.Find(tool) != nil }
		}
		t.Blocks = append(t.Blocks, b)
	}
	return t
}

// Signs are the names of all that the screen finds.
func Signs() []string {
	known := append(handling.Unwritten(), sign.Names()...)
	for _, format := range secret.Formats() {
		known = append(known, "secret/"+format)
	}
	slices.Sort(known)
	return slices.Compact(known)
}

// condition checks a `when`.
func (l *loader) condition(a *hcl.Attribute) *match.Condition {
	if a == nil { // HCL has said already that it is missing
		return nil
	}
	c, diags := l.language.Condition(a.Expr)
	l.Add(diags)
	return c
}
