//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sallyport/audit"
)

const killPolicy = `
server "probe" {
  inherit = ["PATH"]
  sandbox "none" {}
  tool "echo"  { risk = "read" }
  tool "store" { risk = "modify" }
}
role "loader" {
  allow = ["probe/echo", "probe/store"]
}
`

// A siege is one log and one server's own record, through many lives of the
// proxy.
type siege struct {
	config, log, record string

	marks    int             // given out
	answered map[string]bool // the client has a result
	received map[string]bool // the server says so
	allowed  map[string]bool // the log says so
	reached  [2]int64        // how far log and record have been read

	said             bytes.Buffer // by the proxy, on stderr
	idle, unfinished int          // rounds that ended before a call, and within a line
}

// TestKilledUnderLoad kills the proxy at random moments while calls are in
// flight, and starts it again on the same log. Whatever the moment, the log
// must be one that verify takes for whole (or for unfinished in its last line,
// which the next start continues), and nothing may have reached the server that
// the log does not allow. SALLYPORT_E2E_KILLS sets the number of rounds.
func TestKilledUnderLoad(t *testing.T) {
	rounds := 10
	if text := os.Getenv("SALLYPORT_E2E_KILLS"); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	s := &siege{config: filepath.Join(dir, "kill.hcl"), log: filepath.Join(dir, "log.jsonl"), record: filepath.Join(dir, "received"),
		answered: map[string]bool{}, received: map[string]bool{}, allowed: map[string]bool{}}
	for file, text := range map[string]string{s.config: killPolicy, s.record: ""} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	seed := rand.Uint64()
	moments := rand.New(rand.NewPCG(seed, 0))
	for round := range rounds {
		s.round(t, time.Duration(moments.Int64N(int64(250*time.Millisecond))), round%3)
		s.check(t, fmt.Sprintf("round %d (seed %d)", round, seed))
		if strings.Contains(s.said.String(), "DATA RACE") {
			t.Fatal(s.said.String())
		}
		s.said.Reset()
		if t.Failed() {
			return
		}
	}
	s.finish(t)
	t.Logf("%d kills, %d of them before the first call was answered, %d within a line; %d calls sent, %d answered, %d received by the server, %d allowed in the log (%d bytes)",
		rounds, s.idle, s.unfinished, s.marks, len(s.answered), len(s.received), len(s.allowed), s.reached[0])
}

func (s *siege) start(t *testing.T) *stay {
	t.Helper()
	c := exec.Command("sallyport", "wrap", "--config", s.config, "--audit", s.log, "--log-level", "error", "--", "probe", "-record", s.record)
	c.Stderr = &s.said
	client, err := begin(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Where a life of the proxy is counted from. On a slow machine too there is a
// load when one is killed that has answered a call.
const (
	fromStart = iota
	fromGreeting
	fromAnswer
)

// round is one life of the proxy under load.
func (s *siege) round(t *testing.T, life time.Duration, from int) {
	client := s.start(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	killed := make(chan struct{})
	kill := func() {
		_ = client.cmd.Process.Kill()
		close(killed)
	}
	var dying sync.Once
	reached := func(moment int) {
		if from == moment {
			dying.Do(func() { time.AfterFunc(life, kill) })
		}
	}
	reached(fromStart)
	before := len(s.answered)
	_, greeted := client.ask("initialize", `{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"loader","version":"1"}}`)
	reached(fromGreeting)
	if greeted == nil {
		s.load(ctx, cancel, client, func() { reached(fromAnswer) })
	}
	reached(from) // whatever came of it
	<-killed
	_ = client.cmd.Wait()
	if greeted != nil && from != fromStart {
		t.Errorf("the handshake: %v\n%s", greeted, s.said.String())
	}
	if len(s.answered) == before {
		s.idle++
	}
	// The server is killed with the proxy. What it still had in its pipe it may
	// take and record until then.
	f, err := os.Open(s.record)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
}

// load keeps calls of two tiers in flight until the proxy is gone, and says when one
// is answered.
func (s *siege) load(ctx context.Context, gone func(), client *stay, answered func()) {
	const depth = 16
	slots := make(chan struct{}, depth)
	var sending sync.WaitGroup
	first := s.marks
	sending.Go(func() {
		for {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			tool := [...]string{"echo", "store"}[s.marks%2]
			if client.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":{"mark":"mark %d"}}}`, s.marks, tool, s.marks)) != nil {
				return
			}
			s.marks++
		}
	})
	for {
		a, err := client.read()
		if err != nil {
			break
		}
		if a.Method != "" || a.ID == nil || *a.ID < first {
			continue
		}
		if a.ok() && len(a.Result.Content) == 1 {
			answered()
			s.answered[fmt.Sprintf("mark %d", *a.ID)] = true
		}
		<-slots
	}
	gone()
	sending.Wait()
}

// check verifies the log with the program, and compares it with the server's
// own record.
func (s *siege) check(t *testing.T, when string) {
	t.Helper()
	out, err := exec.Command("sallyport", "audit", "verify", s.log).CombinedOutput()
	switch status := exitStatus(err); {
	case status == "2" && bytes.Contains(out, []byte("unfinished")):
		s.unfinished++
	case status == "2" && s.missing():
		return // killed before there was a log
	case status == "2" && s.empty():
		return // killed between making the file and its first record
	case status != "0":
		t.Fatalf("%s: audit verify: %s\n%s", when, status, out)
	}
	s.readLog(t)
	for line := range bytes.Lines(news(t, s.record, &s.reached[1])) {
		s.received[strings.TrimSpace(string(line))] = true
	}
	for mark := range s.received {
		if !s.allowed[mark] {
			t.Errorf("%s: %q reached the server, and the log does not allow it", when, mark)
		}
	}
	for mark := range s.answered {
		if !s.received[mark] {
			t.Errorf("%s: %q was answered, and never reached the server", when, mark)
		}
	}
}

func (s *siege) missing() bool {
	_, err := os.Stat(s.log)
	return errors.Is(err, os.ErrNotExist)
}

func (s *siege) empty() bool {
	info, err := os.Stat(s.log)
	return err == nil && info.Size() == 0
}

// readLog takes the allowed calls out of what is new in the log. Verify has
// said that each whole line is as it was written; one that is no record is an
// unfinished write, and allows nothing.
func (s *siege) readLog(t *testing.T) {
	t.Helper()
	for line := range bytes.Lines(news(t, s.log, &s.reached[0])) {
		var e audit.Event
		if json.Unmarshal(line, &e) != nil || e.Type != audit.TypeDecision || e.Verdict != audit.VerdictAllow || e.Method != "tools/call" {
			continue
		}
		var args struct{ Mark string }
		if err := json.Unmarshal(e.Params, &args); err != nil || args.Mark == "" {
			t.Errorf("a decision without the call's arguments: %s", line)
		}
		s.allowed[args.Mark] = true
	}
}

// finish is a last life in good order: the log ends well, whatever it went
// through.
func (s *siege) finish(t *testing.T) {
	t.Helper()
	client := s.start(t)
	if _, err := client.ask("initialize", `{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"loader","version":"1"}}`); err != nil {
		t.Fatal(err)
	}
	_ = client.in.Close()
	if err := client.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("sallyport", "audit", "verify", s.log).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("closed in good order")) {
		t.Fatalf("audit verify at the end: %v\n%s", err, out)
	}
	if len(s.received) == 0 {
		t.Error("no call reached the server in any round: nothing was tested")
	}
}

// news is what was appended to a file since it was last read, but for an
// unfinished last line, which stays news.
func news(t *testing.T, path string, reached *int64) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, *reached, 1<<40))
	if err != nil {
		t.Fatal(err)
	}
	b = b[:bytes.LastIndexByte(b, '\n')+1]
	*reached += int64(len(b))
	return b
}
