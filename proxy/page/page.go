// Package page asks a server for one page of a list, and leaves of an answer's
// list what a client may see.
package page

import (
	"bytes"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"sallyport/proxy/downstream"
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
// none if that is all of them. What a lenient reader would take for the list
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
	count := 0
	for range wire.Elements(span.Of(a.Raw)) {
		count++
	}
	if count == len(shown) {
		return nil, ""
	}
	return []wire.Edit{{Span: span, With: Array(shown)}}, ""
}

// Array is a list of these elements.
func Array(elements [][]byte) []byte {
	return append(append([]byte{'['}, bytes.Join(elements, []byte{','})...), ']')
}
