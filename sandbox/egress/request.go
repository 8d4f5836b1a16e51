package egress

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"sallyport/sandbox/egress/place"
)

// request is a head that was understood. Only [understand] makes one.
type request struct {
	head
	to      place.Target
	path    string // origin form; of CONNECT empty
	length  int64  // of the body; chunked if negative
	framed  bool   // the client stated a length
	waits   bool   // for our word to go on, before it sends the body
	close   bool   // the client wants this to be the last
	dropped []string
}

const (
	connect = "CONNECT"
	how     = "Send CONNECT host:port, or for plain HTTP a request with an absolute http:// URL"
)

// understand reads what a head asks for, if there is one way to read it.
func understand(h head) (request, error) {
	q := request{head: h}
	if err := q.where(); err != nil {
		return q, err
	}
	if err := q.body(); err != nil {
		return q, err
	}
	q.dropped = options(append(h.all("Connection"), h.all("Proxy-Connection")...))
	q.close = h.minor == 0 || slices.Contains(q.dropped, "close")
	q.dropped = append(q.dropped, hopByHop...)
	return q, nil
}

// options are what Connection headers name, in lower case.
func options(lists []string) []string {
	var out []string
	for _, list := range lists {
		for option := range strings.SplitSeq(list, ",") {
			out = append(out, strings.ToLower(strings.Trim(option, " \t")))
		}
	}
	return out
}

// where reads the target, and holds the Host against it.
func (q *request) where() error {
	authority, port := q.target, uint16(0)
	if q.method == "TRACE" {
		return &refusal{status: 405, reason: Malformed, detail: "TRACE is not let through"}
	}
	if q.method != connect {
		scheme, rest, ok := strings.Cut(q.target, "://")
		if !ok || !strings.EqualFold(scheme, "http") {
			return &refusal{status: 400, reason: BadTarget, detail: "the target is not an http:// URL. " + how}
		}
		i := strings.IndexAny(rest, "/?#")
		if i < 0 {
			i = len(rest)
		}
		authority, port, q.path = rest[:i], 80, rest[i:]
		if !strings.HasPrefix(q.path, "/") {
			q.path = "/" + q.path
		}
		if strings.IndexByte(q.path, '#') >= 0 {
			return &refusal{status: 400, reason: BadTarget, detail: "a fragment is never sent"}
		}
	}
	to, err := place.Parse(authority, port)
	if err != nil {
		return &refusal{status: 400, reason: BadTarget, detail: err.Error()}
	}
	q.to = to
	hosts := q.all("Host")
	if len(hosts) > 1 || len(hosts) == 0 && q.minor > 0 {
		return malformed("there must be one Host header, and there are %d", len(hosts))
	}
	for _, host := range hosts {
		if port == 0 { // clients leave the port out of a CONNECT's Host
			port = to.Port()
		}
		if same, err := place.Parse(host, port); err != nil || same != to {
			return malformed("the Host header is not the host of the target")
		}
	}
	return nil
}

const maxLength = 18 // digits, less than an int64 holds

// body reads how long the body is. Two statements of that are how a request is
// hidden within another.
func (q *request) body() error {
	lengths, codings := q.all("Content-Length"), q.all("Transfer-Encoding")
	q.framed = len(lengths)+len(codings) > 0
	switch {
	case len(lengths)+len(codings) > 1:
		return malformed("the length of the body is stated more than once")
	case len(codings) == 1:
		if !strings.EqualFold(codings[0], "chunked") || q.minor == 0 {
			return malformed("the only transfer encoding is chunked, in HTTP/1.1")
		}
		q.length = -1
	case len(lengths) == 1:
		n, err := strconv.ParseInt(lengths[0], 10, 64)
		if err != nil || len(lengths[0]) > maxLength || strings.Trim(lengths[0], "0123456789") != "" {
			return malformed("the Content-Length is not a number")
		}
		q.length = n
	}
	if q.method == connect && q.length != 0 {
		return malformed("CONNECT has no body")
	}
	expect := q.all("Expect")
	if len(expect) > 1 || len(expect) == 1 && !strings.EqualFold(expect[0], "100-continue") {
		return &refusal{status: 417, reason: Malformed, detail: "nothing can be expected but 100-continue"}
	}
	q.waits = len(expect) == 1 && q.minor > 0 && q.length != 0
	return nil
}

// hopByHop are between the client and us, or written anew by us.
var hopByHop = []string{"connection", "proxy-connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
	"transfer-encoding", "upgrade", "expect", "host", "content-length"}

// goesOn tells whether a header is for the host.
func (q *request) goesOn(name string) bool {
	return !slices.Contains(q.dropped, strings.ToLower(name))
}

// shows tells whether the request carries the token. Digests are compared, so that
// how long it takes tells nothing.
func (h head) shows(token string) bool {
	given := h.all("Proxy-Authorization")
	if len(given) != 1 {
		return false
	}
	scheme, coded, _ := strings.Cut(given[0], " ")
	plain, err := base64.StdEncoding.DecodeString(strings.TrimLeft(coded, " "))
	_, password, ok := strings.Cut(string(plain), ":")
	if err != nil || !ok || !strings.EqualFold(scheme, "Basic") {
		return false
	}
	a, b := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
