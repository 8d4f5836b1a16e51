package catalogue

import (
	"fmt"
	"strings"
	"testing"
)

func page(tools ...string) []byte { return []byte(`{"tools":[` + strings.Join(tools, ",") + `]}`) }

// enter reads a page and enters it in the present epoch.
func (c *Catalogue) enter(first, last bool, tools ...string) []Entry {
	list := c.Read(page(tools...), true)
	c.Enter(c.Now(), list, first, last)
	return list
}

func quarantined(d *Definition) bool { return d != nil && d.Facts.Quarantined != "" }

func TestQuarantine(t *testing.T) {
	tests := []struct {
		why, tool string
		bad       bool
	}{
		{"the plain case", `{"name":"a","inputSchema":{"type":"object"}}`, false},
		{"no schema takes any object", `{"name":"a"}`, false},
		{"unknown members are no harm", `{"name":"a","x":{"name":"b"}}`, false},
		{"a schema that leads nowhere", `{"name":"a","inputSchema":{"$ref":"#"}}`, true},
		{"a schema elsewhere", `{"name":"a","inputSchema":{"$ref":"https://x/y"}}`, true},
		{"two schemas", `{"name":"a","inputSchema":{"required":["x"]},"inputSchema":{}}`, true},
		{"two schemas to a lenient reader", `{"name":"a","inputSchema":{"required":["x"]},"InputSchema":{}}`, true},
		{"one that folds only in Unicode", `{"name":"a","inputSchema":{"required":["x"]},"input\u017fchema":{}}`, true},
		{"two descriptions", `{"name":"a","description":"good","Description":"evil"}`, true},
		{"too many members", `{"name":"a"` + strings.Repeat(`,"k`+strings.Repeat("x", 1)+`":1`, 1) + manyKeys(70) + `}`, true},
		{"a name that is no text", `{"name":["a"]}`, true},
		{"no name", `{}`, true},
		{"no object", `7`, true},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			var c Catalogue
			list := c.enter(true, true, tt.tool)
			if got := quarantined(list[0].Def); got != tt.bad {
				t.Errorf("quarantined: %v (%s)", got, list[0].Def.Facts.Quarantined)
			}
			if tt.bad && list[0].Def.Schema != nil {
				t.Error("it has a schema to call it by")
			}
		})
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"key%d":1`, i)
	}
	return b.String()
}

func TestHints(t *testing.T) {
	var c Catalogue
	e := c.Read(page(`{"name":"a","annotations":{"readOnlyHint":true,"destructiveHint":false,"openWorldHint":"true"}}`), true)[0]
	f := e.Def.Facts
	if f.ReadOnly == nil || !*f.ReadOnly || f.Destructive == nil || *f.Destructive {
		t.Error("hints are not read")
	}
	if f.OpenWorld != nil || f.Idempotent != nil {
		t.Error("a hint is believed that was not given")
	}
}

// TestTwice: whatever the order and the paging, a name that is listed in two ways
// is quarantined in the end, and no second listing of one of them frees it.
func TestTwice(t *testing.T) {
	one, two, other := `{"name":"a"}`, `{"name":"a","description":"x"}`, `{"name":"b"}`
	tests := []struct {
		why   string
		pages [][]string
		bad   bool
	}{
		{"two ways", [][]string{{one, two}}, true},
		{"the last again", [][]string{{one, two, two}}, true},
		{"the first again", [][]string{{one, two, one}}, true},
		{"another between", [][]string{{one, other, two}}, true},
		{"on two pages", [][]string{{one}, {two}}, true},
		{"on three pages", [][]string{{one}, {two}, {two}}, true},
		{"twice the same", [][]string{{one, one}}, false},
		{"twice the same on two pages", [][]string{{one}, {one}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			var c Catalogue
			for i, p := range tt.pages {
				c.enter(i == 0, i == len(tt.pages)-1, p...)
			}
			d, sure := c.Find("a")
			if !sure || quarantined(d) != tt.bad {
				t.Errorf("found %v, sure %v", d, sure)
			}
			if d, _ := c.Find("b"); quarantined(d) {
				t.Error("another tool is quarantined with it")
			}
			// A new list by itself is believed.
			c.enter(true, true, two)
			if d, _ := c.Find("a"); quarantined(d) {
				t.Error("it stays quarantined for ever")
			}
		})
	}
}

func TestEpochs(t *testing.T) {
	var c Catalogue
	if _, sure := c.Find("a"); sure {
		t.Error("an empty catalogue is sure of something")
	}
	before := c.Now()
	old := c.Read(page(`{"name":"a"}`), true)
	c.Changed()
	c.Enter(before, old, true, true)
	if _, sure := c.Find("a"); sure || c.Complete() {
		t.Error("a list from before the change counts")
	}
	c.enter(true, true, `{"name":"b"}`)
	c.Enter(before, old, true, true)
	if d, sure := c.Find("b"); d == nil || !sure {
		t.Error("a list from before the change replaces one from after it")
	}
	if d, sure := c.Find("a"); d != nil || !sure {
		t.Error("a tool is known that is not listed any more")
	}
	c.Changed()
	if _, sure := c.Find("b"); sure {
		t.Error("a tool from before the change counts")
	}
	c.enter(true, false, `{"name":"a"}`)
	if d, sure := c.Find("a"); d == nil || !sure {
		t.Error("what stands on the first page is not known")
	}
	if _, sure := c.Find("b"); sure || c.Complete() {
		t.Error("half a list counts as all of it")
	}
}

func TestNotCompiledAgain(t *testing.T) {
	var c Catalogue
	tool := `{"name":"a","inputSchema":{"required":["x"]}}`
	first := c.enter(true, true, tool)
	second := c.enter(true, true, tool)
	if !first[0].New || second[0].New || first[0].Def.Schema != second[0].Def.Schema {
		t.Error("the same definition is compiled again")
	}
	if third := c.enter(true, true, tool[:len(tool)-1]+" }"); !third[0].New {
		t.Error("another spelling counts as the same")
	}
}

// TestBound keeps a server from filling memory with tools.
func TestBound(t *testing.T) {
	var tools []string
	for i := range maxTools + 100 {
		tools = append(tools, fmt.Sprintf(`{"name":"t%d"}`, i))
	}
	var c Catalogue
	c.enter(true, true, tools...)
	if len(c.tools) > maxTools {
		t.Errorf("%d definitions are kept, at most %d", len(c.tools), maxTools)
	}
}

func TestSchemasOff(t *testing.T) {
	var c Catalogue
	list := c.Read(page(`{"name":"a","inputSchema":{"$ref":"#"}}`), false)
	if quarantined(list[0].Def) || list[0].Def.Schema != nil {
		t.Error("a schema is read that nobody asked for")
	}
}
