//go:build linux

package engine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"sallyport/sandbox/box"
)

// A control is a word of the command line that keeps something shut.
type control struct {
	word    string   // a shell's pattern
	instead []string // what stands in its place
	loud    []string // attempts to make, beside the quiet ones and the probe
	twice   string   // why nobody misses it: something else keeps the same shut
}

var controls = []control{
	{word: "--read-only"},
	{word: "--read-only-tmpfs=false"},
	{word: "--image-volume=ignore"},
	{word: "--user=*", instead: []string{"--user=0:0"}},
	{word: "--cap-drop=ALL"},
	{word: "--security-opt=no-new-privileges", twice: "our executable sets it as well"},
	{word: "--security-opt=no-new-privileges", instead: []string{"--env=" + unlocked + "=1"}},
	{word: "--interactive", instead: []string{"--interactive", "--env=" + unlocked + "=1"}}, // our filter
	{word: "--interactive", instead: []string{"--interactive", "--security-opt=seccomp=unconfined"}},
	{word: "--network=none", instead: []string{"--network=host"}},
	{word: "--network=none", instead: []string{"--network=podman"}},
	{word: "--pid=private|--init", instead: []string{"--pid=host"}},
	{word: "--ipc=private|--shm-size=*", instead: []string{"--ipc=host"}},
	{word: "--uts=private|--hostname=*", instead: []string{"--uts=host"}},
	{word: "--memory*", loud: []string{"more memory than allowed", "more memory than allowed, held by nobody"}},
	{word: "--memory-swap=*"},
	{word: "--cpus=*"},
	{word: "--pids-limit=*", instead: []string{"--pids-limit=-1"}, loud: []string{"more processes than allowed", "fork bomb"}},
	{word: "--ulimit=nofile=*", instead: []string{"--ulimit=nofile=4096:4096"}, loud: []string{"open more files than allowed"}},
	{word: "--tmpfs=/tmp:*", instead: []string{"--tmpfs=/tmp:rw,nosuid,nodev,noexec,mode=1777"}, loud: []string{"fill scratch beyond its size"}},
	{word: "--tmpfs=/tmp:*", instead: []string{"--tmpfs=/tmp:rw,nosuid,nodev,exec,mode=1777,size=8m"}},
	{word: "--tmpfs=/tmp:*", instead: []string{"--tmpfs=/tmp:rw,suid,dev,noexec,mode=1777,size=8m"}},
	{word: "--shm-size=*", loud: []string{"fill /dev/shm beyond its size"}},
}

// deaf does not mind that somebody comes.
type deaf struct{ *testing.T }

func (deaf) Errorf(string, ...any) {}

// Each control is missed by an attempt or by the probe, when it is not there.
func TestEveryControlIsMissed(t *testing.T) {
	e := real(t, Podman)
	switch {
	case e.Rootless:
		t.Skip("root's boxes have all of them")
	case os.Getenv("SALLYPORT_E2E") != "require" && !testing.Verbose():
		t.Skip("it takes a minute")
	}
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 4, 2, ' ', 0)
	p := newPrison(deaf{t}, e, box.Spec{})
	p.loose = true
	for _, c := range controls {
		without := p
		without.engine.Path = c.unplug(t, e.Path)
		var missed []string
		for name, said := range without.several(t) {
			if !strings.HasPrefix(said, "refused") && p.known(name) == "" {
				missed = append(missed, name)
			}
		}
		for _, name := range c.loud {
			if said := without.one(t, name); !strings.HasPrefix(said, "refused") {
				missed = append(missed, name)
			}
		}
		slices.Sort(missed)
		var short []string
		if len(missed) == 0 || testing.Verbose() { // it takes its time
			for _, s := range without.shortfalls(t) {
				short = append(short, s.What)
			}
		}
		what := strings.Join(append([]string{c.word}, c.instead...), " ")
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", what, strings.Join(missed, "; "), strings.Join(slices.Compact(short), "; "), c.twice)
		if seen := len(missed)+len(short) > 0; seen == (c.twice != "") {
			t.Errorf("%s: missed by %q and %q", what, missed, short)
		}
	}
	_ = w.Flush()
	t.Logf("instead of\tmissed by attempts\tand by the probe\n%s", table.String())
}

// unplug is a client that says something else.
func (c control) unplug(t *testing.T, client string) string {
	t.Helper()
	var instead []string
	for _, word := range c.instead {
		instead = append(instead, "'"+word+"'")
	}
	script := fmt.Sprintf(`#!/bin/sh
for a do
	shift
	case $a in
	%s) set -- "$@" %s ;;
	*) set -- "$@" "$a" ;;
	esac
done
exec %s "$@"
`, c.word, strings.Join(instead, " "), client)
	at := filepath.Join(t.TempDir(), "client")
	if err := os.WriteFile(at, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return at
}
