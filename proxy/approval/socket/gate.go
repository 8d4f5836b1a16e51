package socket

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"strconv"
	"sync"

	"sallyport/proxy/approval/socket/place"
)

const maxGuests = 64 // connections at a time

// gate lets in whom the kernel names, if that is somebody who may answer.
type gate struct {
	*net.UnixListener
	peer  func(*net.UnixConn) (uid int, err error)
	owner string // name of the proxy's own user
	slots chan struct{}
}

func newGate(l *net.UnixListener, owner string) *gate {
	return &gate{UnixListener: l, peer: place.Peer, owner: owner, slots: make(chan struct{}, maxGuests)}
}

// Accept returns the next connection that is let in.
func (g *gate) Accept() (net.Conn, error) {
	for {
		g.slots <- struct{}{}
		c, err := g.AcceptUnix()
		if err != nil {
			<-g.slots
			return nil, err
		}
		if uid, err := g.peer(c); err == nil {
			if name, ok := approver(uid, os.Geteuid(), g.owner); ok {
				return &guest{UnixConn: c, name: name, left: sync.OnceFunc(func() { <-g.slots })}, nil
			}
		}
		c.Close()
		<-g.slots
	}
}

// approver is the name under which a user answers. Others than the proxy's own
// user and root may not.
func approver(uid, own int, owner string) (string, bool) {
	switch uid {
	case own:
		return owner, true
	case 0:
		if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
			return u.Username, true
		}
		return fmt.Sprintf("uid %d", uid), true
	}
	return "", false
}

// guest is a connection whose remote address is the name of who is there.
type guest struct {
	*net.UnixConn
	name string
	left func()
}

func (g *guest) RemoteAddr() net.Addr { return name(g.name) }

func (g *guest) Close() error {
	defer g.left()
	return g.UnixConn.Close()
}

type name string

func (n name) Network() string { return "unix" }
func (n name) String() string  { return string(n) }
