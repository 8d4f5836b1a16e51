package inspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/mark3labs/mcp-go/mcp"

	"sallyport/proxy/show"
	"sallyport/proxy/wire"
	"sallyport/proxy/wire/lines"
)

var (
	// errSilent: no answer will come any more.
	errSilent = errors.New("the server said nothing more")
	// errProbed: it was the first question that it did not bear.
	errProbed = errors.New("the server ended when it was asked whether it is a modern one")
)

// refusal is an error that the server answers with.
type refusal struct {
	code      int
	message   string
	supported []string // revisions, if it says that it does not speak ours
}

func (e *refusal) Error() string {
	return fmt.Sprintf("it answered with error %d: %s", e.code, show.Line(e.message, 200))
}

// client asks one question at a time.
type client struct {
	in      io.Reader
	out     *lines.Writer
	asked   uint64
	answers chan heard
	quit    chan struct{} // closed when nobody asks any more
	why     error         // set before answers is closed
	junk    string        // the first line that was no message, for an error
}

// heard is an answer, or why it cannot be read.
type heard struct {
	id    uint64
	m     wire.Message
	fault error
}

func newClient(p Process) *client {
	return &client{in: p.Out, out: lines.NewWriter(p.In), answers: make(chan heard), quit: make(chan struct{})}
}

func (c *client) hangUp() { close(c.quit) }

// tell writes a line, and does not wait for the server to read it.
func (c *client) tell(line string) {
	// An error means that the server reads nothing: then no answer comes either.
	_ = c.out.Post(func(dst []byte) []byte { return append(dst, line...) })
}

// ask returns the result of a request.
func (c *client) ask(ctx context.Context, method mcp.MCPMethod, params []byte) ([]byte, error) {
	c.asked++
	b := strconv.AppendUint([]byte(`{"jsonrpc":"2.0","id":`), c.asked, 10)
	b = wire.Quote(append(b, `,"method":`...), string(method))
	c.tell(string(append(append(append(b, `,"params":`...), params...), '}')))
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case a, ok := <-c.answers:
			if !ok {
				return nil, c.silence()
			}
			if a.id == c.asked {
				return a.result()
			}
		}
	}
}

func (c *client) silence() error {
	if c.junk != "" {
		return fmt.Errorf("%w (%w); on its standard output stands what is no message: %s", errSilent, c.why, show.Line(c.junk, 100))
	}
	return fmt.Errorf("%w (%w)", errSilent, c.why)
}

func (a heard) result() ([]byte, error) {
	if a.fault != nil {
		return nil, fmt.Errorf("its answer cannot be read: %w", a.fault)
	}
	if a.m.Kind == wire.Error {
		return nil, refused(a.m.Error())
	}
	result := a.m.Result()
	if len(result) == 0 || result[0] != '{' {
		return nil, errors.New("its answer is not an object")
	}
	if kind, ok := wire.Text(wire.Get(result, "resultType")); ok && kind != "complete" {
		return nil, fmt.Errorf("its answer is %q, not complete", show.Line(kind, 40))
	}
	return result, nil
}

func refused(raw []byte) *refusal {
	e := &refusal{}
	e.code, _ = strconv.Atoi(string(wire.Get(raw, "code")))
	e.message, _ = wire.Text(wire.Get(raw, "message"))
	e.supported = texts(wire.Get(wire.Get(raw, "data"), "supported"))
	return e
}

// texts are the strings of an array.
func texts(raw []byte) (all []string) {
	for one := range wire.Elements(raw) {
		if text, ok := wire.Text(one); ok {
			all = append(all, text)
		}
	}
	return all
}

// hear passes on answers until the server falls silent, or has said too much.
func (c *client) hear() {
	defer close(c.answers)
	in := lines.NewReader(c.in, maxBytes)
	for left := maxBytes; ; {
		line, err := in.Next()
		if left -= len(line); err == nil && left < 0 {
			err = &lines.TooLong{}
		}
		var long *lines.TooLong
		switch {
		case errors.As(err, &long):
			c.why = fmt.Errorf("it wrote more than %d bytes", maxBytes)
			return
		case errors.Is(err, io.EOF):
			c.why = errors.New("its output ended")
			return
		case err != nil:
			c.why = err
			return
		}
		if !c.take(line) {
			return
		}
	}
}

// take deals with one line, and says whether to go on.
func (c *client) take(line []byte) bool {
	m, fault := wire.ParseFaithful(bytes.Clone(line), wire.Bounds{Message: maxBytes})
	a := heard{m: m}
	switch {
	case fault != nil:
		id, ok := fault.ID.Uint()
		if !ok && c.junk == "" {
			c.junk = string(line[:min(len(line), 400)])
		}
		a.id, a.fault = id, fault
	case m.Kind == wire.Request:
		c.answer(m)
		return true
	case m.Kind == wire.Notification:
		return true
	default:
		a.id, _ = m.ID.Uint()
	}
	select {
	case c.answers <- a:
		return true
	case <-c.quit:
		return false
	}
}

// answer answers what the server asks. It is told nothing but that we are there.
func (c *client) answer(m wire.Message) {
	if m.Method == string(mcp.MethodPing) {
		c.tell(`{"jsonrpc":"2.0","id":` + m.ID.Lexeme() + `,"result":{}}`)
		return
	}
	c.tell(`{"jsonrpc":"2.0","id":` + m.ID.Lexeme() + `,"error":{"code":-32601,"message":"Method not found"}}`)
}
