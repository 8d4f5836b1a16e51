package words

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Word is a string of the file and where it stands.
type Word struct {
	Text  string
	Range hcl.Range
}

// Mistake notes what is wrong and, in detail, what to do about it.
func (r *Reader) Mistake(rng hcl.Range, summary, detail string, a ...any) {
	r.mistakes = append(r.mistakes, &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, a...), Subject: &rng,
	})
}

// Warn notes what is legal and probably not meant.
func (r *Reader) Warn(rng hcl.Range, format string, a ...any) {
	r.warnings = append(r.warnings, &hcl.Diagnostic{
		Severity: hcl.DiagWarning, Summary: fmt.Sprintf(format, a...), Subject: &rng,
	})
}

// constant evaluates an expression in which nothing may vary.
func (r *Reader) constant(e hcl.Expression) (cty.Value, bool) {
	if vars := e.Variables(); len(vars) > 0 {
		r.Mistake(e.Range(), "Not a plain value", "Only conditions may read variables. If this is meant as text, put it in quotes: %q.", vars[0].RootName())
		return cty.NilVal, false
	}
	v, diags := e.Value(nil)
	r.mistakes = append(r.mistakes, diags...)
	if diags.HasErrors() {
		return cty.NilVal, false
	}
	if v.IsNull() || !v.IsWhollyKnown() {
		r.Mistake(e.Range(), "Missing value", "null says nothing here. Write a value, or leave the line out.")
		return cty.NilVal, false
	}
	return v, true
}

// Word is an expression that is constant text without NUL.
func (r *Reader) Word(e hcl.Expression) (Word, bool) {
	v, ok := r.constant(e)
	if !ok {
		return Word{}, false
	}
	if v.Type() != cty.String {
		r.Mistake(e.Range(), "Text expected", "This is a %s. Write text in quotes.", kindOf(v))
		return Word{}, false
	}
	if strings.IndexByte(v.AsString(), 0) >= 0 {
		r.Mistake(e.Range(), "NUL in text", "Text must not hold the character NUL. Remove it.")
		return Word{}, false
	}
	return Word{v.AsString(), e.Range()}, true
}

// Text is an optional attribute; absent or mistaken, it is otherwise.
func (r *Reader) Text(a *hcl.Attribute, otherwise string) string {
	if a == nil {
		return otherwise
	}
	if w, ok := r.Word(a.Expr); ok {
		return w.Text
	}
	return otherwise
}

// Choice is one of a closed set of words; absent or mistaken, it is otherwise.
func (r *Reader) Choice(a *hcl.Attribute, otherwise string, words ...string) string {
	if a == nil {
		return otherwise
	}
	w, ok := r.Word(a.Expr)
	if !ok {
		return otherwise
	}
	if !slices.Contains(words, w.Text) {
		r.Mistake(w.Range, "Unknown "+a.Name, "%q is not one of %s%s.", w.Text, Quoted(words), r.DidYouMean(w.Text, words))
		return otherwise
	}
	return w.Text
}

// Required says so when an argument of a block is missing.
func (r *Reader) Required(a *hcl.Attribute, name, example string, block hcl.Range) {
	if a == nil {
		r.Mistake(block, "Missing "+name, "This block must say %s, for instance %s = %s.", name, name, example)
	}
}

// kindOf names a value's type in the reader's words.
func kindOf(v cty.Value) string {
	switch t := v.Type(); {
	case t == cty.Bool:
		return "truth value"
	case t.IsTupleType():
		return "list"
	default:
		return t.FriendlyName()
	}
}

// Quoted lists words in quotes.
func Quoted(words []string) string {
	var out []string
	for _, w := range words {
		out = append(out, strconv.Quote(w))
	}
	return strings.Join(out, ", ")
}

// List is a list of text, without the elements that could not be read. It is
// nil, and not empty, when absent or when nothing of it could be read.
func (r *Reader) List(a *hcl.Attribute) []Word {
	if a == nil {
		return nil
	}
	exprs, diags := hcl.ExprList(a.Expr)
	if diags.HasErrors() {
		r.Mistake(a.Expr.Range(), "List expected", "Write a list in brackets, for instance %s = [\"…\", \"…\"].", a.Name)
		return nil
	}
	out := make([]Word, 0, len(exprs))
	for _, e := range exprs {
		if w, ok := r.Word(e); ok {
			out = append(out, w)
		}
	}
	if len(out) == 0 && len(exprs) > 0 {
		return nil
	}
	return out
}

// Pairs are the names and values of an object, in their order.
func (r *Reader) Pairs(a *hcl.Attribute, example string) iter.Seq2[Word, hcl.Expression] {
	return func(yield func(Word, hcl.Expression) bool) {
		if a == nil {
			return
		}
		pairs, diags := hcl.ExprMap(a.Expr)
		if diags.HasErrors() {
			r.Mistake(a.Expr.Range(), "Object expected", "Write %s = %s.", a.Name, example)
		}
		for _, pair := range pairs {
			if name, ok := r.Word(pair.Key); ok && !yield(name, pair.Value) {
				return
			}
		}
	}
}

// TextOr is text, or the one text given to one of the functions, with the
// function's name.
func (r *Reader) TextOr(e hcl.Expression, functions ...string) (text, function string) {
	call, diags := hcl.ExprCall(e)
	if diags.HasErrors() {
		w, _ := r.Word(e)
		return w.Text, ""
	}
	if !slices.Contains(functions, call.Name) {
		r.Mistake(call.NameRange, "Unknown function", "%q cannot be used here%s. Use text in quotes, or one of %s.", call.Name, r.DidYouMean(call.Name, functions), Quoted(functions))
		return "", ""
	}
	if len(call.Arguments) != 1 {
		r.Mistake(call.ArgsRange, "One name expected", "Write %s(\"…\") with exactly one text.", call.Name)
		return "", ""
	}
	w, ok := r.Word(call.Arguments[0])
	if ok && w.Text == "" {
		r.Mistake(w.Range, "Empty name", "Write %s(\"…\") with the name of the secret.", call.Name)
	}
	return w.Text, call.Name
}

// Secret is the name of a secret and the function that says where it is kept;
// the secret itself does not belong into the file.
func (r *Reader) Secret(a *hcl.Attribute) (text, function string) {
	if a == nil {
		return "", ""
	}
	functions := []string{"secret_env", "secret_file"}
	call, diags := hcl.ExprCall(a.Expr)
	if diags.HasErrors() || !slices.Contains(functions, call.Name) {
		r.Mistake(a.Expr.Range(), "Not the name of a secret", "A secret does not belong into the file. Write %s = secret_env(\"NAME\") or %s = secret_file(\"path\").", a.Name, a.Name)
		return "", ""
	}
	return r.TextOr(a.Expr, functions...)
}

// Texts drops the places.
func Texts(words []Word) []string {
	var out []string
	for _, w := range words {
		out = append(out, w.Text)
	}
	return out
}

// Count is a whole number from 1 up to most; absent, it is otherwise.
func (r *Reader) Count(a *hcl.Attribute, otherwise, most int64) int64 {
	if a == nil {
		return otherwise
	}
	v, ok := r.constant(a.Expr)
	if !ok {
		return otherwise
	}
	if v.Type() != cty.Number {
		r.Mistake(a.Expr.Range(), "Number expected", "Write a whole number without quotes, for instance %s = 50.", a.Name)
		return otherwise
	}
	n, accuracy := v.AsBigFloat().Int64()
	if accuracy != 0 || n < 1 || n > most {
		r.Mistake(a.Expr.Range(), "Number out of range", "%s must be a whole number from 1 to %d. %s", a.Name, most, r.remedy(a))
		return otherwise
	}
	return n
}

// remedy tells how to say "nothing" and "everything" where a zero would be
// ambiguous.
func (r *Reader) remedy(a *hcl.Attribute) string {
	switch a.Name {
	case "max_depth", "waiting", "quorum", "pids", "files":
		return "Leave it out for the default."
	}
	return "To set no limit leave it out; to forbid everything take the names off the allow list."
}

// Size is a number of bytes from 1 to most, written with its unit.
func (r *Reader) Size(a *hcl.Attribute, otherwise, most int64) int64 {
	if a == nil {
		return otherwise
	}
	w, ok := r.Word(a.Expr)
	if !ok {
		return otherwise
	}
	n, err := parseSize(w.Text)
	if err != nil || n < 1 || n > most {
		r.Mistake(w.Range, "Not a size", "%q is not a size from 1B to %d bytes. Write one such as \"8KiB\", \"16MiB\", \"100MB\" or \"1Gi\".", w.Text, most)
		return otherwise
	}
	return n
}

// parseSize reads a whole number of bytes with B, KB, MB, GB, KiB, MiB, GiB or
// Ki, Mi, Gi.
func parseSize(s string) (int64, error) {
	digits := strings.TrimRight(s, "BKMGi")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, err
	}
	var unit int64
	switch s[len(digits):] {
	case "B":
		unit = 1
	case "KB":
		unit = 1e3
	case "MB":
		unit = 1e6
	case "GB":
		unit = 1e9
	case "Ki", "KiB":
		unit = 1 << 10
	case "Mi", "MiB":
		unit = 1 << 20
	case "Gi", "GiB":
		unit = 1 << 30
	}
	if unit == 0 || n < 0 || n > math.MaxInt64/unit {
		return 0, strconv.ErrRange
	}
	return n * unit, nil
}

// Duration is from 1ms to 24h, written as Go does.
func (r *Reader) Duration(a *hcl.Attribute, otherwise time.Duration) time.Duration {
	return r.DurationFrom(a, time.Millisecond, otherwise)
}

// DurationFrom is a duration from least to 24h.
func (r *Reader) DurationFrom(a *hcl.Attribute, least, otherwise time.Duration) time.Duration {
	if a == nil {
		return otherwise
	}
	w, ok := r.Word(a.Expr)
	if !ok {
		return otherwise
	}
	d, err := time.ParseDuration(w.Text)
	if err != nil || d < least || d > 24*time.Hour {
		r.Mistake(w.Range, "Not a duration", "%q is not a duration from %v to 24h. Write one such as \"30s\", \"5m\" or \"1h30m\".", w.Text, least)
		return otherwise
	}
	return d
}

// Rate is calls per second, written "10/s", "100/m" or "1000/h".
func (r *Reader) Rate(a *hcl.Attribute) float64 {
	if a == nil {
		return 0
	}
	w, ok := r.Word(a.Expr)
	if !ok {
		return 0
	}
	number, unit, _ := strings.Cut(w.Text, "/")
	n, err := strconv.ParseFloat(number, 64)
	per := map[string]float64{"s": 1, "m": 60, "h": 3600}[unit]
	if err != nil || per == 0 || !(n > 0 && n <= 1e6) {
		r.Mistake(w.Range, "Not a rate", "%q is not a rate. Write one such as \"10/s\", \"100/m\" or \"1000/h\"; leave it out for no limit.", w.Text)
		return 0
	}
	return n / per
}

// Once says that name, of the given kind, was used before.
func (r *Reader) Once(seen map[string]hcl.Range, kind, name string, rng hcl.Range) {
	if first, ok := seen[name]; ok {
		r.Mistake(rng, "Duplicate "+kind, "%s %q stands at %s:%d already. Join the two, or rename one.", kind, name, first.Filename, first.Start.Line)
		return
	}
	seen[name] = rng
}

// Label checks a block's name and that it is the only one of its kind.
func (r *Reader) Label(seen map[string]hcl.Range, kind, name string, rng hcl.Range) {
	if name == "" || utf8.RuneCountInString(name) > r.Longest || !r.Plain(name) {
		r.Mistake(rng, "Unusable name", "The name of a %s must be 1 to %d visible characters.", kind, r.Longest)
	}
	r.Once(seen, kind, name, rng)
}
