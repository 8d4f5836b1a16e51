//go:build unix

package bake

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// played is what came of a script that was played on the host.
type played struct {
	folder string
	said   string
	err    error
	files  []string // of the tar
}

// play runs the installation with a stand-in for the installer.
func play(t *testing.T, r Recipe, standIn string) played {
	t.Helper()
	for _, need := range []string{"sh", "tar", "node"} {
		if _, err := exec.LookPath(need); err != nil {
			t.Skip(err)
		}
	}
	bin, folder := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, string(r.Installer)), []byte("#!/bin/sh\nset -eu\n"+standIn), 0o755); err != nil {
		t.Fatal(err)
	}
	argv := r.Install()
	for i, w := range argv {
		if w == Folder {
			argv[i] = folder
		}
	}
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	p := played{folder: folder, err: cmd.Run(), said: said.String()}
	pack := tar.NewReader(&out)
	for {
		h, err := pack.Next()
		if err != nil {
			if p.err == nil && err != io.EOF {
				t.Errorf("standard output is no tar: %v: %.200q", err, out.String())
			}
			return p
		}
		p.files = append(p.files, strings.TrimPrefix(h.Name, folder[1:]))
	}
}

func (p played) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(p.folder, "run"), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func recipe(t *testing.T, command ...string) Recipe {
	t.Helper()
	r, known, err := Read(command)
	if err != nil || !known {
		t.Fatalf("%q: %v %v", command, known, err)
	}
	return r
}

// standInNPM installs one package with this "bin", and programs of these names.
func standInNPM(bin string, programs ...string) string {
	s := "echo chatter\nmkdir -p node_modules/.bin node_modules/@scope/server\n" +
		"echo '" + fmt.Sprintf(`{"name":"@scope/server","bin":%s}`, bin) + "' >node_modules/@scope/server/package.json\n" +
		`for a; do printf '%s\n' "$a"; done >words` + "\n"
	for _, p := range programs {
		s += fmt.Sprintf("printf '#!/bin/sh\\necho \"%s of ${PATH%%%%%%%%:*}: $*\"\\n' >'node_modules/.bin/%s'\nchmod +x 'node_modules/.bin/%s'\n", p, p, p)
	}
	return s
}

func TestProgramIsTheOneThatNPXStarts(t *testing.T) {
	for _, c := range []struct {
		why      string
		bin      string
		command  []string
		programs []string
		want     string // the program, or what is said
		ok       bool
	}{
		{"a path alone is named like the package", `"i.js"`, nil, []string{"server"}, "server", true},
		{"the only one", `{"other":"i.js"}`, nil, []string{"other"}, "other", true},
		{"two names of one", `{"b":"i.js","a":"i.js"}`, nil, []string{"a", "b"}, "b", true},
		{"the one named like the package", `{"a":"a.js","server":"i.js"}`, nil, []string{"a", "server"}, "server", true},
		{"none of several is named so", `{"a":"a.js","b":"b.js"}`, nil, []string{"a", "b"}, "has several programs: a, b", false},
		{"a library", `{}`, nil, nil, "has no program", false},
		{"nothing said of programs", `null`, nil, nil, "has no program", false},
		{"a name that a shell would read", `{"$(touch gone)":"i.js"}`, nil, []string{"$(touch gone)"}, "no proper name", false},
		{"one that was promised and is not there", `{"a":"a.js"}`, nil, nil, "there is no program a", false},
		{"the one that the command names", `{"a":"a.js","b":"b.js"}`, []string{"npx", "-p", "@scope/server@1.0.0", "b"}, []string{"a", "b"}, "b", true},
		{"one that the command names in vain", `{"a":"a.js"}`, []string{"npx", "-p", "@scope/server@1.0.0", "b"}, []string{"a"}, "there is no program b", false},
	} {
		t.Run(c.why, func(t *testing.T) {
			if c.command == nil {
				c.command = []string{"npx", "@scope/server@1.0.0"}
			}
			p := play(t, recipe(t, c.command...), standInNPM(c.bin, c.programs...))
			if (p.err == nil) != c.ok {
				t.Fatalf("%v: %s", p.err, p.said)
			}
			if !c.ok {
				if !strings.Contains(p.said, c.want) || len(p.files) > 0 {
					t.Errorf("said %q, want %q; files %q", p.said, c.want, p.files)
				}
				return
			}
			bins := filepath.Join(p.folder, "node_modules", ".bin")
			if got, want := p.run(t, "a b", "$(x)"), fmt.Sprintf("%s of %s: a b $(x)\n", c.want, bins); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// What npm is told: no scripts unless they are allowed, and the packages behind --, as they are.
func TestWordsToNPM(t *testing.T) {
	for _, scripts := range []bool{false, true} {
		r := recipe(t, "npx", "-y", "@scope/server@1.0.0")
		r.Scripts = scripts
		r.Packages = append(r.Packages, "$(touch gone); `touch gone` \"'\\ *", "--ignore-scripts=no") // what Read would not let through
		p := play(t, r, standInNPM(`"i.js"`, "server"))
		if p.err != nil {
			t.Fatal(p.err, p.said)
		}
		b, err := os.ReadFile(filepath.Join(p.folder, "words"))
		if err != nil {
			t.Fatal(err)
		}
		before, behind, _ := strings.Cut(string(b), "\n--\n")
		if want := fmt.Sprintf("--ignore-scripts=%v\n", !scripts); !strings.Contains(before, want) {
			t.Errorf("%q is not in %q", want, before)
		}
		if diff := cmp.Diff(strings.Join(r.Packages, "\n")+"\n", behind); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if !strings.Contains(p.said, "chatter") || len(p.files) == 0 || p.files[0] != "/" {
			t.Errorf("said %q, files %q", p.said, p.files)
		}
		if _, err := os.Stat(filepath.Join(p.folder, "gone")); err == nil {
			t.Error("a shell read a package's name")
		}
	}
}

const standInUV = `echo chatter
mkdir -p "$UV_TOOL_DIR/server/bin" "$UV_TOOL_BIN_DIR"
printf '#!/bin/sh\necho "serve of ${PATH%%%%:*}: $*"\n' >"$UV_TOOL_DIR/server/bin/serve"
chmod +x "$UV_TOOL_DIR/server/bin/serve"
ln -s "$UV_TOOL_DIR/server/bin/serve" "$UV_TOOL_BIN_DIR/serve"
for a; do printf '%s\n' "$a"; done >words
env | grep ^UV_ >variables
`

func TestWordsToUV(t *testing.T) {
	r := recipe(t, "uvx", "--python", "3.12", "--with", "extra==1.0", "--from", "tools[cli]==1.2", "serve", "--port", "1")
	r.Packages[0] = "$(touch gone)"
	p := play(t, r, standInUV)
	if p.err != nil {
		t.Fatal(p.err, p.said)
	}
	words, _ := os.ReadFile(filepath.Join(p.folder, "words"))
	if diff := cmp.Diff("tool\ninstall\n--python=3.12\n--with=extra==1.0\n--\n$(touch gone)\n", string(words)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	variables, _ := os.ReadFile(filepath.Join(p.folder, "variables"))
	for _, want := range []string{"UV_NO_BUILD=1", "UV_PYTHON_DOWNLOADS=never", "UV_TOOL_DIR=" + p.folder + "/tools", "UV_CACHE_DIR=/tmp/uv"} {
		if !strings.Contains("\n"+string(variables), "\n"+want+"\n") {
			t.Errorf("%s is not in %s", want, variables)
		}
	}
	if got, want := p.run(t, "a b"), fmt.Sprintf("serve of %s/bin: a b\n", p.folder); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	r.Scripts, r.Program = true, "other"
	p = play(t, r, standInUV)
	if p.err == nil || len(p.files) > 0 || !strings.Contains(p.said, "there is no program other in what was installed:\nserve") {
		t.Errorf("%v: %s", p.err, p.said)
	}
	if variables, _ = os.ReadFile(filepath.Join(p.folder, "variables")); strings.Contains(string(variables), "UV_NO_BUILD") {
		t.Error("what was allowed is not")
	}
}

// A failing installer leaves nothing to take.
func TestFailure(t *testing.T) {
	for _, command := range [][]string{{"npx", "a@1.0.0"}, {"uvx", "a==1.0.0"}} {
		p := play(t, recipe(t, command...), "echo no such package >&2; exit 7")
		if p.err == nil || len(p.files) > 0 || !strings.Contains(p.said, "no such package") {
			t.Errorf("%q: %v %q %q", command, p.err, p.said, p.files)
		}
	}
}
