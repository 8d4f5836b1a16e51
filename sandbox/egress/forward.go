package egress

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
)

const (
	maxForwards = 256
	noProxy     = "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nsallyport: the proxy is not there\n"
)

// Forward copies what comes to a listener to a Unix socket and back. It runs within
// a network namespace whose only way out is that socket, and knows nothing of what
// it copies. It closes the listener, ends with ctx and then returns nil, and waits
// for all that it started.
func Forward(ctx context.Context, listen net.Listener, socketPath string) error {
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	defer listen.Close()
	defer closeWith(ctx, listen)()
	places := make(chan struct{}, maxForwards)
	err := acceptAll(ctx, listen, func(c net.Conn) {
		select {
		case places <- struct{}{}:
			work.Go(func() {
				defer func() { <-places }()
				forward(ctx, c, socketPath)
			})
		case <-ctx.Done():
			c.Close()
		}
	})
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("forwarding to %s: %w", socketPath, err)
}

func forward(ctx context.Context, c net.Conn, path string) {
	defer c.Close()
	var d net.Dialer
	out, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		if ctx.Err() == nil {
			_, _ = io.WriteString(c, noProxy)
		}
		return
	}
	defer out.Close()
	defer closeWith(ctx, c, out)()
	var work sync.WaitGroup
	copyTo := func(to, from net.Conn) {
		if _, err := io.Copy(to, from); err != nil { // by the kernel where it can
			to.Close()
			from.Close()
			return
		}
		halfClose(to)
	}
	work.Go(func() { copyTo(c, out) })
	copyTo(out, c)
	work.Wait()
}
