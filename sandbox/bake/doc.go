// Package bake reads a command that installs a server each time it starts, and
// says how to install it once and start it without a network.
//
// # What is known
//
// npx, npm exec and uvx (uv tool run), as they stand in the configurations of MCP
// clients. A command of another kind is none of its business; one of these that it
// does not fully understand is refused, with the words that it stumbled over, and
// never half understood: an option that is dropped could be the one that chose the
// package. bunx, pnpm dlx, yarn dlx and pipx are not known.
//
// # Whose words these are
//
// A package's name may come from a page that somebody was told to paste. Only names
// in a registry are taken, with a version, a range or a tag: no URL, no git, no path,
// no alias, no archive, nothing that begins with a dash. What is taken reaches the
// script as an argument ("$@"), behind "--": no shell reads it, and no installer
// takes it for an option. What the package says of itself (the names of its
// programs) is held to the same letters before it is written into a script.
//
// # Where it lies
//
// The script installs into Folder, leaves there the program Run, and writes the folder
// as a tar to its standard output: the box's file system stays read-only, and
// whoever runs the script sees all that comes out. Run does what npx and uvx do at
// the end: it puts the package's programs first in the PATH and becomes the one that
// was meant. Hence the command afterwards is the same for every package, and which
// program is meant is settled while there is a network, from what was installed.
//
// The base image has a shell, tar, and npm with node, or uv with a Python.
//
// # What an installation may do
//
// The packages' own scripts do not run unless Scripts says so: npm's install scripts, and for
// uv what builds a wheel from source. Servers are seldom in need of them, and worms
// always are. Even then they run in a box that reaches the registry and nothing else.
// uv does not fetch a Python: that would come from another place than packages, and
// an image that has one is as easily named.
//
// # Rough edges
//
// An exact version pins the package and not what it depends on: that is what the
// registry has on the day. The image keeps it from then on.
//
// With uv only the script's words were tried, against a stand-in: where this was
// written there was no PyPI to install from.
package bake
