package layer

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const folder = "/opt/sallyport"

// given is a tar of these entries; the text is a file's content.
func given(t testing.TB, entries ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range entries {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, strings.Repeat("x", int(h.Size))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// list is what a tar holds, a line an entry.
func list(t testing.TB, b []byte) []string {
	t.Helper()
	var all []string
	r := tar.NewReader(bytes.NewReader(b))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%c %o %d:%d %s %s %d %v", h.Typeflag, h.Mode, h.Uid, h.Gid, h.Name, h.Linkname, h.Size, slices.Sorted(maps.Keys(h.PAXRecords))))
	}
}

func dir(name string) tar.Header { return tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o700} }

func file(name string, mode int64) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: 10, Uid: 65534, Gid: 65534, Uname: "nobody"}
}

func link(kind byte, name, to string) tar.Header {
	return tar.Header{Typeflag: kind, Name: name, Linkname: to, Mode: 0o777}
}

func TestWhatIsLetThrough(t *testing.T) {
	attr := file("opt/sallyport/bin/c", 0o600)
	attr.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": "all"}
	in := given(t, dir("opt/"), dir("opt/sallyport/"), dir("./opt/sallyport/bin/"),
		file("opt/sallyport/bin/a", 0o6711), link(tar.TypeSymlink, "opt/sallyport/python", "/usr/bin/python3"),
		link(tar.TypeLink, "opt/sallyport/b", "opt/sallyport/bin/a"), attr)
	var out bytes.Buffer
	if err := Copy(&out, bytes.NewReader(in), folder, 1000); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"5 755 0:0 opt/sallyport/  0 []",
		"5 755 0:0 opt/sallyport/bin/  0 []",
		"0 755 0:0 opt/sallyport/bin/a  10 []",
		"2 777 0:0 opt/sallyport/python /usr/bin/python3 0 []",
		"1 755 0:0 opt/sallyport/b opt/sallyport/bin/a 0 []",
		"0 644 0:0 opt/sallyport/bin/c  10 []",
	}
	if diff := cmp.Diff(want, list(t, out.Bytes())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWhatIsNot(t *testing.T) {
	top := []tar.Header{dir("opt/sallyport/"), file("opt/sallyport/a", 0o755), link(tar.TypeSymlink, "opt/sallyport/etc", "/etc")}
	for _, c := range []struct {
		why  string
		more []tar.Header
		want string
	}{
		{"beside the folder", []tar.Header{file("bin/sh", 0o755)}, "outside"},
		{"a name that begins like the folder's", []tar.Header{file("opt/sallyport2", 0o755)}, "outside"},
		{"upwards", []tar.Header{file("opt/sallyport/../../bin/sh", 0o755)}, "outside"},
		{"from the top", []tar.Header{file("/etc/passwd", 0o755)}, "outside"},
		{"through a link", []tar.Header{file("opt/sallyport/etc/passwd", 0o644)}, "not in a folder"},
		{"through a file", []tar.Header{file("opt/sallyport/a/b", 0o644)}, "not in a folder"},
		{"a folder in place of a link", []tar.Header{dir("opt/sallyport/etc/")}, "came before"},
		{"a file twice", []tar.Header{file("opt/sallyport/a", 0o755)}, "came before"},
		{"the folder as a link", []tar.Header{link(tar.TypeSymlink, "opt/sallyport", "/")}, "none"},
		{"a device", []tar.Header{{Typeflag: tar.TypeBlock, Name: "opt/sallyport/sda", Devmajor: 8}}, "neither"},
		{"a pipe", []tar.Header{{Typeflag: tar.TypeFifo, Name: "opt/sallyport/p"}}, "neither"},
		{"a second name of a file beside the folder", []tar.Header{link(tar.TypeLink, "opt/sallyport/s", "etc/shadow")}, "not there"},
		{"a second name of a link", []tar.Header{link(tar.TypeLink, "opt/sallyport/s", "opt/sallyport/etc")}, "not there"},
		{"a folder on the way as a file", []tar.Header{file("opt", 0o755)}, "outside"},
		{"too much", slices.Repeat([]tar.Header{file("opt/sallyport/n", 0o644)}, 1), "too large"},
	} {
		limit := int64(1000)
		if c.want == "too large" {
			limit = 15
		}
		err := Copy(io.Discard, bytes.NewReader(given(t, append(slices.Clone(top), c.more...)...)), folder, limit)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.why, err, c.want)
		}
	}
	if err := Copy(io.Discard, bytes.NewReader(given(t)), folder, 1000); err == nil {
		t.Error("nothing passes for something")
	}
}

// A tar that is cut anywhere is an error, also between two files.
func TestCut(t *testing.T) {
	whole := given(t, dir("opt/sallyport/"), file("opt/sallyport/a", 0o755), file("opt/sallyport/b", 0o755))
	const end = 1024
	for n := range len(whole) - end {
		if err := Copy(io.Discard, bytes.NewReader(whole[:n]), folder, 1000); err == nil {
			t.Errorf("%d bytes of %d pass", n, len(whole))
		}
	}
	if err := Copy(io.Discard, bytes.NewReader(whole), folder, 1000); err != nil {
		t.Error(err)
	}
}

func TestProgram(t *testing.T) {
	for _, size := range []int64{1, 511, 512, 513} {
		r, err := Program("/sallyport", strings.NewReader(strings.Repeat("x", int(size))), size)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"5 1777 0:0 tmp/  0 []", fmt.Sprintf("0 755 0:0 sallyport  %d []", size)}
		if diff := cmp.Diff(want, list(t, b)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

func TestContext(t *testing.T) {
	inner := given(t, dir("opt/sallyport/"))
	r, err := Context("FROM x\n", bytes.NewReader(inner), int64(len(inner)))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"0 644 0:0 Dockerfile  7 []", fmt.Sprintf("0 644 0:0 layer.tar  %d []", len(inner))}
	if diff := cmp.Diff(want, list(t, b)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !bytes.Contains(b, inner) || !bytes.Contains(b, []byte("FROM x\n")) {
		t.Error("what it holds")
	}
}

// Whatever comes in: what goes out is the folder, owned by root, with plain modes, each
// name once and below a folder that came before.
func FuzzCopy(f *testing.F) {
	f.Add(given(f, dir("opt/sallyport/"), file("opt/sallyport/a", 0o755), link(tar.TypeSymlink, "opt/sallyport/l", "/")))
	f.Add(given(f, dir("opt/sallyport/"), dir("opt/sallyport/d/"), file("opt/sallyport/d/a", 0o4755)))
	f.Fuzz(func(t *testing.T, in []byte) {
		var out bytes.Buffer
		if Copy(&out, bytes.NewReader(in), folder, 1<<20) != nil {
			return
		}
		folders := map[string]bool{}
		seen := map[string]bool{}
		r := tar.NewReader(&out)
		for {
			h, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			name := strings.TrimSuffix(h.Name, "/")
			parent := name[:strings.LastIndex(name, "/")]
			switch {
			case seen[name], h.Uid+h.Gid != 0, h.Mode&^0o777 != 0,
				name != folder[1:] && !folders[parent],
				name == folder[1:] && h.Typeflag != tar.TypeDir:
				t.Errorf("%+v", h)
			}
			seen[name] = true
			folders[name] = h.Typeflag == tar.TypeDir
		}
	})
}
