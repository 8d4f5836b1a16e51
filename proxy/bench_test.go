package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/proxy"
	"sallyport/proxy/guard"
	"sallyport/proxy/redact"
	"sallyport/proxy/upstream"
)

// BenchmarkLine measures whole calls: client, pipe, session, pipe, server and
// back, with the policy under which speed is measured, the log included.
func BenchmarkLine(b *testing.B) {
	for _, bench := range []struct {
		name   string
		args   int
		result int
	}{
		{"echo_100B", 100, 100},
		{"result_10KB", 20, 10 << 10},
	} {
		for _, flight := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/flight_%d", bench.name, flight), func(b *testing.B) {
				benchLine(b, strings.Repeat("x", bench.args), prose(bench.result), flight)
			})
		}
	}
}

func benchLine(b *testing.B, arg, result string, flight int) {
	conf, err := os.ReadFile("../testdata/guarded.hcl")
	if err != nil {
		b.Fatal(err)
	}
	pol, err := policy.Parse(conf, "guarded.hcl")
	if err != nil {
		b.Fatal(err)
	}
	log, err := audit.Open(filepath.Join(b.TempDir(), "log"), audit.Options{Policy: pol.Digest(), MaxBody: pol.Audit().MaxBody, Redact: redact.Func(pol.Audit())})
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	p := proxy.New(proxy.Config{Policy: pol, Servers: pol.Servers(), Audit: log, Logger: hclog.NewNullLogger(), Guard: guard.New(nil), Version: "test",
		Launch: func(policy.Server) upstream.Launch {
			return func() (upstream.Process, error) { return echo(b, result), nil }
		}})
	in, toProxy := pipe(b)
	fromProxy, out := pipe(b)
	served := make(chan error, 1)
	go func() { served <- p.Serve(context.Background(), proxy.Caller{Role: "loader"}, in, out) }()
	answers := bufio.NewReaderSize(fromProxy, 1<<20)
	call := fmt.Sprintf(`{"jsonrpc":"2.0","id":7%%d,"method":"tools/call","params":{"name":"echo","arguments":{"text":%q}}}`+"\n", arg)
	one := func(id int) { fmt.Fprintf(toProxy, call, id) }
	one(0)
	if line, err := answers.ReadSlice('\n'); err != nil || !bytes.Contains(line, []byte("content")) || bytes.Contains(line, []byte("isError")) {
		b.Fatalf("the first answer: %s, %v", line, err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(arg) + len(result)))
	sent := 0
	for b.Loop() {
		if flight > 1 && sent == 0 {
			for sent < flight {
				one(sent)
				sent++
			}
		} else {
			one(sent)
			sent++
		}
		if _, err := answers.ReadSlice('\n'); err != nil {
			b.Fatal(err)
		}
	}
	toProxy.Close()
	go io.Copy(io.Discard, answers)
	<-served
	out.Close()
}

func pipe(b *testing.B) (r, w *os.File) {
	b.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	return r, w
}

// echo is a server that answers all calls alike.
func echo(b *testing.B, result string) upstream.Process {
	hisIn, in := pipe(b)
	out, hisOut := pipe(b)
	exited := make(chan struct{})
	body := fmt.Appendf(nil, `{"content":[{"type":"text","text":%q}]}`, result)
	tools := []byte(`{"tools":[{"name":"echo","inputSchema":{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}}]}`)
	go func() {
		lines := bufio.NewReaderSize(hisIn, 1<<20)
		buf := []byte(nil)
		for {
			line, err := lines.ReadSlice('\n')
			if err != nil {
				return
			}
			_, id, _ := bytes.Cut(line, []byte(`"id":`))
			id = id[:bytes.IndexByte(id, ',')]
			answer := body
			if bytes.Contains(line, []byte("tools/list")) {
				answer = tools
			}
			buf = append(append(append(buf, `{"jsonrpc":"2.0","id":`...), id...), `,"result":`...)
			buf = append(append(buf, answer...), "}\n"...)
			if lines.Buffered() == 0 || len(buf) > 1<<18 {
				if _, err := hisOut.Write(buf); err != nil {
					return
				}
				buf = buf[:0]
			}
		}
	}()
	var once sync.Once
	return upstream.Process{In: in, Out: out, Exited: exited, Reason: func() string { return "stopped" }, Stop: func() {
		once.Do(func() {
			in.Close()
			hisOut.Close()
			close(exited)
		})
	}}
}

// prose is a text of n bytes as documents have it.
func prose(n int) string {
	const page = "The build of the service starts with the generated files, which the makefile writes into a folder of their own. " +
		"Each package has a test that reads its fixtures from there; a change of the format shows as a difference of two lines. " +
		"When a release is cut, the version is taken from the tag and written into the header of every page.\n"
	return strings.Repeat(page, n/len(page)+1)[:n]
}
