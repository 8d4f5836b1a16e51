package seal

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

const maxKeyFile = 64 << 10

// Generate returns a fresh line for a key file.
func Generate() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	return base64.StdEncoding.EncodeToString(raw[:])
}

// Load reads a key file: 32 bytes in base64 a line, the first of which seals.
// Blank lines and lines that begin with # count for nothing. It refuses a file
// that is not regular, or that others than its owner may read. An error names
// the line, and nothing that stands in it.
func Load(path string) (*Ring, error) {
	text, err := readPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	var raw [][]byte
	for i, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		k, err := base64.StdEncoding.Strict().DecodeString(line)
		switch {
		case err != nil || len(k) != 32:
			return nil, fmt.Errorf("key file %s, line %d: not 32 bytes in base64; write a line that sallyport approvals key prints", path, i+1)
		case len(bytes.Trim(k, string(k[:1]))) == 0:
			return nil, fmt.Errorf("key file %s, line %d: one byte repeated is no key; write a line that sallyport approvals key prints", path, i+1)
		}
		for _, other := range raw {
			if bytes.Equal(k, other) {
				return nil, fmt.Errorf("key file %s, line %d: this key stands there twice; remove one", path, i+1)
			}
		}
		raw = append(raw, k)
	}
	if len(raw) == 0 {
		return nil, fmt.Errorf("key file %s holds no key; make one with: sallyport approvals key > %s", path, path)
	}
	return ring(raw)
}

func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%s can be read by others; do: chmod 600 %s", path, path)
	case info.Size() > maxKeyFile:
		return nil, fmt.Errorf("%s has more than %d bytes", path, maxKeyFile)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if len(text) > maxKeyFile {
		return nil, errors.New("it grows while it is read")
	}
	return text, err
}
