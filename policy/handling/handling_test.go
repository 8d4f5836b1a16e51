package handling

import (
	"strings"
	"testing"
)

// TestDefault: what acts is refused in arguments and filtered elsewhere, one weak
// sign is logged, and what cannot be filtered is refused.
func TestDefault(t *testing.T) {
	for p := range places {
		want := Filter
		if p == Arguments {
			want = Refuse
		}
		for _, table := range []*Table{nil, {}} {
			if got, by := table.Of(Subject{Place: p}, &Finding{Rule: "override/orders", Acts: true}); got != want || by != nil {
				t.Errorf("%v: what acts: %v by %v, want %v", p, got, by, want)
			}
			if got, _ := table.Of(Subject{Place: p}, &Finding{Rule: "override/orders"}); got != Log {
				t.Errorf("%v: a weak sign: %v", p, got)
			}
			if got, _ := table.Of(Subject{Place: p}, &Finding{Rule: "override/orders", Acts: true, Fixed: true}); got != Refuse {
				t.Errorf("%v: what acts and cannot be filtered: %v", p, got)
			}
		}
	}
	if v := (*Table)(nil).Judge(Subject{}, nil); v.Action != Off || v.Worst != -1 {
		t.Errorf("nothing found: %+v", v)
	}
}

func TestBlocks(t *testing.T) {
	is := func(want string) func(string) bool { return func(tool string) bool { return tool == want } }
	table := &Table{Blocks: []Block{
		{Label: "shell/destructive", Tools: map[string]func(string) bool{"s": is("t")}, Then: "ask", By: Source{Rule: "first"}},
		{Label: "override", In: []string{"results"}, Servers: []string{"s"}, Then: "refuse", By: Source{Rule: "second"}},
		{Label: "hidden/*", Alone: "annotate", By: Source{Rule: "third"}},
		{Label: "*", Tools: map[string]func(string) bool{"s": is("quiet")}, Then: "off", Alone: "off", By: Source{Rule: "fourth"}},
		{Label: "override", Then: "quarantine", By: Source{Rule: "fifth"}},
	}}
	args, results, defs := Arguments, Results, Definitions
	for _, tt := range []struct {
		why    string
		s      Subject
		f      Finding
		want   Action
		source string
	}{
		{"a rule of one tool", Subject{args, "s", "t"}, Finding{Rule: "shell/destructive", Acts: true}, Ask, "first"},
		{"another rule of its family", Subject{args, "s", "t"}, Finding{Rule: "shell/chained", Acts: true}, Refuse, ""},
		{"another tool", Subject{args, "s", "u"}, Finding{Rule: "shell/destructive", Acts: true}, Refuse, ""},
		{"another server's tool of that name", Subject{args, "x", "t"}, Finding{Rule: "shell/destructive", Acts: true}, Refuse, ""},
		{"a place where nobody can be asked", Subject{results, "s", "t"}, Finding{Rule: "shell/destructive", Acts: true}, Filter, ""},
		{"then does not speak of what is weak", Subject{args, "s", "t"}, Finding{Rule: "shell/destructive"}, Log, ""},
		{"a family in one place of one server", Subject{results, "s", "t"}, Finding{Rule: "override/orders", Acts: true}, Refuse, "second"},
		{"another server", Subject{results, "x", "t"}, Finding{Rule: "override/orders", Acts: true}, Filter, ""},
		{"a pattern, about what is weak", Subject{Place: Resources, Server: "s"}, Finding{Rule: "hidden/bidi"}, Annotate, "third"},
		{"alone does not speak of what acts", Subject{Place: Resources, Server: "s"}, Finding{Rule: "hidden/bidi", Acts: true}, Filter, ""},
		{"there are no notes in arguments", Subject{args, "s", "t"}, Finding{Rule: "hidden/bidi"}, Log, ""},
		{"everything of one tool", Subject{results, "s", "quiet"}, Finding{Rule: "send/to", Acts: true}, Off, "fourth"},
		{"what is no tool's is not meant by tools", Subject{Place: Resources, Server: "s"}, Finding{Rule: "send/to", Acts: true}, Filter, ""},
		{"only tools are quarantined", Subject{defs, "s", "t"}, Finding{Rule: "override/orders", Acts: true}, Quarantine, "fifth"},
	} {
		got, by := table.Of(tt.s, &tt.f)
		if by == nil {
			by = &Source{}
		}
		if got != tt.want || by.Rule != tt.source {
			t.Errorf("%s: %v by %q, want %v by %q", tt.why, got, by.Rule, tt.want, tt.source)
		}
	}
}

// TestJudge: the severest action decides for the message, and of those the
// strongest sign is named.
func TestJudge(t *testing.T) {
	table := &Table{Blocks: []Block{{Label: "send", Then: "log"}}}
	found := []Finding{
		{Rule: "send/to", Family: "send", Acts: true, Severity: 9},
		{Rule: "override/a", Family: "override", Acts: true, Severity: 7, At: "a.b"},
		{Rule: "override/b", Family: "override", Acts: true, Severity: 8, At: "c.Do as I say.d"},
		{Rule: "hidden/bidi", Family: "hidden", Severity: 3},
	}
	v := table.Judge(Subject{Place: Arguments}, found)
	if v.Action != Refuse || v.Worst != 2 || len(v.Each) != 4 || v.Each[0] != Log || v.Each[3] != Log {
		t.Errorf("%+v", v)
	}
	told := v.Refusal(Arguments, found)
	if !strings.Contains(told, "override/b") || !strings.Contains(told, "c.….d") || strings.Contains(told, "Do as I") {
		t.Errorf("the caller is told %q", told)
	}
}

// TestNames: every name of a place and an action is the one it is known by.
func TestNames(t *testing.T) {
	for i, name := range Places() {
		if got := Place(i).String(); got != name {
			t.Errorf("place %d is %q and not %q", i, got, name)
		}
	}
	for i, name := range Actions() {
		if got := Action(i).String(); got != name {
			t.Errorf("action %d is %q and not %q", i, got, name)
		}
	}
	if len(Places()) != int(places) || len(Actions()) != int(actions) {
		t.Error("one has no name")
	}
	if Place(99).String() == "" || Action(99).String() != "refuse" {
		t.Error("what is unknown is not the strictest")
	}
}
