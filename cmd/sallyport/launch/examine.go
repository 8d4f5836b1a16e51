package launch

import (
	"context"
	"fmt"
	"os"
	"time"

	"sallyport/cmd/sallyport/doctor"
	"sallyport/sandbox/box"
	"sallyport/sandbox/bwrap"
	"sallyport/sandbox/engine"
	"sallyport/sandbox/probe"
)

// Examine tries a runtime: podman, docker or bwrap; the engines with an OCI runtime of
// that class, if one is named. Nothing is taken from what was found out before.
func Examine(ctx context.Context, name, class string) doctor.Examination {
	x := doctor.Examination{Runtime: name, Class: class}
	begun := time.Now()
	rt, err := find(ctx, &x)
	x.FindMS = time.Since(begun).Milliseconds()
	if err != nil {
		x.Error = err.Error()
		return x
	}
	x.Is = rt.String()
	begun = time.Now()
	ctx, stop := context.WithTimeout(ctx, verifyTime)
	defer stop()
	var seen probe.Report
	if seen, x.Checks, err = try(ctx, rt, box.Spec{Class: class, Limits: box.Limits{}.OrDefault(), Lenient: true}); err != nil {
		x.Error = err.Error()
	}
	x.Remarks = append(x.Remarks, seen.Remarks()...)
	x.TryMS = time.Since(begun).Milliseconds()
	return x
}

// find looks for the runtime, and notes in x what is to be known of it.
func find(ctx context.Context, x *doctor.Examination) (runtime, error) {
	if x.Runtime != box.Bwrap {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("finding our own program: %w", err)
		}
		e, err := engine.Find(ctx, x.Runtime, self)
		x.Remarks = e.Remarks
		return containers{Engine: e}, err
	}
	h, err := bwrap.Look()
	if err != nil {
		return nil, err
	}
	limits, err := bwrap.Try(h, box.Limits{})
	if err != nil {
		return nil, err
	}
	for _, r := range limits {
		x.Remarks = append(x.Remarks, r.String())
		if r.Soft && !r.Bites {
			x.But = append(x.But, r.Limit)
		}
	}
	return bubbles{Host: h}, nil
}
