package bwrap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"sallyport/sandbox"
	"sallyport/sandbox/box"
	"sallyport/sandbox/probe"
)

// probeWithin is where our own program is in the probe's box.
const probeWithin = "/sallyport"

// Probe starts a box like the one promised, with our own program in it, and returns
// what that saw. The addresses are tried from within. Mounts, the working folder and the
// way out are left out: they are the upstream's. Limits that would not bite are no error
// here: probe.Check tells them.
func Probe(ctx context.Context, h Host, promise box.Spec, addresses []string) (probe.Report, error) {
	b := newBounds(h, promise.Limits.OrDefault())
	ask, err := json.Marshal(probe.Ask{Limits: promise.Limits, Data: b.data, Addresses: addresses})
	if err != nil {
		b.remove()
		return probe.Report{}, err
	}
	b.data = 0 // the probe sets it for the one that tries, and needs more itself
	s := promise
	s.Dir, s.Egress, s.Lenient = "", nil, true
	s.Mounts = []box.Mount{{Source: h.Self, Target: probeWithin}}
	c, err := b.start(h, s, sandbox.Command{Argv: []string{probeWithin, probe.Word, string(ask)}}, "")
	if err != nil {
		return probe.Report{}, err
	}
	defer c.Kill()
	defer context.AfterFunc(ctx, c.Kill)()
	late := time.AfterFunc(probe.Patience, c.Kill)
	defer late.Stop()
	r, err := probe.Read(c.Stdout())
	<-c.Exited()
	if err = errors.Join(err, ctx.Err()); err != nil {
		return r, fmt.Errorf("the probe: %v: %w: %s", c.Exit(), err, c.LastWords())
	}
	if strings.HasPrefix(c.Exit().Limit, "out of memory") {
		r.Killed(promise.Limits)
	}
	return r, nil
}
