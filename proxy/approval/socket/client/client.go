// Package client is the command line's end of the socket of a running proxy.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sallyport/proxy/approval/socket/place"
)

const (
	maxReply = 64 << 20
	maxFault = 64 << 10
	hurry    = 5 * time.Second // for what a proxy answers at once
	leisure  = 45 * time.Second
)

// Client is the command line's end of a socket.
type Client struct {
	path string
	http *http.Client
}

// Refused is what a proxy answers when it does not do as it is asked. The
// sentence is not fit to be shown as it is.
type Refused struct {
	Status   int // of HTTP
	Sentence string
}

func (e *Refused) Error() string { return e.Sentence }

// Unknown says that the proxy does not know what it was asked to do.
func (e *Refused) Unknown() bool { return e.Status == http.StatusNotFound }

// Dial finds running proxies: those at the given sockets or, without any, all of
// this user's.
func Dial(paths ...string) ([]*Client, error) {
	var all []*Client
	if len(paths) > 0 {
		for _, path := range paths {
			c := newClient(path)
			conn, err := place.Dial(context.Background(), path)
			if err != nil {
				return nil, fmt.Errorf("no sallyport answers at %s: %w", path, cause(err))
			}
			conn.Close()
			all = append(all, c)
		}
		return all, nil
	}
	for _, dir := range place.Dirs() {
		found, err := place.Living(dir)
		if err != nil {
			return nil, fmt.Errorf("looking for running sallyports: %w", err)
		}
		for _, path := range found {
			all = append(all, newClient(path))
		}
	}
	return all, nil
}

// cause leaves out of a network error what the caller says better.
func cause(err error) error {
	var op *net.OpError
	var sys *os.SyscallError
	switch {
	case errors.As(err, &sys):
		return sys.Err
	case errors.As(err, &op):
		return op.Err
	}
	return err
}

func newClient(path string) *Client {
	c := &Client{path: path}
	c.http = &http.Client{Transport: &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return place.Dial(ctx, path) },
		DisableKeepAlives: true, DisableCompression: true,
	}}
	return c
}

// Path is where the socket is.
func (c *Client) Path() string { return c.path }

// Name is how a person can tell this proxy from others.
func (c *Client) Name() string {
	base := filepath.Base(c.path)
	return base[:len(base)-len(filepath.Ext(base))]
}

// List is what lies on the desk.
func (c *Client) List(ctx context.Context) (Board, error) {
	var b Board
	err := c.do(ctx, hurry, "GET /list", nil, &b)
	b.Socket = c.path
	return b, err
}

// Show is one question with all that there is to read. The proxy notes that it
// was shown.
func (c *Client) Show(ctx context.Context, id string) (Question, error) {
	var q Question
	err := c.do(ctx, leisure, "GET /question?id="+url.QueryEscape(id), nil, &q)
	return q, err
}

// Answer brings a person's word on a question.
func (c *Client) Answer(ctx context.Context, a Answer) (Taken, error) {
	var t Taken
	err := c.do(ctx, leisure, "POST /answer", a, &t)
	return t, err
}

// Revoke ends an approval that stands.
func (c *Client) Revoke(ctx context.Context, id string) error {
	return c.do(ctx, hurry, "POST /revoke", Named{id}, nil)
}

// Tell has the proxy do what its Handle has added.
func (c *Client) Tell(ctx context.Context, verb string) (Said, error) {
	var s Said
	err := c.do(ctx, leisure, "POST /"+url.PathEscape(verb), nil, &s)
	return s, err
}

// Watch calls f with the board, and again at each change, until ctx ends or the
// proxy does.
func (c *Client) Watch(ctx context.Context, f func(Board)) error {
	resp, err := c.send(ctx, "GET /watch", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	for boards := json.NewDecoder(resp.Body); ; {
		var b Board
		switch err := boards.Decode(&b); {
		case ctx.Err() != nil || errors.Is(err, io.EOF):
			return ctx.Err()
		case err != nil:
			return err
		}
		b.Socket = c.path
		f(b)
	}
}

func (c *Client) do(ctx context.Context, patience time.Duration, what string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	resp, err := c.send(ctx, what, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxReply)).Decode(out); err != nil {
		return fmt.Errorf("what the sallyport at %s says cannot be read: %w", c.path, err)
	}
	return nil
}

func (c *Client) send(ctx context.Context, what string, in any) (*http.Response, error) {
	method, path, _ := strings.Cut(what, " ")
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://sallyport"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		var why *url.Error
		if errors.As(err, &why) {
			err = why.Err
		}
		return nil, fmt.Errorf("the sallyport at %s does not answer: %w", c.path, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	var f Fault
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxFault)).Decode(&f); err != nil || f.Error == "" {
		f.Error = "the sallyport at " + c.path + " answers " + resp.Status
	}
	return nil, &Refused{resp.StatusCode, f.Error}
}
