package group

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// The controllers that we use.
var controllers = []string{"memory", "pids", "cpu"}

// A base is a folder in which groups are made.
type base struct {
	dir string
	v2  bool
}

// Tree is where groups are made, by controller.
type Tree struct {
	bases map[string]base
	lacks map[string]error // why there is no base for a controller
	scope scope            // in which those of version 2 are; empty: none
}

// Find looks for the bases on this machine.
func Find() Tree {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return none(err)
	}
	member, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return none(err)
	}
	return find(string(mounts), string(member), os.Geteuid() == 0, within)
}

// None is a tree without any group, for tests of what is left then.
func None() Tree { return none(errors.New("not wanted")) }

func none(why error) Tree {
	t := Tree{lacks: map[string]error{}}
	for _, c := range controllers {
		t.lacks[c] = why
	}
	return t
}

// find asks for a scope where version 2 is mounted and has controllers.
func find(mounts, member string, root bool, ask func(mount string) (scope, error)) Tree {
	t := Tree{bases: map[string]base{}, lacks: map[string]error{}}
	unified := ""
	for line := range strings.Lines(mounts) {
		// id parent dev root mountpoint options [tags] - type source options
		before, after, ok := strings.Cut(line, " - ")
		fields, rest := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 5 || len(rest) < 3 {
			continue
		}
		at := unescape(fields[4])
		switch rest[0] {
		case "cgroup2":
			unified = at
		case "cgroup":
			for _, c := range controllers {
				if slices.Contains(strings.Split(rest[2], ","), c) {
					t.bases[c] = base{dir: at}
				}
			}
		}
	}
	for _, c := range controllers {
		if b, old := t.bases[c]; old && !root {
			delete(t.bases, c)
			t.lacks[c] = fmt.Errorf("only root may make control groups of version 1 (%s)", b.dir)
		} else if !old {
			t.lacks[c] = errors.New("the kernel offers no such controller here")
		}
	}
	if unified != "" {
		t.unify(unified, member, root, ask)
	}
	return t
}

// unify adds what version 2 has.
func (t *Tree) unify(mount, member string, root bool, ask func(string) (scope, error)) {
	offered := words(filepath.Join(mount, "cgroup.controllers"))
	var wanted []string
	for _, c := range controllers {
		if _, have := t.bases[c]; !have && slices.Contains(offered, c) {
			wanted = append(wanted, c)
		}
	}
	if len(wanted) == 0 {
		return
	}
	var dirs []string
	s, err := ask(mount)
	switch {
	case err == nil:
		t.scope, dirs = s, []string{filepath.Join(mount, s.dir)}
	case root:
		dirs = []string{mount}
	default:
		dirs = above(mount, member)
	}
	for _, dir := range dirs {
		if unix.Access(dir, unix.W_OK) != nil || unix.Access(filepath.Join(dir, "cgroup.procs"), unix.W_OK) != nil {
			continue
		}
		enable(dir, wanted)
		on := words(filepath.Join(dir, "cgroup.subtree_control"))
		for _, c := range wanted {
			if slices.Contains(on, c) {
				t.bases[c] = base{dir: dir, v2: true}
			} else {
				t.lacks[c] = fmt.Errorf("the controller is off below %s and could not be switched on", dir)
			}
		}
		return
	}
	for _, c := range wanted {
		t.lacks[c] = fmt.Errorf("none has been handed to this user, and %w (who logs in by ssh or at a console has a systemd of his own, and so has whom loginctl enable-linger names)", err)
	}
}

// above lists the folders above our own group, nearest first. Ours itself holds
// processes, and what does cannot have limits below it.
func above(mount, member string) []string {
	var dirs []string
	for line := range strings.Lines(member) {
		if own, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			for own = filepath.Clean("/" + own); own != "/"; {
				own = filepath.Dir(own)
				dirs = append(dirs, filepath.Join(mount, own))
			}
		}
	}
	return dirs
}

// enable asks for one controller at a time: of several none is had if one is not.
func enable(dir string, wanted []string) {
	on := words(filepath.Join(dir, "cgroup.subtree_control"))
	for _, c := range wanted {
		if slices.Contains(on, c) {
			continue
		}
		if f, err := os.OpenFile(filepath.Join(dir, "cgroup.subtree_control"), os.O_WRONLY|os.O_APPEND, 0); err == nil {
			_, _ = f.WriteString("+" + c) // whether it is on is looked at afterwards
			_ = f.Close()
		}
	}
}

func words(file string) []string {
	text, _ := os.ReadFile(file)
	return strings.Fields(string(text))
}

// unescape undoes what mountinfo does to blanks.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// folders are the distinct bases.
func (t Tree) folders() []base {
	var all []base
	for _, c := range controllers {
		if b, ok := t.bases[c]; ok && !slices.Contains(all, b) {
			all = append(all, b)
		}
	}
	return all
}
