package probe

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"sallyport/sandbox/box"
)

// shut is what a box that keeps its promise looks like.
func shut() Report {
	r := Report{
		UID: 65534, GID: 65534, Groups: []int{65534}, NoNewPrivs: true, Seccomp: 2, Writable: []string{"/dev/mqueue"},
		Tmp: Place{Size: 50 << 20, Wrote: 50 << 20}, Shm: Place{Size: 1 << 20, Wrote: 1 << 20},
		Memory: Memory{Cgroup: 256 << 20, Swap: 256 << 20, Reached: 240 << 20, Killed: true, Together: 192 << 20},
		PIDs:   PIDs{Cgroup: 128, Reached: 120, Refused: true}, CPU: CPU{Cgroup: 500, Used: 540},
		Files: 1024, Interfaces: []string{"lo"}, Attempts: map[string]string{},
	}
	for _, a := range attempts {
		r.Attempts[a] = "refused: operation not permitted"
	}
	return r
}

func TestCheck(t *testing.T) {
	if short := Broken(Check(box.Spec{}, shut())); len(short) != 0 {
		t.Fatalf("a box that is shut: %v", short)
	}
	for what, break1 := range map[string]func(*Report){
		"user":              func(r *Report) { r.UID = 0 },
		"groups":            func(r *Report) { r.Groups = []int{65534, 10} },
		"capabilities":      func(r *Report) { r.CapBnd = 1 << 21 },
		"no new privileges": func(r *Report) { r.NoNewPrivs = false },
		"seccomp":           func(r *Report) { r.Seccomp = 0 },
		"root file system":  func(r *Report) { r.Root = true },
		"writable places":   func(r *Report) { r.Writable = []string{"/run"} },
		"/tmp":              func(r *Report) { r.Tmp.Exec = true },
		"/tmp ":             func(r *Report) { r.Tmp.Suid = true },
		"/tmp  ":            func(r *Report) { r.Tmp.Wrote = 60 << 20 },
		"/tmp   ":           func(r *Report) { r.Tmp = Place{Size: Unknown} },
		"/dev/shm":          func(r *Report) { r.Shm.Size = 64 << 20 },
		"devices":           func(r *Report) { r.Devices = []string{"/dev/kvm"} },
		"memory": func(r *Report) {
			r.Memory = Memory{Cgroup: Unknown, Swap: Unknown, Reached: 512 << 20, Together: 192 << 20}
		},
		"memory ":        func(r *Report) { r.Memory.Cgroup = Unlimited },
		"memory  ":       func(r *Report) { r.Memory.Reached = Unknown; r.Memory.Killed = false },
		"memory   ":      func(r *Report) { r.Memory.Together = 384 << 20 }, // each process has a limit, and the box has none
		"memory    ":     func(r *Report) { r.Memory.Together = 0 },
		"swap":           func(r *Report) { r.Memory.Swap = 512 << 20 },
		"processes":      func(r *Report) { r.PIDs = PIDs{Reached: 256} },
		"processors":     func(r *Report) { r.CPU = CPU{Cgroup: Unknown, Used: 1900} },
		"processors ":    func(r *Report) { r.CPU.Cgroup = Unlimited },
		"open files":     func(r *Report) { r.Files = 1 << 20 },
		"network":        func(r *Report) { r.Interfaces = []string{"lo", "eth0"} },
		"network ":       func(r *Report) { r.Reached = []string{"169.254.169.254:80"} },
		"user namespace": func(r *Report) { r.Attempts["user namespace"] = Done },
		"bpf":            func(r *Report) { r.Attempts["bpf"] = "let through: invalid argument" },
		"mount":          func(r *Report) { delete(r.Attempts, "mount") },
	} {
		r := shut()
		r.Attempts = maps.Clone(r.Attempts)
		break1(&r)
		all := Check(box.Spec{}, r)
		short := Broken(all)
		if len(short) != 1 || short[0].What != strings.TrimSpace(what) {
			t.Errorf("%s: %v", what, short)
		}
		if Enforce(box.Spec{}, all) == nil || Enforce(box.Spec{Lenient: true}, all) != nil {
			t.Errorf("%s: not enforced, or though lenient", what)
		}
	}
	if short := Broken(Check(box.Spec{}, Report{})); len(short) < 20 {
		t.Errorf("an empty report proves something: %v", short)
	}
	open := shut()
	open.Tmp.Exec, open.Writable = true, []string{"/out"}
	promise := box.Spec{Limits: box.Limits{Exec: true}, Mounts: []box.Mount{{Target: "/out", Write: true}}}
	if short := Broken(Check(promise, open)); len(short) != 0 {
		t.Errorf("what the policy allows: %v", short)
	}
}

// The probe may be killed before it has told all. What it told before counts.
func TestRead(t *testing.T) {
	var said strings.Builder
	for _, reached := range []int64{Unknown, 100 << 20} {
		r := shut()
		r.Memory.Reached, r.Memory.Together = reached, Unknown
		if err := json.NewEncoder(&said).Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Read(strings.NewReader(said.String() + `{"UID": 6`))
	if err != nil || r.Memory.Reached != 100<<20 {
		t.Fatalf("%v %+v", err, r)
	}
	if len(Broken(Check(box.Spec{}, r))) != 1 {
		t.Errorf("what was not seen is taken for proven: %+v", r.Memory)
	}
	r.Killed(box.Limits{})
	if want := (Memory{Cgroup: 256 << 20, Swap: 256 << 20, Reached: 100 << 20, Killed: true, Together: 256 << 20}); r.Memory != want {
		t.Errorf("%+v, want %+v", r.Memory, want)
	}
	if _, err := Read(strings.NewReader("panic: no")); err == nil {
		t.Error("no report is one")
	}
}
