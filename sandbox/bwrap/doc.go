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
// of Unix and of the Internet.
package bwrap
