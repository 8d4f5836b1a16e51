// Package inside runs first in a box: it leaves root if it still is root, forbids
// more system calls, takes in the environment, opens the way out if there is one, and
// becomes the upstream's command.
//
// Without a way out nothing of it stays. With one it has to: it is then the
// command's parent, hands signals on, and ends as the command ends.
//
// # Why one program
//
// Containers and bubblewrap's boxes need the same of it but for who they begin as
// and how the environment comes in, and those are its options. Its filter of system
// calls has no option: bubblewrap's own is stricter, and one more costs a call some ten
// nanoseconds, while a filter that can be left out will be where it was needed.
package inside

import "net"

// Word is what our executable is called with to be the first in a box.
const Word = "box-run"

// Places inside of a box. The socket's folder is mounted beside the executable and
// not around it: the place of a mount cannot be made in a folder that is read-only.
const (
	Folder = "/run/sallyport"      // what we put there for ourselves
	Self   = Folder + "/sallyport" // our executable
	Egress = Folder + "/egress"    // the folder of the host with the socket that leads out
)

// The way out: EgressSocket in the folder that is mounted at Egress, and the port of the
// box's own loopback that leads there.
const (
	EgressSocket = "egress.sock"
	EgressPort   = 3128
)

// VarPrefix is of the variables that are the command's, where --prefixed says so.
// Under their own names they would rule our own program (LD_PRELOAD, GODEBUG), which
// may still be root.
const VarPrefix = "BOX_RUN_"

// EnvLimit bounds an environment that comes by standard input, in bytes.
const EnvLimit = 1 << 20

// Forward hands each connection that the listener accepts to the socket. It
// returns when the listener is closed.
type Forward func(l net.Listener, socket string) error
