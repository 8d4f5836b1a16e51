package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"sallyport/sandbox/engine/image"
	"sallyport/sandbox/engine/layer"
	"sallyport/sandbox/owner"
)

// A Build is an image to make from another one: with one more folder, which a job fills
// and writes as a tar to its standard output. The job's image is the one to begin with;
// its Folder may hold so much as its scratch.
type Build struct {
	Job
	Program string        // in the folder: the image's entry point
	Timeout time.Duration // 0: 10 minutes
}

const (
	builtName  = "localhost/sallyport-built"
	labelBuilt = "sallyport.built"
	buildTime  = 10 * time.Minute
)

// key is over all that the image is made from.
func (b Build) key(base string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", []any{base, b.Command, b.Folder, b.Program, b.Spec.Egress}))
	return hex.EncodeToString(sum[:16])
}

// Build returns the id of the image, and makes it if it is not there. Nothing is left of
// a build that fails. Two at once may both build; what each returns is there.
func (e Engine) Build(ctx context.Context, b Build) (string, error) {
	if err := image.Check(b.Spec); err != nil {
		return "", err
	}
	base, err := e.inspect(ctx, b.Spec)
	if err != nil {
		return "", err
	}
	if err := base.Is(b.Spec.Image); err != nil {
		return "", err
	}
	key := b.key(base.ID)
	if id := e.built(ctx, key); id != "" {
		return id, nil
	}
	b.Timeout = cmp.Or(b.Timeout, buildTime)
	ctx, stop := context.WithTimeoutCause(ctx, b.Timeout, fmt.Errorf("it took longer than %s", b.Timeout))
	defer stop()
	b.Spec.Image, b.Spec.Pull = base.Ref(), false
	archive, err := os.CreateTemp("", "sallyport-build-")
	if err != nil {
		return "", err
	}
	defer archive.Close()
	_ = os.Remove(archive.Name()) // so that nothing of it is left if we are killed
	if err := e.fill(ctx, b, archive); err != nil {
		return "", fmt.Errorf("building for %s: %w", b.Server, err)
	}
	if id := e.built(ctx, key); id != "" {
		return id, nil
	}
	id, err := e.commit(ctx, b, key, archive)
	if err != nil {
		return "", fmt.Errorf("building for %s: %w", b.Server, err)
	}
	return id, nil
}

// fill runs the command in its box.
func (e Engine) fill(ctx context.Context, b Build, to io.Writer) error {
	b.StopTimeout = cmp.Or(b.StopTimeout, time.Second)
	c, err := e.Start(ctx, b.Job)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = c.Stop() })()
	_ = c.Stdin().Close()
	bad := layer.Copy(to, c.Stdout(), b.Folder, b.Spec.Limits.OrDefault().Scratch)
	_, _ = io.Copy(io.Discard, c.Stdout()) // it ends by itself, and says why
	<-c.Exited()
	left := c.Stop()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %s", context.Cause(ctx), c.LastWords())
	case c.client.Exit().Code != 0:
		return fmt.Errorf("%s: %s", c.Why(), c.LastWords())
	case bad != nil:
		return fmt.Errorf("%w: %s", bad, c.LastWords())
	}
	return left
}

// commit makes the image, by a container that never runs. If another build was given the
// name meanwhile, it is that one's image, and ours goes.
func (e Engine) commit(ctx context.Context, b Build, key string, archive *os.File) (string, error) {
	size, err := archive.Seek(0, io.SeekCurrent)
	if err != nil {
		return "", err
	}
	stdin := io.Reader(io.NewSectionReader(archive, 0, size))
	name := containerName(b.Server)
	defer func() { _ = e.remove(context.WithoutCancel(ctx), name) }()
	steps := b.assembly(name, key)
	if e.Behind {
		steps = [][]string{{"build", "--quiet", "--force-rm", "--network=none", "--tag=" + builtName + ":" + key, "-"}}
		if stdin, err = layer.Context(b.dockerfile(key), stdin, size); err != nil {
			return "", err
		}
	}
	var said []byte
	for _, args := range steps {
		var in io.Reader // for the one that reads it
		if slices.Contains(args, "-") {
			in = stdin
		}
		if said, err = e.callWith(ctx, in, args...); err != nil {
			return "", err
		}
	}
	made := image.Image{ID: strings.TrimSpace(string(said))}.Ref()
	named := e.built(ctx, key)
	if named == "" {
		return "", fmt.Errorf("image %s was made, and is not there", made)
	}
	if named != made {
		_, _ = e.call(ctx, nil, "image", "rm", made)
	}
	return named, nil
}

// assembly is the client's words for it, one after another. The container's label goes
// into the image: there it must not make others take what runs from it for ours.
func (b Build) assembly(name, key string) [][]string {
	return [][]string{
		{"create", "--name=" + name, "--label=" + LabelOwner + "=" + string(owner.Us()),
			"--pull=never", "--network=none", "--entrypoint=" + b.Program, b.Spec.Image},
		{"cp", "-", name + ":/"},
		{"commit", "--change=LABEL " + LabelOwner + "=", "--change=LABEL " + labelBuilt + "=" + key, name, builtName + ":" + key},
	}
}

// dockerfile says the same to podman's server, whose commit fails when a newer docker's
// client asks for it.
func (b Build) dockerfile(key string) string {
	return fmt.Sprintf("FROM %s\nADD %s /\nENTRYPOINT [%q]\nLABEL %s=%s\n", b.Spec.Image, layer.Added, b.Program, labelBuilt, key)
}

// built is the image of this key, or "".
func (e Engine) built(ctx context.Context, key string) string {
	out, err := e.call(ctx, nil, "image", "inspect", image.Format, builtName+":"+key)
	if err != nil {
		return ""
	}
	i, err := image.Read(out)
	if err != nil || i.Config.Labels[labelBuilt] != key {
		return ""
	}
	return i.Ref()
}
