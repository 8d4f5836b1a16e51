package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"

	tolerance     = 5 * time.Minute // between our clock and the service's
	maxID         = 256
	maxSignatures = 16
)

// secret is what both ends know.
type secret []byte

const (
	secretPrefix = "whsec_"
	minText      = 16 // bytes of a secret that is a text
)

// newSecret reads a secret: whsec_ and 24 to 64 bytes in base64, or a text that is
// taken as it is.
func newSecret(text string) (secret, error) {
	if coded, ok := strings.CutPrefix(text, secretPrefix); ok {
		raw, err := base64.StdEncoding.Strict().DecodeString(coded)
		if err != nil || len(raw) < 24 || len(raw) > 64 || strings.ContainsAny(coded, "\r\n") {
			return nil, errors.New("the secret begins with whsec_, but what follows is not 24 to 64 bytes in base64")
		}
		return raw, nil
	}
	if len(text) < minText {
		return nil, errors.New("the secret is shorter than 16 bytes: make one with openssl rand -base64 32, and put whsec_ before it")
	}
	return secret(text), nil
}

func (s secret) mac(id, timestamp string, body []byte) []byte {
	h := hmac.New(sha256.New, s)
	h.Write([]byte(id + "." + timestamp + "."))
	h.Write(body)
	return h.Sum(nil)
}

// sign puts the three headers on a message.
func (s secret) sign(h http.Header, id string, at time.Time, body []byte) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	h.Set(headerID, id)
	h.Set(headerTimestamp, timestamp)
	h.Set(headerSignature, "v1,"+base64.StdEncoding.EncodeToString(s.mac(id, timestamp, body)))
}

// Why a message is not taken for one of the service's.
var (
	errUnsigned = errors.New("the message is not signed: it needs webhook-id, webhook-timestamp and webhook-signature, each once")
	errHeaders  = errors.New("webhook-id or webhook-timestamp is not well-formed")
	errTime     = errors.New("webhook-timestamp is more than 5 minutes away from now")
	errForged   = errors.New("webhook-signature does not fit")
)

// verify returns the id of a message that the service has signed, lately.
func (s secret) verify(h http.Header, now time.Time, body []byte) (id string, err error) {
	for _, name := range []string{headerID, headerTimestamp, headerSignature} {
		if len(h.Values(name)) != 1 {
			return "", errUnsigned
		}
	}
	id, timestamp := h.Get(headerID), h.Get(headerTimestamp)
	unix, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || strconv.FormatInt(unix, 10) != timestamp || unix < 0 || unix > 1<<40 || !wellFormed(id) {
		return "", errHeaders
	}
	if away := now.Sub(time.Unix(unix, 0)); away > tolerance || away < -tolerance {
		return "", errTime
	}
	want := s.mac(id, timestamp, body)
	for i, one := range strings.Fields(h.Get(headerSignature)) {
		coded, ok := strings.CutPrefix(one, "v1,")
		if i >= maxSignatures {
			break
		}
		if got, err := base64.StdEncoding.DecodeString(coded); ok && err == nil && hmac.Equal(got, want) {
			return id, nil
		}
	}
	return "", errForged
}

// wellFormed says whether an id is one that leaves no doubt about what is signed.
func wellFormed(id string) bool {
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c >= 0x7f || c == '.' {
			return false
		}
	}
	return id != "" && len(id) <= maxID
}
