package tier_test

import (
	"testing"

	"sallyport/policy/tier"
)

func TestTier(t *testing.T) {
	for _, c := range []struct {
		tier   tier.Tier
		word   string
		person bool
	}{
		{tier.Read, "read", false},
		{tier.Modify, "modify", false},
		{tier.Delete, "delete", true},
		{tier.External, "external", true},
		{0, "delete", true},
		{77, "delete", true},
		{tier.Infer, "delete", true},
	} {
		if c.tier.String() != c.word || c.tier.NeedsPerson() != c.person {
			t.Errorf("%d: %s, needs a person: %v", c.tier, c.tier, c.tier.NeedsPerson())
		}
	}
	for _, word := range []string{"read", "modify", "delete", "external"} {
		if got := tier.Parse(word); got.String() != word {
			t.Errorf("Parse(%q) = %v", word, got)
		}
	}
	if got := tier.Parse("infer"); got != tier.Infer {
		t.Errorf("Parse(infer) = %v", got)
	}
	for _, word := range []string{"", "Read", "none"} {
		if got := tier.Parse(word); got != tier.Delete {
			t.Errorf("Parse(%q) = %v", word, got)
		}
	}
}

// Names as real servers give them. What says too little is delete.
func TestOf(t *testing.T) {
	for name, want := range map[string]tier.Tier{
		"read_file": tier.Read, "readFile": tier.Read, "list-directory": tier.Read, "getIssue": tier.Read, "HTTPGet": tier.External,
		"search_repositories": tier.Read, "describe_table": tier.Read, "directory_tree": tier.Read, "kubectl_get": tier.Read,
		"list_deleted_items": tier.Read, "get_update_status": tier.Read, "file.stat": tier.Read, "get_workflow_run": tier.Read,
		"write_file": tier.Modify, "create_issue": tier.Modify, "edit_file": tier.Modify, "move_file": tier.Modify, "git_commit": tier.Modify,
		"addComment": tier.Modify, "browser_click": tier.Modify,
		"delete_file": tier.Delete, "kubectl_delete": tier.Delete, "drop_table": tier.Delete, "run_command": tier.Delete, "shell_exec": tier.Delete,
		"execute_sql": tier.Delete, "read_and_delete": tier.Delete, "get_or_create": tier.Modify, "bash": tier.Delete, "eval": tier.Delete,
		"query": tier.Delete, "pg_query": tier.Delete, "invoke": tier.Delete, "frobnicate": tier.Delete, "": tier.Delete, "工具": tier.Delete,
		"merge_pull_request": tier.Delete, "reset": tier.Delete, "find_and_replace": tier.Delete,
		"send_email": tier.External, "fetch": tier.External, "upload_file": tier.External, "brave_web_search": tier.External,
		"get_webhook": tier.External, "browser_navigate": tier.External, "git_push": tier.External, "list_then_send": tier.External,
		"delete_web_page": tier.External,
	} {
		if got := tier.Of(name, nil); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

// FuzzRaise: annotations never lower a tier, and a fact more never does.
func FuzzRaise(f *testing.F) {
	f.Add("get_x", uint8(1), uint8(0x1b))
	f.Fuzz(func(t *testing.T, name string, of, bits uint8) {
		is := func(i int) *bool {
			v := bits>>(2*i)&1 == 1
			if bits>>(2*i)&2 == 0 {
				return nil
			}
			return &v
		}
		facts := &tier.Facts{ReadOnly: is(0), Destructive: is(1), OpenWorld: is(2)}
		base := tier.Tier(of)
		if got := facts.Raise(base); got < base.OrDelete() || got != got.OrDelete() {
			t.Errorf("%v became %v", base, got)
		}
		said := facts.Destructive != nil && *facts.Destructive || facts.OpenWorld != nil && *facts.OpenWorld
		if got := tier.Of(name, facts); said && got < tier.Delete || got < tier.Of(name, nil) && tier.Of(name, nil) != tier.Delete {
			t.Errorf("%q: annotations made it %v", name, got)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	yes := true
	facts := &tier.Facts{ReadOnly: &yes}
	b.ReportAllocs()
	for b.Loop() {
		tier.Of("list_directory_with_sizes", facts)
	}
}
