// Package engine runs an upstream in a container of podman or docker, and leaves
// nothing of it behind.
//
// # One shape
//
// Argv is the whole command line, a pure function of what the engine can do, what
// the policy promises and what is to run. Everything that an engine's own
// configuration could loosen (name spaces, writable tmpfs, proxy variables) is said
// again. Find learns what an engine can do by starting a tiny container with that
// same command line, not by reading its version.
//
// # What the box is told, and how
//
// Variables of the environment go in by the box's standard input: our own static
// executable is mounted read-only and started first; it reads them, and becomes the
// upstream's command. So neither argv, nor inspect, nor a file ever holds a value,
// and podman and docker do the same. Podman's own secrets would lie on its disk.
// Where there is no static executable the client's environment is used instead;
// then inspect shows the values to whoever may talk to the engine, and a remark
// says so.
//
// The same executable forbids more system calls than the engines' own profiles do,
// above all new user name spaces, kinds of sockets beside the internet's and Unix's, and
// what reaches into other processes, before it becomes the command.
//
// # What an image may bring
//
// The image is not trusted either. Its user, its entry point's rights and its
// set-user-id programs count for nothing. The volumes that it declares would be
// folders of the host without a bound: podman is told to ignore them, and with docker
// a place that is empty and read-only lies over each. Who needs one names a mount there.
//
// # No way out
//
// A box never has a network. With a list of places to connect to, a folder with one
// socket is mounted read-only, and the executable within listens on the box's own
// loopback and hands each connection to that socket. There is no bridge, so there is
// no gateway to reach the host by, and no name server.
//
// # Why not --rm
//
// With --rm the container's state is gone when we look, and a server that ran out
// of memory looks like any other that was killed. So it is we who remove it, after
// asking why it ended. Should the proxy be killed, a keeper does it: a shell that
// waits for the end of a pipe that only the proxy holds. Should that be killed too
// (or the machine), Reap does it at the next start.
//
// Build has no network of its own either: it fills one folder in a box like any other, by
// the same way out, and adds that to an image. Package layer says why.
//
// # Rough edges
//
// The engine opens a mount's source some time after we looked at it: who can
// rename folders above it in between can have another one mounted. With SELinux
// enforcing, our mounted executable and socket may need a rule; labels are not
// changed. Podman copies the names and addresses of the host's /etc/hosts into the
// box. The kernel writes down ten kills for want of memory in five seconds, and of the
// next it cannot be told that they were that. What the kernel counts by user
// (message queues, watched files) all boxes of one user share.
package engine
