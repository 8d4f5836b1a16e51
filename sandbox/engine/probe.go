package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"sallyport/sandbox/box"
	"sallyport/sandbox/probe"
)

// Probe starts a box like the one promised, with our executable in it, and returns
// what that saw. The addresses are tried from within. Mounts and the working folder are
// left out: they are the upstream's image's.
func (e Engine) Probe(ctx context.Context, promise box.Spec, addresses []string) (probe.Report, error) {
	name, err := e.probeImage(ctx)
	if err != nil {
		return probe.Report{}, err
	}
	ask, err := json.Marshal(probe.Ask{Limits: promise.Limits, Addresses: addresses})
	if err != nil {
		return probe.Report{}, err
	}
	spec := box.Spec{Image: name, Class: promise.Class, User: promise.User, Limits: promise.Limits}
	c, err := e.Start(ctx, Job{Server: "probe", Command: []string{insideProbe, probe.Word, string(ask)}, Spec: spec})
	if err != nil {
		return probe.Report{}, err
	}
	defer context.AfterFunc(ctx, func() { _ = c.Stop() })()
	late := time.AfterFunc(probe.Patience, func() { _ = c.Stop() })
	defer late.Stop()
	r, err := probe.Read(c.Stdout())
	<-c.Exited()
	why := c.Why()
	err = errors.Join(err, c.Stop())
	if err != nil {
		return r, fmt.Errorf("the probe: %s: %w: %s", why, err, c.LastWords())
	}
	if strings.HasPrefix(why, "out of memory") {
		r.Killed(promise.Limits)
	}
	return r, nil
}
