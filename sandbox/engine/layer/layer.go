// Package layer lets one folder through from a tar that nobody trusts to a file system
// that is to be believed.
//
// What comes out is that folder and nothing beside it, owned by root, with plain
// modes: no set-user-id, no devices, no extended attributes, no second entry of a
// name, nothing laid behind a link. A link itself may point anywhere: it is followed
// in a box that holds nothing but the image. Where the end is missing there is an
// error, as something may be missing before it.
//
// # Why what is installed goes through a tar
//
// A box with a root that can be written to, committed as it stands, would be the
// shorter way. But then what was installed could change the base as well, its shell
// for one; it could fill the disk, as the engines bound a writable root only on few file
// systems; and the box would not be that of an upstream. This way the box is as
// strict as any, the folder is memory with a limit, and each file is looked at before
// it becomes part of an image. It costs a copy: a second for 100 MB.
package layer

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// most bounds the number of files.
const most = 500_000

// A copier knows what has been let through.
type copier struct {
	folder string // without the first slash
	seen   map[string]byte
	left   int64
	out    *tar.Writer
}

// Copy reads a tar that holds the folder, an absolute path, and writes one that holds it
// alone. Its files may have limit bytes together.
func Copy(out io.Writer, in io.Reader, folder string, limit int64) error {
	c := copier{folder: strings.TrimPrefix(path.Clean(folder), "/"), seen: map[string]byte{}, left: limit, out: tar.NewWriter(out)}
	source := &ended{Reader: in}
	r := tar.NewReader(source)
	for {
		h, err := r.Next()
		switch {
		case err == io.EOF && source.early:
			return errors.New("what was installed did not come whole: its end is missing")
		case err == io.EOF && c.seen[c.folder] == 0:
			return errors.New("nothing was installed")
		case err == io.EOF:
			return c.out.Close()
		case err != nil:
			return fmt.Errorf("what was installed cannot be read: %w", err)
		}
		clean, err := c.entry(h)
		if err != nil {
			return fmt.Errorf("what was installed: %.300q: %w", h.Name, err)
		}
		if clean == nil {
			continue
		}
		if err := c.out.WriteHeader(clean); err != nil {
			return err
		}
		if _, err := io.Copy(c.out, r); err != nil {
			return err
		}
	}
}

// entry is the header that goes out for one that came in, or nil for none.
func (c *copier) entry(h *tar.Header) (*tar.Header, error) {
	name := path.Clean("/" + h.Name)[1:]
	if h.Typeflag == tar.TypeDir && strings.HasPrefix(c.folder, name+"/") {
		return nil, nil // on the way to the folder
	}
	switch {
	case name != c.folder && !strings.HasPrefix(name, c.folder+"/"):
		return nil, errors.New("it is outside of the folder")
	case name == c.folder && h.Typeflag != tar.TypeDir:
		return nil, errors.New("the folder is none")
	case name != c.folder && c.seen[path.Dir(name)] != tar.TypeDir:
		return nil, errors.New("it is not in a folder that came before it")
	case c.seen[name] != 0:
		return nil, errors.New("it came before")
	case len(c.seen) == most:
		return nil, fmt.Errorf("there are more than %d files", most)
	}
	out := &tar.Header{Typeflag: h.Typeflag, Name: name, Mode: 0o755, ModTime: h.ModTime, Format: tar.FormatPAX}
	switch h.Typeflag {
	case tar.TypeDir:
		out.Name += "/"
	case tar.TypeReg:
		if out.Size = h.Size; h.Mode&0o111 == 0 {
			out.Mode = 0o644
		}
		if c.left -= h.Size; c.left < 0 {
			return nil, errors.New("it is too large, with those before it")
		}
	case tar.TypeSymlink:
		out.Linkname, out.Mode = h.Linkname, 0o777
	case tar.TypeLink:
		if out.Linkname = path.Clean("/" + h.Linkname)[1:]; c.seen[out.Linkname] != tar.TypeReg {
			return nil, errors.New("it is a second name of something that is not there")
		}
	default:
		return nil, errors.New("it is neither file, folder nor link")
	}
	c.seen[name] = h.Typeflag
	if h.Typeflag == tar.TypeLink {
		c.seen[name] = tar.TypeReg
	}
	return out, nil
}

// ended knows whether its reader ended. A whole tar says itself where it ends, so it is
// not read that far.
type ended struct {
	io.Reader
	early bool
}

func (e *ended) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	e.early = e.early || err == io.EOF
	return n, err
}
