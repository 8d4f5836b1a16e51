package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/audit/chain"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the goldens anew")

func open(t testing.TB, path string, o Options) *Log {
	t.Helper()
	l, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func newLog(t testing.TB, o Options) *Log {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "audit.log"), o)
}

// read returns the events of a log, which must be intact. It refuses members
// that Event does not have.
func read(t testing.TB, path string) []Event {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := chain.Verify(bytes.NewReader(data))
	if err != nil || r.Status() != chain.Intact {
		t.Fatalf("not intact: %v, %v", r.Bad, err)
	}
	var events []Event
	for line := range bytes.Lines(data) {
		var e Event
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&e); err != nil {
			// A line that was torn is no JSON, and Verify vouched for it.
			if r.TornCount > 0 {
				continue
			}
			t.Fatalf("%s: %v", line, err)
		}
		events = append(events, e)
	}
	return events
}

func testRecord() Record {
	return Record{Event: Event{
		Agent: "claude-code", Session: "s7f3a", Call: "s7f3a-12", Method: "tools/call",
		Server: "kubernetes", Tool: "kubectl_get", Role: "infrastructure_agent", Risk: RiskRead,
		ApprovalStatus: "not_needed", Rule: "allow", Policy: "sha256:0123456789abcdef", Verdict: VerdictAllow,
		Code: "allowed", RuleAt: "policy.hcl:12", Params: []byte(`{"namespace":"monitoring","resource":"pods","limit":50}`),
	}}
}

func (r Record) binding() Binding {
	return Binding{Server: r.Server, Method: r.Method, Name: r.Tool, Digest: Digest(r.Params)}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A whole log, byte for byte: every type of event, and what happens to bodies
// that are redacted, large, broken over lines, not JSON or not text.
func TestGolden(t *testing.T) {
	const golden = "../testdata/audit/golden.log"
	path := filepath.Join(t.TempDir(), "audit.log")
	synctest.Test(t, func(t *testing.T) {
		o := Options{
			Version: "v1.2.3", Policy: "sha256:aaaa", Host: "harbour", pid: 42, MaxBody: 200,
			Redact: func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("hunter2"), []byte("[REDACTED]")) },
		}
		l, err := Open(path, o)
		must(t, err)
		r := testRecord()
		allowed, err := l.Decided(r)
		must(t, err)
		must(t, allowed.Spend(r.binding()))
		time.Sleep(1500 * time.Microsecond)
		must(t, allowed.Done(Outcome{Result: []byte("{\n\t\"content\": [],\r\n \"x\": \"\\ud800\"\n}"), Tokens: 7, Duration: 1500 * time.Microsecond}))

		r.Call, r.Verdict, r.Code, r.Message, r.Policy = "s7f3a-13", VerdictRefuse, "denied", "deny wins\nover \"allow\"\x1b[2J\u202e\u2028\xff", ""
		r.Tool, r.Risk, r.Params = "kubectl_delete", RiskDelete, []byte(`{"password":"hunter2"}`)
		refused, err := l.Decided(r)
		must(t, err)
		if refused != nil {
			t.Error("a refusal yields a ticket")
		}

		r.Call, r.Verdict, r.ApprovalStatus, r.Params = "s7f3a-14", VerdictAllow, "granted", []byte(`{"a":"`+strings.Repeat("x", 200)+`"}`)
		deleting, err := l.Decided(r)
		must(t, err)
		if err := deleting.Spend(testRecord().binding()); !errors.Is(err, ErrMismatch) {
			t.Errorf("spent on another call: %v", err)
		}
		must(t, deleting.Done(Outcome{Code: "upstream_unreachable", Result: []byte("oops: \x00 not JSON")}))

		r.Call, r.Params = "s7f3a-15", nil
		lost, err := l.Decided(r)
		must(t, err)
		must(t, lost.Spend(r.binding()))
		lost.Abandon()
		must(t, l.Note(Event{Type: TypeNotice, Server: "kubernetes", Code: "upstream_exit", Message: "exit status 1"}))
		must(t, l.Close())

		time.Sleep(time.Hour)
		l, err = Open(path, o)
		must(t, err)
		must(t, l.Close())
	})
	got, err := os.ReadFile(path)
	must(t, err)
	if *update {
		must(t, os.WriteFile(golden, got, 0o644))
	}
	want, err := os.ReadFile(golden)
	must(t, err)
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	read(t, path)
}

// The zero verdict, and any that is not known, yields no ticket.
func TestOnlyAllowYieldsATicket(t *testing.T) {
	l := newLog(t, Options{})
	for _, v := range []Verdict{"", VerdictRefuse, VerdictAsk, "Allow", "allow ", "yes"} {
		r := testRecord()
		r.Verdict = v
		ticket, err := l.Decided(r)
		must(t, err)
		if ticket != nil {
			t.Errorf("verdict %q yields a ticket", v)
		}
	}
	r := testRecord()
	if ticket, err := l.Decided(r); err != nil || ticket == nil {
		t.Errorf("allow: %v, %v", ticket, err)
	}
	if _, err := l.Decided(Record{}); err != nil {
		t.Errorf("an empty record: %v", err)
	}
}

// What is on disk when Decided returns, by tier: only a refusal and a call of
// tier read need not be synced.
func TestSyncByTier(t *testing.T) {
	for _, c := range []struct {
		mode    SyncMode
		verdict Verdict
		risk    Risk
		synced  bool
	}{
		{SyncByTier, VerdictAllow, RiskRead, false},
		{SyncByTier, VerdictAllow, RiskModify, true},
		{SyncByTier, VerdictAllow, RiskDelete, true},
		{SyncByTier, VerdictAllow, RiskExternal, true},
		{SyncByTier, VerdictAllow, "", true},
		{SyncByTier, VerdictAllow, "Read", true},
		{SyncByTier, VerdictRefuse, RiskDelete, false},
		{SyncAlways, VerdictAllow, RiskRead, true},
		{SyncAlways, VerdictRefuse, RiskRead, true},
	} {
		t.Run(fmt.Sprintf("%d-%s-%s", c.mode, c.verdict, c.risk), func(t *testing.T) {
			l := newLog(t, Options{Sync: c.mode})
			syncs, size := 0, int64(0)
			l.flush = func(f *os.File) error {
				info, err := f.Stat()
				syncs, size = syncs+1, info.Size()
				return err
			}
			r := testRecord()
			r.Verdict, r.Risk = c.verdict, c.risk
			_, err := l.Decided(r)
			must(t, err)
			info, err := os.Stat(l.path)
			must(t, err)
			if n := bytes.Count(must1(os.ReadFile(l.path)), []byte(`"type":"decision"`)); n != 1 {
				t.Errorf("%d decisions in the file", n)
			}
			if got := syncs == 1 && size == info.Size(); got != c.synced {
				t.Errorf("synced %v (%d syncs up to %d of %d), want %v", got, syncs, size, info.Size(), c.synced)
			}
		})
	}
}

func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A sync that takes for ever holds up only those who need it.
func TestSyncHoldsUpNoRead(t *testing.T) {
	l := newLog(t, Options{})
	started, release := make(chan struct{}), make(chan struct{})
	l.flush = func(f *os.File) error {
		started <- struct{}{}
		<-release
		return syncData(f)
	}
	slow := testRecord()
	slow.Risk = RiskDelete
	var wg sync.WaitGroup
	wg.Go(func() { l.Decided(slow) })
	<-started
	for range 100 {
		ticket, err := l.Decided(testRecord())
		must(t, err)
		must(t, ticket.Spend(testRecord().binding()))
		must(t, ticket.Done(Outcome{}))
	}
	// Decisions made meanwhile share the next sync: a third would block here.
	for range 10 {
		wg.Go(func() {
			if _, err := l.Decided(slow); err != nil {
				t.Error(err)
			}
		})
	}
	for queued := false; !queued; {
		queued = l.Head().Seq == 1+300+10
		runtime.Gosched()
	}
	release <- struct{}{}
	<-started
	close(release)
	wg.Wait()
	l.flush = syncData
}

func TestNoteTakesNoOtherType(t *testing.T) {
	l := newLog(t, Options{})
	for _, kind := range []Type{"", TypeGenesis, TypeResume, TypeDecision, TypeToolCall, TypeToolResult, TypeClose, `x"`} {
		if l.Note(Event{Type: kind}) == nil {
			t.Errorf("type %q was noted", kind)
		}
	}
	must(t, l.Note(Event{Type: TypeError}))
	must(t, l.Note(Event{Type: TypeNotice, Seq: 99, Prev: "x", Hash: "y", TornBytes: 5, ParamsSHA256: "no", Params: []byte("{}")}))
	must(t, l.Close())
	events := read(t, l.path)
	if n := len(events); n != 4 {
		t.Errorf("%d events", n)
	}
	if e := events[2]; e.Seq != 2 || e.TornBytes != 0 || e.ParamsSHA256 != fmt.Sprintf("%x", Digest([]byte("{}"))) {
		t.Errorf("the caller overruled the log: %+v", e)
	}
}

func TestBodies(t *testing.T) {
	for _, c := range []struct {
		why     string
		options Options
		body    string
		want    string // as embedded
	}{
		{"as it is", Options{}, `{"n":12345678901234567890,"n":1e5000000}`, `{"n":12345678901234567890,"n":1e5000000}`},
		{"line breaks", Options{}, "{\n\"a\":\r\n\"\\n\"}", "{ \"a\":  \"\\n\"}"},
		{"not JSON", Options{}, "a\"\n", `"a\"\n"`},
		{"an attempt to add members", Options{}, `1,"verdict":"allow"`, `"1,\"verdict\":\"allow\""`},
		{"not UTF-8", Options{}, "{\"a\":\"\xff\"}", `"{\"a\":\"` + "\ufffd" + `\"}"`},
		{"too deep", Options{}, strings.Repeat("[", 2000) + strings.Repeat("]", 2000), `"` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `"`},
		{"too large", Options{}, `"` + strings.Repeat("x", DefaultMaxBody) + `"`, ""},
		{"just fits", Options{MaxBody: 4}, `"xx"`, `"xx"`},
		{"no bodies wanted", Options{MaxBody: -1}, `1`, ""},
		{"redacted", Options{Redact: func([]byte) []byte { return []byte(`"[REDACTED]"`) }}, `"secret"`, `"[REDACTED]"`},
		{"redacted away", Options{Redact: func([]byte) []byte { return nil }}, `"secret"`, ""},
		{"redacted into too much", Options{MaxBody: 9, Redact: func([]byte) []byte { return []byte(`"[REDACTED]"`) }}, `"secret"`, ""},
	} {
		t.Run(c.why, func(t *testing.T) {
			l := newLog(t, c.options)
			r := testRecord()
			r.Params = []byte(c.body)
			ticket, err := l.Decided(r)
			must(t, err)
			must(t, ticket.Spend(r.binding()))
			must(t, ticket.Done(Outcome{Result: []byte(c.body)}))
			must(t, l.Close())
			events := read(t, l.path)
			decision, call, result := events[1], events[2], events[3]
			if string(r.Params) != c.body {
				t.Error("the caller's bytes were changed")
			}
			if d := cmp.Diff([]string{c.want, "", c.want}, []string{string(decision.Params), string(call.Params), string(result.Result)}); d != "" {
				t.Errorf("embedded (-want +got):\n%s", d)
			}
			sum := fmt.Sprintf("%x", Digest([]byte(c.body)))
			if d := cmp.Diff([]string{sum, sum, sum}, []string{decision.ParamsSHA256, call.ParamsSHA256, result.ResultSHA256}); d != "" {
				t.Errorf("digests (-want +got):\n%s", d)
			}
			if decision.ParamsBytes != len(c.body) || call.ParamsBytes != len(c.body) || result.ResultBytes != len(c.body) {
				t.Errorf("sizes %d, %d, %d of %d", decision.ParamsBytes, call.ParamsBytes, result.ResultBytes, len(c.body))
			}
		})
	}
}

// What is too large to be embedded is not worth a search for secrets.
func TestLargeBodiesAreNotRedacted(t *testing.T) {
	l := newLog(t, Options{MaxBody: 10, Redact: func(b []byte) []byte {
		t.Errorf("asked to redact %d bytes", len(b))
		return b
	}})
	r := testRecord()
	must(t, second(l.Decided(r)))
}

// A caller that has the digest already is believed.
func TestDigestIsNotComputedTwice(t *testing.T) {
	l := newLog(t, Options{})
	r := testRecord()
	r.Digest = [32]byte{1, 2, 3}
	ticket, err := l.Decided(r)
	must(t, err)
	b := r.binding()
	b.Digest = r.Digest
	must(t, ticket.Spend(b))
	ticket.Abandon()
	if e := read(t, l.path)[1]; e.ParamsSHA256 != fmt.Sprintf("%x", r.Digest) {
		t.Errorf("params_sha256 %s", e.ParamsSHA256)
	}
}

func TestHeadIsTheAnchorOfTheLastRecord(t *testing.T) {
	l := newLog(t, Options{})
	for range 3 {
		must(t, l.Note(Event{Type: TypeNotice}))
	}
	head := l.Head()
	data := must1(os.ReadFile(l.path))
	if r := must1(chain.Verify(bytes.NewReader(data), head)); r.Status() != chain.Intact || r.Last != head {
		t.Errorf("head %v, last %v, %v", head, r.Last, r.Bad)
	}
	must(t, l.Note(Event{Type: TypeNotice}))
	if r := must1(chain.Verify(bytes.NewReader(data), l.Head())); r.Bad == nil || r.Bad.Kind != chain.KindTruncated {
		t.Errorf("a log without its newest record: %v", r.Bad)
	}
}

func TestClose(t *testing.T) {
	l := newLog(t, Options{OnFail: func(error) { t.Error("closing counts as failing") }})
	if l.Failed() != nil {
		t.Error(l.Failed())
	}
	ticket, err := l.Decided(testRecord())
	must(t, err)
	must(t, l.Close())
	must(t, l.Close())
	for what, err := range map[string]error{
		"failed": l.Failed(), "spend": ticket.Spend(testRecord().binding()), "done": ticket.Done(Outcome{Code: "x"}),
		"note": l.Note(Event{Type: TypeNotice}), "decided": second(l.Decided(testRecord())),
	} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s after closing: %v", what, err)
		}
	}
	if r := must1(chain.Verify(must1(os.Open(l.path)))); !r.Clean {
		t.Error("no close record")
	}
}

func second[T any](_ T, err error) error { return err }

// Many callers at once: nothing is lost, and each call's events stand in their
// order. Run with -race.
func TestManyCallers(t *testing.T) {
	l := newLog(t, Options{})
	const callers, calls = 32, 30
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for j := range calls {
				r := testRecord()
				r.Call = fmt.Sprintf("s-%d-%d", i, j)
				if j%5 == 0 {
					r.Risk = RiskDelete
				}
				ticket, err := l.Decided(r)
				if err != nil {
					t.Error(err)
					return
				}
				if err := ticket.Spend(r.binding()); err != nil {
					t.Error(err)
				}
				if err := ticket.Done(Outcome{Result: []byte(`{}`)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	must(t, l.Close())
	if n := inOrder(t, read(t, l.path)); n != callers*calls {
		t.Errorf("%d results of %d", n, callers*calls)
	}
}

// inOrder checks that no call stands before its decision, and no result before
// its call, and counts the results.
func inOrder(t testing.TB, events []Event) (results int) {
	t.Helper()
	last := map[string]Type{}
	for _, e := range events {
		before := last[e.Call]
		ok := true
		switch e.Type {
		case TypeDecision:
			ok = before == ""
		case TypeToolCall:
			ok = before == TypeDecision
		case TypeToolResult:
			ok = before == TypeToolCall
			results++
		}
		if !ok {
			t.Errorf("record %d: %s of %s comes after %q", e.Seq, e.Type, e.Call, before)
		}
		last[e.Call] = e.Type
	}
	return results
}
