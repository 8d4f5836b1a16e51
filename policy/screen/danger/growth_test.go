package danger

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestGrowth feeds what makes parsers and decoders slow. The bounds are wide, for
// a busy machine: what they catch is growth that is not linear.
func TestGrowth(t *testing.T) {
	const size = 64 << 10
	for _, s := range []string{"$(", "`", "(", "{ ", "\"$(", "<(", "$((", "((a+", "if ", "while ", "${a:-", "<<a ", "a|", "a;", "[[ ! ", "'", "\"", "\\", "a=$a$a;", "a=${b}x;b=$a;", "sh -c '", "bash -c \"bash -c '", "eval ", "echo x|base64 -d|sh;",
		"rm -rf $(rm ", "cat ~/.ssh/x|", "{{", "${", "{{7*", "<!ENTITY ", "or 1=1 ", "' or ", "';", "/*!", "/*", "--", "$$", "$a$", "union select ", "%25", "%", "../", "..%2f", "http://", "@", "[", "drop table ", "drop ", "rm -", "; curl", "os.system(", "exec('", "open('",
		"python -c 'exec(", "find . -exec ", "sudo ", "env ", "xargs ", "powershell -c ", "for a in b;do ", "case a in b)", "f(){ f|f;", "a\\\n", "\x00", "\xff", "é", "<<A\n", "curl -d @~/.ssh/id_x ", "a && ", "$'\\x41'", "${a/b/", "x=(", "{a,b}", "tee a ", "tee a if ", "do tee a sh -c '="} {
		text := strings.Repeat(s, size/len(s))
		for _, name := range []string{"value", "command", "sql", "path", "url", "name", "code", "content", "host"} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			(*Plan)(nil).Args(map[string]any{name: text, "short" + name: text[:min(len(text), 1000)]})
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; took > 400*time.Millisecond || used > 96<<20 {
				t.Errorf("%s of %.12q: %v, %d KB", name, s, took, used>>10)
			}
			if testing.Verbose() && took > 20*time.Millisecond {
				t.Logf("%s of %.12q: %v", name, s, took)
			}
		}
	}
}
