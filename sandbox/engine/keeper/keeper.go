// Package keeper runs a command when we are no longer there to run it ourselves.
package keeper

import (
	"os"
	"os/exec"
)

// A Keeper waits for a word on a pipe that only we hold; without one, the pipe's end
// is ours. The nil Keeper does nothing.
type Keeper struct {
	cmd  *exec.Cmd
	line *os.File
}

// Who was killed while an engine started a container may be outlived by what the
// engine does then: so the command is run again.
const script = `read -r word
[ "$word" = done ] && exit
for i in 1 2 3; do "$@" >/dev/null 2>&1; sleep 1; done`

// Start has the command run, in that environment, once we are gone.
func Start(argv, env []string) (*Keeper, error) {
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	k := &Keeper{cmd: exec.Command("/bin/sh", append([]string{"-c", script, "sh"}, argv...)...), line: ours}
	k.cmd.Env, k.cmd.Stdin, k.cmd.Dir = env, theirs, "/"
	k.cmd.SysProcAttr = ownSession()
	if err := k.cmd.Start(); err != nil {
		ours.Close()
		return nil, err
	}
	return k, nil
}

// Dismiss lets the keeper go.
func (k *Keeper) Dismiss() {
	if k == nil {
		return
	}
	_, _ = k.line.WriteString("done\n")
	k.Alarm()
}

// Alarm lets the keeper do its work, and waits for it.
func (k *Keeper) Alarm() {
	if k == nil {
		return
	}
	k.line.Close()
	_ = k.cmd.Wait()
}
