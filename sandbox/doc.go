// Package sandbox starts an upstream's process, and leaves nothing of it behind.
//
// One goroutine owns each child: it starts it, waits for it, ends whatever it
// leaves running, and only then reaps it. A process id is thus never signalled
// after it may have become somebody else's.
//
// # What ends with the child
//
// The child leads its own session and process group. When it ends, for
// whatever reason, all of its group and session is killed. Stop and Kill also
// look for descendants that have left the session (a browser started
// "detached", say) and kill those that they find.
//
// # What ends with the proxy
//
// If the proxy itself is killed, the kernel kills the child (Linux), and a
// keeper kills the rest of its group: a shell of one line that waits for the
// proxy's end of a pipe to close. Without /bin/sh there is no keeper; then the
// rest of the group gets the end of its input and is otherwise left running.
//
// # What can get away
//
// This is tidiness, not a wall. A process that leaves the session is lost if
// its parent has already ended when Stop looks, or if the proxy is killed. So is
// one that runs as another user. A hostile upstream can do either on purpose:
// run it in a container.
//
// On other systems than Linux descendants outside the group are not looked for,
// and only the keeper ends the child when the proxy is killed.
//
// # Why its own pipes
//
// Our ends of the pipes are non-blocking and served by the runtime's poller, and
// so must be the proxy's own stdin and stdout. A thread that sleeps in a blocking
// read keeps its processor for as long as the runtime does not notice: goroutines
// that are ready to run wait for it. Measured on one CPU: a line copier is 1 µs
// faster with blocking reads, but a proxy that hands work from one goroutine to
// another is 100 to 200 µs slower, and so is any mixture.
//
// # Why a session of its own, not only a group
//
// A process that shares the operator's terminal can write to it, read from it
// and, on some kernels, type into it. With approvals asked at a terminal that
// must not be.
package sandbox
