// Package page asks a server for one page of a list, and leaves of an answer's
// list what a client may see.
package page

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"sallyport/proxy/downstream"
	"sallyport/proxy/show"
	"sallyport/proxy/wire"
)

// Request is a list request of the proxy's own, in the era of the
// client's request that called for it.
func Request(r *downstream.Request, method mcp.MCPMethod, cursor []byte) wire.Message {
	b := []byte(`{"jsonrpc":"2.0","id":0,"method":`)
	b = append(wire.Quote(b, string(method)), `,"params":{`...)
	if cursor != nil {
		b = append(append(b, `"cursor":`...), cursor...)
	}
	if r.Modern {
		if cursor != nil {
			b = append(b, ',')
		}
		b = append(b, `"_meta":{`...)
		first := true
		for _, key := range [...]string{mcp.MetaKeyProtocolVersion, mcp.MetaKeyClientInfo, mcp.MetaKeyClientCapabilities} {
			if v := r.Msg.Meta(key); v != nil {
				if !first {
					b = append(b, ',')
				}
				first = false
				b = append(append(wire.Quote(b, key), ':'), v...)
			}
		}
		b = append(b, '}')
	}
	m, _ := wire.ParseFaithful(append(b, "}}"...), wire.Bounds{})
	return m
}

// Replace returns the edit that leaves only these elements of a list, or
// none if that is what it holds. What a lenient reader would take for the list
// as well, or for a list where there is none, could be read in another way than
// it was filtered.
func Replace(a wire.Message, list string, shown [][]byte) ([]wire.Edit, string) {
	named := 0
	for key := range wire.Members(a.Result()) {
		if strings.EqualFold(key, list) {
			named++
		}
	}
	span, ok := wire.Find(a.Raw, "result", list)
	switch {
	case named == 0:
		return nil, ""
	case named > 1 || !ok:
		return nil, "the server's answer has more than one key " + list + ", or another spelling of it"
	case span.Of(a.Raw)[0] != '[':
		return nil, "the server's " + list + " are not a list"
	}
	count, same := 0, true
	for raw := range wire.Elements(span.Of(a.Raw)) {
		same = same && count < len(shown) && bytes.Equal(raw, shown[count])
		count++
	}
	if same && count == len(shown) {
		return nil, ""
	}
	return []wire.Edit{{Span: span, With: Array(shown)}}, ""
}

// Array is a list of these elements.
func Array(elements [][]byte) []byte {
	return append(append([]byte{'['}, bytes.Join(elements, []byte{','})...), ']')
}

// Rename puts another name into each element of a list. One whose name cannot be
// told, or would be listed twice, is left out and handed to leave.
func Rename(list [][]byte, outer func(name string) string, leave func(name string)) [][]byte {
	out := make([][]byte, 0, len(list))
	seen := map[string]bool{}
	for _, raw := range list {
		name, _ := wire.Text(wire.Get(raw, "name"))
		span, ok := wire.Find(raw, "name")
		with := outer(name)
		if !ok || seen[with] {
			leave(name)
			continue
		}
		seen[with] = true
		out = append(out, wire.Splice(nil, raw, wire.Edit{Span: span, With: wire.Quote(nil, with)}))
	}
	return out
}

const (
	// maxPages bounds how many pages of one list the proxy reads by itself.
	maxPages = 200
	// maxList bounds the bytes of one such list.
	maxList = 64 << 20
)

// ErrAnswered is the error of a server that does not list, and says so.
var ErrAnswered = errors.New("it answered with an error")

// Read reads every page of a list by ask, and hands each result to f.
func Read(r *downstream.Request, method mcp.MCPMethod, ask func(wire.Message) (wire.Message, error), f func(result []byte)) error {
	var cursor []byte
	size := 0
	for range maxPages {
		a, err := ask(Request(r, method, cursor))
		if err != nil {
			return err
		}
		if a.Kind == wire.Error {
			text, _ := wire.Text(wire.Get(a.Error(), "message"))
			return fmt.Errorf("%w: %s", ErrAnswered, show.Plain(text))
		}
		if size += len(a.Result()); size > maxList {
			return fmt.Errorf("its list has more than %d bytes", maxList)
		}
		f(a.Result())
		if cursor = wire.Get(a.Result(), "nextCursor"); cursor == nil || string(cursor) == "null" {
			return nil
		}
	}
	return fmt.Errorf("its list has more than %d pages", maxPages)
}
