package classify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"sallyport/policy/ask"
)

// Score is how much a text looks like an injection.
type Score struct {
	Value  float64 // 0 to 1; what the fail mode says if Failed
	Failed bool    // the classifier did not answer
	Reason string  // of a failure, for the operator: short, and nothing of the text
}

// Options are what an [HTTP] is made of. What is zero means its default.
type Options struct {
	URL string
	// Secret is the bearer token. It is read once when the classifier is made, so
	// that a mistake shows early, and again for each request. Nil sends none.
	Secret     func() (string, error)
	Timeout    time.Duration // of one text; default 300 ms
	Suspect    bool          // a classifier that does not answer counts as one that suspects
	MaxText    int           // bytes sent of one text; default 16 KiB. Of a longer one both ends are sent
	Concurrent int           // texts that are asked about at once; default 8
	Format     string        // "sallyport" (default) or "tei"
	Labels     []string      // of "tei": which labels count as an injection
}

const (
	minText = 16 // bytes; less holds no instruction
	minMax  = 256

	connect   = 5 * time.Second // a connection that comes too late for one text is there for the next
	maxHeader = 16 << 10
)

// HTTP is a classifier behind a URL. It may be used by many at once.
type HTTP struct {
	opt     Options
	format  format
	client  *http.Client
	places  chan struct{}
	breaker breaker
	memory  memory
}

// New checks the options. It sends nothing.
func New(o Options) (*HTTP, error) {
	c, err := newHTTP(o, (&net.Dialer{Timeout: connect}).DialContext)
	if err != nil {
		return nil, fmt.Errorf("classifier: %w", err)
	}
	return c, nil
}

func newHTTP(o Options, dial func(ctx context.Context, network, address string) (net.Conn, error)) (*HTTP, error) {
	if err := ask.Endpoint(o.URL); err != nil {
		return nil, fmt.Errorf("its url %w", err)
	}
	if o.Timeout < 0 || o.MaxText < 0 || o.Concurrent < 0 {
		return nil, errors.New("timeout, max_text and concurrent cannot be negative. Leave out what should have its default")
	}
	o.Timeout = cmp.Or(o.Timeout, 300*time.Millisecond)
	o.MaxText = cmp.Or(o.MaxText, 16<<10)
	o.Concurrent = cmp.Or(o.Concurrent, 8)
	if o.MaxText < minMax {
		return nil, fmt.Errorf("max_text is less than %d bytes, which is too little to judge", minMax)
	}
	f, err := newFormat(o.Format, o.Labels)
	if err != nil {
		return nil, err
	}
	if o.Secret != nil {
		if _, err := bearer(o.Secret); err != nil {
			return nil, fmt.Errorf("its secret %w", err)
		}
	}
	return &HTTP{opt: o, format: f, places: make(chan struct{}, o.Concurrent), client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: dial, TLSHandshakeTimeout: connect, MaxResponseHeaderBytes: maxHeader,
			DisableCompression: true, MaxIdleConns: o.Concurrent, MaxIdleConnsPerHost: o.Concurrent, IdleConnTimeout: 30 * time.Second},
	}}, nil
}

// Score asks about a text. Direction is "arguments", "description" or "result".
func (c *HTTP) Score(ctx context.Context, text, direction string) Score {
	if len(text) < minText {
		return Score{}
	}
	body := c.format.body(cut(text, c.opt.MaxText), direction)
	key := sha256.Sum256(body) // it holds all that the answer can depend on
	if value, ok := c.memory.get(key); ok {
		return Score{Value: value}
	}
	value, f := c.ask(ctx, body)
	switch {
	case f == nil:
		c.memory.put(key, value)
		return Score{Value: value}
	case c.opt.Suspect:
		return Score{Value: 1, Failed: true, Reason: f.why}
	default:
		return Score{Failed: true, Reason: f.why}
	}
}

// failure is why there is no score, in words of ours.
type failure struct {
	why string
	own bool // the classifier's own doing, and so one that the breaker counts
}

// ask waits for a place and sends one request, if the breaker lets it.
func (c *HTTP) ask(ctx context.Context, body []byte) (value float64, f *failure) {
	probe, f := c.breaker.enter(time.Now())
	if f != nil {
		return 0, f
	}
	timed, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	select {
	case c.places <- struct{}{}:
		defer func() { <-c.places }()
	case <-timed.Done():
	}
	// Before the place is free, because who waits for it asks the breaker next.
	defer func() { c.breaker.leave(time.Now(), probe, f) }()
	if timed.Err() != nil { // a place that comes with no time left is none
		return 0, late(ctx, &failure{why: fmt.Sprintf("all %d places were busy for %v", c.opt.Concurrent, c.opt.Timeout)})
	}
	if !probe {
		if f := c.breaker.shut(); f != nil { // while it waited
			return 0, f
		}
	}
	begun := time.Now()
	value, f = c.send(timed, body)
	if f != nil && timed.Err() != nil {
		f = late(ctx, &failure{fmt.Sprintf("no answer within %v", c.opt.Timeout), 2*time.Since(begun) >= c.opt.Timeout})
	}
	return value, f
}

// late is a failure for want of time, if it was not the call that ended.
func late(ctx context.Context, f *failure) *failure {
	if ctx.Err() != nil {
		return &failure{why: "the call ended before there was an answer"}
	}
	return f
}
