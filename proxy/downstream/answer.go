package downstream

import (
	"strconv"

	"sallyport/proxy/wire"
)

// AppendError appends a JSON-RPC error response. A zero id becomes null; data
// is raw JSON or nil.
func AppendError(dst []byte, id wire.ID, code int, message string, data []byte) []byte {
	dst = append(dst, `{"jsonrpc":"2.0","id":`...)
	dst = id.Append(dst)
	dst = append(dst, `,"error":{"code":`...)
	dst = strconv.AppendInt(dst, int64(code), 10)
	dst = append(dst, `,"message":`...)
	dst = wire.Quote(dst, message)
	if data != nil {
		dst = append(append(dst, `,"data":`...), data...)
	}
	return append(dst, "}}"...)
}

// Refusal is why a request was not let through, in words for the client: a
// stable code, the rule that decided, and a sentence.
type Refusal struct{ Code, Rule, Text string }

func (r Refusal) data() []byte {
	b := append([]byte(`{"code":`), wire.Quote(nil, r.Code)...)
	if r.Rule != "" {
		b = wire.Quote(append(b, `,"rule":`...), r.Rule)
	}
	return append(b, '}')
}

// Refuse answers with a JSON-RPC error; code is its number.
func (r *Request) Refuse(dst []byte, code int, why Refusal) []byte {
	return AppendError(dst, r.Msg.ID, code, "sallyport: "+why.Text, why.data())
}

// RefuseTool answers a tools/call with a result that says isError, so that the
// model reads the text. The code stands in _meta, as sallyport/refusal.
func (r *Request) RefuseTool(dst []byte, why Refusal) []byte {
	dst = append(dst, `{"jsonrpc":"2.0","id":`...)
	dst = r.Msg.ID.Append(dst)
	dst = append(dst, `,"result":{`...)
	if r.Modern {
		dst = append(dst, `"resultType":"complete",`...)
	}
	dst = append(dst, `"content":[{"type":"text","text":`...)
	dst = wire.Quote(dst, "sallyport: "+why.Text)
	dst = append(dst, `}],"isError":true,"_meta":{"sallyport/refusal":`...)
	return append(append(dst, why.data()...), "}}}"...)
}

// AppendResult appends a result response; result is raw JSON.
func AppendResult(dst []byte, id wire.ID, result []byte) []byte {
	dst = append(dst, `{"jsonrpc":"2.0","id":`...)
	dst = id.Append(dst)
	dst = append(append(dst, `,"result":`...), result...)
	return append(dst, '}')
}
