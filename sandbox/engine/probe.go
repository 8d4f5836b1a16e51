package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"sallyport/sandbox/box"
	"sallyport/sandbox/probe"
)

// probeTime bounds a probe: a second of processor at a twentieth is twenty.
const probeTime = 90 * time.Second

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
	c, err := e.Start(ctx, Job{Server: "probe", Command: []string{insideProbe, WordProbe, string(ask)}, Spec: spec})
	if err != nil {
		return probe.Report{}, err
	}
	defer context.AfterFunc(ctx, func() { _ = c.Stop() })()
	late := time.AfterFunc(probeTime, func() { _ = c.Stop() })
	defer late.Stop()
	r, err := readReports(c.Stdout())
	<-c.Exited()
	why := c.Why()
	err = errors.Join(err, c.Stop())
	if err != nil {
		return r, fmt.Errorf("the probe: %s: %w: %s", why, err, c.LastWords())
	}
	if r.Memory.Reached == probe.Unknown && strings.HasPrefix(why, "out of memory") {
		// It was the probe itself that was killed.
		r.Memory.Reached, r.Memory.Killed = promise.Limits.OrDefault().Memory, true
	}
	return r, nil
}

// readReports returns the last report that came whole.
func readReports(in io.Reader) (probe.Report, error) {
	var last probe.Report
	d := json.NewDecoder(io.LimitReader(in, outputLimit))
	for n := 0; ; n++ {
		var r probe.Report
		if err := d.Decode(&r); err != nil {
			if n == 0 {
				return last, fmt.Errorf("no report: %w", err)
			}
			return last, nil
		}
		last = r
	}
}
