package egress

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"sallyport/sandbox/egress/place"
)

// open connects to a target if it is listed and every address of it may be used.
// The address that was looked at is the one that is dialled.
func (p *Proxy) open(t place.Target) (net.Conn, netip.Addr, *refusal) {
	e, ok := p.list.Find(t)
	if !ok {
		return nil, netip.Addr{}, &refusal{status: 403, reason: NotListed, detail: "it is not listed"}
	}
	ctx, cancel := context.WithTimeout(p.ctx, p.opt.DialTimeout)
	defer cancel()
	addrs := []netip.Addr{t.Addr()}
	if !t.Addr().IsValid() {
		var err error
		addrs, err = p.opt.Resolve(ctx, t.Host())
		if err != nil || len(addrs) == 0 {
			return nil, netip.Addr{}, &refusal{status: 502, reason: Unknown, detail: "no address of it was found"}
		}
	}
	own, err := p.own()
	if err != nil {
		return nil, netip.Addr{}, &refusal{status: 502, reason: Internal, detail: "this host's own addresses are not known"}
	}
	for _, a := range addrs {
		if err := place.Admit(e, t, a, own); err != nil {
			return nil, a, &refusal{status: 403, reason: Address, detail: err.Error()}
		}
	}
	return p.connect(ctx, t, addrs)
}

// connect tries the addresses one after the other, each with its share of the time.
func (p *Proxy) connect(ctx context.Context, t place.Target, addrs []netip.Addr) (net.Conn, netip.Addr, *refusal) {
	end, _ := ctx.Deadline()
	for i, a := range addrs {
		a = a.Unmap()
		share := time.Until(end) / time.Duration(len(addrs)-i)
		one, cancel := context.WithTimeout(ctx, share)
		c, err := p.opt.Dial(one, netip.AddrPortFrom(a, t.Port()))
		cancel()
		if err == nil {
			return c, a, nil
		}
	}
	return nil, addrs[0], &refusal{status: 502, reason: NoAnswer, detail: "no connection could be made"}
}

// resolve asks DNS and the host's own file, and nothing in the neighbourhood (mDNS,
// LLMNR). A name with a dot is whole: no search domain is tried behind it.
func resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if strings.IndexByte(host, '.') >= 0 {
		host += "."
	}
	r := net.Resolver{PreferGo: true}
	addrs, err := r.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("resolving: %w", err)
	}
	return addrs, nil
}

func dial(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", addr.String())
}

// interfaces are the host's own addresses, as they are now.
func interfaces() ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var out []netip.Addr
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, p.Addr().Unmap().WithZone(""))
		}
	}
	return out, nil
}

// line is a connection to a host. It counts, and ends both sides when nothing has
// moved for too long.
type line struct {
	net.Conn
	up, down atomic.Int64
	limit    time.Duration
	idle     *time.Timer
	expired  atomic.Bool
	deaf     atomic.Bool // it takes no more
}

// newLine takes over c. Whoever is given it must call end, after the last read and
// write.
func newLine(c, client net.Conn, limit time.Duration) *line {
	l := &line{Conn: c, limit: limit}
	l.idle = time.AfterFunc(limit, func() {
		l.expired.Store(true)
		c.Close()
		client.Close()
	})
	return l
}

func (l *line) end() {
	l.idle.Stop()
	l.Conn.Close()
}

func (l *line) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	l.moved(&l.down, n)
	return n, err
}

func (l *line) Write(b []byte) (int, error) {
	n, err := l.Conn.Write(b)
	l.moved(&l.up, n)
	if err != nil {
		l.deaf.Store(true)
	}
	return n, err
}

func (l *line) moved(way *atomic.Int64, n int) {
	if n > 0 {
		way.Add(int64(n))
		l.idle.Reset(l.limit)
	}
}

// halfClose tells the other side that nothing more will come. What cannot say that
// is closed.
func halfClose(c net.Conn) {
	if l, ok := c.(*line); ok {
		c = l.Conn
	}
	if w, ok := c.(interface{ CloseWrite() error }); ok {
		_ = w.CloseWrite()
		return
	}
	c.Close()
}
