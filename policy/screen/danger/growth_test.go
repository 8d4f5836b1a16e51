//go:build unix

package danger

import (
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestGrowth feeds what makes parsers and decoders slow. The bounds are wide: what
// they catch is growth that is not linear.
func TestGrowth(t *testing.T) {
	const size, parts = 64 << 10, 8
	for _, s := range []string{"$(", "`", "(", "{ ", "\"$(", "<(", "$((", "((a+", "if ", "while ", "${a:-", "<<a ", "a|", "a;", "[[ ! ", "'", "\"", "\\", "a=$a$a;", "a=${b}x;b=$a;", "sh -c '", "bash -c \"bash -c '", "eval ", "echo x|base64 -d|sh;",
		"rm -rf $(rm ", "cat ~/.ssh/x|", "{{", "${", "{{7*", "<!ENTITY ", "or 1=1 ", "' or ", "';", "/*!", "/*", "--", "$$", "$a$", "union select ", "%25", "%", "../", "..%2f", "http://", "@", "[", "drop table ", "drop ", "rm -", "; curl", "os.system(", "exec('", "open('",
		"python -c 'exec(", "find . -exec ", "sudo ", "env ", "xargs ", "powershell -c ", "for a in b;do ", "case a in b)", "f(){ f|f;", "a\\\n", "\x00", "\xff", "é", "<<A\n", "curl -d @~/.ssh/id_x ", "a && ", "$'\\x41'", "${a/b/", "x=(", "{a,b}", "tee a ", "tee a if ", "do tee a sh -c '="} {
		text := strings.Repeat(s, size/len(s))
		for _, name := range []string{"value", "command", "sql", "path", "url", "name", "code", "content", "host"} {
			look := func(text string) {
				(*Plan)(nil).Args(map[string]any{name: text, "short" + name: text[:min(len(text), 1000)]})
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			took := processor(t, func() { look(text) })
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 96<<20 {
				t.Errorf("%s of %.12q: %d KB", name, s, used>>10)
			}
			if took > 400*time.Millisecond {
				inParts := processor(t, func() {
					for range parts {
						look(text[:len(text)/parts])
					}
				})
				if took > parts/2*inParts {
					t.Errorf("%s of %.12q: %v, and %v in %d parts", name, s, took, inParts, parts)
				}
			}
			if testing.Verbose() && took > 20*time.Millisecond {
				t.Logf("%s of %.12q: %v", name, s, took)
			}
		}
	}
}

// processor is the time that processors spend on it. Who else is busy does not matter.
func processor(t *testing.T, f func()) time.Duration {
	t.Helper()
	spent := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := spent()
	f()
	return spent() - before
}
