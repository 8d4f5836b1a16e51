package doctor

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"sallyport/cmd/sallyport/words"
	"sallyport/sandbox/probe"
)

// What is named is what is tried, and what is found out is said.
func TestDoctor(t *testing.T) {
	for _, c := range []struct {
		args   string
		tried  string
		says   string
		misuse bool
	}{
		{args: "", tried: "podman() docker() bwrap()", says: "podman: holds to everything\n"},
		{args: "docker", tried: "docker()", says: "  note   a remark\n"},
		{args: "podman --runtime-class runsc", tried: "podman(runsc)", says: "podman with runsc: holds to everything\n"},
		{args: "podman --runtime-class runsc --json", tried: "podman(runsc)", says: `"runtime_class": "runsc"`},
		{args: "podman docker --runtime-class loose", tried: "podman(loose) docker(loose)", says: "podman with loose: does not hold to: memory\n"},
		{args: "--runtime-class runsc", misuse: true},
		{args: "podman bwrap --runtime-class runsc", misuse: true},
		{args: "lxc", misuse: true},
	} {
		t.Run(c.args, func(t *testing.T) {
			var tried []string
			cmd := Command(func(_ context.Context, name, class string) Examination {
				tried = append(tried, name+"("+class+")")
				return Examination{Runtime: name, Class: class, Is: "it", Remarks: []string{"a remark"}, Checks: []probe.Judgement{{What: "memory", Kept: class != "loose"}}}
			})
			var out bytes.Buffer
			cmd.SetOut(&out)
			cmd.SetErr(&out)
			cmd.SetArgs(append([]string{"doctor"}, strings.Fields(c.args)...))
			err := cmd.Execute()
			if misuse := err != nil && words.IsUsage(err); misuse != c.misuse {
				t.Errorf("misuse %v: %v", misuse, err)
			}
			if !c.misuse && (err != nil) != strings.Contains(c.args, "loose") {
				t.Error(err)
			}
			if got := strings.Join(tried, " "); got != c.tried || !strings.Contains(out.String(), c.says) {
				t.Errorf("tried %q, said\n%s", got, &out)
			}
		})
	}
}
