package launch

import (
	"fmt"
	"io"
	"os"
	"strings"

	"sallyport/sandbox/bake"
	"sallyport/sandbox/box"
	"sallyport/sandbox/engine"
)

// build makes the image of a server whose command would fetch a package, if it is not
// there, and changes the job to run from it. It returns what the operator should know.
func (l *Launcher) build(rt runtime, j *job) ([]string, error) {
	conf := j.conf.Sandbox
	recipe, known, err := bake.Read(j.command)
	c, engines := rt.(containers)
	switch {
	case !known || conf.Build.Never:
		return nil, nil
	case !engines:
		return []string{fmt.Sprintf("%s fetches what it does not find, and a box of bubblewrap has no image to install it into: podman and docker have", j.command[0])}, nil
	case err != nil:
		return nil, fmt.Errorf("%w (build { when = \"never\" } runs the command as it stands)", err)
	}
	recipe.Scripts = conf.Build.Scripts
	spec := recipe.Spec(j.spec)
	if len(conf.Build.Egress) > 0 {
		spec.Egress = endpoints(conf.Build.Egress)
	}
	spec = withHosts(l.opt.State, spec)
	env, spec, err := l.installer(recipe, j.env, spec)
	if err != nil {
		return nil, err
	}
	out, err := l.newWay(j.conf.Name, spec.Egress)
	if err != nil {
		return nil, err
	}
	defer out.close()
	image, err := c.Build(l.ctx, engine.Build{Program: bake.Run, Job: engine.Job{
		Server: j.conf.Name, Command: recipe.Install(), Env: env, Spec: spec, Egress: out.folder,
		Folder: bake.Folder, Own: j.own, Stderr: j.stderr,
	}})
	if refused := out.lastRefused(); err != nil && refused != "" {
		return nil, fmt.Errorf("%w; its way out refused %s (build { network { private = [\"HOST\"] } } names a registry of your own)", err, refused)
	}
	if err != nil {
		return nil, err
	}
	j.made = fmt.Sprintf("made from %s with %s", conf.Image, strings.Join(recipe.Packages, " "))
	j.spec.Image, j.spec.Pull, j.spec.Digest = image, false, false // what was built is what runs
	j.command = recipe.Command()
	return recipe.Remarks(), nil
}

// authorities is where the box of an installation finds the certificates of authorities
// that it is to believe, and maxAuthorities how much of them.
const (
	authorities    = "/sallyport-authorities.pem"
	maxAuthorities = 4 << 20
)

// installer is what an installation is told and shown: the server's variables that are
// the installer's (which registry, who we are there), and the authorities that it would
// believe where sallyport runs. A company's registry, or what looks into its
// connections, often has one of its own.
func (l *Launcher) installer(recipe bake.Recipe, server []string, spec box.Spec) ([]string, box.Spec, error) {
	var env []string
	believed := recipe.Believes()
	said := os.Getenv(believed)
	for _, kv := range server {
		name, _, _ := strings.Cut(kv, "=")
		if upper := strings.ToUpper(name); strings.HasPrefix(upper, "NPM_CONFIG_") || strings.HasPrefix(name, "UV_") || name == believed {
			env = append(env, kv)
		}
		if name == believed {
			said = "" // a place in the image
		}
	}
	if said == "" {
		return env, spec, nil
	}
	text, err := readAtMost(said, maxAuthorities)
	if err != nil {
		return nil, spec, fmt.Errorf("%s of our environment: %w", believed, err)
	}
	shown := withText(l.opt.State, spec, authorities, text)
	if len(shown.Mounts) > len(spec.Mounts) {
		env = append(env, believed+"="+authorities)
		l.opt.Logger.Debug("an installation believes the authorities that "+believed+" names", "file", said)
	}
	return env, shown, nil
}

func readAtMost(file string, n int64) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, n+1))
	if err == nil && int64(len(b)) > n {
		err = fmt.Errorf("%s: more than %d bytes", file, n)
	}
	return string(b), err
}
