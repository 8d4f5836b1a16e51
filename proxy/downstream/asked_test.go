package downstream

import (
	"errors"
	"fmt"
	"testing"

	"sallyport/proxy/wire"
)

func question(t *testing.T, id, token string) wire.Message {
	t.Helper()
	text := fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"roots/list","params":{"_meta":{"progressToken":%s}}}`, id, token)
	m, fault := wire.ParseFaithful([]byte(text), wire.Bounds{})
	if fault != nil {
		t.Fatal(fault)
	}
	return m
}

func id(raw string) wire.ID { i, _ := wire.ParseID([]byte(raw)); return i }

// TestQuestions keeps several servers' questions apart, and forgets them when
// they are answered or their server is gone.
func TestQuestions(t *testing.T) {
	q := newQuestions()
	for i, ask := range []struct{ server, id, token, shown string }{
		{"a", `1`, `"t"`, `"t"`},
		{"b", `1`, `"t"`, `"sallyport-2"`},
		{"b", `"1"`, `"t"`, `"sallyport-3"`},
		{"a", `2`, `"sallyport-5"`, `"sallyport-5"`},
		{"b", `3`, `"sallyport-5"`, `"sallyport-6"`}, // not -5: that is a's own
	} {
		m := question(t, ask.id, ask.token)
		edits, err := q.put(ask.server, m)
		if err != nil {
			t.Fatal(err)
		}
		shown, _ := wire.ParseFaithful(wire.Splice(nil, m.Raw, edits...), wire.Bounds{})
		if got := string(shown.Meta("progressToken")); got != ask.shown || shown.ID.Key() != wire.IntID(uint64(i+1)).Key() {
			t.Errorf("%v is shown with token %s and id %s", ask, got, shown.ID.Lexeme())
		}
		token, ok := q.owner(id(ask.shown))
		if !ok || token.Server != ask.server || token.Own.Lexeme() != ask.token {
			t.Errorf("progress for %s goes to %+v", ask.shown, token)
		}
	}
	if a, ok := q.answered(id("2")); !ok || a.Server != "b" || a.ID.Lexeme() != "1" {
		t.Errorf("an answer to 2 goes to %+v", a)
	}
	if _, ok := q.answered(id("2")); ok {
		t.Error("a question is answered twice")
	}
	for _, raw := range []string{`"1"`, `0`, `99`, `-1`, `1.5`} {
		if _, ok := q.answered(id(raw)); ok {
			t.Errorf("an answer to %s is taken for one", raw)
		}
	}
	if shown, ok := q.withdrawn("a", id("1.0")); !ok || shown.Lexeme() != "1" {
		t.Errorf("a withdraws %s", shown.Lexeme())
	}
	if _, ok := q.withdrawn("c", id("1")); ok {
		t.Error("a server withdraws another's question")
	}
	if gone := q.gone("b"); len(gone) != 2 {
		t.Errorf("b leaves %d questions", len(gone))
	}
	q.gone("a")
	if len(q.asked)+len(q.byID)+len(q.count)+len(q.token) != 0 {
		t.Errorf("something is left: %+v", q)
	}
}

func TestQuestionsAreBounded(t *testing.T) {
	q := newQuestions()
	for i := range maxAsked {
		if _, err := q.put("a", question(t, fmt.Sprint(i), "1")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := q.put("a", question(t, `"x"`, "1")); !errors.Is(err, ErrTooMany) {
		t.Errorf("one too many: %v", err)
	}
	if _, err := q.put("b", question(t, "1", "1")); err != nil {
		t.Errorf("another server's: %v", err)
	}
	q.answered(id("1"))
	if _, err := q.put("a", question(t, "1", "1")); err != nil {
		t.Errorf("after an answer: %v", err)
	}
}
