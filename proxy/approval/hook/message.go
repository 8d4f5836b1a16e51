package hook

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"sallyport/proxy/approval"
	"sallyport/proxy/approval/form"
	"sallyport/proxy/show"
	"sallyport/proxy/wire"
)

// withheld stands in the text of a question for what the policy does not send.
var withheld = []byte(`"[NOT SENT: the policy keeps the arguments back]"`)

// visible is what the service may know of raw JSON; nil if there is none.
func (h *Hook) visible(raw []byte) []byte {
	switch {
	case raw == nil:
		return nil
	case h.opt.Arguments == full:
		return raw
	case h.opt.Arguments == redacted && h.opt.Redact != nil:
		return h.opt.Redact(raw)
	case h.opt.Arguments == redacted:
		return raw // the policy hides nothing
	}
	return withheld
}

// text is the question as a person would be shown it, as far as the service may
// know of it.
func (h *Hook) text(w *approval.Waiting) string {
	q := w.Question()
	q.Arguments, q.Also = h.visible(q.Arguments), h.visible(q.Also)
	return q.Text(show.Limits{})
}

// message is the body of a question.
func (h *Hook) message(w *approval.Waiting, text string) []byte {
	b := []byte(`{"type":"approval.asked"`)
	add := func(name, value string) {
		if value != "" {
			b = wire.Quote(append(wire.Quote(append(b, ','), name), ':'), value)
		}
	}
	add("question", w.ID)
	add("asked", w.Asked.UTC().Format(time.RFC3339))
	add("expires", w.Expires.UTC().Format(time.RFC3339))
	add("role", w.Role)
	add("client", w.Agent)
	add("server", w.Server)
	add("tool", w.Tool)
	add("tier", w.Decision.Tier().String())
	add("rule", w.Decision.Rule())
	add("rule_at", w.Decision.At())
	add("text", text)
	if args := h.visible(w.Params); args != nil && h.opt.Arguments != none {
		b = append(append(b, `,"arguments":`...), args...)
	}
	digest := sha256.Sum256(w.Params)
	add("arguments_sha256", hex.EncodeToString(digest[:]))
	b = fmt.Appendf(b, `,"approvals":%d,"quorum":%d,"choices":[`, len(w.Approvals), w.Terms().Quorum)
	for i, word := range offer(w).Choices() {
		if i > 0 {
			b = append(b, ',')
		}
		b = wire.Quote(b, word)
	}
	b = append(b, ']')
	add("callback", h.opt.Callback)
	return append(b, '}')
}

// offer is how far an approval of a question may reach.
func offer(w *approval.Waiting) form.Offer {
	t := w.Terms()
	return form.Offer{Remember: t.Remember, Any: t.Widen == "tool"}
}
