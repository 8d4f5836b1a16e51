package hook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"sallyport/policy/ask"
	"sallyport/proxy/approval"
	"sallyport/proxy/show"
)

// What of the arguments a service is told.
const (
	full     = "full"
	redacted = "redacted"
	none     = "none"
)

// Options are what a [Hook] is made of.
type Options struct {
	Name      string // the channel is "webhook/" and this
	URL       string // where questions are sent
	Secret    string // whsec_ and base64, or a text of 16 bytes at least
	Arguments string // "full", "redacted" or "none"
	// Redact takes out of raw JSON what the policy hides; nil if it hides nothing.
	Redact   func(raw []byte) []byte
	Callback string // absolute URL under which [Hook.Handler] can be reached; may be empty
	Desk     *approval.Desk
	// Logf tells the operator of questions that could not be sent. It is given no
	// secrets, and may be nil.
	Logf func(format string, a ...any)
}

// Hook is a service that questions are sent to.
type Hook struct {
	opt     Options
	channel string
	secret  secret
	host    string // the part of the URL that may be told
	http    *http.Client
	seen    seen
}

// New opens a desk for a service. From then on each question that may be answered
// there is sent to it.
func New(o Options) (*Hook, error) {
	h, err := newHook(o, &http.Transport{
		DialContext:         (&net.Dialer{Timeout: attempt}).DialContext,
		TLSHandshakeTimeout: attempt, MaxResponseHeaderBytes: 64 << 10, DisableCompression: true,
		ForceAttemptHTTP2: true, MaxIdleConns: 2, IdleConnTimeout: 30 * time.Second,
	})
	if err != nil {
		return nil, fmt.Errorf("webhook %q: %w", o.Name, err)
	}
	return h, nil
}

func newHook(o Options, transport http.RoundTripper) (*Hook, error) {
	key, err := newSecret(o.Secret)
	if err != nil {
		return nil, err
	}
	o.Secret = ""
	switch o.Arguments {
	case full, redacted, none:
	default:
		return nil, errors.New("arguments must be full, redacted or none")
	}
	if o.Name == "" || o.Desk == nil {
		return nil, errors.New("it needs a name and a desk")
	}
	if err := ask.Endpoint(o.URL); err != nil {
		return nil, fmt.Errorf("its url %w", err)
	}
	if back, err := url.Parse(o.Callback); o.Callback != "" && (err != nil || back.Host == "" || back.Scheme != "http" && back.Scheme != "https") {
		return nil, errors.New("its callback is not an absolute URL")
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	to, err := url.Parse(o.URL)
	if err != nil {
		return nil, errors.New("its url cannot be read")
	}
	h := &Hook{opt: o, channel: ask.WebhookPrefix + o.Name, secret: key, host: to.Host, http: &http.Client{Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	o.Desk.Open(h.channel, approval.Channel{Push: h.push})
	return h, nil
}

const (
	attempt   = 10 * time.Second // for one try
	firstWait = time.Second
	longWait  = time.Minute
)

// push sends a question until the service has it, or ctx ends because it no
// longer waits.
func (h *Hook) push(ctx context.Context, w approval.Waiting) {
	text := h.text(&w)
	if err := h.opt.Desk.Shown(w.ID, h.channel, "", text); err != nil {
		return // it has been settled, or cannot be noted, and so must not be sent
	}
	body := h.message(&w, text)
	for wait := firstWait; ; wait = min(2*wait, longWait) {
		later, err := h.send(ctx, w.ID, body)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			return
		}
		var final *finalError
		if errors.As(err, &final) {
			h.opt.Logf("webhook %s: question %s was not taken by %s, which is not asked again: %v", h.opt.Name, w.ID, h.host, plain(err))
			return
		}
		pause := max(later, wait/2+rand.N(wait/2+1))
		h.opt.Logf("webhook %s: question %s could not be sent to %s, trying again in %v: %v", h.opt.Name, w.ID, h.host, pause.Round(time.Millisecond), plain(err))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// plain is an error fit to be told: a service may have had a hand in its words.
func plain(err error) string { return show.Line(err.Error(), 300) }

// finalError is one that trying again will not help.
type finalError struct{ error }

// send tries once. On an error that may pass, later is how long the service wants
// to be left alone.
func (h *Hook) send(ctx context.Context, question string, body []byte) (later time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.opt.URL, bytes.NewReader(body))
	if err != nil {
		return 0, &finalError{errors.New("its url cannot be used")}
	}
	id := "ask_" + question // the same at each try: it is one message
	h.secret.sign(req.Header, id, time.Now(), body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "sallyport")
	resp, err := h.http.Do(req)
	if err != nil {
		var why *url.Error
		if errors.As(err, &why) {
			err = why.Err // without the URL, which may hold what nobody else should know
		}
		return 0, err
	}
	defer resp.Body.Close()
	switch s := resp.StatusCode; {
	case s >= 200 && s < 300:
		h.answered(resp, id, question)
		return 0, nil
	case s >= 300 && s < 400:
		return 0, &finalError{fmt.Errorf("it answers with a redirect (%d), which is not followed: name the final url", s)}
	case s == http.StatusRequestTimeout, s == http.StatusTooEarly, s == http.StatusTooManyRequests, s >= 500:
		return retryAfter(resp.Header.Get("Retry-After"), time.Now()), fmt.Errorf("it answers %d", s)
	default:
		return 0, &finalError{fmt.Errorf("it answers %d", s)}
	}
}

// retryAfter reads a header that is a number of seconds or a date.
func retryAfter(text string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return at.Sub(now)
	}
	return 0
}

// answered takes the response to a question for an answer if it is signed as one.
// One that is not says only that the service has the question.
func (h *Hook) answered(resp *http.Response, id, question string) {
	if resp.Header.Get(headerSignature) == "" {
		return
	}
	err := func() error {
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
		if err != nil || len(body) > maxBody {
			return errors.New("it cannot be read, or is too large")
		}
		signed, err := h.secret.verify(resp.Header, time.Now(), body)
		if err != nil {
			return err
		}
		s, err := readAnswer(body)
		switch {
		case err != nil:
			return err
		case signed != id:
			return errors.New("webhook-id is not that of the question")
		case s.question != question:
			return errors.New("it is about another question")
		}
		return h.take(s)
	}()
	if err != nil && !errors.Is(err, approval.ErrGone) {
		h.opt.Logf("webhook %s: the answer of %s to question %s does not count: %v", h.opt.Name, h.host, question, plain(err))
	}
}
