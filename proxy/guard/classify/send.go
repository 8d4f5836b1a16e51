package classify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
)

const maxAnswer = 64 << 10

// send makes one request and reads its answer.
func (c *HTTP) send(ctx context.Context, body []byte) (float64, *failure) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.opt.URL, bytes.NewReader(body))
	if err != nil {
		return 0, &failure{why: "its url cannot be used"}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "sallyport")
	// The name alone is not sent. It says that asking twice does no harm, so that a
	// kept connection which the server has just closed costs nothing.
	req.Header["Idempotency-Key"] = nil
	if c.opt.Secret != nil {
		token, err := bearer(c.opt.Secret)
		if err != nil {
			return 0, &failure{why: "its secret cannot be used any more"}
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return 0, &failure{unanswered(err), true}
	}
	defer resp.Body.Close()
	value, err := c.answer(resp)
	if err != nil {
		return 0, &failure{err.Error(), true}
	}
	return value, nil
}

func (c *HTTP) answer(resp *http.Response) (float64, error) {
	switch s := resp.StatusCode; {
	case s >= 300 && s < 400:
		return 0, fmt.Errorf("it answers with a redirect (%d), which is not followed: name the final url", s)
	case s != http.StatusOK:
		return 0, fmt.Errorf("it answers %d", s)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, errors.New("its answer breaks off")
	case len(raw) > maxAnswer:
		return 0, fmt.Errorf("its answer is larger than %d KiB", maxAnswer>>10)
	}
	return c.format.value(raw)
}

// unanswered says what is known of an error without its own words: those may hold
// the URL, or what the server sent.
func unanswered(err error) string {
	var certificate *tls.CertificateVerificationError
	var lookup *net.DNSError
	var number syscall.Errno
	var op *net.OpError
	switch {
	case errors.As(err, &certificate):
		return "its certificate is not accepted"
	case errors.As(err, &lookup):
		return "its host is not found"
	case errors.As(err, &op) && op.Op == "dial" && errors.As(err, &number):
		return "it cannot be reached: " + number.Error()
	case errors.As(err, &op) && op.Op == "dial":
		return "it cannot be reached"
	}
	return "the connection fails, or what comes over it is not HTTP"
}

var errToken = errors.New("is not one line of visible ASCII. Set the variable or the file that the policy names to the bare token")

// bearer reads a token that can stand in a header.
func bearer(secret func() (string, error)) (string, error) {
	token, err := secret()
	if err != nil {
		return "", fmt.Errorf("cannot be read: %w", err)
	}
	for i := range len(token) {
		if token[i] <= ' ' || token[i] >= 0x7f {
			return "", errToken
		}
	}
	if token == "" {
		return "", errToken
	}
	return token, nil
}
