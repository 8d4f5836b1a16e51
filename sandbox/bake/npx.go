package bake

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	npmSpec  = regexp.MustCompile(`^(?:@[A-Za-z0-9][A-Za-z0-9._-]*/)?[A-Za-z0-9][A-Za-z0-9._-]*(?:@[~^=]?[A-Za-z0-9*][A-Za-z0-9.+*_-]*)?$`)
	npmExact = regexp.MustCompile(`^@=?\d+\.\d+\.\d+(?:[-+][A-Za-z0-9.+-]+)?$`)
	// Both installers take these for a file, wherever they stand.
	archive = regexp.MustCompile(`(?i)\.(?:tgz|tar|gz|bz2|xz|zip|whl)$`)
	program = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)
)

// longest bounds a package with its version.
const longest = 300

// npmName is the name of a package that was checked.
func npmName(spec string) string {
	name, _, _ := strings.Cut(spec[1:], "@")
	return spec[:1] + name
}

func checkNPM(spec string) error {
	if len(spec) > longest || !npmSpec.MatchString(spec) || archive.MatchString(npmName(spec)) || archive.MatchString(spec) {
		return fmt.Errorf("package %.100q: only what has a name in the registry can be installed, as NAME or @SCOPE/NAME, with @VERSION or @TAG", spec)
	}
	return nil
}

// npxPlain are options without which the same is installed and run.
var npxPlain = []string{"-y", "--yes", "-q", "--quiet", "-s", "--silent", "--prefer-online"}

// readNPX reads what follows npx, or npm exec.
func readNPX(words []string, npm bool) (Recipe, error) {
	r := Recipe{Installer: NPM}
	words, dashed, err := options(words, npxPlain, func(name string, value func() (string, error)) error {
		switch name {
		case "-p", "--package":
			p, err := value()
			r.Packages = append(r.Packages, p)
			return err
		case "-c", "--call":
			return fmt.Errorf("%s runs a line of shell: name the package and its program instead", name)
		}
		return notUnderstood(name)
	})
	if err != nil {
		return Recipe{}, err
	}
	if len(words) == 0 {
		return Recipe{}, errors.New("it names no package or no program to start")
	}
	if r.Args = words[1:]; npm && !dashed {
		if r.Args, err = behindPackage(r.Args); err != nil {
			return Recipe{}, err
		}
	}
	if len(r.Packages) == 0 {
		r.Packages = words[:1]
	} else if r.Program = words[0]; !program.MatchString(r.Program) {
		return Recipe{}, fmt.Errorf("%.100q cannot be a program of a package", r.Program)
	}
	for _, p := range r.Packages {
		if err := checkNPM(p); err != nil {
			return Recipe{}, err
		}
	}
	return r, nil
}

// behindPackage is what npm exec leaves of the arguments to the program: it takes options
// for its own, up to "--".
func behindPackage(args []string) ([]string, error) {
	at := slices.Index(args, "--")
	own := args
	if at >= 0 {
		own = args[:at]
		args = slices.Delete(slices.Clone(args), at, at+1)
	}
	for _, a := range own {
		if strings.HasPrefix(a, "-") {
			return nil, fmt.Errorf("npm takes %.100q for its own: write -- before the program's arguments", a)
		}
	}
	return args, nil
}

// options reads up to the first word that is no option, and tells whether it stood
// behind "--". plain are those without a value that are passed over.
func options(words, plain []string, take func(name string, value func() (string, error)) error) (rest []string, dashed bool, err error) {
	for len(words) > 0 && strings.HasPrefix(words[0], "-") {
		if words[0] == "--" {
			return words[1:], true, nil
		}
		name, inline, has := strings.Cut(words[0], "=")
		words = words[1:]
		if slices.Contains(plain, name) && !has {
			continue
		}
		err := take(name, func() (string, error) {
			switch {
			case has:
				return inline, nil
			case len(words) == 0:
				return "", fmt.Errorf("%s has no value", name)
			}
			v := words[0]
			words = words[1:]
			return v, nil
		})
		if err != nil {
			return nil, false, err
		}
	}
	return words, false, nil
}

func notUnderstood(option string) error {
	return fmt.Errorf("the option %.100q is not understood here, so it is not known what it would install", option)
}
