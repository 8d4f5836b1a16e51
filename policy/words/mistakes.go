// Package words knows the blocks of an operator's HCL file, reads their values
// strictly, without conversions, and gathers every mistake with its line and
// what to do about it.
package words

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// MaxSource bounds a file in bytes, so that no nesting in it can exhaust the
// parser.
const MaxSource = 256 << 10

// Reader gathers mistakes and warnings. A value that could not be read comes as
// the caller's default, and Report says so in the end.
type Reader struct {
	Folder  string                 // where relative paths start
	Plain   func(name string) bool // whether a name of usable length is seen as it is
	Longest int                    // characters of a name
	// DidYouMean is a word among the known that is close to what was written, as the end
	// of a sentence.
	DidYouMean func(written string, known []string) string
	// Endpoint reads what may be connected to, and says whether its host is an address.
	Endpoint func(text string) (host string, port uint16, address bool, err error)

	mistakes, warnings hcl.Diagnostics
}

// Add takes over the errors of HCL itself, and adds a remedy where HCL has
// none.
func (r *Reader) Add(diags hcl.Diagnostics) {
	for _, d := range diags {
		if strings.HasPrefix(d.Summary, "Invalid single-argument block") {
			d.Detail = "A block on one line may hold one argument. Write each argument on a line of its own."
		}
		r.mistakes = append(r.mistakes, d)
	}
}

// Report is nil or a *Mistakes; files gives the source for snippets.
func (r *Reader) Report(files map[string]*hcl.File) error {
	if len(r.mistakes) == 0 {
		return nil
	}
	return &Mistakes{diags: inOrder(r.mistakes), files: files}
}

// Failed reports whether there are mistakes so far.
func (r *Reader) Failed() bool { return len(r.mistakes) > 0 }

// Warnings are lines "file:line: text" in the file's order.
func (r *Reader) Warnings() []string {
	var out []string
	for _, w := range inOrder(r.warnings) {
		out = append(out, fmt.Sprintf("%s:%d: %s", w.Subject.Filename, w.Subject.Start.Line, w.Summary))
	}
	return out
}

// Mistakes is all that is wrong with a file, never empty.
type Mistakes struct {
	diags hcl.Diagnostics
	files map[string]*hcl.File
}

// maxReported bounds a report; what is left out is counted.
const maxReported = 50

// placed puts file, line and column into each summary, in the form that editors
// can jump to: HCL's own writer says no column.
func placed(diags hcl.Diagnostics) hcl.Diagnostics {
	out := make(hcl.Diagnostics, len(diags))
	for i, d := range diags {
		at := *d
		if d.Subject != nil {
			at.Summary = fmt.Sprintf("%s at %s:%d:%d", d.Summary, d.Subject.Filename, d.Subject.Start.Line, d.Subject.Start.Column)
		}
		out[i] = &at
	}
	return out
}

// Error is the whole report: every mistake with its line and what to do, or
// the first fifty of them.
func (m *Mistakes) Error() string {
	var out strings.Builder
	w := hcl.NewDiagnosticTextWriter(&out, m.files, 0, false)
	if err := w.WriteDiagnostics(placed(m.diags[:min(len(m.diags), maxReported)])); err != nil {
		return "writing diagnostics: " + err.Error()
	}
	if more := len(m.diags) - maxReported; more > 0 {
		fmt.Fprintf(&out, "… and %d more mistakes\n", more)
	}
	return strings.TrimRight(out.String(), "\n")
}

// Summaries is one line for each mistake: "file:line,column: what; remedy".
func (m *Mistakes) Summaries() []string {
	var out []string
	for _, d := range m.diags {
		out = append(out, fmt.Sprintf("%s:%d,%d: %s; %s", d.Subject.Filename, d.Subject.Start.Line, d.Subject.Start.Column, d.Summary, d.Detail))
	}
	return out
}

// Count is the number of mistakes, at least 1.
func (m *Mistakes) Count() int { return len(m.diags) }

// inOrder sorts by place, drops repetitions and what could print values.
func inOrder(diags hcl.Diagnostics) hcl.Diagnostics {
	for _, d := range diags {
		d.Expression, d.EvalContext = nil, nil
		if d.Subject == nil {
			d.Subject = &hcl.Range{Start: hcl.InitialPos, End: hcl.InitialPos}
		}
	}
	slices.SortStableFunc(diags, func(a, b *hcl.Diagnostic) int {
		if a.Subject.Start.Byte != b.Subject.Start.Byte {
			return a.Subject.Start.Byte - b.Subject.Start.Byte
		}
		return strings.Compare(a.Summary+a.Detail, b.Summary+b.Detail)
	})
	return slices.CompactFunc(diags, func(a, b *hcl.Diagnostic) bool {
		return *a.Subject == *b.Subject && a.Summary == b.Summary && a.Detail == b.Detail
	})
}

// Readable keeps from the parser what it would misread or drown in.
func (r *Reader) Readable(src []byte, filename string) bool {
	start := hcl.Range{Filename: filename, Start: hcl.InitialPos, End: hcl.InitialPos}
	switch {
	case len(src) > MaxSource:
		r.Mistake(start, "File too large", "A policy is at most %d KiB. Use globs instead of long lists.", MaxSource>>10)
	case !utf8.Valid(src):
		r.Mistake(start, "Not UTF-8", "The file is not valid UTF-8 text. Save it as UTF-8.")
	case bytes.HasPrefix(src, []byte("\ufeff")):
		r.Mistake(start, "Byte order mark", "The file begins with a byte order mark. Save it as UTF-8 without one.")
	default:
		return r.shallow(src, filename)
	}
	return false
}

// shallow keeps from HCL's recursive parser what would exhaust its stack:
// nested brackets, blocks and templates, and runs of signs.
func (r *Reader) shallow(src []byte, filename string) bool {
	const deepest = 100
	depth, signs := 0, 0
	tokens, _ := hclsyntax.LexConfig(src, filename, hcl.InitialPos) // the parser will report what cannot be read
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenTemplateSeqEnd:
			depth--
		}
		switch t.Type {
		case hclsyntax.TokenBang, hclsyntax.TokenMinus:
			signs++
		default:
			signs = 0
		}
		if depth > deepest || signs > deepest {
			r.Mistake(t.Range, "Nested too deep", "A policy is nested at most %d deep. Write it flatter.", deepest)
			return false
		}
	}
	return true
}
