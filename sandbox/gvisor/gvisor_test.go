//go:build linux

package gvisor

import "testing"

func TestIs(t *testing.T) {
	for _, c := range []struct {
		release, version string
		want             bool
	}{
		{"4.4.0", "#1 SMP Sun Jan 10 15:06:54 PST 2016", true},
		{"4.19.0-gvisor", "#1 SMP Thu Jan 1 00:00:00 UTC 2026", true},
		{"4.4.0-210-generic", "#242-Ubuntu SMP Fri Apr 16 09:57:56 UTC 2021", false},
		{"6.18.44", "#1 SMP PREEMPT_DYNAMIC", false},
	} {
		if got := is(c.release, c.version); got != c.want {
			t.Errorf("%s %s: %v", c.release, c.version, got)
		}
	}
}
