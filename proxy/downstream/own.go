package downstream

import (
	"strconv"

	"sallyport/proxy/wire"
)

// AskOwn puts a request of the proxy's own to the client; params is raw JSON.
// The client's answer, a Result or an Error, or a Malformed message in place of
// one that cannot be read, is handed to answer at most once, by the goroutine that reads the client: answer must not block, and the message
// is good until it returns. How many such requests wait is for the caller to
// bound.
func (c *Client) AskOwn(method string, params []byte, answer func(wire.Message)) wire.ID {
	id := c.questions.putOwn(answer)
	c.Write(func(dst []byte) []byte {
		dst = id.Append(append(dst, `{"jsonrpc":"2.0","id":`...))
		dst = wire.Quote(append(dst, `,"method":`...), method)
		dst = append(append(dst, `,"params":`...), params...)
		return append(dst, '}')
	})
	return id
}

// Recall withdraws a request of the proxy's own and tells the client why, unless
// it has been answered.
func (c *Client) Recall(id wire.ID, why string) {
	if _, waiting := c.questions.answered(id); waiting {
		c.Write(func(dst []byte) []byte {
			dst = append(dst, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":`...)
			dst = wire.Quote(append(id.Append(dst), `,"reason":`...), why)
			return append(dst, "}}"...)
		})
	}
}

// Tell sends the client a notification of the proxy's own; params is raw JSON.
func (c *Client) Tell(method string, params []byte) {
	c.Write(func(dst []byte) []byte {
		dst = wire.Quote(append(dst, `{"jsonrpc":"2.0","method":`...), method)
		dst = append(append(dst, `,"params":`...), params...)
		return append(dst, '}')
	})
}

// Waiting tells the client that a request of its is not forgotten, if it gave a
// progress token. Progress has to rise, and what the server reports later must
// be able to: so it rises by millionths.
func (r *Request) Waiting(n int, message string) {
	token := r.Msg.Meta("progressToken")
	if token == nil {
		return
	}
	r.client.Write(func(dst []byte) []byte {
		dst = append(dst, `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":`...)
		dst = append(append(dst, token...), `,"progress":`...)
		dst = strconv.AppendFloat(dst, float64(n)/1e6, 'f', -1, 64)
		dst = wire.Quote(append(dst, `,"message":`...), message)
		return append(dst, "}}"...)
	})
}
