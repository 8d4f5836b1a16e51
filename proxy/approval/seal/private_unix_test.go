//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package seal

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestLoad(t *testing.T) {
	a, b := Generate(), Generate()
	inHex := hex.EncodeToString(must1(base64.StdEncoding.DecodeString(a)))
	want := must1(parseKeys("", []byte(a)))[0].id
	for why, lines := range map[string][]string{
		"as it is printed":        {a},
		"with notes":              {"# of January", "", "  \t", a, "#" + b},
		"in hex":                  {inHex},
		"in hex of capitals":      {strings.ToUpper(inHex)},
		"from another system":     {a + "\r", "\r"},
		"with space around it":    {"  " + a + "\t"},
		"above the one before it": {a, b},
	} {
		r, err := Load(keyFile(t, lines...))
		if err != nil {
			t.Errorf("%s: %v", why, err)
		} else if id := (*r.keys.Load())[0].id; id != want {
			t.Errorf("%s: key %s, want %s", why, id, want)
		}
	}
	// Read-only is private too.
	path := keyFile(t, a)
	must(t, os.Chmod(path, 0o400))
	must1(Load(path))
}

// What Load refuses, and what it says: file, line and remedy, and no key.
func TestLoadRefuses(t *testing.T) {
	good := Generate()
	inHex := hex.EncodeToString(must1(base64.StdEncoding.DecodeString(good)))
	of := func(b ...byte) string { // a key that repeats these bytes
		return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(b), 32/len(b))))
	}
	for _, c := range []struct {
		why   string
		lines []string
		want  string
	}{
		{"no key is no secret", nil, "holds no key: write what `sallyport approvals key` prints"},
		{"nor are notes", []string{"# " + good}, "holds no key"},
		{"zeros can be guessed", []string{good, of(0)}, "line 2: this key was not drawn at random"},
		{"so can ones", []string{of(255)}, "line 1: this key was not drawn"},
		{"and zeros in hex", []string{strings.Repeat("0", 64)}, "line 1: this key was not drawn"},
		{"and what repeats", []string{of(1, 2, 3, 4)}, "line 1: this key was not drawn"},
		{"which of the two was meant to go", []string{good, "", good}, "line 3: this is the key of line 1 again: remove one"},
		{"the same in another spelling", []string{inHex, good}, "line 2: this is the key of line 1 again"},
		{"16 bytes are too few", []string{of(1)[:24]}, "line 1: not a key of 32 bytes in base64 or hex"},
		{"33 are a mistake", []string{good[:43] + "AA=="}, "not a key of 32 bytes"},
		{"a line is a key alone", []string{good + " # mine"}, "not a key of 32 bytes"},
		{"and not a setting", []string{"key = " + good}, "not a key of 32 bytes"},
		{"a letter is wrong", []string{"!" + good[1:]}, "not a key of 32 bytes"},
		{"a digit is wrong", []string{"x" + inHex[1:]}, "not a key of 32 bytes"},
		{"half a line", []string{good[:30]}, "not a key of 32 bytes"},
		{"a bad line is not skipped", []string{good, "junk"}, "line 2: not a key"},
		{"a file of keys is small", []string{"#" + strings.Repeat("x", maxKeyFile)}, "is larger than 64 KiB"},
	} {
		path := keyFile(t, c.lines...)
		_, err := Load(path)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want %q", c.why, err, c.want)
			continue
		}
		for _, secret := range []string{good[8:16], inHex[8:16]} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error shows a part of a key: %v", c.why, err)
			}
		}
	}
}

// Whose file it is and who can touch it.
func TestLoadRefusesWhatIsNotPrivate(t *testing.T) {
	for _, c := range []struct {
		why     string
		prepare func(t *testing.T, path string) error
		want    string
	}{
		{"a link could lead anywhere", func(t *testing.T, path string) error {
			must(t, os.Rename(path, path+".real"))
			return os.Symlink(path+".real", path)
		}, "is a symbolic link: name the file itself"},
		{"a pipe would keep us waiting", func(t *testing.T, path string) error {
			must(t, os.Remove(path))
			return syscall.Mkfifo(path, 0o600)
		}, "is not a regular file"},
		{"a folder has no lines", func(t *testing.T, path string) error {
			must(t, os.Remove(path))
			return os.Mkdir(path, 0o700)
		}, "is not a regular file"},
		{"nothing there", func(_ *testing.T, path string) error { return os.Remove(path) }, "no such file"},
		{"another user's", func(t *testing.T, path string) error {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			return os.Chown(path, 12345, -1)
		}, "belongs to user 12345"},
	} {
		t.Run(c.why, func(t *testing.T) {
			path := keyFile(t, Generate())
			must(t, c.prepare(t, path))
			if _, err := Load(path); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	for _, mode := range []os.FileMode{0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o666} {
		path := keyFile(t, Generate())
		must(t, os.Chmod(path, mode))
		want := fmt.Sprintf("%s is open to group or others (mode %04o): chmod 600 it", path, mode)
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestOpenSpentRefuses(t *testing.T) {
	for _, c := range []struct {
		why     string
		prepare func(t *testing.T, path string) error
		want    string
	}{
		{"a link could lead anywhere", func(t *testing.T, path string) error {
			must(t, os.Mkdir(path+".real", 0o700))
			return os.Symlink(path+".real", path)
		}, "is not a folder"},
		{"a file keeps no marks", func(t *testing.T, path string) error { return os.WriteFile(path, nil, 0o600) }, "is not a folder"},
		{"others could take marks away", func(t *testing.T, path string) error {
			must(t, os.Mkdir(path, 0o700))
			return os.Chmod(path, 0o770)
		}, "is open to group or others (mode 0770): chmod 700 it"},
		{"another user's", func(t *testing.T, path string) error {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a folder away")
			}
			must(t, os.Mkdir(path, 0o700))
			return os.Chown(path, 12345, -1)
		}, "belongs to user 12345"},
		{"nowhere to make it", func(t *testing.T, path string) error { return os.Remove(filepath.Dir(path)) }, "no such file"},
	} {
		t.Run(c.why, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "below", "keys.spent")
			must(t, os.Mkdir(filepath.Dir(path), 0o700))
			must(t, c.prepare(t, path))
			if _, err := OpenSpent(path); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}
