package sandbox

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEnviron(t *testing.T) {
	base := []string{"PATH=/bin", "HOME=/root", "AWS_SECRET=x", "PATH=/usr/bin", "EMPTY=", "=C:=oddity", "junk", "EQ=a=b"}
	for _, c := range []struct {
		why     string
		inherit Inherit
		set     map[string]string
		want    []string
	}{
		{"the zero value inherits nothing", Inherit{}, nil, []string{}},
		{"only what is named; the last of a name counts; a name that is not there is no error",
			Inherit{Names: []string{"PATH", "HOME", "LANG"}}, nil, []string{"HOME=/root", "PATH=/usr/bin"}},
		{"a name is no pattern, and case counts", Inherit{Names: []string{"AWS*", "path", ""}}, nil, []string{}},
		{"everything, asked for by name, but no entry without one",
			Inherit{All: true}, nil, []string{"AWS_SECRET=x", "EMPTY=", "EQ=a=b", "HOME=/root", "PATH=/usr/bin"}},
		{"what is set wins, also when empty",
			Inherit{Names: []string{"PATH", "HOME"}}, map[string]string{"PATH": "", "TOKEN": "t"}, []string{"HOME=/root", "PATH=", "TOKEN=t"}},
	} {
		if diff := cmp.Diff(c.want, Environ(base, c.inherit, c.set)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.why, diff)
		}
	}
}

func TestBackoff(t *testing.T) {
	var b Backoff
	within := func(why string, top time.Duration) {
		t.Helper()
		if d := b.Next(); d <= top/2 || d > top {
			t.Errorf("%s: %v is not in (%v, %v]", why, d, top/2, top)
		}
	}
	for _, top := range []time.Duration{200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000, 30000} {
		within("doubling", top*time.Millisecond)
	}
	b.Lived(time.Minute - 1)
	within("a short life changes nothing", 30*time.Second)
	b.Lived(time.Minute)
	within("a healthy life forgives", 200*time.Millisecond)
	seen := make(map[time.Duration]bool)
	for range 20 {
		seen[b.Next()] = true
	}
	if len(seen) < 10 {
		t.Errorf("waits are not spread: %v", seen)
	}
}
