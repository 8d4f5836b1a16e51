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
)

// Examine tries a runtime: podman, docker or bwrap. Nothing is taken from what was found
// out before.
func Examine(ctx context.Context, name string) doctor.Examination {
	x := doctor.Examination{Runtime: name}
	begun := time.Now()
	rt, remarks, err := examined(ctx, name)
	x.FindMS, x.Remarks = time.Since(begun).Milliseconds(), remarks
	if err != nil {
		x.Error = err.Error()
		return x
	}
	x.Is = rt.String()
	begun = time.Now()
	ctx, stop := context.WithTimeout(ctx, verifyTime)
	defer stop()
	if x.Checks, err = try(ctx, rt, box.Spec{Limits: box.Limits{}.OrDefault(), Lenient: true}); err != nil {
		x.Error = err.Error()
	}
	x.TryMS = time.Since(begun).Milliseconds()
	return x
}

func examined(ctx context.Context, name string) (runtime, []string, error) {
	if name != box.Bwrap {
		self, err := os.Executable()
		if err != nil {
			return nil, nil, fmt.Errorf("finding our own program: %w", err)
		}
		e, err := engine.Find(ctx, name, self)
		return containers{e}, e.Remarks, err
	}
	h, err := bwrap.Look()
	if err != nil {
		return nil, nil, err
	}
	limits, err := bwrap.Try(h, box.Limits{})
	if err != nil {
		return nil, nil, err
	}
	var remarks []string
	for _, r := range limits {
		remarks = append(remarks, r.Limit+": "+r.How)
	}
	return bubbles{h}, remarks, nil
}
