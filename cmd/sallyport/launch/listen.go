package launch

import (
	"net"
	"strconv"
)

// metadata is where clouds hand out credentials.
const metadata = "169.254.169.254:80"

// listen opens a port on every address of this host, so that whoever tries to reach
// one is not refused for want of somebody there, and returns them all.
func listen() (addresses []string, closeAll func()) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		return nil, func() {}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	all, _ := net.InterfaceAddrs()
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLinkLocalUnicast() {
			addresses = append(addresses, net.JoinHostPort(ip.IP.String(), port))
		}
	}
	return append(addresses, metadata), func() { l.Close() }
}
