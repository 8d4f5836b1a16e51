package layer

import (
	"archive/tar"
	"bytes"
	"io"
	"strings"
)

// Program is a file system of one program, as a tar.
func Program(at string, program io.Reader, size int64) (io.Reader, error) {
	return pack(tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}, "",
		tar.Header{Typeflag: tar.TypeReg, Name: strings.TrimPrefix(at, "/"), Mode: 0o755, Size: size}, program)
}

// Added is the name of the layer in what Context makes.
const Added = "layer.tar"

// Context is what an engine builds an image from that is told how in its own language: the
// words, and a layer to add.
func Context(words string, layer io.Reader, size int64) (io.Reader, error) {
	return pack(tar.Header{Typeflag: tar.TypeReg, Name: "Dockerfile", Mode: 0o644, Size: int64(len(words))}, words,
		tar.Header{Typeflag: tar.TypeReg, Name: Added, Mode: 0o644, Size: size}, layer)
}

// pack is a tar of two entries, of which the second is read as it is needed.
func pack(first tar.Header, text string, second tar.Header, content io.Reader) (io.Reader, error) {
	var head bytes.Buffer
	w := tar.NewWriter(&head)
	if err := w.WriteHeader(&first); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(w, text); err != nil {
		return nil, err
	}
	if err := w.WriteHeader(&second); err != nil { // with what fills up the first
		return nil, err
	}
	const block = 512
	end := make([]byte, (block-second.Size%block)%block+2*block)
	return io.MultiReader(&head, io.LimitReader(content, second.Size), bytes.NewReader(end)), nil
}
