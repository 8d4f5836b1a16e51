//go:build linux

package engine

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sallyport/sandbox/bake"
	"sallyport/sandbox/box"
	"sallyport/sandbox/egress"
	"sallyport/sandbox/egress/place"
	"sallyport/sandbox/inside"
	"sallyport/sandbox/owner"
)

// baked is the server for which this process builds, and labelTest is on its images: others
// may build at the same time.
var baked = func() string {
	if name := os.Getenv("SALLYPORT_TEST_BAKED"); name != "" {
		return name // we are the one that is killed
	}
	return fmt.Sprintf("baked%d", os.Getpid())
}()

const labelTest = "sallyport.test"

// baseName is an image of this machine's own programs, made without a registry.
const baseName = "localhost/sallyport-test-base:"

// base is an image with these programs, or the test is skipped.
func (e Engine) base(t *testing.T, programs ...string) string {
	t.Helper()
	var pack bytes.Buffer
	w := tar.NewWriter(&pack)
	put := func(from, at string) error {
		b, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: at, Mode: 0o755, Size: int64(len(b))}); err != nil {
			return err
		}
		_, err = w.Write(b)
		return err
	}
	done := map[string]bool{}
	for _, name := range append(programs, "sh", "tar", "env", "chmod", "sleep", "dd") {
		if name == "npm" {
			putNPM(t, w, put)
			continue
		}
		path, err := exec.LookPath(name)
		if err != nil {
			missing(t, err)
		}
		libraries, _ := exec.Command("ldd", path).Output() // a static program has none
		if err := put(path, "bin/"+name); err != nil {
			t.Fatal(err)
		}
		for _, word := range strings.Fields(string(libraries)) {
			if strings.HasPrefix(word, "/") && !done[word] {
				done[word] = true
				if err := put(word, word[1:]); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	// Who has an authority of his own has it in the base image too.
	authorities := "/etc/ssl/certs/ca-certificates.crt"
	if err := put(authorities, authorities[1:]); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, h := range []tar.Header{
		{Typeflag: tar.TypeSymlink, Name: "usr/bin", Linkname: "/bin"},
		{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	image := baseName + containerName("x")[len("sallyport-x-"):]
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	defer stop()
	if _, err := e.callWith(ctx, &pack, "import", "--change=ENV PATH=/bin", "--change=LABEL "+labelTest+"="+baked, "--change=ENV NODE_EXTRA_CA_CERTS="+authorities, "-", image); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = e.call(context.Background(), nil, "image", "rm", "--force", image)
	})
	return image
}

func putNPM(t *testing.T, w *tar.Writer, put func(from, at string) error) {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if err != nil {
		missing(t, err)
	}
	if npm, err = filepath.EvalSymlinks(npm); err != nil {
		t.Fatal(err)
	}
	root := filepath.Dir(filepath.Dir(npm))
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		return put(path, "lib/npm/"+filepath.ToSlash(rel))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/npm", Linkname: "/lib/npm/bin/npm-cli.js"}); err != nil {
		t.Fatal(err)
	}
}

// wayOut is a folder with the socket of an egress proxy.
func wayOut(t *testing.T, allow []box.Endpoint) string {
	t.Helper()
	var list []place.Endpoint
	for _, e := range allow {
		list = append(list, place.Endpoint{Host: e.Host, Port: e.Port, Private: true}) // a test's registry may be a mirror close by
	}
	p, err := egress.New(egress.Options{Allow: list, Report: func(v egress.Event) { t.Logf("%+v", v) }})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, inside.EgressSocket)
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(socket, 0o666); err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() { _ = p.Serve(l) })
	t.Cleanup(func() { _ = p.Close(); served.Wait() })
	return dir
}

// forget removes the image that a test built.
func forget(t *testing.T, e Engine, image string) {
	t.Cleanup(func() {
		if _, err := e.call(context.Background(), nil, "image", "rm", "--force", image); err != nil {
			t.Error(err)
		}
	})
}

const filesystem = "@modelcontextprotocol/server-filesystem@2026.8.31"

// npx is the build of a command that begins so.
func npx(t *testing.T, base string, command ...string) (Build, bake.Recipe) {
	t.Helper()
	r, _, err := bake.Read(append([]string{"npx", "-y"}, command...))
	if err != nil {
		t.Fatal(err)
	}
	return Build{Job: Job{Server: baked, Command: r.Install(), Folder: bake.Folder, Spec: r.Spec(box.Spec{Image: base}),
		Egress: wayOut(t, r.Egress()), Stderr: func(line []byte) { t.Logf("%s", line) }}, Program: bake.Run}, r
}

// The whole of it: a command of npx is installed once, and runs without a network.
func TestBuildAndRunWithoutNetwork(t *testing.T) {
	both(t, func(t *testing.T, e Engine) {
		needRegistry(t)
		b, r := npx(t, e.base(t, "node", "npm"), filesystem, "/tmp")
		began := time.Now()
		image, err := e.Build(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		forget(t, e, image)
		t.Logf("built in %s", time.Since(began))
		for range 3 {
			began = time.Now()
			c := begin(t, e, Job{Server: "files", Command: r.Command(), Spec: box.Spec{Image: image, Digest: true}})
			tools := listTools(t, c)
			t.Logf("%d tools in %s", len(tools), time.Since(began))
			if len(tools) < 11 || len(c.Remarks()) > 0 {
				t.Errorf("tools: %q, remarks: %q", tools, c.Remarks())
			}
		}
	})
}

// A package that is not there: the error has npm's words, and nothing is left.
func TestPackageThatIsNotThere(t *testing.T) {
	both(t, func(t *testing.T, e Engine) {
		needRegistry(t)
		b, _ := npx(t, e.base(t, "node", "npm"), "@modelcontextprotocol/server-filesystem@0.0.0-none")
		left := leavings(t, e)
		_, err := e.Build(t.Context(), b)
		if err == nil || !strings.Contains(err.Error(), "No matching version") || len(err.Error()) > 4096 {
			t.Errorf("got %v", err)
		}
		left()
	})
}

// An installation reaches what it is given a way to, and nothing else.
func TestBuildReachesNothingElse(t *testing.T) {
	both(t, func(t *testing.T, e Engine) {
		b, _ := npx(t, e.base(t, "node", "npm"), filesystem)
		b.Egress = wayOut(t, []box.Endpoint{{Host: "pypi.org", Port: 443}})
		left := leavings(t, e)
		_, err := e.Build(t.Context(), b)
		if err == nil || !strings.Contains(err.Error(), "403 Forbidden") {
			t.Errorf("got %v", err)
		}
		b.Command = []string{"/bin/node", "-e", `
require("net").connect(443, "203.0.113.80", () => process.exit(0)).on("error", (e) => { console.error("code", e.code); process.exit(4) })`}
		_, err = e.Build(t.Context(), b)
		if err == nil || !strings.Contains(err.Error(), "code ENETUNREACH") {
			t.Errorf("got %v", err)
		}
		left()
	})
}

// shell is the build of a few words of shell, with less than a package needs.
func shell(base, words string) Build {
	return Build{Job: Job{Server: baked, Command: []string{"/bin/sh", "-c", words}, Folder: bake.Folder,
		Spec: box.Spec{Image: base, Limits: box.Limits{CPU: 2000, Scratch: 8 << 20}}}, Program: bake.Run}
}

// fills is a build that works. What else it says is a comment to the shell.
const fills = `cd /opt/sallyport; echo '#!/bin/sh
read -r line; echo "got $line"; echo more >/opt/sallyport/run || echo it stays' >run; chmod 700 run; exec tar -cf - -C / opt/sallyport # `

// leavings returns a look at whether there is more than now.
func leavings(t *testing.T, e Engine) func() {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	now := func() string {
		t.Helper()
		boxes := names(t, e, "sallyport-"+baked+"-")
		images, err := e.call(context.Background(), nil, "images", "--all", "--quiet", "--no-trunc", "--filter=label="+labelTest+"="+baked)
		if err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(os.TempDir(), "sallyport-build-*"))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("boxes: %s\nimages: %s\nfiles: %s", boxes, images, files)
	}
	before := now()
	return func() {
		t.Helper()
		if diff := cmp.Diff(before, now()); diff != "" {
			t.Errorf("left: (-before +after)\n%s", diff)
		}
	}
}

// What a build leaves is one image with one folder more, of root's, and no container.
func TestBuild(t *testing.T) {
	both(t, func(t *testing.T, e Engine) {
		base := e.base(t)
		b := shell(base, fills)
		image, err := e.Build(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		forget(t, e, image)
		if left := names(t, e, "sallyport-"+baked+"-"); left != "" {
			t.Errorf("left: %s", left)
		}
		c := begin(t, e, Job{Server: "user", Command: []string{bake.Run}, Spec: box.Spec{Image: image, Digest: true, User: box.User{UID: 1000, GID: 1000}}})
		fmt.Fprintln(c.Stdin(), "hello")
		out, err := io.ReadAll(c.Stdout())
		if err != nil || string(out) != "got hello\nit stays\n" {
			t.Errorf("%q %v %s", out, err, c.LastWords())
		}
		shown, err := e.call(t.Context(), nil, "image", "inspect", "--format={{json .Config}}", image)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s", shown)
		var config struct {
			Labels     map[string]string
			Entrypoint []string
		}
		if err := json.Unmarshal(shown, &config); err != nil {
			t.Fatal(err)
		}
		if config.Labels[LabelOwner] != "" || config.Labels[labelBuilt] == "" || !slices.Equal(config.Entrypoint, []string{bake.Run}) {
			t.Errorf("%+v", config)
		}
	})
}

// The second time nothing is started: the engine is only asked about images.
func TestBuildIsCached(t *testing.T) {
	both(t, func(t *testing.T, e Engine) {
		base := e.base(t)
		first, err := e.Build(t.Context(), shell(base, fills))
		if err != nil {
			t.Fatal(err)
		}
		forget(t, e, first)
		asked := filepath.Join(t.TempDir(), "asked")
		spy := filepath.Join(t.TempDir(), "spy")
		script := fmt.Sprintf("#!/bin/sh\necho \"$1 $2\" >>%s\nexec %s \"$@\"\n", asked, e.Path)
		if err := os.WriteFile(spy, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		e.Path = spy
		began := time.Now()
		second, err := e.Build(t.Context(), shell(base, fills))
		t.Logf("found in %s", time.Since(began))
		if err != nil || second != first {
			t.Errorf("got %s, want %s: %v", second, first, err)
		}
		words, err := os.ReadFile(asked)
		if diff := cmp.Diff("image inspect\nimage inspect\n", string(words)); diff != "" || err != nil {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
		other, err := e.Build(t.Context(), shell(base, fills+"other"))
		if err != nil || other == first {
			t.Errorf("another command has the image of the first: %v", err)
		}
		forget(t, e, other)
	})
}

// Whatever goes wrong, it is said, and nothing of it is left.
func TestBuildThatFails(t *testing.T) {
	both(t, func(t *testing.T, e Engine) {
		base := e.base(t)
		for _, c := range []struct {
			why, words, want string
		}{
			{"the command fails", "echo last words >&2; exit 3", "exit status 3: …last words"},
			{"it fails after all came out", fills[:len(fills)-len("exec tar -cf - -C / opt/sallyport # ")] + "tar -cf - -C / opt/sallyport; exit 3", "exit status 3"},
			{"nothing comes out", "exit 0", "its end is missing"},
			{"it brings what is beside the folder", "exec tar -cf - -C / bin/sh", "outside of the folder"},
			{"the folder is full", "cd /opt/sallyport; dd if=/dev/zero of=a bs=1M count=9", "No space left"},
			{"it writes elsewhere", "echo x >/bin/x", "ead-only file system"},
			{"it never ends", "echo still here >&2; sleep 1000", "it took longer than …still here"},
			{"it never stops talking", "while :; do echo x; done", ""},
		} {
			t.Run(c.why, func(t *testing.T) {
				left := leavings(t, e)
				b := shell(base, c.words)
				if c.want == "" || strings.HasPrefix(c.want, "it took") {
					b.Timeout = 3 * time.Second
				}
				_, err := e.Build(t.Context(), b)
				_, said, _ := strings.Cut(c.want, "…")
				for b.Timeout > 0 && b.Timeout < enough && !strings.Contains(fmt.Sprint(err), said) {
					b.Timeout *= 2 // it had not begun
					_, err = e.Build(t.Context(), b)
				}
				for _, want := range strings.Split(c.want, "…") { // rootless podman has its own first words
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("got %v, want %q", err, want)
					}
				}
				left()
			})
		}
	})
}

// Two at once: both get an image that runs.
func TestBuildTwiceAtOnce(t *testing.T) {
	both(t, func(t *testing.T, e Engine) {
		base := e.base(t)
		t.Cleanup(leavings(t, e)) // and it looks after those that clean up
		var images [3]string
		var errs [3]error
		var work sync.WaitGroup
		for i := range images {
			work.Go(func() { images[i], errs[i] = e.Build(t.Context(), shell(base, fills)) })
		}
		work.Wait()
		for i, image := range images {
			if errs[i] != nil {
				t.Error(errs[i])
				continue
			}
			if i == 0 || !slices.Contains(images[:i], image) {
				forget(t, e, image)
			}
			c := begin(t, e, Job{Server: "twin", Command: []string{bake.Run}, Spec: box.Spec{Image: image}})
			fmt.Fprintln(c.Stdin(), "hello")
			if out, _ := io.ReadAll(c.Stdout()); string(out) != "got hello\nit stays\n" {
				t.Errorf("%q %s", out, c.LastWords())
			}
		}
		t.Logf("%q", images)
	})
}

// TestAsBuilder is a proxy that is killed while it builds.
func TestAsBuilder(t *testing.T) {
	tool, base, ok := strings.Cut(os.Getenv("SALLYPORT_TEST_BUILDER"), " ")
	if !ok {
		t.Skip("it is another test's")
	}
	e, err := Find(t.Context(), tool, os.Getenv("SALLYPORT_TEST_SELF"))
	if err != nil {
		t.Fatal(err)
	}
	b := shell(base, "echo up >&2; sleep 1000")
	b.Stderr = func(line []byte) { fmt.Printf("said %s\n", line) }
	_, err = e.Build(t.Context(), b)
	t.Fatal(err)
}

func TestKilledBuildLeavesNothing(t *testing.T) {
	both(t, func(t *testing.T, e Engine) {
		base := e.base(t)
		left := leavings(t, e)
		builder := exec.Command(mustSelf(), "-test.run=^TestAsBuilder$")
		builder.Env = append(os.Environ(), "SALLYPORT_TEST_BUILDER="+string(e.Tool)+" "+base, "SALLYPORT_TEST_SELF="+e.Self.Path, "SALLYPORT_TEST_BAKED="+baked)
		stdout, err := builder.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := builder.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stdout)
		for lines.Scan() && lines.Text() != "said up" {
			t.Log(lines.Text())
		}
		if lines.Text() != "said up" || names(t, e, "sallyport-"+baked+"-") == "" {
			t.Fatal("it does not build")
		}
		if err := builder.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = builder.Wait()
		for end := time.Now().Add(enough); names(t, e, "sallyport-"+baked+"-") != "" && time.Now().Before(end); {
			time.Sleep(100 * time.Millisecond)
		}
		left()
	})
}

// Nobody waits at the side of the container from which the image is made: Reap knows it.
func TestReapHalfAnImage(t *testing.T) {
	both(t, func(t *testing.T, e Engine) {
		b := shell(e.base(t), fills)
		name := containerName(baked)
		create := b.assembly(name, "0")[0]
		builder, die := mortal(t)
		for i, word := range create {
			create[i] = strings.ReplaceAll(word, string(owner.Us()), string(builder))
		}
		if _, err := e.call(t.Context(), nil, create...); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = e.remove(context.Background(), name) }()
		if names(t, e, name) == "" {
			t.Fatal("there is none")
		}
		die()
		reaped, err := e.Reap(t.Context()) // or somebody else who starts at this moment
		if err != nil || names(t, e, name) != "" {
			t.Errorf("reaped %q, %v; want %s", reaped, err, name)
		}
	})
}

func needRegistry(t *testing.T) {
	t.Helper()
	d := net.Dialer{Timeout: enough}
	c, err := d.DialContext(t.Context(), "tcp", "registry.npmjs.org:443")
	if err != nil {
		missing(t, err)
	}
	c.Close()
}

// missing ends a test for which this machine lacks something.
func missing(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("SALLYPORT_E2E") == "require" {
		t.Fatal(err)
	}
	t.Skip(err)
}

// listTools says hello, and returns the names of the tools.
func listTools(t *testing.T, c *Child) []string {
	t.Helper()
	in := bufio.NewReader(c.Stdout())
	ask := func(id int, method, params string) json.RawMessage {
		fmt.Fprintf(c.Stdin(), `{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`+"\n", id, method, params)
		for {
			line, err := in.ReadBytes('\n')
			if err != nil {
				t.Fatalf("%s: %v: %s: %s", method, err, c.Why(), c.LastWords())
			}
			var answer struct {
				ID     int
				Result json.RawMessage
			}
			if json.Unmarshal(line, &answer) == nil && answer.ID == id && answer.Result != nil {
				return answer.Result
			}
		}
	}
	ask(1, "initialize", `{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}`)
	fmt.Fprintln(c.Stdin(), `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	var list struct{ Tools []struct{ Name string } }
	if err := json.Unmarshal(ask(2, "tools/list", `{}`), &list); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
	}
	return names
}
