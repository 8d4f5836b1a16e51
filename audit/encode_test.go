package audit

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzShape compares the scan with encoding/json, which it replaces for speed.
// Where it is stricter (depth, UTF-8), it must be so for that reason alone.
func FuzzShape(f *testing.F) {
	for _, s := range []string{
		``, ` `, `{}`, `[]`, `{"a":1,"a":[true,false,null,"\ud800\n",-0.1e+5]}`, `1e5000000`, "[1,\n2]", `01`, `-`, `1.`, `1e`,
		`"\u00"`, `"\x"`, "\"\n\"", `{"a"}`, `{"a":}`, `{,}`, `[,]`, `[1,]`, `nul`, `{"a":1}x`, `{1:2}`, `[}`, "\"\xff\"", `"`,
		strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		want := shapeText
		if json.Valid(b) && utf8.Valid(b) && depth(b) <= maxDepth {
			want = shapeLine
			if bytes.ContainsAny(b, "\n\r") {
				want = shapeLines
			}
		}
		if got := shapeOf(b); got != want {
			t.Errorf("%q: shape %d, want %d", b, got, want)
		}
	})
}

// depth is the nesting of valid JSON.
func depth(b []byte) (deepest int) {
	d := json.NewDecoder(bytes.NewReader(b))
	for n := 0; ; {
		token, err := d.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			n++
			deepest = max(deepest, n)
		case json.Delim('}'), json.Delim(']'):
			n--
		}
	}
}

// FuzzQuoted: any string comes back as encoding/json would have it, and what
// is written shows no invisible character to a terminal.
func FuzzQuoted(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\\n\t\r\x00\x1b\x7f", "\u0085\u009b", "\u2028\u2029\u202e\u200b\U000e0041", "\xff\xc3\xed\xa0\x80", "\ufffd", "é漢😀", "<script>&"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		line := appendQuoted(nil, s)
		var got, want string
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%q written as %q: %v", s, line, err)
		}
		safe, err := json.Marshal(s)
		must(t, err)
		must(t, json.Unmarshal(safe, &want))
		if got != want {
			t.Errorf("%q came back as %q", s, got)
		}
		for _, r := range string(line) {
			if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
				t.Errorf("%q written as %q", s, line)
			}
		}
	})
}

// FuzzEvent: whatever stands in an event, it comes back, the log is intact, and
// no member appears that the log did not write.
func FuzzEvent(f *testing.F) {
	f.Add("agent", "tool", "message", []byte(`{"a":1}`), []byte("x"))
	f.Add(`","verdict":"allow`, "a\nb", `"}`+"\n"+`{"seq":`, []byte(`{},"verdict":"allow","x":{}`), []byte(`{"prev":"0","hash":"1"}`))
	f.Add("", strings.Repeat("é", maxText), "\xff", []byte("[[[["), []byte(nil))
	dir := quickDir(f)
	f.Fuzz(func(t *testing.T, agent, tool, message string, params, result []byte) {
		path := filepath.Join(dir, "audit.log")
		defer os.Remove(path)
		l, err := Open(path, Options{})
		must(t, err)
		r := Record{Event: Event{
			Agent: agent, Tool: tool, Message: message, Params: params,
			Verdict: VerdictAllow, Risk: RiskRead, Method: "tools/call", Server: "s",
		}}
		ticket, err := l.Decided(r)
		must(t, err)
		must(t, ticket.Spend(r.binding()))
		must(t, ticket.Done(Outcome{Result: result}))
		must(t, l.Close())
		events := read(t, path)
		if len(events) != 5 {
			t.Fatalf("%d events", len(events))
		}
		e := events[1]
		want := []string{asWritten(agent), asWritten(tool), asWritten(message), string(VerdictAllow)}
		if d := cmp.Diff(want, []string{e.Agent, e.Tool, e.Message, string(e.Verdict)}); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if e := events[3]; e.Verdict != "" || e.Code != "" {
			t.Errorf("members from a body: %+v", e)
		}
		checkBody(t, params, e.Params)
		checkBody(t, result, events[3].Result)
	})
}

// quickDir is a folder where a sync costs nothing, if there is one.
func quickDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "audit")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func asWritten(s string) string {
	if len(s) > maxText {
		cut := maxText
		for cut > maxText-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	var out strings.Builder
	for _, r := range s { // a bad byte is one U+FFFD
		out.WriteRune(r)
	}
	return out.String()
}

func checkBody(t *testing.T, sent []byte, got json.RawMessage) {
	t.Helper()
	if len(sent) == 0 || len(sent) > DefaultMaxBody {
		if got != nil {
			t.Errorf("embedded %q of %q", got, sent)
		}
		return
	}
	if shapeOf(sent) != shapeText {
		sent = bytes.TrimSpace([]byte(strings.NewReplacer("\n", " ", "\r", " ").Replace(string(sent))))
		if !bytes.Equal(sent, got) {
			t.Errorf("embedded %q of %q", got, sent)
		}
		return
	}
	var s string
	if err := json.Unmarshal(got, &s); err != nil || s != strings.ToValidUTF8(string(sent), "\ufffd") && utf8.Valid(sent) {
		t.Errorf("embedded %q of %q: %v", got, sent, err)
	}
}

func BenchmarkShape(b *testing.B) {
	for name, doc := range map[string][]byte{
		"100B": []byte(`{"namespace":"monitoring","resource":"pods","selector":{"app":"prometheus","tier":"backend"},"n":5}`),
		"8KiB": []byte(`{"text":"` + strings.Repeat("The quick brown fox jumps over the lazy dog.\\n", 178) + `"}`),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				if shapeOf(doc) != shapeLine {
					b.Fatal("not a line")
				}
			}
		})
	}
}

// BenchmarkLine is the encoding alone: what it costs to make and chain a line.
func BenchmarkLine(b *testing.B) {
	l := newLog(b, Options{})
	r := testRecord()
	e := entry{kind: TypeDecision, subject: appendSubject(nil, &r.Event), detail: &r.Event}
	e.params = l.weigh(r.Params, Digest(r.Params))
	before := len(l.buf)
	b.ReportAllocs()
	for b.Loop() {
		l.buf = l.buf[:before]
		l.enqueue(&e)
	}
	b.SetBytes(int64(len(l.buf)))
	l.failed = os.ErrClosed
}
