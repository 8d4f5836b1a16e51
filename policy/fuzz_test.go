package policy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/tools/txtar"

	"sallyport/policy"
	"sallyport/policy/reason"
	"sallyport/policy/spelling"
)

// FuzzParse: what is accepted is accepted again and means the same, and lets
// nothing through for a role, a server or a kind that it does not name.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"load/*.txtar", "decide/*.txtar"} {
		files, _ := filepath.Glob(filepath.Join("..", "testdata", pattern))
		for _, file := range files {
			a, err := txtar.ParseFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(a.Files[0].Data))
		}
	}
	example, err := os.ReadFile(filepath.Join("..", "config.hcl.example"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	f.Fuzz(func(t *testing.T, src string) {
		p, err := policy.Parse([]byte(src), "p.hcl")
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Error("refused without a word")
			}
			return
		}
		q, err := policy.Parse([]byte(src), "p.hcl")
		if err != nil {
			t.Fatalf("accepted, then refused: %v", err)
		}
		if diff := cmp.Diff(p.Servers(), q.Servers(), cmpopts.IgnoreUnexported(policy.Server{})); diff != "" {
			t.Errorf("servers (-first +second)\n%s", diff)
		}
		if diff := cmp.Diff(p.Warnings(), q.Warnings()); diff != "" || p.Digest() != q.Digest() {
			t.Errorf("warnings (-first +second)\n%s", diff)
		}
		for _, c := range someCalls(p) {
			first, second := p.Decide(c), q.Decide(c)
			if verdict(first) != verdict(second) {
				t.Errorf("%+v: %s, then %s", c, verdict(first), verdict(second))
			}
			if first.Allowed() && first.Tier().NeedsPerson() && !strings.HasPrefix(first.Rule(), "approval ") {
				t.Errorf("%+v: allowed without a person: %s", c, verdict(first))
			}
			if terms := first.Terms(); (terms != nil) != first.NeedsPerson() {
				t.Errorf("%+v: %s, terms %v", c, verdict(first), terms)
			} else if terms != nil && (len(terms.Via) == 0 || terms.Timeout <= 0 || terms.Life <= 0 || terms.Quorum < 1 || terms.Widen == "") {
				t.Errorf("%+v: terms %+v", c, terms)
			}
			stranger := c
			stranger.Role = "\x00nobody"
			if d := p.Decide(stranger); d.Code() != reason.RoleUnknown || d.Allowed() || d.NeedsPerson() {
				t.Errorf("%+v: %s", stranger, verdict(d))
			}
			stranger = c
			stranger.Server += "/"
			if d := p.Decide(stranger); d.Allowed() || d.NeedsPerson() {
				t.Errorf("%+v: %s", stranger, verdict(d))
			}
		}
	})
}

func someCalls(p *policy.Policy) []policy.Call {
	args := map[string]any{"path": "/data/x", "n": json.Number("5"), "list": []any{"a", nil}, "url": "https://x.y/"}
	var calls []policy.Call
	for _, role := range p.Roles() {
		for _, s := range p.Servers() {
			for _, name := range []string{"get", "read", "x"} {
				calls = append(calls, policy.Call{Role: role, Server: s.Name, Kind: policy.ToolCall, Name: name, Args: args, Tool: &policy.ToolFacts{}})
			}
		}
	}
	return calls[:min(len(calls), 100)]
}

// FuzzDecide: deny always wins, and nothing passes that no allow pattern
// matches, both told by regular expressions.
func FuzzDecide(f *testing.F) {
	f.Add("read*", "*secret*", "read_secret", true)
	f.Add("file:///**", "file:///a/*", "file:///a/b", false)
	f.Fuzz(func(t *testing.T, allow, deny, name string, isTool bool) {
		src := `
server "s" {
  sandbox "none" {}
  tool "*" { risk = "read" }
}
role "r" {
  allow = [` + spelling.Quote("s/"+allow) + `]
  deny  = [` + spelling.Quote("s/"+deny) + `]
  resources {
    allow = [` + spelling.Quote("s/"+allow) + `]
    deny  = [` + spelling.Quote("s/"+deny) + `]
  }
}
`
		p, err := policy.Parse([]byte(src), "p.hcl")
		if err != nil || !utf8.ValidString(allow+deny+name) || len(allow)+len(deny) > 100 {
			return
		}
		c := policy.Call{Role: "r", Server: "s", Kind: policy.ResourceRead, Name: name, Tool: &policy.ToolFacts{}}
		stars := strings.NewReplacer(`\*\*`, `.*`, `\*`, `[^/]*`, `\?`, `[^/]`)
		if isTool {
			c.Kind = policy.ToolCall
			stars = strings.NewReplacer(`\*`, `.*`, `\?`, `.`)
		}
		matches := func(pattern string) bool {
			return regexp.MustCompile(`(?s)\A` + stars.Replace(regexp.QuoteMeta(nfc(pattern))) + `\z`).MatchString(name)
		}
		d := p.Decide(c)
		if d.Allowed() && (!matches(allow) || matches(deny)) || d.NeedsPerson() {
			t.Errorf("allow %q, deny %q: %v %q: %s", allow, deny, c.Kind, name, verdict(d))
		}
		if matches(allow) && matches(deny) && d.Code() != reason.Denied && d.Code() != reason.Malformed {
			t.Errorf("allow %q, deny %q: %v %q: %s", allow, deny, c.Kind, name, verdict(d))
		}
		if d.Allowed() != p.Admits(c.Role, c.Kind, c.Server, c.Name) {
			t.Error("Admits and Decide disagree")
		}
	})
}

// nfc is what HCL makes of a text.
func nfc(s string) string {
	p, err := policy.Parse([]byte("server \"s\" {\n  command = [\"x\", "+spelling.Quote(s)+"]\n  sandbox \"none\" {}\n}\nrole \"r\" {\n  allow = []\n}\n"), "p.hcl")
	if err != nil {
		return s
	}
	return p.Servers()[0].Command[1]
}
