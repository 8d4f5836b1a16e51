package egress

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

// head is the head of a request as it was sent, with nothing in it that could be
// read in two ways.
type head struct {
	method string
	target string
	minor  byte // of HTTP/1.
	fields []field
}

type field struct{ name, value string }

// all returns the values of a field.
func (h head) all(name string) []string {
	var out []string
	for _, f := range h.fields {
		if strings.EqualFold(f.name, name) {
			out = append(out, f.value)
		}
	}
	return out
}

// errGone is a client that ended where it may: before the first byte of a request.
var errGone = errors.New("gone")

// readHead takes a head, and not a byte beyond it.
func readHead(r *bufio.Reader) (head, error) {
	lines := lines{r: r, left: maxHead}
	first, err := lines.next()
	if err != nil {
		return head{}, err
	}
	h, err := requestLine(first)
	if err != nil {
		return h, err
	}
	for {
		line, err := lines.next()
		if err != nil {
			return h, err
		}
		if line == "" {
			return h, nil
		}
		f, err := readField(line)
		if err != nil {
			return h, err
		}
		h.fields = append(h.fields, f)
	}
}

// lines are those of one head, within one limit.
type lines struct {
	r    *bufio.Reader
	left int
}

func oddLine() *refusal {
	return malformed("a line does not end in CR LF, or holds control characters")
}

func malformed(format string, a ...any) *refusal {
	return &refusal{status: 400, reason: Malformed, detail: fmt.Sprintf(format, a...)}
}

// Error makes a refusal what the readers return.
func (r *refusal) Error() string { return r.detail }

func (l *lines) next() (string, error) {
	b, err := l.r.ReadSlice('\n')
	if l.left -= len(b); l.left < 0 || errors.Is(err, bufio.ErrBufferFull) {
		return "", &refusal{status: 431, reason: TooLarge, detail: "the head is larger than 16 KiB"}
	}
	if err != nil {
		return "", ended(err)
	}
	line, ok := strings.CutSuffix(string(b), "\r\n")
	if !ok {
		return "", oddLine()
	}
	for i := range len(line) {
		if c := line[i]; c < ' ' && c != '\t' || c == 0x7f {
			return "", oddLine()
		}
	}
	return line, nil
}

// ended says how a client's bytes came to an end.
func ended(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &refusal{status: 408, reason: TooSlow, detail: "the request did not come in time"}
	case errors.Is(err, io.EOF):
		return malformed("the request ended in the middle")
	default:
		return &refusal{status: 400, reason: Broken, detail: "the client's connection broke"}
	}
}

func requestLine(line string) (head, error) {
	method, rest, _ := strings.Cut(line, " ")
	target, version, _ := strings.Cut(rest, " ")
	if !isToken(method) {
		return head{}, malformed("that is not an HTTP request")
	}
	h := head{method: method, target: target}
	if version != "HTTP/1.1" && version != "HTTP/1.0" {
		return h, malformed("the request line is not a method, a target and HTTP/1.1 with one space between")
	}
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c >= 0x7f {
			return h, &refusal{status: 400, reason: BadTarget, detail: "the target holds what is not visible ASCII"}
		}
	}
	h.minor = version[len(version)-1] - '0'
	return h, nil
}

func readField(line string) (field, error) {
	name, value, ok := strings.Cut(line, ":")
	if !ok || !isToken(name) { // also a folded line, and a blank before the colon
		return field{}, malformed("a header line has no plain name")
	}
	return field{name, strings.Trim(value, " \t")}, nil
}

func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// closedHere tells whether it was us who closed what could not be read: because all
// ends, or because nothing moved.
func closedHere(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}
