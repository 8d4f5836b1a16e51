package egress

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"sallyport/sandbox/egress/place"
)

// Options are what a [Proxy] is made of. What is zero means its default, or what is
// strictest.
type Options struct {
	Allow []place.Endpoint // empty: nothing
	// Report is told of each connection, from many goroutines. While it runs, the
	// connection it is about waits. May be nil.
	Report func(Event)
	// Resolve gives the addresses of a name; default: DNS and the host's own file.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	Dial    func(ctx context.Context, addr netip.AddrPort) (net.Conn, error)
	// Token, if set, is the password that clients must send by Proxy-Authorization:
	// Basic, with any user name.
	Token  string
	AnySNI bool // tunnels may carry TLS for other hosts, and anything on port 443

	Connections  int           // at once; default 64
	HeadTimeout  time.Duration // of a request's head; default 10 s
	HelloTimeout time.Duration // of a ClientHello, from its first byte; default 5 s
	DialTimeout  time.Duration // to resolve and connect; default 10 s
	IdleTimeout  time.Duration // nothing either way, and between requests; default 5 min
}

const (
	maxHead = 16 << 10 // bytes of a request's head, and of a ClientHello
	hall    = 16       // connections beyond the most that are told so
)

// Proxy is made by [New]. Its methods may be called from many goroutines.
type Proxy struct {
	opt    Options
	list   place.List
	own    func() ([]netip.Addr, error) // the host's addresses
	ctx    context.Context              // ends with Close
	stop   context.CancelFunc
	places chan struct{}
	hall   chan struct{}

	mu     sync.Mutex
	closed bool
	work   sync.WaitGroup
}

// New checks the options. It opens nothing.
func New(o Options) (*Proxy, error) {
	l, err := place.NewList(o.Allow)
	if err != nil {
		return nil, fmt.Errorf("egress: %w", err)
	}
	if min(o.Connections, int(o.HeadTimeout), int(o.HelloTimeout), int(o.DialTimeout), int(o.IdleTimeout)) < 0 {
		return nil, errors.New("egress: a limit cannot be negative. Leave out what should have its default")
	}
	o.Connections = cmp.Or(o.Connections, 64)
	o.HeadTimeout = cmp.Or(o.HeadTimeout, 10*time.Second)
	o.HelloTimeout = cmp.Or(o.HelloTimeout, 5*time.Second)
	o.DialTimeout = cmp.Or(o.DialTimeout, 10*time.Second)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, 5*time.Minute)
	if o.Report == nil {
		o.Report = func(Event) {}
	}
	if o.Resolve == nil {
		o.Resolve = resolve
	}
	if o.Dial == nil {
		o.Dial = dial
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Proxy{opt: o, list: l, own: interfaces, ctx: ctx, stop: stop,
		places: make(chan struct{}, o.Connections), hall: make(chan struct{}, hall)}, nil
}

// Serve takes connections until Close, after which it returns nil, or until the
// listener fails. It closes the listener.
func (p *Proxy) Serve(l net.Listener) error {
	defer l.Close()
	if !p.begin() {
		return nil
	}
	defer p.work.Done()
	defer closeWith(p.ctx, l)()
	err := acceptAll(p.ctx, l, p.take)
	if p.ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("egress: %w", err)
}

// begin counts a Serve that Close has to wait for.
func (p *Proxy) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.work.Add(1)
	return true
}

// Close ends all connections at once and waits until nothing of them runs. It may
// be called again.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.stop()
	p.work.Wait()
	return nil
}

// take finds a place for a connection. Who comes when all are taken is told so, and
// if many come, not even that: a client that stalls holds up nobody.
func (p *Proxy) take(c net.Conn) {
	serve := func(places chan struct{}, full bool) {
		p.work.Go(func() {
			defer func() { <-places }()
			p.serve(c, full)
		})
	}
	select {
	case p.places <- struct{}{}:
		serve(p.places, false)
		return
	default:
	}
	select {
	case p.hall <- struct{}{}:
		serve(p.hall, true)
	default:
		c.Close()
		p.opt.Report(Event{Reason: TooMany, Detail: p.tooMany().detail})
	}
}

func (p *Proxy) tooMany() *refusal {
	return &refusal{status: 503, reason: TooMany, detail: fmt.Sprintf("%d connections are open already", p.opt.Connections)}
}

// closeWith closes what ctx ends. Once it is released, nothing of it runs.
func closeWith(ctx context.Context, all ...io.Closer) (release func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		for _, c := range all {
			c.Close()
		}
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}

// acceptAll hands on connections until the listener fails or ctx ends. A shortage of
// file descriptors passes.
func acceptAll(ctx context.Context, l net.Listener, take func(net.Conn)) error {
	for wait := time.Duration(0); ; {
		c, err := l.Accept()
		var passing interface{ Temporary() bool }
		switch {
		case err == nil:
			wait = 0
			take(c)
		case ctx.Err() != nil || !errors.As(err, &passing) || !passing.Temporary():
			return err
		default:
			wait = min(max(2*wait, 5*time.Millisecond), time.Second)
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
		}
	}
}
