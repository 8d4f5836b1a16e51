package launch

import (
	"fmt"
	"strings"

	"sallyport/sandbox/bake"
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
	out, err := l.newWay(j.conf.Name, spec.Egress)
	if err != nil {
		return nil, err
	}
	defer out.close()
	image, err := c.Build(l.ctx, engine.Build{Program: bake.Run, Job: engine.Job{
		Server: j.conf.Name, Command: recipe.Install(), Env: installerEnv(j.env), Spec: spec, Egress: out.folder,
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

// installerEnv are the server's variables that are the installers': which registry, and
// who we are there.
func installerEnv(env []string) []string {
	var all []string
	for _, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		if upper := strings.ToUpper(name); strings.HasPrefix(upper, "NPM_CONFIG_") || strings.HasPrefix(name, "UV_") {
			all = append(all, kv)
		}
	}
	return all
}
