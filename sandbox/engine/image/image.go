// Package image reads the name of an image, and what an engine says of one: it tells
// whether an image is the one that was named.
package image

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"

	"sallyport/sandbox/box"
)

// kind stands before a digest, and an image's id.
const kind = "sha256:"

// An Image is what an engine says of one that it has.
type Image struct {
	ID      string
	Digests []string // NAME@sha256:…
	Config  struct {
		Entrypoint []string
		Cmd        []string
		Labels     map[string]string
		Volumes    map[string]struct{}
	}
}

// Format is how an engine is to print it. It asks for each part by itself, and for the
// id first and bare: podman takes a format that begins with json for its own, and
// answers with a list.
const Format = "--format={{.Id}} {{json .RepoDigests}} {{json .Config}}"

// Read reads what an engine printed by Format.
func Read(out []byte) (Image, error) {
	id, rest, _ := bytes.Cut(out, []byte(" "))
	i := Image{ID: string(id)}
	d := json.NewDecoder(bytes.NewReader(rest))
	for _, part := range []any{&i.Digests, &i.Config} {
		if err := d.Decode(part); err != nil {
			return Image{}, err
		}
	}
	if i.ID == "" {
		return Image{}, errors.New("it has no id")
	}
	return i, nil
}

// Ref names this image and no other. Podman says the id without its kind, and would
// take that for a name as well.
func (i Image) Ref() string { return kind + strings.TrimPrefix(i.ID, kind) }

// Command is what the image runs by itself.
func (i Image) Command() []string { return slices.Concat(i.Config.Entrypoint, i.Config.Cmd) }

// Volumes are the places that the image declares to be volumes.
func (i Image) Volumes() ([]string, error) {
	var all []string
	for _, v := range slices.Sorted(maps.Keys(i.Config.Volumes)) {
		at := path.Clean(v)
		if !path.IsAbs(at) || at == "/" || strings.ContainsAny(at, ":,\"\\") || strings.ContainsFunc(at, unicode.IsControl) {
			return nil, fmt.Errorf("it declares a volume at %q, and that cannot be made read-only", v)
		}
		all = append(all, at)
	}
	return all, nil
}

// Digest is the digest that a reference names, or "".
func Digest(ref string) (string, error) {
	_, digest, found := strings.Cut(ref, "@")
	if !found {
		return "", nil
	}
	if !isSum(digest) {
		return "", fmt.Errorf("image %q: a digest is sha256: and 64 hexadecimal digits", ref)
	}
	return digest, nil
}

func isSum(s string) bool {
	hexes, ok := strings.CutPrefix(s, kind)
	b, err := hex.DecodeString(hexes)
	return ok && err == nil && len(b) == sha256.Size && strings.ToLower(hexes) == hexes
}

// Check refuses what cannot be an image, and one without a digest where the
// policy wants one.
func Check(s box.Spec) error {
	digest, err := Digest(s.Image)
	switch {
	case err != nil:
		return err
	case s.Image == "":
		return errors.New("no image is named")
	case strings.HasPrefix(s.Image, "-"), strings.ContainsFunc(s.Image, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return fmt.Errorf("image %q is not a name", s.Image)
	case s.Digest && digest == "" && !isSum(s.Image): // neither can change
		return fmt.Errorf("image %s has no digest, and the policy wants one: write it as NAME@sha256:…", s.Image)
	}
	return nil
}

// Is refuses an image that is not the one that was named.
func (i Image) Is(ref string) error {
	want, err := Digest(ref)
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
