package engine

import (
	"os"
	"os/exec"
)

// A keeper removes one container if we cannot. It waits for a word on a pipe that
// only we hold; without one, the pipe's end is ours.
type keeper struct {
	cmd  *exec.Cmd
	line *os.File
}

// Who was killed while the engine started the container may be outlived by what the
// engine does then: so it looks again.
const keeperScript = `read -r word
[ "$word" = done ] && exit
for i in 1 2 3; do "$@" >/dev/null 2>&1; sleep 1; done`

func keep(e Engine, name string) (*keeper, error) {
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	argv := append([]string{"-c", keeperScript, "sh", e.Path}, append(e.removal(), name)...)
	k := &keeper{cmd: exec.Command("/bin/sh", argv...), line: ours}
	k.cmd.Env, k.cmd.Stdin, k.cmd.Dir = clientEnv(os.Environ()), theirs, "/"
	k.cmd.SysProcAttr = ownSession()
	if err := k.cmd.Start(); err != nil {
		ours.Close()
		return nil, err
	}
	return k, nil
}

// dismiss lets the keeper go.
func (k *keeper) dismiss() {
	if k == nil {
		return
	}
	_, _ = k.line.WriteString("done\n")
	k.alarm()
}

// alarm lets the keeper do its work.
func (k *keeper) alarm() {
	if k == nil {
		return
	}
	k.line.Close()
	_ = k.cmd.Wait()
}
