package proxy

import (
	"testing"

	"sallyport/policy"
	"sallyport/proxy/approval"
	"sallyport/proxy/downstream"
	"sallyport/proxy/roundtrip"
	"sallyport/proxy/wire"
)

// TestPresent: the last look is at the bytes that will be sent, and at the policy
// and the tool as they are then, not as they were when somebody was asked.
func TestPresent(t *testing.T) {
	read := func(params string) *wire.Message {
		m, fault := wire.ParseStrict([]byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":`+params+`}`), wire.Bounds{})
		if fault != nil {
			t.Fatal(fault)
		}
		return &m
	}
	parse := func(more string) *policy.Policy {
		p, err := policy.Parse([]byte("server \"fs\" {\n  sandbox \"none\" {}\n}\nrole \"r\" { allow = [\"fs/*\"] }\n"+more), "p.hcl")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	list := func(c *call, tools string) {
		entries := c.server.tools.Read([]byte(`{"tools":`+tools+`}`), true)
		c.server.tools.Enter(c.server.tools.Now(), entries, true, true)
	}
	for _, tt := range []struct {
		why  string
		then func(s *Session, c *call)
		same bool
	}{
		{"nothing", func(*Session, *call) {}, true},
		{"other bytes would be sent", func(_ *Session, c *call) { c.msg = read(`{"name":"drop","arguments":{"path":"/y"}}`) }, false},
		{"a member more", func(_ *Session, c *call) { c.msg = read(`{"name":"drop","arguments":{"path":"/x"},"x":1}`) }, false},
		{"another policy", func(s *Session, _ *call) { s.p.policy.Store(parse("# more\n")) }, false},
		{"another definition", func(_ *Session, c *call) { list(c, `[{"name":"drop","description":"worse"}]`) }, false},
		{"a definition that is not sure any more", func(_ *Session, c *call) { c.server.tools.Changed() }, false},
		{"the tool is gone", func(_ *Session, c *call) { list(c, `[]`) }, false},
	} {
		s := &Session{p: &Proxy{}}
		s.p.policy.Store(parse(""))
		c := &call{server: &server{}, name: "drop", msg: read(`{"name":"drop","arguments":{"path":"/x"}}`)}
		list(c, `[{"name":"drop"}]`)
		def, _ := c.server.tools.Find("drop")
		_, _, digest := roundtrip.Bound(c.msg, false)
		c.key = approval.Key{Tool: "drop", Arguments: digest, Definition: def.Digest(), Policy: s.p.policy.Load().Digest()}
		tt.then(s, c)
		if got := s.present(&downstream.Request{}, c) == c.key; got != tt.same {
			t.Errorf("%s: the same call %v, want %v", tt.why, got, tt.same)
		}
	}
}
