package lines

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// events reads to the end and says what came, in words.
func events(r *Reader) (all []string) {
	for {
		line, err := r.Next()
		var long *TooLong
		var cut *Unfinished
		switch {
		case errors.As(err, &long):
			all = append(all, fmt.Sprintf("too long: %d %.40q %.40q", long.Bytes, long.Head, long.Tail))
		case errors.As(err, &cut):
			all = append(all, fmt.Sprintf("unfinished: %d %.40q", cut.Bytes, cut.Head))
		case err != nil:
			return append(all, err.Error())
		default:
			all = append(all, fmt.Sprintf("line: %q", line))
		}
		if len(all) > 10_000 {
			return append(all, "no end")
		}
	}
}

func TestReader(t *testing.T) {
	for _, c := range []struct {
		why, in string
		want    []string
	}{
		{"nothing", "", []string{"EOF"}},
		{"lines", "a\nbc\n", []string{`line: "a"`, `line: "bc"`, "EOF"}},
		{"a carriage return belongs to the newline, but only one", "a\r\nb\r\r\n", []string{`line: "a"`, `line: "b\r"`, "EOF"}},
		{"empty lines are skipped", "\n\r\n\na\n\n", []string{`line: "a"`, "EOF"}},
		{"what has no newline was cut, and is never delivered", "a\n{\"id\":1", []string{`line: "a"`, `unfinished: 7 "{\"id\":1"`, "EOF"}},
		{"an empty rest is nothing", "a\n\r", []string{`line: "a"`, "EOF"}},
		{"ten bytes are allowed", "0123456789\r\n", []string{`line: "0123456789"`, "EOF"}},
		{"eleven are not, and the next line is read", "0123456789a\r\nb\n", []string{`too long: 11 "0123456789a" "0123456789a"`, `line: "b"`, "EOF"}},
		{"a long line without an end", "0123456789abcdef", []string{`unfinished: 16 "0123456789abcdef"`, "EOF"}},
	} {
		if diff := cmp.Diff(c.want, events(NewReader(strings.NewReader(c.in), 10))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.why, diff)
		}
	}
}

func TestReaderErrors(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		why  string
		r    io.Reader
		want []string
	}{
		{"an error comes after the lines before it, and what was cut is dropped", io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)), []string{`line: "a"`, "broken"}},
		{"data and its error may come together", iotest.DataErrReader(strings.NewReader("a\nb\n")), []string{`line: "a"`, `line: "b"`, "EOF"}},
		{"a reader that does nothing is given up", reads(func([]byte) (int, error) { return 0, nil }), []string{io.ErrNoProgress.Error()}},
		{"an error within a long line", io.MultiReader(strings.NewReader("0123456789abcdef"), iotest.ErrReader(broken)), []string{"broken"}},
	} {
		r := NewReader(c.r, 10)
		if diff := cmp.Diff(c.want, events(r)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.why, diff)
		}
		if _, err := r.Next(); err == nil || err.Error() != c.want[len(c.want)-1] {
			t.Errorf("%s: then %v", c.why, err)
		}
	}
}

type reads func([]byte) (int, error)

func (r reads) Read(p []byte) (int, error) { return r(p) }

// A line of 64 MiB must not take 64 MiB of memory, and its ends must be kept.
func TestReaderBoundedMemory(t *testing.T) {
	const size, most = 64 << 20, 1 << 20
	begin, end := `{"id":1,"a":"`, `","id":2}`
	left := size - len(begin) - len(end)
	stuff := bytes.Repeat([]byte{'x'}, 1<<20)
	middle := reads(func(p []byte) (int, error) {
		if left == 0 {
			return 0, io.EOF
		}
		n := copy(p, stuff[:min(left, len(stuff))])
		left -= n
		return n, nil
	})
	r := NewReader(io.MultiReader(strings.NewReader(begin), middle, strings.NewReader(end+"\r\n"+strings.Repeat("next\n", calmLines+1))), most)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := r.Next()
	runtime.ReadMemStats(&after)
	var long *TooLong
	if !errors.As(err, &long) || long.Bytes != size {
		t.Fatal(err)
	}
	if len(long.Head) != headSize || !bytes.HasPrefix(long.Head, []byte(begin)) || len(long.Tail) != tailSize || !bytes.HasSuffix(long.Tail, []byte(end)) {
		t.Errorf("head %.20q of %d, tail %.20q of %d", long.Head, len(long.Head), long.Tail, len(long.Tail))
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 4*most {
		t.Errorf("%d bytes were allocated to skip a line of %d where %d are allowed", used, size, most)
	}
	for range calmLines + 1 {
		if line, err := r.Next(); err != nil || string(line) != "next" {
			t.Errorf("then %q, %v", line, err)
		}
	}
	if len(r.buf) != readSize {
		t.Errorf("a buffer of %d bytes is kept", len(r.buf))
	}
}

// chunks cuts data into reads whose sizes come from cuts.
func chunks(data, cuts []byte) io.Reader {
	next, stop := iter.Pull(slices.Values(cuts))
	return reads(func(p []byte) (int, error) {
		if len(data) == 0 {
			stop()
			return 0, io.EOF
		}
		n, ok := next()
		if !ok {
			n = 255
		}
		k := copy(p, data[:min(int(n), len(data))])
		data = data[k:]
		return k, nil
	})
}

// FuzzReader: what is read does not depend on how the bytes arrive or on the
// size of the buffer, and is what the description says.
func FuzzReader(f *testing.F) {
	f.Add([]byte("a\nbc\r\n\n\r\n0123456789abcdef\nx"), []byte{1, 2, 3, 0, 5}, 10, 4)
	f.Add([]byte("0123456789\r\n0123456789a\r\n\r"), []byte{11, 1, 1}, 10, 1)
	f.Add([]byte(strings.Repeat("x", 300)+"\na\n"+strings.Repeat("y", 90)+"\nb\nc\n"), []byte{}, 100, 16)
	f.Fuzz(func(t *testing.T, data, cuts []byte, most, size int) {
		if most < 1 || most > 1000 || size < 1 || size > 1000 {
			return
		}
		read := 0
		inner := chunks(data, cuts)
		r := NewReader(reads(func(p []byte) (int, error) { read++; return inner.Read(p) }), most)
		r.size = size
		got := []string{}
		for range described(data, most) {
			had, before := r.Buffered(), read
			got = append(got, nextEvent(r))
			if had && read != before {
				t.Error("a buffered line was read for")
			}
			if len(r.buf) > max(size, most+2) {
				t.Errorf("a buffer of %d bytes for lines of %d", len(r.buf), most)
			}
		}
		if diff := cmp.Diff(described(data, most), got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func nextEvent(r *Reader) string {
	line, err := r.Next()
	var long *TooLong
	var cut *Unfinished
	switch {
	case errors.As(err, &long):
		return fmt.Sprintf("long %d %q %q", long.Bytes, long.Head, long.Tail)
	case errors.As(err, &cut):
		return fmt.Sprintf("cut %d %q", cut.Bytes, cut.Head)
	case err != nil:
		return err.Error()
	}
	return fmt.Sprintf("line %q", line)
}

// described says what is to be read from data, the simple way. The lines are
// short enough for a head and tail to hold all.
func described(data []byte, most int) (all []string) {
	parts := bytes.Split(data, []byte("\n"))
	rest := parts[len(parts)-1]
	for _, line := range parts[:len(parts)-1] {
		line = bytes.TrimSuffix(line, []byte("\r"))
		head, tail := line[:min(len(line), headSize)], line[max(0, len(line)-tailSize):]
		switch {
		case len(line) > most:
			all = append(all, fmt.Sprintf("long %d %q %q", len(line), head, tail))
		case len(line) > 0:
			all = append(all, fmt.Sprintf("line %q", line))
		}
	}
	if len(bytes.TrimSuffix(rest, []byte("\r"))) > 0 {
		all = append(all, fmt.Sprintf("cut %d %q", len(rest), rest[:min(len(rest), headSize)]))
	}
	return append(all, "EOF")
}
