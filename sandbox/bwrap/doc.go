// Package bwrap contains an upstream with bubblewrap, where there is no container
// engine.
//
// What is within sees the host's programs and libraries, read-only, and nothing
// else of the host: no home folder, no /etc but the few files that programs
// need, no processes, no network, no devices beyond /dev/null and its like. It may
// write to /tmp and /dev/shm, both of bounded size, and to the mounts that say so.
//
// # Whom it runs as
//
// An ordinary user's box has a user namespace of its own, in which that user is
// 65534, or whoever the spec names.
//
// Root's box has none. A user namespace made by root would map 65534 to root:
// whatever got out would be root, and the kernel's limit on processes spares root.
// Instead our own program is the first within, leaves root for good, and becomes the
// command (package inside). So bubblewrap, and not nobody, opens the sources of mounts.
//
// # Where secrets are
//
// Bubblewrap is given its options through a descriptor, and has no environment of its
// own. A variable's value is then in the memory of bubblewrap and in the
// environment of the command, and in no list of processes.
//
// # What may be called
//
// The system calls that container engines allow by default (their own list, as a
// module), without those that reach into other processes, and with no sockets but
// of Unix and of the Internet. Where our own program is within it adds its filter for
// containers, which is looser: there is one program, and none of it can be left out.
//
// # How it is asked
//
// Look finds bubblewrap, Try makes a box and says which limits bite (Remark,
// Toothless), and Probe lets our own program see from within. What it saw is
// compared by probe.Check with a promise whose Limits.Exec is true: bubblewrap cannot
// mount /tmp so that programs do not run from it, and a remark says so once.
//
// # Rough edges
//
// Without control groups memory is limited for each process, and only what is its own:
// what processes share is not. A program in Go needs some 100 MiB of that limit to start.
//
// An ordinary user's box keeps that user's groups, as nobody but root may leave one:
// in what is mounted it may do whatever they may.
package bwrap
