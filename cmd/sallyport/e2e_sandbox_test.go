//go:build linux

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sallyport/sandbox/owner"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
)

// contained is a runtime, and a server that is made to try what a sandbox forbids.
type contained struct {
	runtime   string
	dir       string // others may look into it
	sallyport string // static, as the documentation says
	server    string // what a server block says of image or command
	image     string
	container bool
}

// inEach runs a test with each runtime that there is.
func inEach(t *testing.T, f func(*testing.T, *contained)) {
	for _, runtime := range []string{"podman", "docker", "bwrap"} {
		t.Run(runtime, func(t *testing.T) { f(t, boxesOf(t, runtime)) })
	}
}

// programs are sallyport, static, and the server that it contains, built once.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sallyport-e2e-built-")
	if err != nil {
		return "", err
	}
	tidy = append(tidy, func() { os.RemoveAll(dir) })
	for name, of := range map[string]string{"sallyport": ".", "boxed": "../../testdata/boxed"} {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, name), of)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w: %s", err, out)
		}
	}
	return dir, nil
})

// boxesOf builds what is needed, or skips; docker is tried only where a daemon answers.
func boxesOf(t *testing.T, runtime string) *contained {
	t.Helper()
	missing := t.Skipf
	if os.Getenv("SALLYPORT_E2E") == "require" && runtime != "docker" {
		missing = t.Fatalf
	}
	if os.Getenv("SALLYPORT_E2E") == "" && testing.Short() {
		t.Skip("short")
	}
	if _, err := exec.LookPath(runtime); err != nil {
		missing("%v", err)
	}
	if out, err := exec.Command(runtime, "info").CombinedOutput(); err != nil && runtime != "bwrap" {
		missing("%s info: %v: %.200s", runtime, err, out)
	}
	if os.Getuid() != 0 {
		missing("only root's boxes hold to all limits on every machine")
	}
	dir, err := os.MkdirTemp("", "sallyport-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(filepath.Join(dir, "tmp"), 0o755)); err != nil {
		t.Fatal(err)
	}
	b := &contained{runtime: runtime, dir: dir, container: runtime != "bwrap", sallyport: filepath.Join(dir, "sallyport")}
	boxed := filepath.Join(dir, "tools", "boxed")
	built, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(filepath.Dir(boxed), 0o755), os.Link(filepath.Join(built, "sallyport"), b.sallyport), os.Link(filepath.Join(built, "boxed"), boxed)); err != nil {
		t.Fatal(err)
	}
	if !b.container {
		b.server = fmt.Sprintf("command = [%q]", boxed)
		return b
	}
	program, err := os.ReadFile(boxed)
	if err != nil {
		t.Fatal(err)
	}
	var root bytes.Buffer
	w := tar.NewWriter(&root)
	_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777})
	_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "boxed", Mode: 0o755, Size: int64(len(program))})
	_, _ = w.Write(program)
	_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/sh", Linkname: "/boxed"})
	w.Close()
	b.image = fmt.Sprintf("localhost/sallyport-e2e:%d-%s", os.Getpid(), strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-")))
	load := exec.Command(runtime, "import", `--change=ENTRYPOINT ["/boxed"]`, "-", b.image)
	load.Stdin = &root
	if out, err := load.CombinedOutput(); err != nil {
		missing("%v\n%s", err, out)
	}
	t.Cleanup(func() { exec.Command(runtime, "image", "rm", "--force", b.image).Run() })
	return b
}

// env keeps what a proxy writes by itself to this test.
func (b *contained) env() []string {
	return []string{"XDG_STATE_HOME=" + filepath.Join(b.dir, "state"), "TMPDIR=" + filepath.Join(b.dir, "tmp")}
}

// A lodger is a client with the proxy that it started.
type lodger struct {
	*client.Client
	t    *testing.T
	cmd  *exec.Cmd
	log  string
	said *bytes.Buffer
}

// config writes a policy whose server block holds more, and its sandbox block body.
func (b *contained) config(t *testing.T, body, more string) string {
	t.Helper()
	if b.container {
		body = fmt.Sprintf("image = %q\n", b.image) + body
	} else {
		body = fmt.Sprintf("mount { source = %q }\n", filepath.Join(b.dir, "tools")) + body
	}
	policy := fmt.Sprintf("server \"boxed\" {\n%s\n%s\nstop_timeout = \"3s\"\nsandbox %q {\n%s\n}\nrisk = \"read\"\n}\nrole \"r\" { allow = [\"boxed/*\"] }\n", b.server, more, b.runtime, body)
	config := filepath.Join(t.TempDir(), "policy.hcl")
	if err := os.WriteFile(config, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

// lodge starts the proxy on a policy whose sandbox block holds body. The state folder is
// one for all visits of a test, so that a runtime is tried once.
func (b *contained) lodge(t *testing.T, body, more string, env ...string) *lodger {
	t.Helper()
	v := &lodger{t: t, said: &bytes.Buffer{}, log: filepath.Join(t.TempDir(), "log.jsonl")}
	config := b.config(t, body, more)
	b.start(v, []string{"run", "--config", config, "--audit", v.log}, env)
	return v
}

// start starts the proxy with these words, and shakes hands.
func (b *contained) start(v *lodger, words, env []string) {
	t := v.t
	t.Helper()
	cmd := exec.Command(b.sallyport, words...)
	cmd.Dir = filepath.Join(b.dir, "tmp")
	cmd.Env = append(os.Environ(), append(env, b.env()...)...)
	cmd.Stderr = v.said
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	v.cmd = cmd
	v.Client = client.NewClient(transport.NewIO(out, in, io.NopCloser(strings.NewReader(""))))
	ctx, stop := context.WithTimeout(t.Context(), e2ePatience)
	defer stop()
	if err := v.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.leave)
	hello := mcp.InitializeRequest{}
	hello.Params.ProtocolVersion = "2025-11-25"
	hello.Params.ClientInfo = mcp.Implementation{Name: "visitor", Version: "1"}
	if _, err := v.Initialize(ctx, hello); err != nil {
		v.leave()
		t.Fatalf("%v\n%s", err, v.said)
	}
	if _, err := v.ListTools(ctx, mcp.ListToolsRequest{}); err != nil {
		v.leave()
		t.Fatalf("%v\n%s", err, v.said)
	}
}

func (v *lodger) leave()                        { v.Close(); _ = v.cmd.Wait() }
func (v *lodger) call(name, args string) string { s, _ := v.try(name, args); return s }
func (v *lodger) refused(name, args string) string {
	v.t.Helper()
	s, failed := v.try(name, args)
	if !failed {
		v.t.Errorf("%s %s: %s", name, args, s)
	}
	return s
}

// try calls a tool, and says whether it failed.
func (v *lodger) try(name, args string) (string, bool) {
	v.t.Helper()
	ctx, stop := context.WithTimeout(v.t.Context(), e2ePatience)
	defer stop()
	req := mcp.CallToolRequest{}
	req.Params.Name, req.Params.Arguments = name, json.RawMessage(args)
	r, err := v.CallTool(ctx, req)
	if err != nil {
		return err.Error(), true
	}
	text := ""
	for _, c := range r.Content {
		if c, ok := c.(mcp.TextContent); ok {
			text += c.Text
		}
	}
	return text, r.IsError
}

// events are the log's events of a method, each as "severity code tool".
func (v *lodger) events(method string) []string {
	v.t.Helper()
	b, err := os.ReadFile(v.log)
	if err != nil {
		v.t.Fatal(err)
	}
	var all []string
	for line := range bytes.Lines(b) {
		var e struct{ Method, Severity, Code, Tool, Message string }
		if json.Unmarshal(line, &e) == nil && e.Method == method {
			all = append(all, strings.TrimSpace(e.Severity+" "+e.Code+" "+e.Tool))
		}
	}
	return all
}

// What a server may do in a box, and what it may not.
func TestSandbox(t *testing.T) {
	inEach(t, func(t *testing.T, b *contained) {
		hidden := filepath.Join(b.dir, "hidden")
		if err := os.WriteFile(hidden, []byte("the host's"), 0o644); err != nil {
			t.Fatal(err)
		}
		shown := filepath.Join(b.dir, "shown")
		if err := os.Mkdir(shown, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(shown, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(shown, "text"), []byte("for all"), 0o644); err != nil {
			t.Fatal(err)
		}
		port := somebody(t)
		v := b.lodge(t, fmt.Sprintf("mount {\nsource = %q\ntarget = \"/data\"\n}\nworkdir = \"/data\"", shown), `env = { BOX_SECRET = secret_env("E2E_SECRET") }`, "E2E_SECRET=correct-horse-battery")
		if got, want := v.call("who", `{}`), "65534:65534 in /data"; got != want {
			t.Errorf("it is %s, not %s", got, want)
		}
		if got, want := v.call("env", `{"name":"BOX_SECRET"}`), fmt.Sprintf("%x", sha256.Sum256([]byte("correct-horse-battery"))); got != want {
			t.Errorf("the secret did not come: %s", got)
		}
		if got := v.call("env", `{"name":"E2E_SECRET"}`); got != fmt.Sprintf("%x", sha256.Sum256(nil)) {
			t.Error("the proxy's environment is inherited")
		}
		b.nowhere(t, v, "correct-horse-battery")
		if got := v.call("read", `{"name":"/data/text"}`); got != "for all" {
			t.Errorf("what is mounted: %s", got)
		}
		if got := v.call("write", `{"name":"/tmp/a","count":1000}`); got != "written" {
			t.Errorf("scratch: %s", got)
		}
		v.refused("write", `{"name":"/data/new","count":1}`)
		v.refused("write", `{"name":"/new","count":1}`)
		v.refused("write", `{"name":"/tmp/b","count":60000000}`)
		v.refused("read", fmt.Sprintf(`{"name":%q}`, hidden))
		v.refused("read", `{"name":"/etc/shadow"}`)
		hosts := map[bool]string{true: "127.0.0.1\tlocalhost box\n::1\tlocalhost\n", false: "127.0.0.1 localhost box\n::1 localhost\n"}[b.container]
		if got := v.call("read", `{"name":"/etc/hosts"}`); got != hosts {
			t.Errorf("of names it knows %q", got)
		}
		told := regexp.MustCompile(map[bool]string{true: "which is (sha256:)?[0-9a-f]{64}, memory 256Mi", false: "exec does not bite"}[b.container])
		if log, _ := os.ReadFile(v.log); !told.Match(log) {
			t.Error("which image it is, or what bubblewrap cannot do, is not on record")
		}
		v.refused("dial", fmt.Sprintf(`{"address":"127.0.0.1:%d"}`, port))
		v.refused("dial", `{"address":"169.254.169.254:80"}`)
		if got := v.refused("start", `{"name":"/proc/self/exe","count":500}`); !strings.Contains(got, "after") {
			t.Errorf("processes: %s", got)
		}
		if got := v.events("sandbox"); len(got) != 1 || got[0] != "contained" {
			t.Errorf("the log says %q of the box", got)
		}
	})
}

// No box is shown what is sallyport's own, nor anything through a link.
func TestSandboxOwn(t *testing.T) {
	inEach(t, func(t *testing.T, b *contained) {
		link := filepath.Join(b.dir, "link")
		if err := os.Symlink(filepath.Join(b.dir, "tools"), link); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(b.dir, "state", "sallyport"), 0o700); err != nil {
			t.Fatal(err)
		}
		for source, why := range map[string]string{
			filepath.Join(b.dir, "state"): "contains " + filepath.Join(b.dir, "state", "sallyport"),
			link:                          "is or passes through a link",
		} {
			config := b.config(t, fmt.Sprintf("mount {\nsource = %q\ntarget = \"/seen\"\n}", source), "")
			if out := b.greet(t, config); !strings.Contains(out, why) {
				t.Errorf("%s:\n%s", source, out)
			}
		}
	})
}

// greet starts the proxy, says hello, and returns all that comes.
func (b *contained) greet(t *testing.T, config string) string {
	t.Helper()
	cmd := exec.Command(b.sallyport, "run", "--config", config, "--audit", filepath.Join(t.TempDir(), "log.jsonl"))
	cmd.Env = append(os.Environ(), b.env()...)
	cmd.Stdin = strings.NewReader(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}` + "\n")
	out, _ := cmd.CombinedOutput()
	return string(out)
}

// somebody listens on all of the host's addresses.
func somebody(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// nowhere looks for a secret where others could read it.
func (b *contained) nowhere(t *testing.T, v *lodger, secret string) {
	t.Helper()
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range lines {
		if line, _ := os.ReadFile(file); bytes.Contains(line, []byte(secret)) {
			t.Errorf("the secret stands in a command line: %q", line)
		}
	}
	if b.container {
		out, err := exec.Command("sh", "-c", b.runtime+" inspect $("+b.runtime+" ps -q --filter ancestor="+b.image+")").CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("sallyport.server")) {
			t.Errorf("inspect: %v %.200s", err, out)
		}
		if bytes.Contains(out, []byte(secret)) {
			t.Error("inspect shows the secret")
		}
	}
	log, err := os.ReadFile(v.log)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(log, []byte(secret)) || strings.Contains(v.said.String(), secret) {
		t.Error("the secret is in a log")
	}
}

// There is one way out, and every connection that takes it or tries another is known.
func TestSandboxEgress(t *testing.T) {
	inEach(t, func(t *testing.T, b *contained) {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") }))
		t.Cleanup(web.Close)
		address := strings.TrimPrefix(web.URL, "http://")
		_, port, _ := net.SplitHostPort(address)
		// Localhost is a name that resolves to a private address.
		v := b.lodge(t, fmt.Sprintf("network { egress = [%q, %q] }", address, "localhost:"+port), "")
		if got := v.call("fetch", fmt.Sprintf(`{"url":%q}`, web.URL)); got != "200 hello" {
			t.Errorf("allowed: %s\n%s", got, v.said)
		}
		if got := v.call("fetch", `{"url":"http://example.com/"}`); !strings.HasPrefix(got, "403") {
			t.Errorf("another host: %s", got)
		}
		if got := v.call("fetch", fmt.Sprintf(`{"url":"http://localhost:%s/"}`, port)); !strings.HasPrefix(got, "403") {
			t.Errorf("a name that resolves to a private address: %s", got)
		}
		v.refused("dial", fmt.Sprintf(`{"address":%q}`, address))
		v.refused("dial", fmt.Sprintf(`{"address":"127.0.0.1:%d"}`, somebody(t)))
		v.leave()
		want := []string{"egress_opened " + address, "egress_closed " + address, "warning egress_not_listed example.com:80", "warning egress_address localhost:" + port}
		slices.Sort(want)
		// One may still be closing while the next is opened.
		if got := slices.Sorted(slices.Values(v.events("egress"))); !slices.Equal(got, want) {
			t.Errorf("the log says %q, not %q", got, want)
		}
		if ways, _ := filepath.Glob(filepath.Join(b.dir, "tmp", "sallyport-way-*")); len(ways) > 0 {
			t.Errorf("left: %q", ways)
		}
	})
}

// A server that ran out of memory is named as such to the client and in the log, and
// starts again.
func TestSandboxMemory(t *testing.T) {
	inEach(t, func(t *testing.T, b *contained) {
		v := b.lodge(t, `memory = "64Mi"`, "")
		if got := v.refused("exit", `{"count":3}`); !strings.Contains(got, "exit status 3") {
			t.Errorf("the client is told %s", got)
		}
		v.backAgain()
		if b.container {
			ids, _ := exec.Command(b.runtime, "ps", "--quiet", "--filter", "ancestor="+b.image).Output()
			if out, err := exec.Command(b.runtime, append([]string{"kill"}, strings.Fields(string(ids))...)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			v.backAgain()
			if log, _ := os.ReadFile(v.log); !bytes.Contains(log, []byte("signal: killed, by a limit or by hand, not by sallyport")) {
				t.Error("who killed it is not told")
			}
		}
		// The kernel writes down ten in five seconds, and other tests have theirs.
		for end := time.Now().Add(e2ePatience); ; {
			got := v.refused("eat", `{"count":200}`)
			if strings.Contains(got, "memory") && strings.Contains(got, "64") {
				break
			}
			if time.Now().After(end) || !strings.Contains(got, "signal: killed") {
				t.Fatalf("the client is told %s", got)
			}
			time.Sleep(3 * time.Second)
			v.backAgain()
		}
		if left, _ := filepath.Glob(filepath.Join(b.dir, "tmp", "oom")); len(left) > 0 {
			t.Errorf("left where the proxy was started: %q", left)
		}
		if log, _ := os.ReadFile(v.log); !bytes.Contains(log, []byte("memory (")) && !bytes.Contains(log, []byte("out of memory")) {
			t.Errorf("the log does not name it")
		}
		v.backAgain()
	})
}

// A spare is a box of its own that is there before it is needed.
func TestSandboxSpare(t *testing.T) {
	inEach(t, func(t *testing.T, b *contained) {
		v := b.lodge(t, `spare = true`, "")
		wait := func(n int) {
			t.Helper()
			for end := time.Now().Add(e2ePatience); len(v.events("sandbox")) < n; time.Sleep(50 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%d boxes, want %d\n%s", len(v.events("sandbox")), n, v.said)
				}
			}
		}
		wait(2)
		v.refused("exit", `{"count":3}`)
		v.backAgain()
		wait(3) // one for the next time
		v.leave()
		if left := b.left(); left != "" {
			t.Errorf("left:\n%s", left)
		}
	})
}

// backAgain waits until the server has been started again.
func (v *lodger) backAgain() {
	v.t.Helper()
	for end := time.Now().Add(e2ePatience); ; time.Sleep(200 * time.Millisecond) {
		if got, failed := v.try("who", `{}`); !failed {
			return
		} else if time.Now().After(end) {
			v.t.Fatalf("it does not start again: %s\n%s", got, v.said)
		}
	}
}

// What a package's runner would fetch is installed once, by the way that is named for
// it, and runs without a network; the flags of wrap are all it takes.
func TestSandboxBuild(t *testing.T) {
	for _, runtime := range []string{"podman", "docker"} {
		t.Run(runtime, func(t *testing.T) {
			b := boxesOf(t, runtime)
			first := []string{"wrap", "--sandbox", runtime, "--image", b.image, "--", "npx", "-y", "@scope/some-server@1.0.0", "/data"}
			other := []string{"wrap", "--sandbox", runtime, "--image", b.image, "--registry", "elsewhere.example:80", "--", "npx", "-y", "@scope/some-server@1.0.1", "/data"}
			var logs []string
			for _, words := range [][]string{first, first, other} {
				v := &lodger{t: t, said: &bytes.Buffer{}, log: filepath.Join(t.TempDir(), "log.jsonl")}
				b.start(v, append([]string{words[0], "--audit", v.log}, words[1:]...), nil)
				if got := v.call("words", `{}`); got != "/opt/sallyport/run /data" {
					t.Errorf("it runs as %q\n%s", got, v.said)
				}
				v.refused("dial", `{"address":"127.0.0.1:3128"}`)
				v.leave()
				logs = append(logs, strings.Join(v.events("egress"), ","))
				log, _ := os.ReadFile(v.log)
				made := regexp.MustCompile(`image (sha256:[0-9a-f]+), made from ` + regexp.QuoteMeta(b.image) + ` with @scope/some-server@1.0.[01]`).FindSubmatch(log)
				if made == nil {
					t.Fatal("the log does not say what was built")
				}
				t.Cleanup(func() { exec.Command(runtime, "image", "rm", string(made[1])).Run() })
			}
			if said := b.told(t, ""); strings.Contains(said, "\nyes\n") || !strings.Contains(said, "\nno\n") || strings.Contains(said, "TOKEN") || !strings.Contains(said, "\nNPM_CONFIG_X=1\n") || !strings.HasSuffix(said, "\n127.0.0.1\tlocalhost box\n::1\tlocalhost\n\nan authority") {
				t.Errorf("the installer was told:\n%s", said)
			}
			if out := b.greet(t, b.config(t, `build { when = "never" }`, `command = ["npx", "-y", "some-server@1.0.2"]`)); !strings.Contains(out, "is not in the box's PATH") {
				t.Errorf("it is built:\n%s", out)
			}
			if said := b.told(t, `build { scripts = "run" }`); !strings.Contains(said, "\nyes\n") {
				t.Errorf("the installer was told:\n%s", said)
			}
			if want := []string{"warning egress_not_listed elsewhere.example:80", "", "warning egress_unknown elsewhere.example:80"}; strings.Join(logs, ";") != strings.Join(want, ";") {
				t.Errorf("connections of the starts: %q, want %q", logs, want)
			}
		})
	}
}

// told is what the installer of a server is told.
func (b *contained) told(t *testing.T, body string) string {
	t.Helper()
	authorities := filepath.Join(t.TempDir(), "ours.pem")
	if err := os.WriteFile(authorities, []byte("an authority"), 0o600); err != nil {
		t.Fatal(err)
	}
	v := b.lodge(t, body, `command = ["npx", "-y", "some-server@1.0.2"]
env = {
TOKEN = "x"
NPM_CONFIG_X = "1"
}`, "NODE_EXTRA_CA_CERTS="+authorities)
	defer v.leave()
	log, _ := os.ReadFile(v.log)
	if made := regexp.MustCompile(`image (sha256:[0-9a-f]+), made`).FindSubmatch(log); made != nil {
		t.Cleanup(func() { exec.Command(b.runtime, "image", "rm", string(made[1])).Run() })
	}
	return v.call("read", `{"name":"/opt/sallyport/told"}`)
}

// left is what there is of a runtime's boxes outside of them: containers, processes,
// mounts, networks.
func (b *contained) left() string {
	var all []string
	if b.container {
		for _, question := range [][]string{{"ps", "--all", "--quiet", "--filter", "ancestor=" + b.image}, {"network", "ls", "--filter", "name=sallyport", "--quiet"}} {
			out, _ := exec.Command(b.runtime, question...).Output()
			all = append(all, strings.Fields(string(out))...)
		}
	}
	for _, pattern := range []string{"/proc/[0-9]*/cmdline", "/proc/self/mountinfo"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			text, _ := os.ReadFile(file)
			for line := range strings.Lines(string(bytes.ReplaceAll(text, []byte{0}, []byte(" ")))) {
				if strings.Contains(line, b.dir) || b.image != "" && strings.Contains(line, b.image) {
					all = append(all, line)
				}
			}
		}
	}
	return strings.Join(all, "\n")
}

// nothingLeft waits until nothing is left, and until the next start has removed the
// ways out of those that were killed.
func (b *contained) nothingLeft(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(e2ePatience); b.left() != ""; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("left:\n%s", b.left())
		}
	}
	b.lodge(t, `network { egress = ["example.com"] }`, "").leave()
	if ways, _ := filepath.Glob(filepath.Join(b.dir, "tmp", "sallyport-way-*")); len(ways) > 0 {
		t.Errorf("left: %q", ways)
	}
}

// A killed proxy leaves no container, process, mount or way out, whenever it is killed.
// SALLYPORT_E2E_KILLS sets the number of rounds.
func TestSandboxKilled(t *testing.T) {
	rounds := 4
	if text := os.Getenv("SALLYPORT_E2E_KILLS"); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	inEach(t, func(t *testing.T, b *contained) {
		b.lodge(t, `network { egress = ["example.com"] }`, "").leave() // else the first rounds only try the runtime
		answered := 0
		for round := range rounds {
			answered += b.kill(t, time.Duration(rand.Int64N(int64(1500*time.Millisecond))), round)
		}
		b.nothingLeft(t)
		b.orphan(t)
		t.Logf("%d kills, %d answers before them", rounds, answered)
	})
}

// orphan leaves a container whose proxy and keeper are gone: the next start removes it.
func (b *contained) orphan(t *testing.T) {
	t.Helper()
	if !b.container {
		return
	}
	dead := exec.Command("/bin/true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	id := strings.Split(string(owner.Us()), ".")
	id[3], id[4] = strconv.Itoa(dead.Process.Pid), "1"
	if out, err := exec.Command(b.runtime, "create", "--network=none", "--label=sallyport.owner="+strings.Join(id, "."), b.image).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	v := b.lodge(t, "", "")
	ours := func() string {
		out, _ := exec.Command(b.runtime, "ps", "--all", "--quiet", "--filter", "label=sallyport.owner="+strings.Join(id, ".")).Output()
		return string(out)
	}
	for end := time.Now().Add(e2ePatience); ours() != ""; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("left: %s", ours())
		}
	}
	v.leave()
}

// kill is one life of the proxy under load; it returns how many answers came.
func (b *contained) kill(t *testing.T, life time.Duration, round int) int {
	t.Helper()
	config := b.config(t, `network { egress = ["example.com"] }`, "")
	cmd := exec.Command(b.sallyport, "run", "--config", config, "--audit", filepath.Join(t.TempDir(), "log.jsonl"), "--log-level", "error")
	cmd.Env = append(os.Environ(), b.env()...)
	var out bytes.Buffer
	cmd.Stdout = &out
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(in, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"load","version":"1"}}}`)
	fmt.Fprintln(in, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	for id := range 200 {
		fmt.Fprintf(in, `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"write","arguments":{"name":"/tmp/%d","count":1000}}}`+"\n", id+1, id)
	}
	time.Sleep(life)
	_ = cmd.Process.Signal(syscall.SIGKILL)
	_ = cmd.Wait()
	return bytes.Count(out.Bytes(), []byte("\n"))
}
