package downstream

import (
	"github.com/mark3labs/mcp-go/mcp"

	"sallyport/proxy/wire"
)

// Agent is the client's name as it says itself; a modern client says it anew in
// each request.
func (r *Request) Agent() string {
	if r.Modern {
		name, _ := wire.Text(wire.Get(r.Msg.Meta(mcp.MetaKeyClientInfo), "name"))
		return name
	}
	return r.client.Greeting().Agent
}

// Declared are the capabilities that the client declares, raw JSON, and the
// revision that it speaks: a modern client says both in this very request, a
// legacy one has in its handshake.
func (r *Request) Declared() (capabilities []byte, version string) {
	if r.Modern {
		version, _ = wire.Text(r.Msg.Meta(mcp.MetaKeyProtocolVersion))
		return r.Msg.Meta(mcp.MetaKeyClientCapabilities), version
	}
	g := r.client.Greeting()
	return g.Capabilities, g.Version
}

// Trace is the trace id of a W3C traceparent in _meta, or empty.
func (r *Request) Trace() string {
	parent, _ := wire.Text(r.Msg.Meta("traceparent"))
	if len(parent) != 55 {
		return ""
	}
	return parent[3:35]
}
