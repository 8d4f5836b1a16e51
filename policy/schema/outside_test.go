package schema_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"sallyport/policy/schema"
)

// TestToolsLists compiles every schema of real servers' tool lists, if the
// environment names a folder of them, and reports how many are refused.
func TestToolsLists(t *testing.T) {
	dir := os.Getenv("SALLYPORT_TOOLS_LISTS")
	if dir == "" {
		t.Skip("SALLYPORT_TOOLS_LISTS names no folder")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[schema.Reason]int{}
	schemas, servers := 0, 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var list struct {
			Tools []struct {
				Name         string          `json:"name"`
				InputSchema  json.RawMessage `json:"inputSchema"`
				OutputSchema json.RawMessage `json:"outputSchema"`
			} `json:"tools"`
		}
		if err := json.Unmarshal(raw, &list); err != nil {
			t.Fatalf("reading %s: %v", filepath.Base(file), err)
		}
		if len(list.Tools) > 0 {
			servers++
		}
		for _, tool := range list.Tools {
			for _, raw := range []json.RawMessage{tool.InputSchema, tool.OutputSchema} {
				if raw == nil {
					continue
				}
				schemas++
				_, err := schema.Compile(raw)
				var bad *schema.Rejected
				if errors.As(err, &bad) {
					reasons[bad.Reason]++
					t.Logf("%s %s: %v", filepath.Base(file), tool.Name, err)
				}
			}
		}
	}
	t.Logf("%d servers, %d schemas, refused: %v", servers, schemas, reasons)
}
