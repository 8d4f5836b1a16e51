//go:build linux

package bwrap

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sallyport/sandbox"
	"sallyport/sandbox/box"
)

// server is a tool server that nobody here wrote.
type server struct {
	name   string
	argv   []string
	mounts []box.Mount
	tools  int // at least
}

// servers are those that the end-to-end tests install.
func servers(t testing.TB) []server {
	t.Helper()
	dir := os.Getenv("SALLYPORT_E2E_DIR")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Skip(err)
		}
		dir = filepath.Join(cache, "sallyport-ci")
	}
	modules := filepath.Join(dir, "node_modules")
	if _, err := os.Stat(modules); err != nil {
		if os.Getenv("SALLYPORT_E2E") == "require" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	node := func(name string, tools int, args ...string) server {
		at := "/srv/node_modules/@modelcontextprotocol/server-" + name + "/dist/index.js"
		return server{name: name, argv: append([]string{"node", at}, args...), tools: tools,
			mounts: []box.Mount{{Source: modules, Target: "/srv/node_modules"}}}
	}
	return []server{
		node("memory", 9), node("filesystem", 11, "/tmp"), node("everything", 8),
		{name: "everything in Go", argv: []string{"/srv/bin/everything-server"}, tools: 5,
			mounts: []box.Mount{{Source: filepath.Join(dir, "bin"), Target: "/srv/bin"}}},
	}
}

// talker is a child, boxed or not.
type talker interface {
	Stdin() io.WriteCloser
	Stdout() io.Reader
	LastWords() string
	Kill()
}

// firstTools says hello and returns how many tools there are.
func firstTools(t testing.TB, c talker) int {
	t.Helper()
	in := bufio.NewReader(c.Stdout())
	ask := func(id int, method, params string) json.RawMessage {
		fmt.Fprintf(c.Stdin(), `{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`+"\n", id, method, params)
		for {
			line, err := in.ReadBytes('\n')
			if err != nil {
				t.Fatalf("%s: %v: %s", method, err, c.LastWords())
			}
			var answer struct {
				ID     int
				Result json.RawMessage
			}
			if json.Unmarshal(line, &answer) == nil && answer.ID == id && answer.Result != nil {
				return answer.Result
			}
		}
	}
	ask(1, "initialize", `{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}`)
	fmt.Fprintln(c.Stdin(), `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	var list struct{ Tools []json.RawMessage }
	if err := json.Unmarshal(ask(2, "tools/list", `{}`), &list); err != nil {
		t.Fatal(err)
	}
	return len(list.Tools)
}

// Real servers work in a box at the default limits.
func TestRealServers(t *testing.T) {
	h := real(t)
	for _, s := range servers(t) {
		t.Run(s.name, func(t *testing.T) {
			c := start(t, h, box.Spec{Mounts: s.mounts}, s.argv...)
			if n := firstTools(t, c); n < s.tools {
				t.Errorf("%d tools", n)
			}
			c.Stop()
			if c.Exit().Limit != "" {
				t.Error(c.Exit())
			}
		})
	}
}

// How long until the first list of tools, with the box and without. It tells and does not judge.
func TestStartUpTime(t *testing.T) {
	if testing.Short() || os.Getenv("BWRAP_TEST_TIMES") == "" {
		t.Skip("BWRAP_TEST_TIMES is not set")
	}
	h := real(t)
	for _, s := range servers(t) {
		var direct, boxed []time.Duration
		for range 7 {
			began := time.Now()
			argv := slices.Clone(s.argv)
			for i, a := range argv {
				if rest, ok := cutDir(a, s.mounts[0].Target); ok {
					argv[i] = s.mounts[0].Source + rest
				}
			}
			c, err := sandbox.Start(sandbox.Command{Argv: argv, Env: []string{"PATH=" + usualPath}})
			if err != nil {
				t.Fatal(err)
			}
			firstTools(t, c)
			direct = append(direct, time.Since(began))
			c.Kill()
			began = time.Now()
			b := start(t, h, box.Spec{Mounts: s.mounts}, s.argv...)
			firstTools(t, b)
			boxed = append(boxed, time.Since(began))
			b.Kill()
		}
		slices.Sort(direct)
		slices.Sort(boxed)
		t.Logf("%-18s direct %4d ms, boxed %4d ms", s.name, direct[3].Milliseconds(), boxed[3].Milliseconds())
	}
}

func cutDir(p, dir string) (string, bool) {
	if under(p, dir) {
		return p[len(dir):], true
	}
	return "", false
}

func BenchmarkStartStop(b *testing.B) {
	h := real(b)
	for b.Loop() {
		if _, err := Try(h, box.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
