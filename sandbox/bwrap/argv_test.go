package bwrap

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"sallyport/sandbox/box"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// debian is a host as a plain installation has it.
func debian(root bool) Host {
	return Host{
		Bwrap: "/usr/bin/bwrap", Self: "/usr/local/bin/sallyport", Root: root,
		View: []Place{
			{Path: "/usr", Folder: true}, {Path: "/bin", Link: "usr/bin"}, {Path: "/lib", Link: "usr/lib"},
			{Path: "/lib64", Link: "usr/lib64"}, {Path: "/etc/ssl/certs", Folder: true}, {Path: "/etc/ld.so.cache"},
			{Path: "/etc/localtime", Link: "/usr/share/zoneinfo/Etc/UTC"},
		},
		Masks: []Place{{Path: "/proc/acpi", Folder: true}, {Path: "/proc/kcore"}},
	}
}

// asked is what a case asks for.
type asked struct {
	Root   bool
	Spec   box.Spec
	Argv   []string
	Env    []string
	Egress string
}

func TestCompose(t *testing.T) {
	files, err := filepath.Glob("../../testdata/sandbox/bwrap/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(a.Comment, []byte("Why: ")) {
				t.Error("the case does not say why it exists")
			}
			var in asked
			d := json.NewDecoder(bytes.NewReader(section(a, "asked")))
			d.DisallowUnknownFields()
			if err := d.Decode(&in); err != nil {
				t.Fatal(err)
			}
			line, err := Compose(debian(in.Root), in.Spec, in.Argv, in.Env, in.Egress)
			got := map[string]string{}
			if err != nil {
				got["error"] = err.Error() + "\n"
			} else {
				got["argv"] = strings.Join(line.Argv, "\n") + "\n"
				got["hidden"] = oneOptionALine(line.Hidden)
				if section(a, "texts") != nil {
					got["texts"] = texts(line)
				}
			}
			golden(t, file, a, got)
		})
	}
}

func section(a *txtar.Archive, name string) []byte {
	for _, f := range a.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

func golden(t *testing.T, file string, a *txtar.Archive, got map[string]string) {
	t.Helper()
	if *update {
		kept := a.Files[:0]
		for _, f := range a.Files {
			if text, ok := got[f.Name]; ok {
				f.Data = []byte(text)
				delete(got, f.Name)
				kept = append(kept, f)
			} else if f.Name == "asked" {
				kept = append(kept, f)
			}
		}
		for _, name := range []string{"error", "argv", "hidden"} {
			if text, ok := got[name]; ok {
				kept = append(kept, txtar.File{Name: name, Data: []byte(text)})
			}
		}
		a.Files = kept
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want := map[string]string{}
	for _, f := range a.Files {
		if f.Name != "asked" {
			want[f.Name] = string(f.Data)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// oneOptionALine shows a word with anything but plain letters in quotes.
func oneOptionALine(words []string) string {
	var out strings.Builder
	for i, w := range words {
		switch {
		case i == 0:
		case strings.HasPrefix(w, "--"):
			out.WriteByte('\n')
		default:
			out.WriteByte(' ')
		}
		if w == "" || strings.ContainsAny(w, " \"'\n") {
			w = strconv.Quote(w)
		}
		out.WriteString(w)
	}
	return out.String() + "\n"
}

func texts(l Line) string {
	var out strings.Builder
	for i, text := range l.Texts {
		out.WriteString(strconv.Itoa(firstText+i) + ": " + strconv.Quote(text) + "\n")
	}
	return out.String()
}

// A value stands in what is hidden, and only there.
func TestValuesAreHidden(t *testing.T) {
	for _, root := range []bool{true, false} {
		line, err := Compose(debian(root), box.Spec{}, []string{"node", "server.js"}, []string{"TOKEN=s3cret"}, "")
		if err != nil {
			t.Fatal(err)
		}
		if shown := strings.Join(line.Argv, " "); strings.Contains(shown, "s3cret") {
			t.Errorf("shown: %s", shown)
		}
		if !strings.Contains(strings.Join(line.Hidden, " "), "TOKEN s3cret") {
			t.Error("it is not given at all")
		}
	}
}

// An error names the variable and not its value; a NUL would begin another option.
func TestNoNULBytes(t *testing.T) {
	for _, c := range []struct {
		spec box.Spec
		env  []string
	}{
		{env: []string{"TOKEN=s3cret\x00--share-net"}},
		{env: []string{"TOK\x00EN=s3cret"}},
		{spec: box.Spec{Dir: "/tmp\x00--share-net"}},
		{spec: box.Spec{Mounts: []box.Mount{{Source: "/srv\x00--share-net", Target: "/srv"}}}},
	} {
		_, err := Compose(debian(false), c.spec, []string{"node"}, c.env, "")
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
