package seal

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

const (
	keyLen     = 32
	maxKeyFile = 64 << 10
	// minBytes is how many different values the bytes of a key must have: random
	// ones have fewer with a chance below 2^-120.
	minBytes = 8
)

// readKeys reads a key file. Its errors never show what stands in the file.
func readKeys(path string) ([]key, error) {
	f, err := openPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("opening the key file: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	defer clear(text)
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("key file %s is larger than %d KiB: it should hold a few lines", path, maxKeyFile>>10)
	}
	return parseKeys(path, text)
}

func parseKeys(path string, text []byte) ([]key, error) {
	var keys []key
	line, seen := 0, map[string]int{}
	for l := range bytes.Lines(text) {
		line++
		l = bytes.TrimSpace(l)
		if len(l) == 0 || l[0] == '#' {
			continue
		}
		k, err := parseKey(l)
		if err != nil {
			return nil, fmt.Errorf("key file %s, line %d: %w", path, line, err)
		}
		if at := seen[k.id]; at != 0 {
			return nil, fmt.Errorf("key file %s, line %d: this is the key of line %d again: remove one of them", path, line, at)
		}
		seen[k.id] = line
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("key file %s holds no key: write what `sallyport approvals key` prints into it", path)
	}
	return keys, nil
}

func parseKey(line []byte) (key, error) {
	secret := make([]byte, len(line))
	defer clear(secret)
	n, err := 0, error(nil)
	switch len(line) {
	case hex.EncodedLen(keyLen):
		n, err = hex.Decode(secret, line)
	case base64.StdEncoding.EncodedLen(keyLen):
		n, err = base64.StdEncoding.Strict().Decode(secret, line)
	}
	if err != nil || n != keyLen {
		return key{}, fmt.Errorf("not a key of %d bytes in base64 or hex: `sallyport approvals key` prints one", keyLen)
	}
	secret = secret[:n]
	different := map[byte]bool{}
	for _, b := range secret {
		different[b] = true
	}
	if len(different) < minBytes {
		return key{}, fmt.Errorf("this key was not drawn at random and can be guessed: `sallyport approvals key` prints a good one")
	}
	return newKey(secret)
}

// openFolder makes a folder for this user alone if there is none, and opens it.
// What is done in it stays in it, even if somebody renames it.
func openFolder(path string) (*os.Root, error) {
	if err := os.Mkdir(path, 0o700); err != nil && !os.IsExist(err) {
		return nil, err
	}
	named, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !named.IsDir() {
		return nil, fmt.Errorf("%s is not a folder: move it away", path)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	opened, err := root.Stat(".")
	switch {
	case err != nil:
	case !os.SameFile(named, opened):
		err = fmt.Errorf("%s was replaced while it was being opened", path)
	default:
		err = checkPrivate(opened, path, 0o700)
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return root, nil
}
