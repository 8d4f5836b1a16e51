// Package hello reads the server name of a TLS ClientHello, from bytes that belong to
// somebody else. What two readers could take for two names is an error.
package hello

import "errors"

// ErrNotTLS is of bytes that no TLS server takes for a greeting. What some server might
// take must be a ClientHello as everybody writes it: Go's skips alerts before it, and
// does not look at the record's version.
var ErrNotTLS = errors.New("not TLS")

var errHello = errors.New("the ClientHello cannot be read")

const (
	alert       = 21 // types of records
	handshake   = 22
	clientHello = 1

	recordHead = 5
	helloHead  = 4
	maxRecord  = 16 << 10
)

// ServerName reads the server name of a ClientHello, which may come in several
// records; empty if it has none. If b is only its beginning, need is how many bytes
// it takes to read on, and otherwise 0.
func ServerName(b []byte) (name string, need int, err error) {
	if need, err := begins(b); need > 0 || err != nil {
		return "", need, err
	}
	var hello []byte
	for at := 0; ; {
		rest := b[at:]
		switch {
		case len(rest) > 0 && rest[0] != handshake, len(rest) > 1 && rest[1] != 3:
			return "", 0, errHello
		case len(rest) < recordHead:
			return "", at + recordHead, nil
		}
		n := int(rest[3])<<8 | int(rest[4])
		if n == 0 || n > maxRecord {
			return "", 0, errHello
		}
		if at += recordHead + n; len(b) < at {
			return "", at, nil
		}
		hello = append(hello, rest[recordHead:recordHead+n]...)
		if len(hello) < helloHead {
			continue
		}
		whole := helloHead + (int(hello[1])<<16 | int(hello[2])<<8 | int(hello[3]))
		if len(hello) >= whole {
			name, err = nameIn(hello[helloHead:whole])
			return name, 0, err
		}
	}
}

// begins tells TLS from other protocols, such as one that begins with the length of a
// message.
func begins(b []byte) (need int, err error) {
	switch {
	case len(b) < 1:
		return 1, nil
	case b[0] != handshake && b[0] != alert:
		return 0, ErrNotTLS
	case len(b) <= recordHead:
		return recordHead + 1, nil
	case b[1] >= 0x10, b[0] == handshake && b[recordHead] != clientHello && int(b[3])<<8|int(b[4]) > 0:
		return 0, ErrNotTLS
	case b[0] == alert && (b[3] != 0 || b[4] != 2):
		return 0, ErrNotTLS
	case b[0] == alert:
		return 0, errHello
	}
	return 0, nil
}

// nameIn reads the server name of a ClientHello's body.
func nameIn(b []byte) (string, error) {
	r := fields(b)
	r.take(2 + 32)  // version, random
	r.take(r.n8())  // session
	r.take(r.n16()) // cipher suites
	r.take(r.n8())  // compression
	if r == nil {
		return "", errHello
	}
	if len(r) == 0 {
		return "", nil // from before there were extensions
	}
	extensions := fields(r.take(r.n16()))
	if r == nil || len(r) > 0 {
		return "", errHello
	}
	name, seen := "", false
	for len(extensions) > 0 {
		kind := extensions.n16()
		value := fields(extensions.take(extensions.n16()))
		if extensions == nil {
			return "", errHello
		}
		if kind != 0 {
			continue
		}
		list := fields(value.take(value.n16()))
		first := list.n8()
		host := list.take(list.n16())
		// Two names would be read as either.
		if seen || value == nil || len(value) > 0 || list == nil || len(list) > 0 || first != 0 || !plain(host) {
			return "", errHello
		}
		name, seen = string(host), true
	}
	return name, nil
}

// plain names fold to lower case in one way.
func plain(name []byte) bool {
	for _, c := range name {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return len(name) > 0
}

// fields are bytes that are taken from the front. They are nil once more was asked
// for than there is, and stay so.
type fields []byte

func (f *fields) take(n int) []byte {
	if *f == nil || n > len(*f) {
		*f = nil
		return nil
	}
	b := (*f)[:n]
	*f = (*f)[n:]
	return b
}

func (f *fields) n8() int {
	if b := f.take(1); b != nil {
		return int(b[0])
	}
	return 0
}

func (f *fields) n16() int {
	if b := f.take(2); b != nil {
		return int(b[0])<<8 | int(b[1])
	}
	return 0
}
