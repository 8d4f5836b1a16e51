// Package inspect reads everything a server says of itself.
//
// It plays the part of a client that asks for the lists and calls nothing. What it
// returns is the server's own JSON, unknown members included: a client may put
// any of it before a model.
//
// # Why not a client library
//
// A library hands over the members that it knows. What is hidden from it need not
// be hidden from others.
//
// # Why server/discover comes first
//
// A server that speaks both eras is shown as a modern client sees it. One that does
// not know the question says so, or says nothing for a moment, and is greeted as
// of old. A few end when the first word is not a greeting: they are started anew.
package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"sallyport/proxy/show"
	"sallyport/proxy/wire"
)

// What is read of one server is bounded.
const (
	maxPages = 200      // of one list
	maxBytes = 64 << 20 // of all that the server writes
)

// probePatience is how long a server may think about server/discover, and at most
// a third of all the time that there is.
const probePatience = 5 * time.Second

// Process is a started server. Reading Out must end once Stop has returned.
type Process struct {
	In     io.WriteCloser // Write must give up by itself on a stuck reader
	Out    io.Reader
	Exited <-chan struct{}
	Reason func() string // after Exited: how it ended, and its last words
	Stop   func()        // orderly, then by force; returns when nothing is left
}

// Kind is what a definition defines.
type Kind string

// The kinds. An Answer is what else stands in an answer, next to a list or a greeting.
const (
	Instructions Kind = "instructions"
	ServerInfo   Kind = "serverInfo"
	Tool         Kind = "tool"
	Prompt       Kind = "prompt"
	Resource     Kind = "resource"
	Template     Kind = "resource template"
	Answer       Kind = "answer"
)

// Definition is one thing that a server says of itself.
type Definition struct {
	Kind Kind
	Name string // its name, or URI; of an Answer the method; else empty
	Raw  []byte
}

// Read starts a server, asks it for all that it says of itself, and leaves
// nothing of it running. If it fails, what was read until then is returned too.
// The version is the asking program's.
func Read(ctx context.Context, start func() (Process, error), version string) ([]Definition, error) {
	said, err := session(ctx, start, newEra(version), true)
	if errors.Is(err, errProbed) {
		said, err = session(ctx, start, newEra(version), false)
	}
	return said, err
}

// session is one life of the server.
func session(ctx context.Context, start func() (Process, error), e era, probe bool) ([]Definition, error) {
	p, err := start()
	if err != nil {
		return nil, err
	}
	r := reader{client: newClient(p), era: e}
	var hearing sync.WaitGroup
	hearing.Go(r.client.hear)
	err = r.all(ctx, probe)
	r.client.hangUp()
	p.Stop()
	hearing.Wait()
	if err == nil || errors.Is(err, errProbed) || errors.Is(err, context.Canceled) {
		return r.said, err
	}
	select {
	case <-p.Exited:
		return r.said, fmt.Errorf("%w; it ended with %s", err, p.Reason())
	case <-time.After(probePatience):
		return r.said, fmt.Errorf("%w; it cannot be ended", err)
	}
}

// reader asks one server.
type reader struct {
	client *client
	era    era
	said   []Definition
}

// list is a list that servers have.
type list struct {
	capability string // that declares it
	method     mcp.MCPMethod
	key, name  string // of the list in the answer, and of an element's name
	kind       Kind
}

var lists = [...]list{
	{"tools", mcp.MethodToolsList, "tools", "name", Tool},
	{"prompts", mcp.MethodPromptsList, "prompts", "name", Prompt},
	{"resources", mcp.MethodResourcesList, "resources", "uri", Resource},
	{"resources", mcp.MethodResourcesTemplatesList, "resourceTemplates", "uriTemplate", Template},
}

func (r *reader) all(ctx context.Context, probe bool) error {
	greeting, err := r.greet(ctx, probe)
	if err != nil {
		return err
	}
	capabilities := wire.Get(greeting, "capabilities")
	for _, l := range lists {
		if declared := wire.Get(capabilities, l.capability); declared == nil || string(declared) == "null" {
			continue
		}
		if err := r.list(ctx, l); err != nil {
			return fmt.Errorf("%s: %w", l.method, err)
		}
	}
	return nil
}

// greet learns in which era the server lives, and what it says of itself there.
func (r *reader) greet(ctx context.Context, probe bool) ([]byte, error) {
	if probe {
		result, err := r.discover(ctx)
		if err != nil || result != nil {
			return result, err
		}
	}
	r.era.modern = ""
	result, err := r.client.ask(ctx, mcp.MethodInitialize, r.era.hello())
	if probe && errors.Is(err, errSilent) {
		return nil, errProbed // it may have been slow to take offence
	}
	if err != nil {
		return nil, fmt.Errorf("initialize: %w", err)
	}
	r.client.tell(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	r.keep(mcp.MethodInitialize, result, "", "")
	return result, nil
}

// discover asks a modern server what it is. It returns neither if the server is
// none: an answer alone does not make it one, for some have an answer to anything.
func (r *reader) discover(ctx context.Context) ([]byte, error) {
	patience := probePatience
	if end, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(end)/3)
	}
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	result, err := r.client.ask(asking, mcp.MethodServerDiscover, r.era.params(nil))
	var refused *refusal
	switch {
	case err == nil && slices.Contains(texts(wire.Get(result, "supportedVersions")), r.era.modern):
		r.keep(mcp.MethodServerDiscover, result, "", "")
		return result, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("server/discover: %w", context.Cause(ctx))
	case errors.Is(err, errSilent):
		return nil, errProbed
	case errors.As(err, &refused) && refused.code == mcp.UNSUPPORTED_PROTOCOL_VERSION &&
		len(refused.supported) > 0 && mcp.NegotiateMutuallySupportedVersion(refused.supported) == "":
		return nil, fmt.Errorf("server/discover: %w; it speaks %s, of which sallyport knows none", err, show.Line(strings.Join(refused.supported, ", "), 100))
	}
	return nil, nil
}

// list reads all pages of a list. Who does not know the method has none: many
// servers declare resources and have no templates.
func (r *reader) list(ctx context.Context, l list) error {
	var cursor []byte
	asked := map[string]bool{}
	for range maxPages {
		result, err := r.client.ask(ctx, l.method, r.era.params(cursor))
		var refused *refusal
		if errors.As(err, &refused) && refused.code == mcp.METHOD_NOT_FOUND {
			return nil
		}
		if err != nil {
			return err
		}
		r.keep(l.method, result, l.key, l.kind)
		cursor = wire.Get(result, "nextCursor")
		if cursor == nil || string(cursor) == "null" || string(cursor) == `""` {
			return nil
		}
		if asked[string(cursor)] {
			return errors.New("its pages go round in a circle")
		}
		asked[string(cursor)] = true
	}
	return fmt.Errorf("it has more than %d pages", maxPages)
}

// keep takes an answer apart. Nothing of it is left out: what is not of the list
// or known is kept as it is.
func (r *reader) keep(method mcp.MCPMethod, result []byte, key string, kind Kind) {
	var rest []byte
	for member, raw := range wire.Members(result) {
		switch {
		case member == key && raw[0] == '[':
			for element := range wire.Elements(raw) {
				r.said = append(r.said, Definition{kind, nameOf(kind, element), element})
			}
		case kind == "" && member == "instructions":
			r.said = append(r.said, Definition{Kind: Instructions, Raw: raw})
		case kind == "" && member == "serverInfo":
			r.said = append(r.said, Definition{Kind: ServerInfo, Raw: raw})
		default:
			rest = append(append(wire.Quote(append(rest, ','), member), ':'), raw...)
		}
	}
	if rest != nil {
		rest[0] = '{'
		r.said = append(r.said, Definition{Answer, string(method), append(rest, '}')})
	}
}

func nameOf(kind Kind, raw []byte) string {
	for _, l := range lists {
		if l.kind == kind {
			name, _ := wire.Text(wire.Get(raw, l.name))
			return name
		}
	}
	return ""
}

// era is how requests are made.
type era struct {
	modern string // the revision, of which each request speaks; empty: there was a greeting
	client []byte // JSON: who asks
}

func newEra(version string) era {
	who, _ := json.Marshal(map[string]string{"name": "sallyport", "version": version})
	return era{modern: mcp.LATEST_PROTOCOL_VERSION, client: who}
}

func (e era) hello() []byte {
	b := wire.Quote([]byte(`{"protocolVersion":`), mcp.LATEST_LEGACY_PROTOCOL_VERSION)
	return append(append(append(b, `,"capabilities":{},"clientInfo":`...), e.client...), '}')
}

// params are those of a request for a list, or a page of it.
func (e era) params(cursor []byte) []byte {
	b := []byte{'{'}
	if cursor != nil {
		b = append(append(b, `"cursor":`...), cursor...)
	}
	if e.modern == "" {
		return append(b, '}')
	}
	if cursor != nil {
		b = append(b, ',')
	}
	b = wire.Quote(append(wire.Quote(append(b, `"_meta":{`...), mcp.MetaKeyProtocolVersion), ':'), e.modern)
	b = append(append(wire.Quote(append(b, ','), mcp.MetaKeyClientInfo), ':'), e.client...)
	b = append(wire.Quote(append(b, ','), mcp.MetaKeyClientCapabilities), `:{}}}`...)
	return b
}
