// Package ending says how a box ended, and which limit ended it.
package ending

import (
	"fmt"
	"strings"
	"syscall"

	"sallyport/sandbox"
)

// An Ending is what is known of how a box ended.
type Ending struct {
	Client  sandbox.Exit
	Stopped bool   // we wanted it to end; it may have done so by itself before
	Tool    string // podman or docker
	Memory  int64
	Words   string // its last ones

	// Of the container; empty where there is none.
	ID, Status string
	OOM        bool
	Code       int
}

const (
	engineFailed = 125 // the client's own codes, as of run
	cannotRun    = 126
	notFound     = 127
	bySignal     = 128
	killed       = bySignal + int(syscall.SIGKILL)
	terminated   = bySignal + int(syscall.SIGTERM)
)

// AskKernel finds out whether the box ran out of memory though the engine does not say
// so. One that merely failed may have lost a child that way.
func (e *Ending) AskKernel() {
	if e.ID != "" && !e.OOM && e.Code != 0 {
		e.OOM = kernelKilled(e.ID)
	}
}

func (e Ending) String() string {
	code := e.Client.Code
	if e.ID != "" && e.Status == "exited" {
		code = e.Code
	}
	how := fmt.Sprintf("exit status %d", code)
	if code > bySignal && code < bySignal+65 {
		how = "signal: " + syscall.Signal(code-bySignal).String()
	}
	ran := e.Status == "exited" || e.Status == "running"
	switch {
	case e.OOM:
		return fmt.Sprintf("out of memory: the box has %s (%s)", mebibytes(e.Memory), how)
	case e.Stopped && (code == killed || code == terminated):
		return "stopped: " + how
	case e.Stopped && e.Client.Signal != "":
		return fmt.Sprintf("stopped: the %s client had to be ended, and its box", e.Tool)
	case e.Client.Signal != "":
		return fmt.Sprintf("the %s client was ended by a signal: %s", e.Tool, e.Client.Signal)
	case !ran && strings.Contains(e.Words, "cannot run with network enabled in root network namespace"):
		return "this runsc takes the box's network for the host's, as older ones do with newer kernels: runtime_class must name one that is given --network=none"
	case !ran && strings.Contains(e.Words, "starting sandbox: ") && strings.Contains(e.Words, "cannot allocate memory"):
		return "the box is too small for runsc: its own processes and threads, some 60, count among pids"
	case !ran && strings.Contains(e.Words, "cannot set up cgroup for root"):
		return "runsc may not make control groups here: runtime_class must name one that is given --ignore-cgroups, and then nothing limits memory and processors"
	case !ran && code == engineFailed:
		return fmt.Sprintf("%s could not start the box", e.Tool)
	case !ran && (code == cannotRun || code == notFound), strings.Contains(e.Words, "(catatonit:") && strings.Contains(e.Words, "failed to exec pid1"):
		return "the command cannot be run in the box: is it in the image, and for this machine?"
	case code == killed:
		return how + ", by a limit or by hand, not by sallyport"
	}
	return how
}

func mebibytes(n int64) string {
	if n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}
