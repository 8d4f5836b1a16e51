//go:build linux

package inside

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"sallyport/sandbox/egress"
)

func TestMain(m *testing.M) {
	if len(os.Args) < 2 {
		os.Exit(m.Run())
	}
	var forward Forward
	switch os.Args[1] {
	default:
		os.Exit(m.Run())
	case "dial":
		c, err := net.Dial("tcp", strings.TrimPrefix(os.Getenv("HTTPS_PROXY"), "http://"))
		if err != nil {
			panic(err)
		}
		_, _ = io.Copy(os.Stdout, c)
		syscall.Exit(0)
	case "nowhere":
	case Word:
		forward = func(l net.Listener, socket string) error { return egress.Forward(context.Background(), l, socket) }
	}
	code, err := Main(os.Args[2:], forward)
	if err != nil {
		os.Stderr.WriteString(err.Error())
	}
	syscall.Exit(code) // os.Exit waits a second under the race detector
}

// self is this program, which Main is in.
func self(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = []string{"PATH=/bin:/usr/bin"}
	return cmd
}

// way is the option for a way out at whose end all are let go.
func way(t *testing.T) string {
	t.Helper()
	at := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if err := errors.Join(os.Chmod(at, 0o666), os.Chmod(filepath.Dir(at), 0o755), os.Chmod(filepath.Dir(filepath.Dir(at)), 0o755)); err != nil {
		t.Fatal(err)
	}
	return "--egress=" + at
}

func run(t *testing.T, stdin string, args ...string) (string, int) {
	t.Helper()
	return ended(self(t, append([]string{Word}, args...)...), stdin)
}

func ended(cmd *exec.Cmd, stdin string) (string, int) {
	cmd.Stdin = strings.NewReader(stdin)
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

func TestBecome(t *testing.T) {
	for _, c := range []struct {
		name, stdin string
		args        []string
		want        string
		code        int
	}{
		{"the rest is the command's", "00000007[\"A=b\"]rest\n", []string{"--env", "--", "sh", "-c", "echo $A $HOME; cat"}, "b /tmp\nrest\n", 0},
		{"home may be given", "0000000b[\"HOME=/x\"]\n", []string{"--env", "--", "sh", "-c", "echo $HOME"}, "/x\n", 0},
		{"its exit status", "", []string{"--", "sh", "-c", "exit 7"}, "", 7},
		{"flags after the dashes are the command's", "", []string{"--", "echo", "--env"}, "--env\n", 0},
		{"not there", "", []string{"--", "nothing-of-that-name"}, "command \"nothing-of-that-name\" is not in the box's PATH \"/bin:/usr/bin\"", notFound},
		{"nothing", "", nil, "no command", failed},
		{"cut short", "000000ff[", []string{"--env", "--", "sh"}, "reading the environment: unexpected EOF", failed},
		{"too long", "ffffffff[", []string{"--env", "--", "sh"}, "reading the environment: its length cannot be read, or is too large", failed},
		{"no such word", "", []string{"--listen=x", "--", "sh"}, "flag provided but not defined: -listen", failed},
		{"a path that is not there", "", []string{"--", "/nothing"}, "command \"/nothing\" is not in the box", notFound},
		{"no program", "", []string{"--", "/etc"}, "command \"/etc\": exec: \"/etc\": is a directory", cannotRun},
		{"a relative folder depends on where it is", "00000013[\"PATH=..:.:/bin:\"]", []string{"--env", "--", "inside.test"}, "command \"inside.test\" is not in the box's PATH \"..:.:/bin:\"", notFound},
		{"a user who is root", "", []string{"--user=0:0", "--", "sh"}, "leaving root: 0:0 is root", failed},
		{"no user", "", []string{"--user=nobody", "--", "sh"}, "leaving root: strconv.Atoi: parsing \"nobody\": invalid syntax", failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, code := run(t, c.stdin, c.args...)
			if diff := cmp.Diff(c.want, got); diff != "" || code != c.code {
				t.Errorf("code %d, want %d; (-want +got)\n%s", code, c.code, diff)
			}
		})
	}
}

// Our own program is ruled by nothing that is the command's.
func TestPrefixed(t *testing.T) {
	cmd := self(t, Word, "--prefixed", "--", "sh", "-c", "env | grep -v ^PWD= | sort")
	cmd.Env = []string{"PATH=/nowhere", "SECRET=ours", VarPrefix + "PATH=/usr/bin:/bin", VarPrefix + "GODEBUG=no such thing", VarPrefix + "A=b=c"}
	got, code := ended(cmd, "")
	want := "A=b=c\nGODEBUG=no such thing\nHOME=/tmp\nPATH=/usr/bin:/bin\n"
	if diff := cmp.Diff(want, got); diff != "" || code != 0 {
		t.Errorf("code %d; (-want +got)\n%s", code, diff)
	}
}

// Of root nothing is left, and nothing can come back.
func TestLeavesRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can")
	}
	const show = `grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs)' /proc/self/status | tr -d '\t '`
	const want = "Uid:65533655336553365533\nGid:65532655326553265532\nGroups:\nCapInh:0000000000000000\nCapPrm:0000000000000000\n" +
		"CapEff:0000000000000000\nCapBnd:0000000000000000\nCapAmb:0000000000000000\nNoNewPrivs:1\n"
	for _, out := range [][]string{nil, {way(t), "--port=0"}, {way(t), "--port=0", "--data=500000000"}} {
		cmd := self(t, append(append([]string{Word, "--user=65533:65532"}, out...), "--", "sh", "-c", show)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Groups: []uint32{0, 4, 27}}, AmbientCaps: []uintptr{unix.CAP_NET_RAW}}
		got, code := ended(cmd, "")
		if diff := cmp.Diff(want, got); diff != "" || code != 0 {
			t.Errorf("%q: code %d; (-want +got)\n%s", out, code, diff)
		}
	}
}

// The command has the limit, and we who stay beside it have none.
func TestData(t *testing.T) {
	if got, code := run(t, "", "--data=104857600", "--", "sh", "-c", "ulimit -d; ulimit -H -d"); got != "102400\n102400\n" || code != 0 {
		t.Errorf("%d %q", code, got)
	}
	got, code := run(t, "", "--data=104857600", way(t), "--port=0", "--", "sh", "-c", `ulimit -d; grep "Max data" /proc/$PPID/limits | tr -s " "; echo $HTTP_PROXY | cut -d: -f1,2; env | grep -c ^BOX_RUN`)
	if want := "102400\nMax data size unlimited unlimited bytes \nhttp://127.0.0.1\n0\n"; got != want || code != 1 {
		t.Errorf("%d (-want +got)\n%s", code, cmp.Diff(want, got))
	}
}

// beside runs the command with a way out that leads nowhere.
func beside(t *testing.T, script string) *exec.Cmd {
	t.Helper()
	return self(t, Word, way(t), "--port=0", "--", "sh", "-c", script)
}

// The way out is the listener of which all variables speak, and leads to the socket.
func TestWayOut(t *testing.T) {
	socket := filepath.Join(t.TempDir(), EgressSocket)
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "the way out\n")
			c.Close()
		}
	}()
	path, _ := os.Executable()
	if got, code := run(t, "", "--egress="+socket, "--port=0", "--", path, "dial"); got != "the way out\n" || code != 0 {
		t.Errorf("%d %q", code, got)
	}
	cmd := beside(t, `env | grep -i proxy | sed s/[0-9]*$// | sort`)
	cmd.Env = append(cmd.Env, "http_proxy=http://elsewhere", "NO_PROXY=*")
	got, code := ended(cmd, "")
	const to = "http://127.0.0.1:\n"
	want := "ALL_PROXY=" + to + "HTTPS_PROXY=" + to + "HTTP_PROXY=" + to + "NODE_USE_ENV_PROXY=\n" + "NO_PROXY=localhost,127.0.0.1,::\n" +
		"all_proxy=" + to + "http_proxy=" + to + "https_proxy=" + to + "no_proxy=localhost,127.0.0.1,::\n"
	if diff := cmp.Diff(want, got); diff != "" || code != 0 {
		t.Errorf("code %d; (-want +got)\n%s", code, diff)
	}
	if got, code := ended(self(t, "nowhere", "--egress=/x", "--", "sh"), ""); got != "there is no way out" || code != failed {
		t.Errorf("%d %q", code, got)
	}
}

// Who would find the way out shut at each connection is not started.
func TestWayOutIsShut(t *testing.T) {
	got, code := run(t, "", "--egress="+filepath.Join(t.TempDir(), EgressSocket), "--port=0", "--", "echo", "started")
	if !strings.HasPrefix(got, "the way out is shut: ") || strings.Contains(got, "started") || code != failed {
		t.Errorf("%d %q", code, got)
	}
}

// Our program has its threads before the command may take all that the box can have: it
// would end with the first that it wants and cannot have.
func TestThreadsBeforehand(t *testing.T) {
	out, code := ended(beside(t, "exec grep ^Threads: /proc/$PPID/status"), "")
	var n int
	if _, err := fmt.Sscanf(out, "Threads: %d", &n); err != nil || code != 0 || n < threads+2 { // those, the first and the runtime's watch
		t.Errorf("%d %q", code, out)
	}
}

// Beside the way out it ends as it would without.
func TestEndsBeside(t *testing.T) {
	for script, want := range map[string]int{"exit 7": 7, "kill -9 $$": bySignal + 9, "exec /nothing": notFound} {
		if out, code := ended(beside(t, script), ""); code != want {
			t.Errorf("%s: %d, want %d: %s", script, code, want, out)
		}
	}
	if out, code := run(t, "", way(t), "--port=0", "--", "nothing-of-that-name"); code != notFound {
		t.Errorf("%d %s", code, out)
	}
}

// patience ends a test that hangs; nothing is timed by it.
const patience = time.Minute

// started is the command, after its first line.
func started(t *testing.T, script string) (*exec.Cmd, io.WriteCloser, *bufio.Reader) {
	t.Helper()
	cmd := beside(t, script)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	// What would hang a broken test; nothing is timed by it.
	late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill(); stdout.Close() })
	t.Cleanup(func() {
		if !late.Stop() {
			t.Error("it took too long, and was killed")
		}
	})
	out := bufio.NewReader(stdout)
	if line, err := out.ReadString('\n'); line != "up\n" {
		t.Fatalf("%q %v", line, err)
	}
	return cmd, stdin, out
}

func TestSignalsAreHandedOn(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		cmd, _, out := started(t, `trap "echo got; exit 3" TERM INT HUP; echo up; while :; do sleep 0.02; done`)
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		line, _ := out.ReadString('\n')
		_ = cmd.Wait()
		if line != "got\n" || cmd.ProcessState.ExitCode() != 3 {
			t.Errorf("%v: %q, %v", s, line, cmd.ProcessState)
		}
	}
}

// Whoever ends us ends the command.
func TestCommandDoesNotOutliveUs(t *testing.T) {
	cmd, _, out := started(t, `echo up; exec cat`)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { _, err := out.ReadByte(); ended <- err }()
	select {
	case err := <-ended:
		if err != io.EOF {
			t.Error(err)
		}
	case <-time.After(patience / 2):
		t.Error("the command has its output open still")
	}
}

// The command's standard streams are its alone.
func TestStreamsAreTheCommands(t *testing.T) {
	_, stdin, out := started(t, `exec 0<&-; echo up; read -r x <&2; exec 1>&-; while :; do sleep 0.05; done`)
	err := error(nil)
	for end := time.Now().Add(patience / 2); err == nil && time.Now().Before(end); time.Sleep(time.Millisecond) {
		_, err = io.WriteString(stdin, "x") // we let go of it a moment after the command has begun
	}
	if !errors.Is(err, syscall.EPIPE) {
		t.Errorf("somebody else reads its input: %v", err)
	}
	if _, err := out.ReadByte(); err != io.EOF {
		t.Errorf("somebody else has its output open: %v", err)
	}
}

func TestLock(t *testing.T) {
	if _, ok := arches[runtime.GOARCH]; !ok {
		t.Skip("not for this machine")
	}
	if _, err := exec.LookPath("unshare"); err != nil {
		t.Skip(err)
	}
	if out, code := run(t, "", "--", "unshare", "--user", "true"); code == 0 {
		t.Errorf("a new user name space: %s", out)
	}
	if out, code := run(t, "", "--", "sh", "-c", "sleep 0 & wait; grep Seccomp: /proc/self/status"); code != 0 || !strings.Contains(out, "2") {
		t.Errorf("%d %s", code, out)
	}
	if out, code := run(t, "", "--", "dmesg", "--syslog"); code == 0 {
		t.Errorf("what the kernel has logged: %.200s", out)
	}
}

func FuzzReadEnv(f *testing.F) {
	f.Add("00000007[\"A=b\"]rest")
	f.Add("00000002[]")
	f.Add("zzzzzzzz")
	f.Fuzz(func(t *testing.T, s string) {
		r := strings.NewReader(s)
		if _, err := readEnv(r); err != nil {
			return
		}
		rest, _ := io.ReadAll(r)
		// What was not read is untouched, and what was read says how much it is.
		if !strings.HasSuffix(s, string(rest)) || len(s)-len(rest) < 10 {
			t.Errorf("%q left %q", s, rest)
		}
	})
}
