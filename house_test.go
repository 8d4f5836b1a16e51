// Package sallyport_test keeps the house rules: who may import what, how deep
// imports go, and how large things may grow.
package sallyport_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// door is a dependency with the rooms that may import it, and the reason.
type door struct {
	path  string   // the import, or a prefix of it that ends in "/"
	rooms []string // packages; "x/..." is x and all below it
	tests bool     // any test may import it as well
	why   string
}

var doors = []door{
	{"github.com/hashicorp/hcl/v2", []string{"policy/..."}, false, "the language of the file is the policy's business alone"},
	{"github.com/zclconf/go-cty", []string{"policy/..."}, false, "cty coerces and normalises: it stays where that is known and tested"},
	{"os/exec", []string{"sandbox/..."}, true, "one place starts processes, and one place ends them"},
	{"github.com/mark3labs/mcp-go", []string{"proxy/...", "cmd/..."}, true, "names, codes and our own client and server; never the path of a call"},
	{"github.com/santhosh-tekuri/jsonschema", []string{"policy/schema"}, true, "an upstream's schema is hostile until it is admitted"},
	{"github.com/invopop/jsonschema", []string{"cmd/..."}, false, "it makes schemas from our types, it validates nothing"},
	{"github.com/google/go-cmp", nil, true, "it shows differences in tests"},
	{"github.com/hashicorp/go-hclog", []string{"proxy/...", "cmd/..."}, true, "policy, audit and sandbox return errors; who called them tells the operator"},
	{"github.com/go-json-experiment/json", []string{"proxy/wire"}, true, "how bytes are read is decided in one place"},
	{"github.com/tiktoken-go/tokenizer", []string{"proxy/limit"}, false, "tokens are estimated in one place"},
	{"golang.org/x/time/rate", []string{"proxy/limit", "proxy/approval/web", "cmd/sallyport/launch"}, false, "rates are limits, also of attempts to log in, and of connections to record"},
	{"golang.org/x/sys/unix", []string{"sandbox/...", "audit", "proxy/approval/socket/place"}, true, "system calls belong to processes, to the log's file, and to finding out who is at the other end of a socket"},
	{"github.com/spf13/cobra", []string{"cmd/..."}, false, "words are parsed in main"},
	{"github.com/rogpeppe/go-internal/diff", []string{"proxy/show"}, true, "a person sees what changed since the last approval"},
	{"github.com/rogpeppe/go-internal/testscript", nil, true, "whole-program tests"},
	{"golang.org/x/text", []string{"policy/schema", "policy/match", "policy/screen/fold", "proxy/show"}, true, "the validator's messages need a language; policy compares normal forms, and people are shown them"},
	{"mvdan.cc/sh/v3", []string{"policy/screen/danger/shell"}, false, "a shell's grammar is read in one place, within bounds, and nothing is run"},
	{"golang.org/x/tools/txtar", nil, true, "test data"},
	{"github.com/owenrumney/go-sarif/v3", nil, true, "it carries the official schema of what we write for code scanning"},
	{"github.com/chromedp", nil, true, "a real browser looks at the page in tests"},
	{"net/http", []string{"proxy/approval/socket/...", "proxy/approval/hook", "proxy/approval/web", "proxy/guard/classify", "sandbox/egress", "cmd/sallyport"}, true, "people and a classifier are asked over HTTP, and a contained server goes out over it; no call goes over it yet"},
	{"sallyport/sandbox", []string{"cmd/...", "sandbox/...", "policy"}, true, "the proxy is handed a way to launch, it does not start processes; policy reads places on the network as the sandbox will"},
	{"sallyport/proxy/upstream", []string{"proxy", "cmd/..."}, true, "what reaches a server goes through the line"},
	{"github.com/moby/profiles/seccomp", []string{"sandbox/bwrap"}, false, "the system calls that container engines allow, kept by those who keep the engines"},
	{"github.com/opencontainers/runtime-spec", []string{"sandbox/bwrap"}, false, "the words in which that list is written"},
	{"github.com/elastic/go-seccomp-bpf", []string{"sandbox/bwrap"}, false, "it knows the numbers of calls, and makes the list into a program"},
	{"golang.org/x/net/bpf", []string{"sandbox/bwrap"}, true, "it encodes that program; in tests it runs it"},
	{"log", nil, false, "hclog tells the operator, the audit log is the evidence"},
}

const (
	maxDepth   = 4    // imports between packages of this module, from cmd down
	maxPackage = 1500 // lines without tests
	maxFile    = 400
	maxFunc    = 60
	maxParams  = 5
)

// source is one parsed file.
type source struct {
	path  string // slash-separated, relative
	pkg   string // its folder
	test  bool
	lines int
	ast   *ast.File
	fset  *token.FileSet
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return err
		}
		path = filepath.ToSlash(path)
		all = append(all, source{path: path, pkg: filepath.ToSlash(filepath.Dir(path)), test: strings.HasSuffix(path, "_test.go"),
			lines: fset.File(f.Pos()).LineCount(), ast: f, fset: fset})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (s source) imports() []string {
	var out []string
	for _, i := range s.ast.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		out = append(out, path)
	}
	return out
}

func (d door) covers(path string) bool {
	return path == d.path || strings.HasPrefix(path, d.path+"/")
}

func (d door) opens(s source) bool {
	if s.test && d.tests {
		return true
	}
	return slices.ContainsFunc(d.rooms, func(room string) bool {
		if below, ok := strings.CutSuffix(room, "/..."); ok {
			return s.pkg == below || strings.HasPrefix(s.pkg, below+"/")
		}
		return s.pkg == room
	})
}

func TestImportDoors(t *testing.T) {
	for _, s := range sources(t) {
		for _, path := range s.imports() {
			for _, d := range doors {
				if d.covers(path) && !d.opens(s) {
					t.Errorf("%s imports %s, which is only for %v: %s", s.path, path, d.rooms, d.why)
				}
			}
		}
	}
}

// TestEveryDependencyHasADoor keeps the list above whole: a module that nobody
// has given a reason for must not slip in.
func TestEveryDependencyHasADoor(t *testing.T) {
	for _, s := range sources(t) {
		for _, path := range s.imports() {
			if !strings.Contains(strings.SplitN(path, "/", 2)[0], ".") {
				continue
			}
			if !slices.ContainsFunc(doors, func(d door) bool { return d.covers(path) }) {
				t.Errorf("%s imports %s: add a door with the rooms that need it and why", s.path, path)
			}
		}
	}
}

// TestImportDepth keeps the house flat: who reads a call has to pass few doors.
func TestImportDepth(t *testing.T) {
	graph := map[string][]string{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, path := range s.imports() {
			if in, ok := strings.CutPrefix(path, "sallyport/"); ok {
				graph[s.pkg] = append(graph[s.pkg], in)
			}
		}
	}
	var depth func(pkg string) (int, string)
	depth = func(pkg string) (int, string) {
		deepest, way := 0, pkg
		for _, in := range graph[pkg] {
			if d, w := depth(in); d+1 > deepest {
				deepest, way = d+1, pkg+" → "+w
			}
		}
		return deepest, way
	}
	for pkg := range graph {
		if d, way := depth(pkg); d > maxDepth {
			t.Errorf("imports are %d deep, at most %d: %s", d, maxDepth, way)
		}
	}
}

// TestSizes asks for the missing noun before a thing grows too large to read.
func TestSizes(t *testing.T) {
	packages := map[string]int{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		packages[s.pkg] += s.lines
		if s.lines > maxFile {
			t.Errorf("%s has %d lines, at most %d", s.path, s.lines, maxFile)
		}
		for _, decl := range s.ast.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			at := s.fset.Position(f.Pos())
			if n := s.fset.Position(f.End()).Line - at.Line + 1; n > maxFunc {
				t.Errorf("%s: %s has %d lines, at most %d", at, f.Name.Name, n, maxFunc)
			}
			if n := f.Type.Params.NumFields(); n > maxParams {
				t.Errorf("%s: %s has %d parameters, at most %d", at, f.Name.Name, n, maxParams)
			}
		}
	}
	for pkg, n := range packages {
		if n > maxPackage {
			t.Errorf("package %s has %d lines, at most %d", pkg, n, maxPackage)
		}
	}
}

// TestNoHiddenStarts refuses init functions and values in a context: what a
// package does is to be seen where it is called.
func TestNoHiddenStarts(t *testing.T) {
	for _, s := range sources(t) {
		ast.Inspect(s.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Name.Name == "init" && n.Recv == nil {
					t.Errorf("%s has an init function", s.path)
				}
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "context" && n.Sel.Name == "WithValue" {
					t.Errorf("%s uses context.WithValue", s.path)
				}
			}
			return true
		})
	}
}

// TestPackageDocs wants every package to say in its first sentence what it
// promises.
func TestPackageDocs(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		documented[s.pkg] = documented[s.pkg] || s.ast.Doc != nil
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package comment", pkg)
		}
	}
}
