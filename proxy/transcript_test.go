package proxy_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/audit"
	"sallyport/policy"
	"sallyport/proxy/approval"
	"sallyport/proxy/approval/form"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what happened into the transcripts")

// TestTranscripts plays whole sessions. Each file under testdata/call says why
// it exists, then holds
//
//	policy.hcl    the policy; all of its servers take part
//	policy2.hcl   optional: the policy after "! the policy changes"
//	session       optional: "role NAME", "show params|result|message|forms",
//	              "open CHANNEL", "waiting N"
//	NAME.answers  what server NAME answers by itself: METHOD [TARGET] RESULT,
//	              or METHOD [TARGET] !ERROR
//	transcript    what is done, and what came of it
//
// In a transcript "WHO > TEXT" is said to the proxy by the client or a server,
// "WHO >+ TEXT" goes out together with what WHO says next, and "! WORDS" is
// something that happens; after "! any order" the next step's outcome is sorted,
// for it sets off several things at once. "WHO < TEXT" is what was heard and "audit = WORDS"
// what was written to the log: both are expectations, which -update writes. In
// what is said, {{N*TEXT}} is TEXT N times, and {{hex:FF}} are bytes. The Nth
// request state that the client heard is written {{state N}}, and {{spoilt N}} is
// the same with a bit flipped.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("../testdata/call/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(bytes.TrimSpace(archive.Comment)) < 40 {
				t.Errorf("the file must say why it exists")
			}
			script := section(archive, "transcript")
			if script == nil {
				t.Fatal("no transcript")
			}
			var got string
			synctest.Test(t, func(t *testing.T) { got = play(t, archive, string(script.Data)) })
			if *update {
				script.Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(script.Data), got); diff != "" {
				t.Errorf("the transcript differs (-want +got):\n%s", diff)
			}
		})
	}
}

func section(a *txtar.Archive, name string) *txtar.File {
	for i := range a.Files {
		if a.Files[i].Name == name {
			return &a.Files[i]
		}
	}
	return nil
}

// play does what a script says, and returns it with what came of it.
func play(t *testing.T, archive *txtar.Archive, script string) string {
	c := config{policy: string(section(archive, "policy.hcl").Data), answers: map[string]string{}}
	show := map[string]bool{}
	for _, f := range archive.Files {
		if name, ok := strings.CutSuffix(f.Name, ".answers"); ok {
			c.answers[name] = string(f.Data)
		}
		if f.Name != "session" {
			continue
		}
		for line := range strings.Lines(string(f.Data)) {
			switch word, rest, _ := strings.Cut(strings.TrimSpace(line), " "); word {
			case "role":
				c.role = rest
			case "show":
				show[rest] = true
			case "open":
				c.open = append(c.open, rest)
			case "waiting":
				c.waiting, _ = strconv.Atoi(rest)
			default:
				t.Fatalf("session: unknown word %q", word)
			}
		}
	}
	// Servers that must not start are known before the session is.
	for line := range strings.Lines(script) {
		if name, ok := strings.CutSuffix(strings.TrimSpace(line), " does not start"); ok && strings.HasPrefix(name, "! ") {
			c.broken = append(c.broken, name[2:])
		}
	}
	p := &player{t: t, x: newSession(t, c), show: show, held: map[string]string{}}
	if f := section(archive, "policy2.hcl"); f != nil {
		p.policy2 = f.Data
	}
	p.loose = true
	p.settle()
	for line := range strings.Lines(script) {
		p.line(strings.TrimSuffix(line, "\n"))
	}
	p.x.end()
	p.loose = true
	p.settle()
	return p.out.String()
}

type player struct {
	t    *testing.T
	x    *session
	show map[string]bool
	held map[string]string // said together with what comes next
	// loose says that what comes of the next step may come in any order: each
	// party's lines are sorted.
	loose   bool
	out     strings.Builder
	policy2 []byte
	states  []string // request states that the client has heard
}

var spoken = regexp.MustCompile(`^(\S+)\s+(>\+?|<|=) ?(.*)$`)

func (p *player) line(line string) {
	switch m := spoken.FindStringSubmatch(line); {
	case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		p.out.WriteString(line + "\n")
		return
	case line == "! any order":
		p.out.WriteString(line + "\n")
		p.loose = true
		return
	case strings.HasPrefix(line, "! "):
		p.out.WriteString(line + "\n")
		p.do(strings.TrimPrefix(line, "! "))
	case m == nil:
		p.t.Fatalf("not understood: %q", line)
	case m[2] == "<" || m[2] == "=":
		return
	case m[2] == ">+":
		p.out.WriteString(line + "\n")
		p.held[m[1]] += p.withStates(expand(m[3])) + "\n"
		return
	default:
		p.out.WriteString(line + "\n")
		text := p.held[m[1]] + p.withStates(expand(m[3])) + "\n"
		delete(p.held, m[1])
		if m[1] == "client" {
			p.x.client.say(text)
		} else {
			p.x.fake(m[1]).say(text)
		}
	}
	p.settle()
}

// do makes something happen.
func (p *player) do(words string) {
	who, what, _ := strings.Cut(words, " ")
	switch {
	case who == "wait":
		d, err := time.ParseDuration(what)
		if err != nil {
			p.t.Fatal(err)
		}
		time.Sleep(d)
	case words == "log is deleted":
		if err := os.Remove(p.x.logFile); err != nil {
			p.t.Fatal(err)
		}
		p.x.logGone = true
	case words == "client closes":
		p.x.client.in.Close()
	case words == "client vanishes":
		p.x.client.vanish()
	case strings.HasPrefix(words, "client stops within "):
		p.x.client.sayRaw(expand(strings.TrimPrefix(words, "client stops within ")))
		p.x.client.in.Close()
	case what == "does not start":
	case what == "is no longer heard": // how much a server hears of its end depends on who is quicker
		p.x.fake(who).silence()
	case what == "starts again":
		p.x.fake(who).refuse("")
	case what == "cannot start":
		p.x.fake(who).refuse("no such program")
	case strings.HasPrefix(what, "exits: "):
		p.x.fake(who).exit(strings.TrimPrefix(what, "exits: "))
	case strings.HasPrefix(what, "stops within "):
		p.x.fake(who).sayRaw(expand(strings.TrimPrefix(what, "stops within ")))
		p.x.fake(who).exit("exit status 1")
	case strings.HasPrefix(what, "will answer "):
		p.x.fake(who).learn(p.t, strings.TrimPrefix(what, "will answer "))
	case strings.HasPrefix(what, "will not answer "):
		p.x.fake(who).forget(strings.TrimPrefix(what, "will not answer "))
	case words == "the policy changes":
		next, err := policy.Parse(p.policy2, "policy2.hcl")
		if err == nil {
			err = p.x.proxy.Reload(next)
		}
		if err != nil {
			p.t.Fatal(err)
		}
	case strings.HasPrefix(what, "approves ") || strings.HasPrefix(what, "refuses ") || strings.HasPrefix(what, "revokes "):
		p.answer(who, what)
	default:
		p.t.Fatalf("not understood: ! %s", words)
	}
}

// answer is "approves ID at CHANNEL [for DURATION [any]]", "refuses ID at CHANNEL
// [REASON]" or "revokes ID at CHANNEL". What comes of it, if it is an error, is
// written down.
func (p *player) answer(who, what string) {
	f := strings.Fields(what)
	verb, id, channel, rest := f[0], f[1], f[3], f[4:]
	a := approval.Answer{Approver: who, Channel: channel}
	var err error
	switch verb {
	case "revokes":
		err = p.x.desk.Revoke(id, who, channel)
	case "approves":
		a.Word = form.Approve
		if len(rest) > 1 {
			a.For, _ = time.ParseDuration(rest[1])
			a.Any = len(rest) > 2
		}
		err = p.x.desk.Answer(id, a)
	default:
		a.Reason = strings.Join(rest, " ")
		err = p.x.desk.Answer(id, a)
	}
	if err != nil {
		fmt.Fprintf(&p.out, "%-6s = %s\n", who, err)
	}
}

var (
	stateText = regexp.MustCompile(`sp1\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+`)
	stateName = regexp.MustCompile(`\{\{(state|spoilt) (\d+)\}\}`)
)

// withStates puts request states in for their names.
func (p *player) withStates(text string) string {
	return stateName.ReplaceAllStringFunc(text, func(s string) string {
		m := stateName.FindStringSubmatch(s)
		n, _ := strconv.Atoi(m[2])
		state := []byte(p.states[n-1])
		if m[1] == "spoilt" {
			last := &state[len(state)-8]
			*last = map[bool]byte{true: 'B', false: 'A'}[*last == 'A']
		}
		return string(state)
	})
}

// named puts names in for request states.
func (p *player) named(lines []string) []string {
	for i := range lines {
		lines[i] = stateText.ReplaceAllStringFunc(lines[i], func(s string) string {
			n := slices.Index(p.states, s)
			if n < 0 {
				n = len(p.states)
				p.states = append(p.states, s)
			}
			return fmt.Sprintf("{{state %d}}", n+1)
		})
	}
	return lines
}

// settle waits until nothing moves any more, and writes down what came of it.
func (p *player) settle() {
	synctest.Wait()
	for _, f := range p.x.fakes {
		p.wrote(f.name, "<", f.heard())
	}
	p.wrote("client", "<", p.named(p.x.client.heard()))
	var events []string
	for _, e := range p.x.events() {
		// That a call of tier read was sent may be written as late as its end.
		if e.Type != "tool_call" || e.Risk != "read" {
			events = append(events, p.event(e))
		}
	}
	p.wrote("audit", "=", events)
	p.loose = false
}

func (p *player) wrote(who, mark string, lines []string) {
	if p.loose {
		slices.Sort(lines)
	}
	for _, text := range lines {
		if len(text) > 600 && !p.show["forms"] {
			text = fmt.Sprintf("%s … %s (%d bytes)", text[:120], text[len(text)-60:], len(text))
		}
		fmt.Fprintf(&p.out, "%-6s %s %s\n", who, mark, text)
	}
}

// event is a record of the log in a few words.
func (p *player) event(e event) string {
	var words []string
	add := func(word string) {
		if word != "" {
			words = append(words, word)
		}
	}
	add(e.Type)
	add(e.Method)
	target := e.Server
	if e.Tool != "" {
		target += "/" + e.Tool
	}
	add(target)
	add(e.Risk)
	add(e.Verdict)
	add(e.Code)
	if e.Status != "not_needed" {
		add(e.Status)
	}
	if e.Rule != "" && e.Type == "decision" {
		add("by " + e.Rule)
	}
	add(e.Question)
	add(e.Channel)
	add(e.Approver)
	if e.Severity == "critical" {
		add(e.Severity)
	}
	if e.IsError {
		add("is_error")
	}
	for _, f := range e.Findings {
		add(fmt.Sprintf("(%s: %s at %s, %d to %d)", f.Action, f.Rule, f.At, f.Start, f.End))
	}
	if len(e.Findings) > 0 && e.Severity == "" {
		add("NOT EVEN A WARNING")
	}
	if p.show["params"] && e.Params != nil {
		add(string(e.Params))
	}
	if p.show["result"] && e.Result != nil {
		add(string(e.Result))
	}
	if p.show["message"] && e.Message != "" {
		add(strconv.Quote(e.Message))
	}
	return strings.Join(words, " ")
}

var repeated = regexp.MustCompile(`\{\{(\d+)\*(.*?)\}\}`)
var rawBytes = regexp.MustCompile(`\{\{hex:([0-9a-f]+)\}\}`)

func expand(text string) string {
	text = repeated.ReplaceAllStringFunc(text, func(s string) string {
		m := repeated.FindStringSubmatch(s)
		n, _ := strconv.Atoi(m[1])
		return strings.Repeat(m[2], n)
	})
	return rawBytes.ReplaceAllStringFunc(text, func(s string) string {
		b, _ := hex.DecodeString(rawBytes.FindStringSubmatch(s)[1])
		return string(b)
	})
}

// event is what the tests read of a record of the audit log.
type event struct {
	Type     string          `json:"type"`
	Agent    string          `json:"agent"`
	Call     string          `json:"call"`
	Method   string          `json:"method"`
	Server   string          `json:"server"`
	Tool     string          `json:"tool"`
	Risk     string          `json:"risk"`
	Verdict  string          `json:"verdict"`
	Code     string          `json:"code"`
	Status   string          `json:"approval_status"`
	Severity string          `json:"severity"`
	Question string          `json:"question"`
	Channel  string          `json:"channel"`
	Approver string          `json:"approver"`
	Rule     string          `json:"rule"`
	Message  string          `json:"message"`
	IsError  bool            `json:"is_error"`
	Params   json.RawMessage `json:"params"`
	Digest   string          `json:"params_sha256"`
	Result   json.RawMessage `json:"result"`
	Findings []audit.Finding `json:"findings"`
}
