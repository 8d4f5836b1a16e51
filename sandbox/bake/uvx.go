package bake

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var (
	// name, extras, and @VERSION or specifiers
	pySpec = regexp.MustCompile(`^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(\[[A-Za-z0-9._,-]+\])?` +
		`(@[A-Za-z0-9][A-Za-z0-9.+!_-]*|(?:,?(?:==|>=|<=|~=|!=|<|>)[A-Za-z0-9][A-Za-z0-9.+!*_-]*)*)$`)
	python = regexp.MustCompile(`^[A-Za-z0-9<>=~!][A-Za-z0-9.@+<>=~!,-]{0,40}$`)
)

// uvxPlain are options without which the same is installed and run.
var uvxPlain = []string{"-q", "--quiet", "--no-progress", "--isolated", "-n", "--no-cache", "--refresh"}

// readUVX reads what follows uvx.
func readUVX(words []string) (Recipe, error) {
	r := Recipe{Installer: UV}
	var from string
	var with []string
	words, _, err := options(words, uvxPlain, func(name string, value func() (string, error)) error {
		switch name {
		case "--from", "--with", "-w", "--python", "-p":
		default:
			return notUnderstood(name)
		}
		v, err := value()
		if err != nil {
			return err
		}
		switch name {
		case "--from":
			from = v
		case "--with", "-w":
			with = append(with, v)
		default:
			r.Python = v
			if !python.MatchString(v) {
				return fmt.Errorf("Python %.100q: only a version can be named", v)
			}
		}
		return nil
	})
	if err != nil {
		return Recipe{}, err
	}
	if len(words) == 0 {
		return Recipe{}, errors.New("it names no package or no program to start")
	}
	r.Program, r.Args = words[0], words[1:]
	tool, name, err := readPy(words[0])
	if from == "" {
		r.Program = name
	} else {
		tool, _, err = readPy(from)
	}
	if err != nil {
		return Recipe{}, err
	}
	if !program.MatchString(r.Program) {
		return Recipe{}, fmt.Errorf("%.100q cannot be a program of a package", r.Program)
	}
	r.Packages = []string{tool}
	for _, w := range with {
		p, _, err := readPy(w)
		if err == nil && strings.Contains(p, ",") {
			err = fmt.Errorf("package %.100q: name each by itself", w)
		}
		if err != nil {
			return Recipe{}, err
		}
		r.Packages = append(r.Packages, p)
	}
	return r, nil
}

// readPy is a package as uv tool install takes it, and its name. @VERSION is uvx's
// own way of writing.
func readPy(spec string) (full, name string, err error) {
	m := pySpec.FindStringSubmatch(spec)
	if m == nil || len(spec) > longest || archive.MatchString(m[1]) || archive.MatchString(spec) {
		return "", "", fmt.Errorf("package %.100q: only what has a name in the registry can be installed, as NAME or NAME[EXTRA], with @VERSION or ==VERSION", spec)
	}
	version := m[3]
	switch at, ok := strings.CutPrefix(version, "@"); {
	case ok && at == "latest":
		version = ""
	case ok:
		version = "==" + at
	}
	return m[1] + m[2] + version, m[1], nil
}
