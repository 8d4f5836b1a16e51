package engine

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"sallyport/sandbox/box"
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
	archive, err := rootfs(f, size)
	if err != nil {
		return "", err
	}
	ctx, stop := context.WithTimeout(ctx, 2*time.Minute)
	defer stop()
	entry := `ENTRYPOINT ["` + insideProbe + `","` + WordProbe + `"]`
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

// rootfs is a file system of one program, as a tar.
func rootfs(program io.Reader, size int64) (io.Reader, error) {
	var head bytes.Buffer
	w := tar.NewWriter(&head)
	for _, h := range []*tar.Header{
		{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777},
		{Typeflag: tar.TypeReg, Name: strings.TrimPrefix(insideProbe, "/"), Mode: 0o755, Size: size},
	} {
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
	}
	const block = 512
	end := make([]byte, (block-size%block)%block+2*block)
	return io.MultiReader(&head, io.LimitReader(program, size), bytes.NewReader(end)), nil
}

// An image is what an engine says of one that it has.
type image struct {
	ID      string
	Digests []string // NAME@sha256:…
	Config  struct {
		Entrypoint []string
		Cmd        []string
	}
}

// imageFormat asks for each part by itself, and for the id first and bare: podman
// takes a format that begins with json for its own, and answers with a list.
const imageFormat = "--format={{.Id}} {{json .RepoDigests}} {{json .Config}}"

func readImage(out []byte) (image, error) {
	id, rest, _ := bytes.Cut(out, []byte(" "))
	i := image{ID: string(id)}
	d := json.NewDecoder(bytes.NewReader(rest))
	for _, part := range []any{&i.Digests, &i.Config} {
		if err := d.Decode(part); err != nil {
			return image{}, err
		}
	}
	if i.ID == "" {
		return image{}, errors.New("it has no id")
	}
	return i, nil
}

// command is what the image runs by itself.
func (i image) command() []string { return slices.Concat(i.Config.Entrypoint, i.Config.Cmd) }

// inspect asks about the image, and fetches it first if it is not there and may be.
func (e Engine) inspect(ctx context.Context, s box.Spec) (image, error) {
	out, err := e.call(ctx, nil, "image", "inspect", imageFormat, s.Image)
	switch {
	case err != nil && !s.Pull:
		return image{}, fmt.Errorf("the image %s is not there, and the policy does not let it be fetched: %w", s.Image, err)
	case err != nil:
		fetch, stop := context.WithTimeout(ctx, pullTime)
		defer stop()
		if _, err := e.callWith(fetch, nil, "pull", "--quiet", s.Image); err != nil {
			return image{}, fmt.Errorf("fetching the image %s: %w", s.Image, err)
		}
		if out, err = e.call(ctx, nil, "image", "inspect", imageFormat, s.Image); err != nil {
			return image{}, err
		}
	}
	i, err := readImage(out)
	if err != nil {
		return image{}, fmt.Errorf("what %s says about the image %s cannot be read: %w", e.Tool, s.Image, err)
	}
	return i, nil
}

// pinned is the digest that a reference names, or "".
func pinned(ref string) (string, error) {
	_, digest, found := strings.Cut(ref, "@")
	if !found {
		return "", nil
	}
	hexes, ok := strings.CutPrefix(digest, "sha256:")
	if b, err := hex.DecodeString(hexes); !ok || err != nil || len(b) != sha256.Size || strings.ToLower(hexes) != hexes {
		return "", fmt.Errorf("image %q: a digest is sha256: and 64 hexadecimal digits", ref)
	}
	return digest, nil
}

// CheckImage refuses what cannot be an image, and one without a digest where the
// policy wants one. The remark is for the operator.
func CheckImage(s box.Spec) (remark string, err error) {
	digest, err := pinned(s.Image)
	switch {
	case err != nil:
		return "", err
	case s.Image == "":
		return "", errors.New("no image is named")
	case strings.HasPrefix(s.Image, "-"), strings.ContainsFunc(s.Image, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return "", fmt.Errorf("image %q is not a name", s.Image)
	case digest != "":
		return "", nil
	case s.Digest:
		return "", fmt.Errorf("image %s has no digest, and the policy wants one: write it as NAME@sha256:…", s.Image)
	}
	return fmt.Sprintf("image %s has no digest: what it names can change (write it as NAME@sha256:…)", s.Image), nil
}

// checkDigest refuses an image that is not the one that was named.
func (i image) checkDigest(ref string) error {
	want, err := pinned(ref)
	if err != nil || want == "" {
		return err
	}
	var has []string
	for _, d := range i.Digests {
		_, digest, _ := strings.Cut(d, "@")
		has = append(has, digest)
	}
	if slices.Contains(has, want) {
		return nil
	}
	return fmt.Errorf("image %s: the engine has another one under this name: %s", ref, strings.Join(has, " "))
}
