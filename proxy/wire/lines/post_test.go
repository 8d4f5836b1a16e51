package lines

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// A reader of one side must be able to hand lines to the other without ever
// waiting for it.
func TestPostNeverWaits(t *testing.T) {
	r, w := io.Pipe() // nobody reads yet
	out := NewWriter(w)
	line := strings.Repeat("x", 100_000)
	posted := 0
	for {
		err := out.Post(func(dst []byte) []byte { return append(dst, line...) })
		if errors.Is(err, ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if posted++; posted > 100 {
			t.Fatal("the queue has no bound")
		}
	}
	in := NewReader(r, 1<<20)
	for range posted {
		got, err := in.Next()
		if err != nil || string(got) != line {
			t.Fatalf("got %d bytes, %v", len(got), err)
		}
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
}
