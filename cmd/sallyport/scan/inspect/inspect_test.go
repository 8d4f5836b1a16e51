package inspect

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

const patience = time.Minute // bounds what would hang a broken test

// message is what the servers here understand of a line.
type message struct {
	ID     json.RawMessage
	Method string
	Params struct {
		Cursor *string
		Meta   map[string]any `json:"_meta"`
	}
	Result, Error json.RawMessage
}

// scripted is a server over in-process pipes: what it is asked goes to hear, which
// says lines, and reports false to end. It counts its starts in lives.
type scripted struct {
	hear  func(say func(format string, a ...any), m message) bool
	lives atomic.Int32
	open  atomic.Int32 // started and not stopped
}

func (s *scripted) start() (Process, error) {
	s.lives.Add(1)
	s.open.Add(1)
	return process(func(in io.Reader, out io.Writer) {
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			var m message
			if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
				panic(err)
			}
			if !s.hear(func(format string, a ...any) { fmt.Fprintf(out, format+"\n", a...) }, m) {
				return
			}
		}
	}, func() { s.open.Add(-1) }), nil
}

// process runs a server in this process.
func process(serve func(io.Reader, io.Writer), stopped func()) Process {
	in, toServer := io.Pipe()
	fromServer, out := io.Pipe()
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		serve(in, out)
		out.Close()
		in.Close()
	}()
	var once sync.Once
	return Process{In: toServer, Out: fromServer, Exited: exited,
		Reason: func() string { return "status 7: last words" },
		Stop: func() {
			once.Do(func() { toServer.Close(); fromServer.Close(); stopped() })
			<-exited
		}}
}

// read reads a server, and returns what it said as "kind name raw".
func read(t *testing.T, s *scripted, timeout time.Duration) ([]string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), timeout, errors.New("too late"))
	defer cancel()
	said, err := Read(ctx, s.start, "1")
	if s.open.Load() != 0 {
		t.Error("the server was not stopped")
	}
	var got []string
	for _, d := range said {
		got = append(got, fmt.Sprintf("%s %s %s", d.Kind, d.Name, d.Raw))
	}
	return got, err
}

const unknown = `{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"Method not found"}}`

// legacy greets as servers did before 2026; what else it is asked goes to lists.
func legacy(capabilities string, lists func(say func(string, ...any), m message) bool) *scripted {
	return &scripted{hear: func(say func(string, ...any), m message) bool {
		switch m.Method {
		case "initialize":
			say(`{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2024-11-05","capabilities":{%s},"serverInfo":{"name":"old"},"instructions":"Be kind."}}`, m.ID, capabilities)
		case "server/discover":
			say(unknown, m.ID)
		case "notifications/initialized":
		default:
			return lists(say, m)
		}
		return true
	}}
}

var oldGreeting = []string{
	`serverInfo  {"name":"old"}`,
	`instructions  "Be kind."`,
}

func greeted(capabilities string, more ...string) []string {
	return append(append(oldGreeting[:2:2], `answer initialize {"protocolVersion":"2024-11-05","capabilities":{`+capabilities+`}}`), more...)
}

func TestLegacy(t *testing.T) {
	s := legacy(`"tools":{},"resources":{}`, func(say func(string, ...any), m message) bool {
		switch {
		case m.Params.Meta != nil:
			t.Errorf("%s has _meta", m.Method)
		case m.Method == "tools/list" && m.Params.Cursor == nil:
			say(`{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"a","x":{"y":"z"}}],"nextCursor":"p2","_meta":{"k":"v"}}}`, m.ID)
		case m.Method == "tools/list":
			say(`{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"b","name":"c"}],"Tools":[1],"nextCursor":""}}`, m.ID)
		case m.Method == "resources/list":
			say(`{"jsonrpc":"2.0","id":%s,"result":{"resources":[{"uri":"u:1"}]}}`, m.ID)
		default: // no templates; prompts are not declared
			if m.Method != "resources/templates/list" {
				t.Errorf("asked for %s", m.Method)
			}
			say(unknown, m.ID)
		}
		return true
	})
	got, err := read(t, s, patience)
	want := greeted(`"tools":{},"resources":{}`,
		`tool a {"name":"a","x":{"y":"z"}}`,
		`answer tools/list {"nextCursor":"p2","_meta":{"k":"v"}}`,
		`tool c {"name":"b","name":"c"}`,
		`answer tools/list {"Tools":[1],"nextCursor":""}`,
		`resource u:1 {"uri":"u:1"}`)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// TestModern: there is no greeting, and every request says who asks.
func TestModern(t *testing.T) {
	s := &scripted{hear: func(say func(string, ...any), m message) bool {
		meta := m.Params.Meta
		if meta[mcp.MetaKeyProtocolVersion] != "2026-07-28" || meta[mcp.MetaKeyClientInfo] == nil || meta[mcp.MetaKeyClientCapabilities] == nil {
			t.Errorf("%s: _meta is %v", m.Method, meta)
		}
		switch {
		case m.Method == "server/discover":
			say(`{"jsonrpc":"2.0","id":%s,"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"prompts":{}},"instructions":"New."}}`, m.ID)
		case m.Params.Cursor == nil:
			say(`{"jsonrpc":"2.0","id":%s,"result":{"resultType":"complete","prompts":[{"name":"p"}],"nextCursor":"2"}}`, m.ID)
		case m.Method == "prompts/list":
			say(`{"jsonrpc":"2.0","id":%s,"result":{"resultType":"complete","prompts":[{"name":"q"}]}}`, m.ID)
		}
		return true
	}}
	got, err := read(t, s, patience)
	want := []string{
		`instructions  "New."`,
		`answer server/discover {"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"prompts":{}}}`,
		`prompt p {"name":"p"}`,
		`answer prompts/list {"resultType":"complete","nextCursor":"2"}`,
		`prompt q {"name":"q"}`,
		`answer prompts/list {"resultType":"complete"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// TestLibraryServer reads a server that others have written, which speaks both.
func TestLibraryServer(t *testing.T) {
	s := server.NewMCPServer("lib", "1", server.WithInstructions("Read me."), server.WithPaginationLimit(2))
	for _, name := range []string{"one", "two", "three"} {
		s.AddTool(mcp.NewTool(name, mcp.WithDescription("d")), nil)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	said, err := Read(ctx, func() (Process, error) {
		return process(func(in io.Reader, out io.Writer) { _ = server.NewStdioServer(s).Listen(ctx, in, out) }, func() {}), nil
	}, "1")
	var got []string
	for _, d := range said {
		if d.Kind != Answer {
			got = append(got, string(d.Kind)+" "+d.Name)
		}
	}
	if diff := cmp.Diff([]string{"instructions ", "tool one", "tool three", "tool two"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// TestAsksBack: what the server asks meanwhile is answered, and no more than a ping
// is granted.
func TestAsksBack(t *testing.T) {
	var answers []string
	s := legacy(`"tools":{}`, func(say func(string, ...any), m message) bool {
		if m.Method == "tools/list" {
			say(`{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"hi"}}`)
			say(`{"jsonrpc":"2.0","id":"a","method":"ping"}`)
			say(`{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{}}`)
			say(`not a message`)
			say(`{"jsonrpc":"2.0","id":99,"result":{}}`)
			return true
		}
		if answers = append(answers, fmt.Sprintf("%s %s%s", m.ID, m.Result, m.Error)); len(answers) == 2 {
			say(`{"jsonrpc":"2.0","id":3,"result":{"tools":[]}}`)
		}
		return true
	})
	got, err := read(t, s, patience)
	if diff := cmp.Diff(greeted(`"tools":{}`), got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{`"a" {}`, `1 {"code":-32601,"message":"Method not found"}`}, answers); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestProbeIsNotBorne: some servers end when the first word is no greeting.
func TestProbeIsNotBorne(t *testing.T) {
	for _, when := range []string{"at once", "after the greeting"} {
		s := legacy("", nil)
		inner, probed := s.hear, false
		s.hear = func(say func(string, ...any), m message) bool {
			if m.Method == "server/discover" {
				probed = true
				if when == "after the greeting" {
					say(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32600,"message":"no"}}`, m.ID)
					return true
				}
			}
			if probed && s.lives.Load() == 1 {
				return false
			}
			return inner(say, m)
		}
		got, err := read(t, s, patience)
		if diff := cmp.Diff(greeted(""), got); diff != "" || err != nil || s.lives.Load() != 2 {
			t.Errorf("%s: %v, %d lives (-want +got)\n%s", when, err, s.lives.Load(), diff)
		}
	}
}

// TestProbeIsIgnored: a server that does not answer what it does not know.
func TestProbeIsIgnored(t *testing.T) {
	s := legacy("", nil)
	inner := s.hear
	s.hear = func(say func(string, ...any), m message) bool {
		return m.Method == "server/discover" || inner(say, m)
	}
	synctest.Test(t, func(t *testing.T) {
		got, err := read(t, s, patience)
		if diff := cmp.Diff(greeted(""), got); diff != "" || err != nil || s.lives.Load() != 1 {
			t.Errorf("%v, %d lives (-want +got)\n%s", err, s.lives.Load(), diff)
		}
	})
}

// TestAnswersAnything: an answer to server/discover does not make a modern server.
func TestAnswersAnything(t *testing.T) {
	s := legacy("", nil)
	inner := s.hear
	s.hear = func(say func(string, ...any), m message) bool {
		if m.Method == "server/discover" {
			say(`{"jsonrpc":"2.0","id":%s,"result":{}}`, m.ID)
			return true
		}
		return inner(say, m)
	}
	got, err := read(t, s, patience)
	if diff := cmp.Diff(greeted(""), got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// TestFails: each ends with a reason, in bounded time, and what was read is kept.
func TestFails(t *testing.T) {
	tools := func(f func(say func(string, ...any), m message) bool) *scripted { return legacy(`"tools":{}`, f) }
	pages := 0
	for _, tt := range []struct {
		why  string
		s    *scripted
		want string
		kept int // definitions, at least
	}{
		{"it ends at once", &scripted{hear: func(func(string, ...any), message) bool { return false }}, "initialize: the server said nothing more (its output ended); it ended with status 7: last words", 0},
		{"it is silent", &scripted{hear: func(func(string, ...any), message) bool { return true }}, "initialize: too late; it ended with status 7", 0},
		{"it is none", &scripted{hear: func(say func(string, ...any), _ message) bool { say("hello\x1b[31m"); return false }}, "no message: hello⟨U+001B", 0},
		{"it refuses", &scripted{hear: func(say func(string, ...any), m message) bool {
			say(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32000,"message":"log\u001b in"}}`, m.ID)
			return true
		}}, "initialize: it answered with error -32000: log⟨U+001B", 0},
		{"it is of the future", &scripted{hear: func(say func(string, ...any), m message) bool {
			say(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32022,"message":"no","data":{"supported":["2031-01-01"]}}}`, m.ID)
			return true
		}}, "it speaks 2031-01-01, of which sallyport knows none", 0},
		{"pages without end", tools(func(say func(string, ...any), m message) bool {
			pages++
			say(`{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"t"}],"nextCursor":"%d"}}`, m.ID, pages)
			return true
		}), "tools/list: it has more than 200 pages", 200},
		{"pages in a circle", tools(func(say func(string, ...any), m message) bool {
			say(`{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"t"}],"nextCursor":"again"}}`, m.ID)
			return true
		}), "tools/list: its pages go round in a circle", 2},
		{"words without end", tools(func(say func(string, ...any), m message) bool {
			note := `{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"` + strings.Repeat("x", 1<<20) + `"}}`
			for range 70 {
				say("%s", note)
			}
			return true
		}), "tools/list: the server said nothing more (it wrote more than 67108864 bytes)", 3},
		{"questions without end", tools(func(say func(string, ...any), m message) bool {
			for m.Method == "tools/list" {
				say(`{"jsonrpc":"2.0","id":"%s","method":"roots/list"}`, strings.Repeat("r", 1000))
				if pages++; pages > 100_000 {
					return false
				}
			}
			return true
		}), "tools/list: the server said nothing more", 3},
		{"its list is no object", tools(func(say func(string, ...any), m message) bool {
			say(`{"jsonrpc":"2.0","id":%s,"result":[]}`, m.ID)
			return true
		}), "tools/list: its answer is not an object", 3},
		{"it wants something first", tools(func(say func(string, ...any), m message) bool {
			say(`{"jsonrpc":"2.0","id":%s,"result":{"resultType":"input_required"}}`, m.ID)
			return true
		}), `tools/list: its answer is "input_required", not complete`, 3},
		{"its answer cannot be read", tools(func(say func(string, ...any), m message) bool {
			say(`{"jsonrpc":"2.0","id":%s,"result":{},"error":{}}`, m.ID)
			return true
		}), "tools/list: its answer cannot be read", 3},
	} {
		t.Run(tt.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, err := read(t, tt.s, patience)
				if err == nil || !strings.Contains(err.Error(), tt.want) || len(got) < tt.kept {
					t.Errorf("%d definitions, error %v, want %q", len(got), err, tt.want)
				}
			})
		})
	}
}

// TestCancelled: who presses Ctrl-C does not wait, and nothing is left behind.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := &scripted{hear: func(_ func(string, ...any), m message) bool { cancel(); return true }}
	if _, err := Read(ctx, s.start, "1"); !errors.Is(err, context.Canceled) || s.open.Load() != 0 {
		t.Errorf("%v, %d open", err, s.open.Load())
	}
}

func TestDoesNotStart(t *testing.T) {
	want := errors.New("no such program")
	if _, err := Read(t.Context(), func() (Process, error) { return Process{}, want }, "1"); err != want {
		t.Error(err)
	}
}
