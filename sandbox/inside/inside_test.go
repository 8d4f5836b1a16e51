//go:build linux

package inside

import (
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "box-run" {
		code, err := Main(os.Args[2:], nil)
		if err != nil {
			os.Stderr.WriteString(err.Error())
		}
		os.Exit(code)
	}
	os.Exit(m.Run())
}

func run(t *testing.T, stdin string, args ...string) (string, int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, append([]string{"box-run"}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = []string{"PATH=/bin:/usr/bin"}
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
		{"no way out", "", []string{"--egress=/x", "--", "sh"}, "there is no way out", failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, code := run(t, c.stdin, c.args...)
			if diff := cmp.Diff(c.want, got); diff != "" || code != c.code {
				t.Errorf("code %d, want %d; (-want +got)\n%s", code, c.code, diff)
			}
		})
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
