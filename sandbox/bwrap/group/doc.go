// Package group holds all processes of a box together within limits: control groups
// of our own, of either version, where we may make them.
//
// # Where they are made
//
// As root at the root of each hierarchy, as container engines do. As an ordinary
// user only in version 2, in the nearest folder above our own group that has been
// handed to that user: a systemd user service is in such a place; a login on a
// console or by ssh is not.
//
// # Whose they are
//
// A group's name tells which process made it: its id, when it was born, and in which
// namespace that is so. Whoever finds one whose maker is gone removes it (Sweep), so
// a proxy that was killed leaves groups only until the next start.
package group
