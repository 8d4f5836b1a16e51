//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package sandbox

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"sync"
	"testing"
)

func BenchmarkStartStop(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		c, err := Start(Command{Argv: []string{"/bin/true"}})
		if err != nil {
			b.Fatal(err)
		}
		<-c.Exited()
		c.Stop()
	}
}

func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{100, 10 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			c, err := Start(Command{Argv: []string{"/bin/cat"}})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Kill()
			line := append(bytes.Repeat([]byte("x"), size-1), '\n')
			in := bufio.NewReaderSize(c.Stdout(), 64<<10)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				// The child's pipes hold less than the largest line: write beside reading.
				var writing sync.WaitGroup
				write := func() {
					if _, err := c.Stdin().Write(line); err != nil {
						b.Error(err)
					}
				}
				if size > 64<<10 {
					writing.Go(write)
				} else {
					write()
				}
				if _, err := io.CopyN(io.Discard, in, int64(size)); err != nil {
					b.Fatal(err)
				}
				writing.Wait()
			}
		})
	}
}
