// Package reply writes what a client is answered: refusals, a server's answer
// under the client's own id, and results of the proxy's own.
package reply

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/mark3labs/mcp-go/mcp"

	"sallyport/policy"
	"sallyport/policy/reason"
	"sallyport/proxy/downstream"
	"sallyport/proxy/wire"
)

// codeRefused is the JSON-RPC error code of a refusal by policy; it lies in
// the range that the specification leaves to implementations.
const codeRefused = -32060

// Refuse is the answer to a request that is not let through. The model is to
// read it, so a tool's refusal is a result; all else is an error.
func Refuse(r *downstream.Request, d policy.Decision) func(dst []byte) []byte {
	why := downstream.Refusal{Code: string(d.Code()), Rule: d.Rule(), Text: d.Message()}
	code := codeRefused
	switch d.Code() {
	case reason.MethodNotAllowed:
		code = mcp.METHOD_NOT_FOUND
	case reason.Malformed:
		code = mcp.INVALID_PARAMS
	case reason.UpstreamUnavailable, reason.UpstreamBadAnswer, reason.AuditFailed, reason.Internal:
		code = mcp.INTERNAL_ERROR
	}
	return func(dst []byte) []byte {
		if r.Msg.Method == string(mcp.MethodToolsCall) && d.Code() != reason.Malformed {
			return r.RefuseTool(dst, why)
		}
		return r.Refuse(dst, code, why)
	}
}

// Server writes a server's answer under the client's own id.
func Server(r *downstream.Request, dst []byte, a wire.Message, edits []wire.Edit) []byte {
	span, ok := a.IDSpan()
	if !ok {
		return append(dst, a.Raw...)
	}
	id := wire.Edit{Span: span, With: r.Msg.ID.Append(nil)}
	if len(edits) == 0 {
		return wire.Splice(dst, a.Raw, id)
	}
	return wire.Splice(dst, a.Raw, Sorted(append(edits, id))...)
}

// SaysError tells whether a tool's result says isError. A large result is not
// read once more for a word that it does not hold.
func SaysError(result []byte) bool {
	return bytes.Contains(result, []byte(`"isError"`)) && string(wire.Get(result, "isError")) == "true"
}

// Complete is a result of the proxy's own with these members.
func Complete(r *downstream.Request, members []byte) []byte {
	b := []byte{'{'}
	if r.Modern {
		b = append(b, `"resultType":"complete"`...)
		if members != nil {
			b = append(b, `,"ttlMs":0,"cacheScope":"private"`...)
		}
	}
	if len(b) > 1 && members != nil {
		b = append(b, ',')
	}
	return append(append(b, members...), '}')
}

// Encode is decoded JSON, and strings, as JSON.
func Encode(m map[string]any) []byte {
	b, err := json.Marshal(m)
	if err != nil { // decoded JSON and strings
		panic(err)
	}
	return b
}

// Sorted puts edits in the order in which they stand.
func Sorted(edits []wire.Edit) []wire.Edit {
	slices.SortFunc(edits, func(a, b wire.Edit) int { return a.Span.Start - b.Span.Start })
	return edits
}
