package roundtrip

import (
	"testing"

	"sallyport/proxy/wire"
)

func message(t *testing.T, params string) wire.Message {
	t.Helper()
	m, fault := wire.ParseStrict([]byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":`+params+`}`), wire.Bounds{})
	if fault != nil {
		t.Fatal(fault)
	}
	return m
}

// TestBound: what is shown, and that the digest moves with every byte of it and
// with nothing else.
func TestBound(t *testing.T) {
	const base = `{"name":"t","arguments":{"a":1}}`
	for _, tt := range []struct {
		why, params, also string
		same              bool
	}{
		{"the call itself", base, "", true},
		{"another order, and what one leg needs", `{"_meta":{"progressToken":7,"traceparent":"00-x","io.modelcontextprotocol/clientInfo":{}},"inputResponses":{"x":{}},"requestState":"s","arguments":{"a":1},"name":"t"}`, "", true},
		{"other arguments", `{"name":"t","arguments":{"a":2}}`, "", false},
		{"the same value in other bytes", `{"name":"t","arguments":{"a": 1}}`, "", false},
		{"no arguments", `{"name":"t"}`, "", false},
		{"an unusual member", `{"name":"t","arguments":{"a":1},"x":[1]}`, `{"x":[1]}`, false},
		{"a task", `{"name":"t","arguments":{"a":1},"task":{"ttl":5}}`, `{"task":{"ttl":5}}`, false},
		{"an unusual member of _meta", `{"name":"t","arguments":{"a":1},"_meta":{"progressToken":1,"x.y/z":"q"}}`, `{"_meta":{"x.y/z":"q"}}`, false},
	} {
		first, other := message(t, base), message(t, tt.params)
		_, _, want := Bound(&first, true)
		_, also, got := Bound(&other, true)
		if string(also) != tt.also || (got == want) != tt.same {
			t.Errorf("%s: also %s, want %s; same digest %v, want %v", tt.why, also, tt.also, got == want, tt.same)
		}
	}
	m := message(t, `{"name":"t","requestState":"s"}`)
	if _, also, _ := Bound(&m, false); string(also) != `{"requestState":"s"}` {
		t.Errorf("where the revision knows no request state, one is unusual: %s", also)
	}
}

func TestTakenApart(t *testing.T) {
	for _, tt := range []struct{ why, in, first, next string }{
		{"behind", `{"name":"t","requestState":"s","inputResponses":{}}`, `{"name":"t"}`, `{"name":"t","requestState":"up","inputResponses":{}}`},
		{"in front", `{"requestState":"s" , "inputResponses":{ },"name":"t"}`, `{ "name":"t"}`, `{"requestState":"up" , "inputResponses":{ },"name":"t"}`},
		{"between", `{"name":"t", "inputResponses" : {"a":{}} ,"arguments":{"requestState":"mine"},"requestState":"s"}`, `{"name":"t" ,"arguments":{"requestState":"mine"}}`, `{"name":"t", "inputResponses" : {"a":{}} ,"arguments":{"requestState":"mine"},"requestState":"up"}`},
		{"alone", `{"requestState":"s"}`, `{}`, `{"requestState":"up"}`},
		{"escaped", `{"name":"t","request\u0053tate":"s"}`, `{"name":"t"}`, `{"name":"t","request\u0053tate":"up"}`},
		{"not there", `{"name":"t"}`, `{"name":"t"}`, `{"name":"t"}`},
	} {
		first, next := First(message(t, tt.in)), Next(message(t, tt.in), []byte(`"up"`))
		if got := string(first.Params()); got != tt.first {
			t.Errorf("%s: first %s, want %s", tt.why, got, tt.first)
		}
		if got := string(next.Params()); got != tt.next {
			t.Errorf("%s: next %s, want %s", tt.why, got, tt.next)
		}
		if next := Next(message(t, tt.in), nil); next.Param(state) != nil {
			t.Errorf("%s: a state is left: %s", tt.why, next.Params())
		}
	}
}

func TestWrap(t *testing.T) {
	for in, want := range map[string]string{
		`{"resultType":"input_required","requestState":"up","inputRequests":{}}`: `{"resultType":"input_required","requestState":"new","inputRequests":{}}`,
		`{"resultType":"input_required"}`:                                        `{"requestState":"new","resultType":"input_required"}`,
	} {
		m, fault := wire.ParseFaithful([]byte(`{"jsonrpc":"2.0","id":1,"result":`+in+`}`), wire.Bounds{})
		if fault != nil {
			t.Fatal(fault)
		}
		edit, ok := Wrap(&m, "new")
		got := string(wire.Splice(nil, m.Raw, edit))
		if want = `{"jsonrpc":"2.0","id":1,"result":` + want + `}`; !ok || got != want {
			t.Errorf("%s becomes %s, want %s", in, got, want)
		}
	}
	if WantsInput([]byte(`{"resultType":"complete","x":"input_required"}`)) || !WantsInput([]byte(`{"resultType":"input_required"}`)) {
		t.Error("what wants input is not told apart")
	}
}
