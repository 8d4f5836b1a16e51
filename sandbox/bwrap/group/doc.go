// Package group holds all processes of a box together within limits: control groups
// of our own, of either version, where we may make them.
//
// # Where they are made
//
// Of version 2, in a scope that systemd hands over to us, root or not: anywhere else
// it undoes limits that it knows nothing of, when another unit starts or it reads its
// configuration again. Without systemd, as root at the root of each hierarchy, as
// container engines do; as an ordinary user only in version 2, in the nearest folder
// above our own group that has been handed to that user.
//
// # Whose they are
//
// A group's name tells which process made it: its id, when it was born, and in which
// namespace that is so. Whoever finds one whose maker is gone removes it (Sweep), so
// a proxy that was killed leaves groups only until the next start. A scope ends with
// us, and all that is in it.
package group
