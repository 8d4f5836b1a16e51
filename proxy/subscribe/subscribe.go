// Package subscribe judges the resources that a subscriptions/listen names.
package subscribe

import (
	"bytes"

	"sallyport/policy"
	"sallyport/policy/reason"
	"sallyport/proxy/wire"
)

// By is on whose behalf and under which policy.
type By struct {
	Policy *policy.Policy
	Role   string
}

// Judge judges a subscription at these servers: each resource that it names must
// be readable at one of them.
func (b By) Judge(m *wire.Message, servers []string) policy.Decision {
	list := wire.Get(m.Param("notifications"), "resourceSubscriptions")
	if list != nil && list[0] != '[' && string(list) != "null" {
		return policy.Decision{}.Refuse(reason.Malformed, "resourceSubscriptions must be a list")
	}
	for raw := range wire.Elements(list) {
		uri, ok := wire.Text(raw)
		if !ok {
			return policy.Decision{}.Refuse(reason.Malformed, "resourceSubscriptions must be strings")
		}
		var d policy.Decision
		for _, server := range servers {
			d = b.Policy.Decide(policy.Call{Role: b.Role, Server: server, Kind: policy.ResourceRead, Name: uri})
			if d.Allowed() {
				break
			}
		}
		if !d.Allowed() {
			return d
		}
	}
	return b.Policy.Decide(policy.Call{Role: b.Role, Server: servers[0], Kind: policy.Protocol, Name: m.Method})
}

// At is a subscription with those resources that may be read at a server.
func (b By) At(m wire.Message, server string) wire.Message {
	span, ok := wire.Find(m.Raw, "params", "notifications", "resourceSubscriptions")
	if !ok {
		return m
	}
	var own [][]byte
	for raw := range wire.Elements(span.Of(m.Raw)) {
		if uri, _ := wire.Text(raw); b.Policy.Admits(b.Role, policy.ResourceRead, server, uri) {
			own = append(own, raw)
		}
	}
	out, _ := wire.ParseFaithful(wire.Splice(nil, m.Raw, wire.Edit{Span: span, With: append(append([]byte{'['}, bytes.Join(own, []byte{','})...), ']')}), wire.Bounds{})
	return out
}
