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
	out, err := e.call(ctx, nil, "ps", "--all", "--quiet", "--no-trunc", "--filter=label="+LabelOwner)
	if err != nil {
		return nil, fmt.Errorf("looking for containers that were left: %w", err)
	}
	ids := strings.Fields(string(out))
	if len(ids) == 0 {
		return nil, nil
	}
	// One that is removed meanwhile makes it an error, and the rest is said.
	out, err = e.call(ctx, nil, append([]string{"container", "inspect",
		`--format={{.Id}} {{.Name}} {{index .Config.Labels "` + LabelOwner + `"}}`}, ids...)...)
	if err != nil && len(out) == 0 {
		return nil, fmt.Errorf("looking for containers that were left: %w", err)
	}
	var names []string
	var failed error
	for _, c := range orphans(string(out), owner.ID.Gone) {
		if err := e.remove(ctx, c.id); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		names = append(names, c.name)
	}
	return names, failed
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
