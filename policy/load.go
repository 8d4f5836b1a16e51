package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"sallyport/policy/match"
	"sallyport/policy/words"
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
		Reader:   words.Reader{Folder: filepath.Dir(filename), Plain: match.Plain, Longest: match.MaxPattern},
		language: match.NewLanguage(words.DidYouMean),
		policy:   &Policy{file: filename, roles: map[string]*role{}},
		via:      map[string]bool{},
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
	via      map[string]bool     // channels that are named anywhere
}

func (l *loader) load(body hcl.Body) {
	doc := l.Document(body)
	l.policy.wire = l.Wire(doc.Wire)
	l.policy.separator = l.Separator(doc.Names)
	l.loadAudit(doc.Audit)
	l.loadServers(doc.Servers, body.MissingItemRange())
	l.loadApproval(&doc)
	l.loadRoles(&doc, body.MissingItemRange())
	if !l.Failed() {
		l.review(&doc)
	}
}

const defaultMaxBody = 8 << 10

func (l *loader) loadAudit(b *words.AuditBlock) {
	if b == nil {
		b = &words.AuditBlock{}
	}
	a := &l.policy.audit
	a.File = l.Resolve(l.Text(b.File, "sallyport.audit.jsonl"))
	if a.File == "" {
		l.Mistake(b.File.Expr.Range(), "Empty file name", "The audit log cannot be switched off. Name a file, or leave the line out.")
	}
	a.SyncAlways = l.Choice(b.Sync, "by_tier", "by_tier", "always") == "always"
	a.MaxBody = int(l.Size(b.MaxBody, defaultMaxBody, 1<<30))
	// The file adds to these names; it cannot take one away.
	a.Redact = []string{"password", "passwd", "passphrase", "authorization", "cookie", "set-cookie",
		"*secret*", "*token*", "*api_key*", "*apikey*", "*api-key*", "*private_key*", "*credential*"}
	for _, w := range l.List(b.Redact) {
		if w.Text == "" || utf8.RuneCountInString(w.Text) > match.MaxPattern {
			l.Mistake(w.Range, "Unusable name", "Name a member such as \"password\", \"*token*\" or \"headers.authorization\".")
		}
		a.Redact = append(a.Redact, strings.ToLower(w.Text))
	}
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
