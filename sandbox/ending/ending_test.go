package ending

import (
	"fmt"
	"testing"

	"sallyport/sandbox"
)

// In runsc's own words, as they were seen.
const (
	runscThreads = `starting container: starting root container: starting sandbox: failed to setupFS: mounting submounts: mount submount "/etc/hostname": failed to mount "/etc/hostname" (type: bind): cannot allocate memory`
	runscGroups  = `OCI runtime create failed: creating container: cannot set up cgroup for root: configuring cgroup: mkdir /sys/fs/cgroup/cpu/6555a2e0: permission denied`
	runscNetwork = `starting container: setting up network: creating interfaces from net namespace "/proc/5802/ns/net": cannot run with network enabled in root network namespace`
)

func TestEndingSays(t *testing.T) {
	id := fmt.Sprintf("%064d", 1)
	for _, c := range []struct {
		e    Ending
		want string
	}{
		{Ending{ID: id, Status: "exited"}, "exit status 0"},
		{Ending{ID: id, Status: "exited", Code: 3}, "exit status 3"},
		{Ending{ID: id, Status: "exited", Code: 125, Client: sandbox.Exit{Code: 125}}, "exit status 125"},
		{Ending{ID: id, Status: "exited", Code: 137, OOM: true, Memory: 256 << 20}, "out of memory: the box has 256 MiB (signal: killed)"},
		{Ending{ID: id, Status: "exited", Code: 1, OOM: true, Memory: 1000}, "out of memory: the box has 1000 bytes (exit status 1)"},
		{Ending{ID: id, Status: "exited", Code: 137}, "signal: killed, by a limit or by hand, not by sallyport"},
		{Ending{ID: id, Status: "exited", Code: 143, Stopped: true}, "stopped: signal: terminated"},
		{Ending{ID: id, Status: "exited", Code: 3, Stopped: true}, "exit status 3"}, // a crash, seen by the end of its output
		{Ending{ID: id, Status: "exited", Code: 137, OOM: true, Memory: 1 << 20, Stopped: true}, "out of memory: the box has 1 MiB (signal: killed)"},
		{Ending{Client: sandbox.Exit{Code: 125}, Tool: "docker", Stopped: true}, "docker could not start the box"},
		{Ending{ID: id, Status: "running", Client: sandbox.Exit{Code: -1, Signal: "killed"}, Tool: "podman"}, "the podman client was ended by a signal: killed"},
		{Ending{ID: id, Status: "running", Client: sandbox.Exit{Code: -1, Signal: "killed"}, Tool: "podman", Stopped: true}, "stopped: the podman client had to be ended, and its box"},
		{Ending{Client: sandbox.Exit{Code: 125}, Tool: "docker"}, "docker could not start the box"},
		{Ending{ID: id, Status: "created", Client: sandbox.Exit{Code: 126}, Words: runscThreads},
			"the box is too small for runsc: its own processes and threads, some 60, count among pids"},
		{Ending{ID: id, Status: "created", Client: sandbox.Exit{Code: 127}, Words: runscGroups},
			"runsc may not make control groups here: runtime_class must name one that is given --ignore-cgroups, and then nothing limits memory and processors"},
		{Ending{ID: id, Status: "created", Client: sandbox.Exit{Code: 125}, Words: runscNetwork},
			"this runsc takes the box's network for the host's, as older ones do with newer kernels: runtime_class must name one that is given --network=none"},
		{Ending{ID: id, Status: "created", Client: sandbox.Exit{Code: 127}}, "the command cannot be run in the box: is it in the image, and for this machine?"},
	} {
		if got := c.e.String(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.e, got, c.want)
		}
	}
}
