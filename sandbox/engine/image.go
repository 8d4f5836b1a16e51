package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"sallyport/sandbox/box"
	"sallyport/sandbox/engine/image"
	"sallyport/sandbox/engine/layer"
	"sallyport/sandbox/probe"
)

const (
	probeName   = "localhost/sallyport-probe"
	labelProbe  = "sallyport.probe"
	insideProbe = "/sallyport" // our executable in its own image
	pullTime    = 15 * time.Minute
)

// probeImage is an image that holds our executable and nothing else. It is made
// without a registry, once for each content.
func (e *Engine) probeImage(ctx context.Context) (string, error) {
	if e.Self.Path == "" {
		return "", errors.New(e.Self.Why)
	}
	f, err := os.Open(e.Self.Path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err != nil {
		return "", err
	}
	name := probeName + ":" + hex.EncodeToString(sum.Sum(nil)[:8])
	if _, err := e.call(ctx, nil, "image", "inspect", "--format={{.Id}}", name); err == nil {
		return name, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	archive, err := layer.Program(insideProbe, f, size)
	if err != nil {
		return "", err
	}
	ctx, stop := context.WithTimeout(ctx, 2*time.Minute)
	defer stop()
	entry := `ENTRYPOINT ["` + insideProbe + `","` + probe.Word + `"]`
	_, err = e.callWith(ctx, archive, "import", "--change="+entry, "--change=LABEL "+labelProbe+"=1", "-", name)
	if err != nil {
		return "", err
	}
	// Those of older programs, unless somebody uses them now.
	if _, err := e.call(ctx, nil, "image", "prune", "--all", "--force", "--filter=label="+labelProbe, "--filter=until=24h"); err != nil {
		e.remark("older images of the probe are left: %v", err)
	}
	return name, nil
}

// inspect asks about the image, and fetches it first if it is not there and may be.
func (e Engine) inspect(ctx context.Context, s box.Spec) (image.Image, error) {
	out, err := e.call(ctx, nil, "image", "inspect", image.Format, s.Image)
	switch {
	case ctx.Err() != nil:
		return image.Image{}, err
	case err != nil && !s.Pull:
		return image.Image{}, fmt.Errorf("the image %s is not there, and pull = \"missing\" (or %s pull %s) is not said: %w", s.Image, e.Tool, s.Image, err)
	case err != nil:
		fetch, stop := context.WithTimeout(ctx, pullTime)
		defer stop()
		if _, err := e.callWith(fetch, nil, "pull", "--quiet", s.Image); err != nil {
			return image.Image{}, fmt.Errorf("fetching the image %s: %w", s.Image, err)
		}
		if out, err = e.call(ctx, nil, "image", "inspect", image.Format, s.Image); err != nil {
			return image.Image{}, err
		}
	}
	i, err := image.Read(out)
	if err != nil {
		return image.Image{}, fmt.Errorf("what %s says about the image %s cannot be read: %w", e.Tool, s.Image, err)
	}
	return i, nil
}
