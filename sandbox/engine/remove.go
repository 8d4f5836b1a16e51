package engine

import (
	"context"
	"crypto/rand"
	"strings"
)

// containerName is the upstream's name, as far as an engine takes it, and what makes
// it this container's.
func containerName(server string) string {
	keep := func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}
	name := strings.Map(keep, server)
	return "sallyport-" + name[:min(len(name), 40)] + "-" + strings.ToLower(rand.Text()[:10])
}

// remove kills and removes a container, if it is there.
func (e Engine) remove(ctx context.Context, names ...string) error {
	_, err := e.call(ctx, nil, append(e.removal(), names...)...)
	if err != nil && strings.Contains(strings.ToLower(err.Error()), "no such container") {
		return nil
	}
	return err
}

// removal kills at once: the stop time-out of each container is zero.
func (e Engine) removal() []string {
	if e.Tool == Podman {
		return []string{"rm", "--force", "--volumes", "--ignore"}
	}
	return []string{"rm", "--force", "--volumes"}
}
