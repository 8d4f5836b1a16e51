// Boxed is an MCP server on stdin and stdout whose tools do what a sandbox is there
// for: they look at the environment and files, connect, and use up what there is.
package main

import (
	"archive/tar"
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// arguments are those of all tools.
type arguments struct {
	Name    string // of a variable, a file or a program
	URL     string
	Address string
	Count   int
}

var tools = map[string]func(arguments) (string, error){
	// Its digest: the value is not to be in any log.
	"env": func(a arguments) (string, error) {
		return fmt.Sprintf("%x", sha256.Sum256([]byte(os.Getenv(a.Name)))), nil
	},
	"who": func(arguments) (string, error) {
		dir, err := os.Getwd()
		return fmt.Sprintf("%d:%d in %s", os.Getuid(), os.Getgid(), dir), err
	},
	"words": func(arguments) (string, error) { return strings.Join(os.Args, " "), nil },
	"read": func(a arguments) (string, error) {
		b, err := os.ReadFile(a.Name)
		return string(b), err
	},
	"write": func(a arguments) (string, error) {
		return "written", os.WriteFile(a.Name, make([]byte, a.Count), 0o600)
	},
	"fetch": fetch,
	"dial": func(a arguments) (string, error) {
		c, err := net.DialTimeout("tcp", a.Address, 2*time.Second)
		if err != nil {
			return "", err
		}
		return "connected", c.Close()
	},
	"eat": func(a arguments) (string, error) {
		var all [][]byte
		for range a.Count {
			b := make([]byte, 1<<20)
			for i := range b {
				b[i] = byte(i) | 1
			}
			all = append(all, b)
		}
		return fmt.Sprintf("%d MiB eaten", len(all)), nil
	},
	"start": func(a arguments) (string, error) {
		for n := range a.Count {
			if err := exec.Command(a.Name, "sleep").Start(); err != nil {
				return "", fmt.Errorf("after %d: %w", n, err)
			}
		}
		return fmt.Sprintf("%d started", a.Count), nil
	},
	"exit": func(a arguments) (string, error) {
		os.Exit(a.Count)
		return "", nil
	},
}

// fetch goes through the proxy that the environment names, as most clients do.
func fetch(a arguments) (string, error) {
	proxy := http.ProxyFromEnvironment
	if os.Getenv("HTTP_PROXY") != "" {
		// Go does not ask a proxy for localhost.
		proxy = func(*http.Request) (*url.URL, error) { return url.Parse(os.Getenv("HTTP_PROXY")) }
	}
	c := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{Proxy: proxy, DisableKeepAlives: true}}
	r, err := c.Get(a.URL)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(io.LimitReader(r.Body, 4096))
	return fmt.Sprintf("%d %s", r.StatusCode, b), err
}

// install stands in for a shell that is given the script of an installer: it asks for
// something that is not in the list, and writes a folder as a tar, with itself in it, and
// what it was told, which hosts it knows and whom it is to believe.
func install() error {
	_, _ = fetch(arguments{URL: "http://elsewhere.example/"})
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return err
	}
	hosts, _ := os.ReadFile("/etc/hosts")
	believed, _ := os.ReadFile(os.Getenv("NODE_EXTRA_CA_CERTS"))
	told := strings.Join(append(append(os.Args, os.Environ()...), string(hosts), string(believed)), "\n")
	w := tar.NewWriter(os.Stdout)
	for _, h := range []*tar.Header{
		{Typeflag: tar.TypeDir, Name: "opt/sallyport/", Mode: 0o755},
		{Typeflag: tar.TypeReg, Name: "opt/sallyport/run", Mode: 0o755, Size: int64(len(self))},
	} {
		if err := w.WriteHeader(h); err != nil {
			return err
		}
	}
	if _, err := w.Write(self); err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "opt/sallyport/told", Mode: 0o644, Size: int64(len(told))}); err != nil {
		return err
	}
	if _, err := io.WriteString(w, told); err != nil {
		return err
	}
	return w.Close()
}

func main() {
	if filepath.Base(os.Args[0]) == "sh" {
		if err := install(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "sleep" {
		time.Sleep(time.Minute)
		return
	}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var m struct {
			ID     json.RawMessage
			Method string
			Params struct {
				Name            string
				ProtocolVersion string
				Arguments       arguments
			}
		}
		if json.Unmarshal(line, &m) != nil || m.ID == nil {
			continue
		}
		var result any
		switch m.Method {
		case "initialize":
			result = map[string]any{"protocolVersion": m.Params.ProtocolVersion, "capabilities": map[string]any{"tools": map[string]any{}},
				"serverInfo": map[string]any{"name": "boxed", "version": "1"}}
		case "tools/list":
			result = map[string]any{"tools": list()}
		case "tools/call":
			result = call(m.Params.Name, m.Params.Arguments)
		default:
			answer(map[string]any{"jsonrpc": "2.0", "id": m.ID, "error": map[string]any{"code": -32601, "message": "no such method"}})
			continue
		}
		answer(map[string]any{"jsonrpc": "2.0", "id": m.ID, "result": result})
	}
}

func answer(m any) {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.Write(append(b, '\n'))
}

func list() []any {
	var all []any
	for name := range tools {
		all = append(all, map[string]any{"name": name, "inputSchema": map[string]any{"type": "object"},
			"annotations": map[string]any{"readOnlyHint": true}})
	}
	return all
}

func call(name string, a arguments) any {
	text, err := "no such tool", error(nil)
	if tool := tools[name]; tool != nil {
		text, err = tool(a)
	}
	if err != nil {
		text = err.Error()
	}
	return map[string]any{"content": []any{map[string]any{"type": "text", "text": text}}, "isError": err != nil}
}
