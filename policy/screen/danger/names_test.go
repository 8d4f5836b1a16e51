package danger

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sallyport/policy/handling"
)

// TestNames: a policy can speak of every rule, and of none that there is not.
func TestNames(t *testing.T) {
	name := regexp.MustCompile(`"((?:floor|path|shell|sql|template|url)\.[a-z_]+)"`)
	written := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		src, err := os.ReadFile(path)
		for _, m := range name.FindAllStringSubmatch(string(src), -1) {
			written[strings.Replace(m[1], ".", "/", 1)] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	known := handling.Unwritten()
	for rule := range written {
		if !slices.Contains(known, rule) {
			t.Errorf("handling does not know %s", rule)
		}
	}
	for _, rule := range known {
		family, _, _ := strings.Cut(rule, "/")
		if family != "hidden" && family != "classifier" && !written[rule] {
			t.Errorf("handling knows %s, which nothing finds", rule)
		}
	}
}
