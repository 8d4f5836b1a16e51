package hello

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"testing"
	"time"
)

// greet is what crypto/tls sends first.
func greet(t testing.TB, name string) []byte {
	t.Helper()
	near, far := net.Pipe()
	defer far.Close()
	go func() {
		c := tls.Client(near, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		_ = c.Handshake()
		near.Close()
	}()
	b := make([]byte, 16<<10)
	n, err := far.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

// record wraps a piece of a handshake.
func record(b []byte) []byte {
	return append([]byte{22, 3, 1, byte(len(b) >> 8), byte(len(b))}, b...)
}

// cut deals out a ClientHello to records of n bytes.
func cut(b []byte, n int) []byte {
	var out []byte
	for piece := range slices.Chunk(b[recordHead:], n) {
		out = append(out, record(piece)...)
	}
	return out
}

// made is a ClientHello with these extensions; nil is without any.
func made(extensions []byte) []byte {
	b := append([]byte{3, 3}, make([]byte, 32)...)
	b = append(b, 0, 0, 2, 0x13, 1, 1, 0)
	if extensions != nil {
		b = append(append(b, byte(len(extensions)>>8), byte(len(extensions))), extensions...)
	}
	return record(append([]byte{1, 0, byte(len(b) >> 8), byte(len(b))}, b...))
}

// sni is a server_name extension.
func sni(entries ...[]byte) []byte {
	list := slices.Concat(entries...)
	out := []byte{0, 0, 0, byte(len(list) + 2), 0, byte(len(list))}
	return append(out, list...)
}

func entry(kind byte, name string) []byte {
	return append([]byte{kind, 0, byte(len(name))}, name...)
}

func TestServerName(t *testing.T) {
	whole := greet(t, "api.example.com")
	for _, tt := range []struct {
		why  string
		b    []byte
		name string
		err  error
	}{
		{"of crypto/tls", whole, "api.example.com", nil},
		{"without a name", greet(t, ""), "", nil},
		{"in small records", cut(whole, 7), "api.example.com", nil},
		{"in records of a byte", cut(whole, 1), "api.example.com", nil},
		{"and what follows", append(bytes.Clone(whole), "anything"...), "api.example.com", nil},
		{"made by hand", made(sni(entry(0, "a.b"))), "a.b", nil},
		{"without extensions", made(nil), "", nil},
		{"with none", made([]byte{}), "", nil},
		{"after another extension", made(append([]byte{0, 23, 0, 0}, sni(entry(0, "a.b"))...)), "a.b", nil},

		{"two names", made(sni(entry(0, "a.b"), entry(0, "c.d"))), "", errHello},
		{"two extensions", made(append(sni(entry(0, "a.b")), sni(entry(0, "c.d"))...)), "", errHello},
		{"another kind of name", made(sni(entry(1, "a.b"))), "", errHello},
		{"no name in it", made(sni()), "", errHello},
		{"an empty name", made(sni(entry(0, ""))), "", errHello},
		{"a name that folds to another", made(sni(entry(0, "\u212Aube.example"))), "", errHello},
		{"a name with a null", made(sni(entry(0, "a.b\x00c"))), "", errHello},
		{"an empty extension", made([]byte{0, 0, 0, 0}), "", errHello},
		{"a list shorter than it is", made([]byte{0, 0, 0, 9, 0, 4, 0, 0, 1, 'a', 0, 0, 0}), "", errHello},
		{"an extension beyond the end", made([]byte{0, 0, 0, 9}), "", errHello},
		{"half an extension", made([]byte{0}), "", errHello},
		{"an empty hello", record([]byte{1, 0, 0, 0}), "", errHello},
		{"an empty record", []byte{22, 3, 1, 0, 0, 22}, "", errHello},
		{"a record too large", []byte{22, 3, 1, 0x40, 1, 1}, "", errHello},
		{"another version of the whole", append([]byte{22, 2}, whole[2:]...), "", errHello},
		{"an alert in front", append([]byte{21, 3, 1, 0, 2, 1, 0}, whole...), "", errHello},
		{"an alert between", append(record([]byte{1, 0}), 21, 3), "", errHello},

		{"HTTP", []byte("GET / HTTP/1.1\r\n"), "", ErrNotTLS},
		{"SSH", []byte("SSH-2.0-x"), "", ErrNotTLS},
		{"SSL 2", []byte{0x80, 0x2e, 1, 0, 2}, "", ErrNotTLS},
		{"a server's hello", record([]byte{2, 0, 0, 1, 0}), "", ErrNotTLS},
		{"data", []byte{23, 3, 3}, "", ErrNotTLS},
		{"a message of 278 bytes (Mongo)", []byte("\x16\x01\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\xdd\x07"), "", ErrNotTLS},
		{"a message of 277 bytes", []byte("\x15\x01\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\xdd\x07"), "", ErrNotTLS},
		{"a version that nobody takes", append([]byte{22, 16}, whole[2:]...), "", ErrNotTLS},
		{"a byte that is none of TLS", []byte{0}, "", ErrNotTLS},
	} {
		name, need, err := ServerName(tt.b)
		if name != tt.name || need != 0 || !errors.Is(err, tt.err) {
			t.Errorf("%s: %q, %d, %v; want %q, %v", tt.why, name, need, err, tt.name, tt.err)
		}
	}
	// Every beginning asks for more, and what it asks for leads to the end.
	for _, b := range [][]byte{whole, cut(whole, 100)} {
		for n := range b {
			if name, need, err := ServerName(b[:n]); name != "" || err != nil || need <= n || need > len(b) {
				t.Fatalf("%d of %d bytes: %q, %d, %v", n, len(b), name, need, err)
			}
		}
	}
}

// FuzzServerName: it ends, asks for more only if more could help, leaves the bytes as
// they are, and agrees with crypto/tls about the name where that accepts the hello.
func FuzzServerName(f *testing.F) {
	f.Add(greet(f, "api.example.com"))
	f.Add(cut(greet(f, "a.b"), 50))
	f.Add(made(sni(entry(0, "a.b"))))
	f.Add(made(append(sni(entry(0, "a.b")), sni(entry(0, "c.d"))...)))
	f.Add([]byte{22, 3, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		name, need, err := ServerName(b)
		if !bytes.Equal(b, before) {
			t.Fatal("the bytes were changed")
		}
		if need != 0 && (need <= len(b) || name != "" || err != nil) {
			t.Fatalf("%q, %d of %d, %v", name, need, len(b), err)
		}
		more, _, errMore := ServerName(append(before, 22, 3, 1, 0, 1, 0, 0))
		if need == 0 && (more != name || (err == nil) != (errMore == nil)) {
			t.Fatalf("%q, %v is with more bytes %q, %v", name, err, more, errMore)
		}
		if theirs, ok := heard(b); ok && need == 0 && (err != nil && theirs != "" && !errors.Is(err, errHello) || err == nil && theirs != name) {
			t.Fatalf("%q, %v, for crypto/tls %q", name, err, theirs)
		}
	})
}

// heard is the server name that crypto/tls reads, if it accepts the hello.
func heard(b []byte) (name string, ok bool) {
	c := tls.Server(quiet{bytes.NewReader(b)}, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		name, ok = h.ServerName, true
		return nil, errors.New("enough")
	}})
	_ = c.Handshake()
	return name, ok
}

// quiet is a connection that is only read.
type quiet struct{ *bytes.Reader }

func (quiet) Write(b []byte) (int, error) { return len(b), nil }
func (quiet) Close() error                { return nil }

func (quiet) LocalAddr() net.Addr              { return nil }
func (quiet) RemoteAddr() net.Addr             { return nil }
func (quiet) SetDeadline(time.Time) error      { return nil }
func (quiet) SetReadDeadline(time.Time) error  { return nil }
func (quiet) SetWriteDeadline(time.Time) error { return nil }
