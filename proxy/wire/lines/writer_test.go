package lines

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

type writes func([]byte) (int, error)

func (w writes) Write(p []byte) (int, error) { return w(p) }

// gate is a writer that waits to be let through once for each Write.
type gate struct {
	open chan struct{}
	got  []string
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	g.got = append(g.got, string(p))
	return len(p), nil
}

func TestWriterOneLinePerMessage(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out)
	for _, line := range []string{"a", "", "{\n\t\"b\":\r\n1}\n", "c"} {
		if err := w.Send([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Append(func(dst []byte) []byte { return append(dst, "d\ne"...) }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("a\n{ \t\"b\":  1} \nc\nd e\n", out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWriterAppendOnlyAppends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		w := NewWriter(g)
		go w.Send([]byte("first"))
		synctest.Wait()
		w.Send([]byte("second"))
		if err := w.Append(func(dst []byte) []byte { return nil }); err == nil {
			t.Error("lines of others were thrown away")
		}
		close(g.open)
		w.Flush()
		if diff := cmp.Diff([]string{"first\n", "second\n"}, g.got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// All lines that come during a Write go out in the next one.
func TestWriterCombines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		w := NewWriter(g)
		go w.Send([]byte("first"))
		synctest.Wait()
		for i := range 5 {
			if err := w.Send(fmt.Append(nil, i)); err != nil {
				t.Error(err)
			}
		}
		flushed := false
		go func() { w.Flush(); flushed = true }()
		synctest.Wait()
		if flushed {
			t.Error("flushed before anything was written")
		}
		g.open <- struct{}{}
		synctest.Wait()
		if flushed {
			t.Error("flushed before all was written")
		}
		g.open <- struct{}{}
		synctest.Wait()
		if !flushed {
			t.Error("not flushed")
		}
		if diff := cmp.Diff([]string{"first\n", "0\n1\n2\n3\n4\n"}, g.got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// A reader that is slow holds up the senders, not the memory.
func TestWriterBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		w := NewWriter(g)
		go w.Send([]byte("first"))
		synctest.Wait()
		big := bytes.Repeat([]byte{'x'}, highWater)
		w.Send(big) // there was room when it came
		var sent atomic.Int32
		for range 3 {
			go func() { w.Send([]byte("late")); sent.Add(1) }()
		}
		synctest.Wait()
		if n := sent.Load(); n != 0 {
			t.Errorf("%d lines were taken above the mark", n)
		}
		g.open <- struct{}{}
		synctest.Wait()
		if n := sent.Load(); n != 3 {
			t.Errorf("%d lines were taken when there was room", n)
		}
		close(g.open)
		if err := w.Flush(); err != nil {
			t.Error(err)
		}
		if want := "first\n" + string(big) + "\nlate\nlate\nlate\n"; strings.Join(g.got, "") != want {
			t.Error("lines were lost")
		}
		for range 2 * calmLines {
			if err := w.Send([]byte("calm")); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Error(err)
		}
		if cap(w.spare) > keepSize || cap(w.pending) > keepSize {
			t.Errorf("buffers of %d and %d bytes are kept", cap(w.spare), cap(w.pending))
		}
	})
}

func TestWriterErrors(t *testing.T) {
	broken := errors.New("broken")
	calls := 0
	w := NewWriter(writes(func(p []byte) (int, error) { calls++; return 0, broken }))
	for range 2 {
		if err := w.Send([]byte("a")); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	}
	w.Fail(errors.New("later"))
	if err := w.Append(func(dst []byte) []byte { return append(dst, 'x') }); !errors.Is(err, broken) || calls != 1 {
		t.Errorf("got %v after %d calls: the first error must stay, and end the writing", err, calls)
	}
	short := NewWriter(writes(func(p []byte) (int, error) { return len(p) - 1, nil }))
	if err := short.Send([]byte("a")); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("got %v", err)
	}
}

// Whoever waits for a stuck peer must be let go when the peer is given up.
func TestWriterFailWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		w := NewWriter(g)
		go w.Send([]byte("stuck"))
		synctest.Wait()
		w.Send(bytes.Repeat([]byte{'x'}, highWater))
		var sent, flushed error
		go func() { sent = w.Send([]byte("late")) }()
		go func() { flushed = w.Flush() }()
		synctest.Wait()
		gone := errors.New("gone")
		w.Fail(gone)
		synctest.Wait()
		if !errors.Is(sent, gone) || !errors.Is(flushed, gone) {
			t.Errorf("sender got %v, flusher got %v", sent, flushed)
		}
		g.open <- struct{}{}
	})
}

// Under load every line comes out whole, once, and in its sender's order.
func TestWriterManySenders(t *testing.T) {
	const senders, each = 8, 500
	var out bytes.Buffer
	w := NewWriter(&out)
	var all sync.WaitGroup
	for s := range senders {
		all.Go(func() {
			for i := range each {
				line := fmt.Appendf(nil, "%d %d %s", s, i, strings.Repeat("x", i))
				if err := w.Send(line); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	next := [senders]int{}
	r := NewReader(&out, 0)
	for {
		line, err := r.Next()
		if err == io.EOF {
			break
		}
		var s, i int
		var x string
		if n, _ := fmt.Sscan(string(line), &s, &i, &x); err != nil || n < 2 || len(x) != i || next[s] != i {
			t.Fatalf("line %q, %v", line, err)
		}
		next[s]++
	}
	for s, n := range next {
		if n != each {
			t.Errorf("%d lines of sender %d", n, s)
		}
	}
}
