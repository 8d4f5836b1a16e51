package bake

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"sallyport/sandbox/box"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// show is a recipe with all that follows from it.
func show(r Recipe) string {
	var b strings.Builder
	words := func(head string, all []string) {
		if len(all) > 0 {
			fmt.Fprintf(&b, "%s:\n", head)
		}
		for _, w := range all {
			fmt.Fprintf(&b, "\t%q\n", w)
		}
	}
	install := slices.Clone(r.Install())
	for i, w := range install {
		switch w {
		case npmScript:
			install[i] = "… npm.sh"
		case uvScript:
			install[i] = "… uv.sh"
		}
	}
	words("install", install)
	words("run", r.Command())
	for _, p := range r.Egress() {
		fmt.Fprintf(&b, "connect: %s:%d\n", p.Host, p.Port)
	}
	words("remarks", r.Remarks())
	return b.String()
}

func TestRead(t *testing.T) {
	files, err := filepath.Glob("../../testdata/sandbox/bake/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(a.Comment, []byte("Why: ")) || len(a.Files) != 2 || a.Files[0].Name != "command" {
				t.Fatal("a case says why it exists, a command word by word, and what comes of it")
			}
			r, known, err := Read(strings.Split(strings.TrimSuffix(string(a.Files[0].Data), "\n"), "\n"))
			got := txtar.File{Name: "recipe", Data: nil}
			switch {
			case err != nil && known:
				got.Name, got.Data = "refused", fmt.Appendln(nil, err)
			case err != nil:
				t.Error("an error about a command that is not known")
			case !known:
				got.Name = "unknown"
			default:
				got.Data = []byte(show(r))
			}
			if *update && got.Name == a.Files[1].Name {
				a.Files[1] = got
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want := a.Files[1]
			if diff := cmp.Diff(want.Name+"\n"+string(want.Data), got.Name+"\n"+string(got.Data)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Nothing of the operator's word for it but the script changes when scripts may run.
func TestScriptsAreOffUnlessSaid(t *testing.T) {
	for _, command := range [][]string{{"npx", "a@1.0.0"}, {"uvx", "a==1.0.0"}} {
		r, _, err := Read(command)
		if err != nil {
			t.Fatal(err)
		}
		without := r.Install()
		r.Scripts = true
		var changed []string
		for i, w := range r.Install() {
			if w != without[i] {
				changed = append(changed, without[i]+"→"+w)
			}
		}
		if diff := cmp.Diff([]string{"no→yes"}, changed); diff != "" {
			t.Errorf("%q: (-want +got)\n%s", command, diff)
		}
	}
}

// The box of an installation has nothing of the server's that is not said here.
func TestSpec(t *testing.T) {
	r, _, err := Read([]string{"npx", "a@1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	got := r.Spec(box.Spec{
		Runtime: box.Podman, Image: "node", Pull: true, Digest: true, Class: "runsc", User: box.User{UID: 1000, GID: 1000}, Dir: "/data", Lenient: true,
		Mounts: []box.Mount{{Source: "/data", Target: "/data", Write: true}}, Egress: []box.Endpoint{{Host: "example.com", Port: 443}},
	})
	want := box.Spec{Runtime: box.Podman, Image: "node", Pull: true, Digest: true, Class: "runsc",
		Egress: []box.Endpoint{{Host: "registry.npmjs.org", Port: 443}}, Limits: Limits()}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A package that is taken is a name in a registry and nothing else, and reaches the
// installer whole, behind the script.
func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("../../testdata/sandbox/bake/*.txtar")
	for _, file := range files {
		if a, err := txtar.ParseFile(file); err == nil {
			f.Add(string(a.Files[0].Data))
		}
	}
	f.Fuzz(func(t *testing.T, lines string) {
		command := strings.Split(lines, "\n")
		r, known, err := Read(command)
		if err != nil || !known {
			return
		}
		for _, p := range r.Packages {
			if strings.HasPrefix(p, "-") || strings.HasPrefix(p, ".") || strings.ContainsAny(p, " \t:;$`'\"\\&|()#?%{}\x00") ||
				strings.Contains(p, "/") && (p[0] != '@' || strings.Count(p, "/") > 1) {
				t.Errorf("package %q", p)
			}
		}
		if strings.HasPrefix(r.Program, "-") || strings.ContainsAny(r.Program, "/ ;$`\"'\\") {
			t.Errorf("program %q", r.Program)
		}
		install := r.Install()
		script := npmScript
		if r.Installer == UV {
			script = uvScript
		}
		if install[0] != "/bin/sh" || install[1] != "-c" || install[2] != script {
			t.Errorf("install %q", install)
		}
		for _, a := range r.Args {
			if !slices.Contains(command, a) {
				t.Errorf("argument %q was not given", a)
			}
		}
	})
}
