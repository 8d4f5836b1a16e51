//go:build linux

package engine

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"sallyport/sandbox/box"
	"sallyport/sandbox/gvisor"
	"sallyport/sandbox/inside"
	"sallyport/sandbox/outside"
	"sallyport/sandbox/probe"
)

// TestEscape makes each attempt in a box as it is by default.
func TestEscape(t *testing.T) {
	both(t, func(t *testing.T, e Engine) { escapes(t, newPrison(t, e, box.Spec{})) })
}

// A way out changes nothing of what else is shut.
func TestEscapeWithEgress(t *testing.T) {
	both(t, func(t *testing.T, e Engine) {
		escapes(t, newPrison(t, e, box.Spec{Egress: []box.Endpoint{{Host: "api.example.com", Port: 443}}}))
	})
}

// class names the OCI runtime of the boxes, as a policy's runtime_class.
var class = os.Getenv("SALLYPORT_TEST_RUNTIME_CLASS")

// A prison is what the attempts are made in, and what is around it.
type prison struct {
	engine      Engine
	job         Job
	facts       outside.Facts
	quiet, loud []string
	loose       bool // it is not shut, and who is within may end it
	gvisor      bool // a kernel of the box's own: what ends that ends the box
}

func newPrison(t testing.TB, e Engine, s box.Spec) prison {
	t.Helper()
	program := outside.Program(t)
	// Docker refuses more processors than there are.
	s.Limits = box.Limits{Memory: 128 << 20, PIDs: 40, Files: 200, Scratch: 8 << 20, CPU: 1000 * min(2, runtime.NumCPU())}
	if class != "" {
		s.Limits.PIDs = 128 // its own threads count, too
	}
	p := prison{engine: e, facts: outside.Set(t, s.Limits)}
	p.facts.Sys = true
	s.Image, s.Class = hostileImage(t, e, program), class
	p.job = Job{Server: "hostile", Spec: s, StopTimeout: 100 * time.Millisecond}
	if len(s.Egress) > 0 {
		p.job.Egress = outside.Shared(t)
		gate(t, filepath.Join(p.job.Egress, inside.EgressSocket))
	}
	p.quiet, p.loud = outside.Attempts(t, program)
	other := p.job
	other.Command, other.Env = []string{"/escape", "neighbour", p.facts.JSON()}, []string{"OTHER=" + p.facts.Other}
	if other.Egress != "" {
		other.Egress = filepath.Dir(p.facts.Socket)
	}
	outside.Ready(t, begin(t, e, other).Stdout())
	return p
}

// gate is the end of a way out, where all who come are let go.
func gate(t testing.TB, at string) {
	t.Helper()
	l, err := net.Listen("unix", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if err := os.Chmod(at, 0o666); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
}

var images atomic.Int64

// hostileImage is an image that helps who is within: with root's programs, devices,
// folders for everybody, and a volume.
func hostileImage(t testing.TB, e Engine, program string) string {
	t.Helper()
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	archive := &bytes.Buffer{}
	w := tar.NewWriter(archive)
	add := func(h tar.Header, body []byte) {
		h.Size, h.Format = int64(len(body)), tar.FormatPAX
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"tmp/", "var/", "var/tmp/", "run/", "open/", "volume/", "devices/", "etc/"} {
		if dir != "var/" { // else it looks like the host's
			add(tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o777}, nil)
		}
	}
	add(tar.Header{Typeflag: tar.TypeReg, Name: "escape", Mode: 0o777}, text)
	add(tar.Header{Typeflag: tar.TypeReg, Name: "etc/passwd", Mode: 0o666}, []byte("root::0:0::/:/escape\n"))
	add(tar.Header{Typeflag: tar.TypeReg, Name: "setuid", Mode: 0o4755}, text)
	// All capabilities, permitted and effective, version 2.
	all := "\x01\x00\x00\x02\xff\xff\xff\xff\x00\x00\x00\x00\xff\x01\x00\x00\x00\x00\x00\x00"
	add(tar.Header{Typeflag: tar.TypeReg, Name: "capable", Mode: 0o755, PAXRecords: map[string]string{"SCHILY.xattr.security.capability": all}}, text)
	if !e.Rootless { // it could not unpack them
		add(tar.Header{Typeflag: tar.TypeChar, Name: "devices/mem", Mode: 0o666, Devmajor: 1, Devminor: 1}, nil)
		add(tar.Header{Typeflag: tar.TypeChar, Name: "devices/kmsg", Mode: 0o666, Devmajor: 1, Devminor: 11}, nil)
		add(tar.Header{Typeflag: tar.TypeBlock, Name: "devices/disk", Mode: 0o666, Devmajor: 254}, nil)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("localhost/sallyport-hostile:%d-%d", os.Getpid(), images.Add(1))
	if _, err := e.callWith(t.Context(), archive, "import", "--change=VOLUME /volume", "--change=USER 0", "-", name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = e.call(context.Background(), nil, "image", "rm", "--force", name) })
	return name
}

// escapes makes every attempt, the quiet ones in one box.
func escapes(t *testing.T, p prison) {
	t.Helper()
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 4, 2, ' ', 0)
	defer func() { _ = w.Flush(); t.Logf("%s:\n%s", p.engine, table.String()) }()
	open := p.open(t)
	judge := func(name, said string) {
		t.Run(name, func(t *testing.T) {
			verdict, how, _ := strings.Cut(said, ": ")
			if verdict != "refused" {
				if why := open(name); why != "" {
					verdict, how = "OPEN HERE", why
				} else {
					t.Errorf("%s: %s", verdict, how)
				}
			}
			fmt.Fprintf(w, "%s\t%s\t%.120s\n", name, verdict, how)
		})
	}
	told := p.several(t)
	for _, name := range p.quiet {
		judge(name, told[name])
	}
	for _, name := range p.loud {
		judge(name, p.one(t, name))
	}
}

// several makes the quiet attempts, and returns what was said of each.
func (p prison) several(t *testing.T) map[string]string {
	t.Helper()
	p.job.Command = []string{"/escape", "quiet", p.facts.JSON()}
	c := begin(t, p.engine, p.job)
	told := map[string]string{}
	lines := bufio.NewScanner(c.Stdout())
	for lines.Scan() {
		name, said, _ := strings.Cut(lines.Text(), "\t")
		told[name] = said
	}
	await(t, c.Exited())
	if len(told) < len(p.quiet) && !p.loose {
		t.Errorf("only %d of %d: %s: %s", len(told), len(p.quiet), c.Why(), c.LastWords())
	}
	return told
}

// one makes one attempt in a box of its own.
func (p prison) one(t *testing.T, name string) string {
	t.Helper()
	p.job.Command = []string{"/escape", name, p.facts.JSON()}
	c, err := p.engine.Start(t.Context(), p.job)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	}()
	out, err := io.ReadAll(c.Stdout())
	if err != nil {
		t.Fatal(err)
	}
	await(t, c.Exited())
	said := strings.TrimSpace(string(out))
	switch why := c.Why(); {
	// It may take the box with it.
	case strings.HasPrefix(said, "refused: "), strings.HasPrefix(said, "ESCAPED: "):
		return said
	// The kernel writes down no more than ten of these in five seconds.
	case strings.HasPrefix(why, "out of memory"), strings.HasPrefix(name, "more memory") && strings.HasPrefix(why, "signal: killed"):
		return "refused: killed: " + why
	case p.gvisor && said == "" && slices.Contains(fatal, name):
		return "refused: the box ended: " + why
	default:
		return fmt.Sprintf("UNCLEAR: %s: %s: %s", why, said, c.LastWords())
	}
}

// fatal is what gVisor ends a box for: its first process, which nothing protects there,
// or gVisor itself has no more threads of the host.
var fatal = []string{"outlive the box by killing its first process", "more processes than allowed", "fork bomb"}

// shortfalls are what the probe says about a box like the prison's.
func (p *prison) shortfalls(t *testing.T) []probe.Judgement {
	t.Helper()
	r, err := p.engine.Probe(t.Context(), p.job.Spec, p.facts.Addresses)
	if err != nil {
		t.Fatal(err)
	}
	p.gvisor = r.Kernel == gvisor.Name
	return probe.Broken(probe.Check(p.job.Spec, r))
}

// known says why an attempt is not refused anywhere.
func (p prison) known(name string) string {
	if name == "learn the names of other hosts" && (p.engine.Tool == Podman || p.engine.Behind) {
		return "podman copies the host's /etc/hosts into the box"
	}
	if name == "fill the message queues" && p.gvisor {
		return "what is in them counts as the box's memory"
	}
	return ""
}

// open says why an attempt is not refused on this machine: the probe must have seen it.
func (p *prison) open(t *testing.T) func(name string) string {
	t.Helper()
	short := p.shortfalls(t)
	for _, s := range short {
		t.Logf("the probe: %s", s)
	}
	return func(name string) string {
		if why := p.known(name); why != "" {
			return why
		}
		for _, s := range short {
			if about, ok := map[string]string{"memory": "more memory", "processes": "more processes"}[s.What]; ok && strings.HasPrefix(name, about) ||
				s.What == "processes" && name == "fork bomb" {
				return s.String()
			}
		}
		return ""
	}
}
