//go:build linux

package probe

import (
	"slices"
	"testing"
	"time"

	"sallyport/sandbox/box"
	"sallyport/sandbox/gvisor"
)

// With gVisor a box holds to everything that looks like this, and nobody else's does.
func TestCheckGVisor(t *testing.T) {
	looks := func() Report {
		r := shut()
		r.Kernel, r.Devices = gvisor.Name, []string{"/dev/fuse", "/dev/net/tun"}
		r.Tmp.Suid, r.Tmp.Dev, r.Shm.Suid, r.Shm.Dev = true, true, true, true
		return r
	}
	for what, c := range map[string]struct {
		change func(*Report)
		want   []string
	}{
		"as it is":               {func(*Report) {}, nil},
		"the host's kernel":      {func(r *Report) { r.Kernel = "" }, []string{"/tmp", "devices", "/dev/shm"}},
		"set-user-id is of use":  {func(r *Report) { r.NoNewPrivs = false }, []string{"no new privileges", "/tmp", "/dev/shm"}},
		"a device node is":       {func(r *Report) { r.Attempts["device node"] = Done }, []string{"/tmp", "/dev/shm", "device node"}},
		"a device of the host's": {func(r *Report) { r.Devices = append(r.Devices, "/dev/kvm") }, []string{"devices"}},
	} {
		r := looks()
		c.change(&r)
		var got []string
		for _, s := range Broken(Check(box.Spec{}, r)) {
			got = append(got, s.What)
		}
		slices.Sort(got)
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
	}
	if told := shut().Remarks(); len(told) != 0 || len(looks().Remarks()) == 0 {
		t.Errorf("%q", told)
	}
}

func TestMountedReadOnly(t *testing.T) {
	const gvisors = "8 8 0:8 / / ro  - 9p none ro,trans=fd\n11 8 0:10 / /tmp rw,noexec  - tmpfs none rw,size=50m\n"
	for _, c := range []struct {
		info, at string
		want     bool
	}{
		{gvisors, "/", true},
		{gvisors, "/tmp", false},
		{gvisors, "/nothing", false},
		{"1 1 0:1 / / ro - a b ro\n2 1 0:2 / / rw - a b rw\n", "/", false},
		{"1 1 0:1 / / rw,nosuid - a ro ro\n", "/", false}, // of the file system, not of the mount
	} {
		if got := mountedReadOnly(c.info, c.at); got != c.want {
			t.Errorf("%s in %q: %v", c.at, c.info, got)
		}
	}
}

// Our own watch and the kernel's agree, as far as others let us run.
func TestUseCPU(t *testing.T) {
	ran := runFor(time.Now(), 200*time.Millisecond)
	if ran <= 0 || ran > 201*time.Millisecond {
		t.Errorf("ran for %v", ran)
	}
	if used := useCPU(true); used <= 0 {
		t.Errorf("used %d", used)
	}
}
