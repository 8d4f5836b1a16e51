package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sallyport/sandbox/owner"
)

// Reap removes the containers whose proxy is gone, and returns their names. Those of
// which that is not known for certain are left: of other machines that use the same
// engine, and of proxies whose process ids we cannot see.
func (e Engine) Reap(ctx context.Context) ([]string, error) {
	list, err := e.owned(ctx)
	if err != nil {
		return nil, fmt.Errorf("looking for containers that were left: %w", err)
	}
	var names []string
	var failed error
	for _, c := range orphans(list, owner.ID.Gone) {
		if err := e.remove(ctx, c.id); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		names = append(names, c.name)
	}
	return names, failed
}

// owned is a line for each container that has an owner: id, name, owner. The clients'
// own lists show labels in different words.
func (e Engine) owned(ctx context.Context) (string, error) {
	for try := 0; ; try++ {
		out, err := e.call(ctx, nil, "ps", "--all", "--quiet", "--no-trunc", "--filter=label="+LabelOwner)
		ids := strings.Fields(string(out))
		if err != nil || len(ids) == 0 {
			return "", err
		}
		out, err = e.call(ctx, nil, append([]string{"container", "inspect",
			`--format={{.Id}} {{.Name}} {{index .Config.Labels "` + LabelOwner + `"}}`}, ids...)...)
		// One that was removed meanwhile makes it an error: the rest is said. Where there
		// is no rest, others may have come.
		if err == nil || len(out) > 0 {
			return string(out), nil
		}
		if try == 3 {
			return "", err
		}
	}
}

type container struct{ id, name string }

// orphans are the containers of a list whose owner is gone.
func orphans(list string, gone func(owner.ID) bool) []container {
	var all []container
	for line := range strings.Lines(list) {
		f := strings.Fields(line)
		if len(f) == 3 && gone(owner.ID(f[2])) {
			all = append(all, container{id: f[0], name: strings.TrimPrefix(f[1], "/")})
		}
	}
	return all
}
