//go:build linux

package bwrap

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sallyport/sandbox/box"
	"sallyport/sandbox/probe"
)

// What the probe sees is what the remarks say: nothing else falls short, whoever we are.
func TestProbe(t *testing.T) {
	h := real(t)
	// Without groups root's boxes of one user share one count of processes.
	somebody := box.User{UID: 100000 + os.Getpid(), GID: 1234}
	for _, c := range []struct {
		why       string
		ungrouped bool
		memory    int64
		user      box.User
	}{
		{why: "what this machine has", memory: 96 << 20},
		{why: "as another user", memory: 96 << 20, user: somebody},
		{why: "no control groups", ungrouped: true, memory: 200 << 20, user: somebody},
		{why: "no control groups, and less than the probe itself needs", ungrouped: true, memory: 32 << 20, user: somebody},
	} {
		t.Run(c.why, func(t *testing.T) {
			h := h
			h.ungrouped = c.ungrouped
			if groups, _ := os.Getgroups(); c.user != (box.User{}) && !h.Root && len(groups) > 0 {
				t.Skip("our groups are the box's")
			}
			promise := box.Spec{User: c.user, Limits: box.Limits{PIDs: 64, Memory: c.memory, CPU: 200, Scratch: 20 << 20}}
			tried := promise.Limits
			if c.ungrouped {
				tried.PIDs = 1 << 15 // nobody's processes are counted, and boxes of other tests have many
			}
			remarks, err := Try(h, tried)
			if err != nil {
				t.Fatal(err)
			}
			if slices.ContainsFunc(remarks, func(r Remark) bool { return r.Limit == "cpu" && !r.Bites }) {
				promise.Limits.CPU = 20 // so little that more is had on a busy machine too
			}
			seen, err := Probe(t.Context(), h, promise, []string{"169.254.169.254:80", "127.0.0.1:8080"})
			if err != nil {
				t.Fatal(err)
			}
			b, _ := json.Marshal(seen)
			t.Logf("as uid %d: %s", os.Geteuid(), b)
			names := map[string]string{"memory": "memory", "exec": "/tmp"}
			var want, got []string
			for _, r := range remarks {
				// Root's count of processes is the whole machine's: less than promised, not more.
				// And who gets no more than promised where others are busy proves nothing.
				if !r.Bites && r.Limit != "pids" && r.Limit != "cpu" {
					want = append(want, names[r.Limit])
				}
			}
			for _, s := range probe.Broken(probe.Check(promise, seen)) {
				t.Log(s)
				if s.What != "processors" || slices.ContainsFunc(remarks, func(r Remark) bool { return r.Limit == "cpu" && r.Bites }) {
					got = append(got, s.What)
				}
			}
			// What is not held is had to the last byte.
			if all := 2 * (c.memory * 3 / 4); slices.Contains(want, "memory") && seen.Memory.Together != all {
				t.Errorf("together they had %d, and not %d", seen.Memory.Together, all)
			}
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-remarked +seen)\n%s", diff)
			}
			promise.Limits.Exec = true
			if short := probe.Broken(probe.Check(promise, seen)); (len(short) == 0) != (Toothless(remarks) == nil) {
				t.Errorf("%v, and %v", short, Toothless(remarks))
			}
		})
	}
}

// What a probe cannot have is told, and it does not outlast its context.
func TestProbeFails(t *testing.T) {
	h := real(t)
	if _, err := Probe(t.Context(), h, box.Spec{Image: "x"}, nil); err == nil {
		t.Error("an image")
	}
	ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	began := time.Now()
	if r, err := Probe(ctx, h, box.Spec{Limits: box.Limits{CPU: 10}}, nil); err == nil {
		t.Errorf("cut short, and nothing of it: %+v", r)
	}
	if lasted := time.Since(began); lasted > probe.Patience/2 {
		t.Errorf("it lasted %v", lasted)
	}
	h.Self = "/bin/true"
	if _, err := Probe(t.Context(), h, box.Spec{}, nil); err == nil {
		t.Error("another program says nothing, and that is a report")
	}
	if left := groups(os.Getpid()); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
