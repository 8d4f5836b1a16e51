package main

import (
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const soon = 500 * time.Millisecond

func dial(network, address string) error {
	c, err := net.DialTimeout(network, address, soon)
	if err == nil {
		c.Close()
	}
	return err
}

// datagram sends a question for a name, and fails without an answer. To our own
// loopback it goes, and nobody is there.
func datagram(to string) error {
	c, err := net.Dial("udp", to)
	if err != nil {
		return err
	}
	defer c.Close()
	question := "\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x06secret\x07example\x03com\x00\x00\x10\x00\x01"
	if _, err := c.Write([]byte(question)); err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(to)
	if !net.ParseIP(host).IsLoopback() {
		return nil // it went somewhere
	}
	c.SetReadDeadline(time.Now().Add(soon))
	_, err = c.Read(make([]byte, 512))
	return err
}

func sock(family, kind, protocol int) error {
	fd, err := unix.Socket(family, kind, protocol)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

// network is about getting anywhere.
func network() []attempt {
	return []attempt{
		{"reach the host's services", func(f Facts) (string, error) {
			ways := map[string]error{"abstract socket": dial("unix", "@"+f.Abstract)}
			for _, a := range f.Addresses {
				ways[a] = dial("tcp", a)
			}
			return each(ways)
		}},
		{"reach the metadata service", func(Facts) (string, error) {
			return each(map[string]error{"v4": dial("tcp", "169.254.169.254:80"), "v6": dial("tcp", "[fd00:ec2::254]:80")})
		}},
		{"reach any address", func(Facts) (string, error) {
			ways := map[string]error{}
			for _, a := range []string{"1.1.1.1:443", "8.8.8.8:53", "10.0.0.1:80", "172.17.0.1:80", "192.168.0.1:80", "100.100.100.200:80", "[2606:4700:4700::1111]:443"} {
				ways[a] = dial("tcp", a)
			}
			return each(ways)
		}},
		{"send a datagram", func(f Facts) (string, error) {
			ways := map[string]error{}
			for _, a := range append([]string{"8.8.8.8:53", "255.255.255.255:9", "224.0.0.1:9", "10.0.0.1:53"}, f.Addresses...) {
				ways[a] = datagram(a)
			}
			return each(ways)
		}},
		{"resolve a name", func(Facts) (string, error) {
			_, err := net.LookupHost("secret.example.com")
			if err == nil {
				return "", escaped("resolved")
			}
			return "no answer, and nobody to ask", nil
		}},
		{"tunnel through name servers", func(Facts) (string, error) {
			servers := []string{"127.0.0.1", "127.0.0.53", "127.0.0.11", "10.88.0.1", "10.0.2.3", "172.17.0.1", "169.254.1.1", "8.8.8.8", "::1"}
			text, _ := os.ReadFile("/etc/resolv.conf")
			for line := range strings.Lines(string(text)) {
				if f := strings.Fields(line); len(f) > 1 && f[0] == "nameserver" {
					servers = append(servers, f[1])
				}
			}
			ways := map[string]error{}
			for _, s := range servers {
				at := net.JoinHostPort(s, "53")
				ways[at] = datagram(at)
				ways[at+" by tcp"] = dial("tcp", at)
			}
			return each(ways)
		}},
		{"raw and packet sockets", func(Facts) (string, error) {
			return each(map[string]error{
				"raw icmp": sock(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP), "raw tcp": sock(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_TCP),
				"raw v6": sock(unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_ICMPV6), "packet": sock(unix.AF_PACKET, unix.SOCK_RAW, 0x0300),
				"packet datagram": sock(unix.AF_PACKET, unix.SOCK_DGRAM, 0x0300),
			})
		}},
		{"sockets of other families", func(Facts) (string, error) {
			return each(map[string]error{
				"netlink": sock(unix.AF_NETLINK, unix.SOCK_RAW, 0), "netfilter": sock(unix.AF_NETLINK, unix.SOCK_RAW, 12), "vsock": sock(unix.AF_VSOCK, unix.SOCK_STREAM, 0),
				"alg": sock(unix.AF_ALG, unix.SOCK_SEQPACKET, 0), "bluetooth": sock(unix.AF_BLUETOOTH, unix.SOCK_RAW, 1), "can": sock(unix.AF_CAN, unix.SOCK_RAW, 1),
				"xdp": sock(unix.AF_XDP, unix.SOCK_RAW, 0), "key": sock(unix.AF_KEY, unix.SOCK_RAW, 2),
			})
		}},
		{"type at the operator's terminal", func(Facts) (string, error) {
			fd, err := unix.Open("/dev/tty", unix.O_RDWR, 0)
			if err == nil {
				return "", escaped("there is a terminal: %d", fd)
			}
			return each(map[string]error{"tty": err, "stdin": unix.IoctlSetPointerInt(int(os.Stdin.Fd()), unix.TIOCSTI, 'x')})
		}},
	}
}
