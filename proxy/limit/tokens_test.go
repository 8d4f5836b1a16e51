package limit

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
)

// samples are texts of the kinds that tools send and return, each well above
// what is counted exactly.
func samples(t testing.TB) map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 24000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	words := strings.Fields(`the server answered with an error that nobody had expected because
		configuration of a remote database was changed while migration ran and operators
		restarted several containers before anybody noticed it took an hour to recover`)
	var prose, numbers, logs strings.Builder
	for i := range 5000 {
		prose.WriteString(words[r.IntN(len(words))])
		prose.WriteString([]string{" ", " ", " ", ", ", ". ", ".\n"}[r.IntN(6)])
		fmt.Fprintf(&numbers, "%d,%.3f\n", r.IntN(1e6), r.Float64()*1000)
		if i%5 == 0 {
			fmt.Fprintf(&logs, "2000-01-%02dT%02d:%02d:00Z INFO request id=%08x path=/api/v1/users/%d status=%d\n",
				i%28+1, i%24, i%60, r.Uint32(), i, 200+i%3)
		}
	}
	code, err := os.ReadFile("budget.go")
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]any
	for i := range 200 {
		rows = append(rows, map[string]any{"id": i, "name": words[r.IntN(len(words))], "ok": i%2 == 0, "tags": words[i%20 : i%20+3]})
	}
	table, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	chinese := []byte(strings.Repeat("数据库连接失败，请稍后再试！今天天气很好。系统管理员已经重新启动了服务器。", 200))
	encoded := []byte(base64.StdEncoding.EncodeToString(noise))
	return map[string][]byte{
		"prose": []byte(prose.String()), "code": code, "json": table, "chinese": chinese,
		"base64": encoded, "hex": fmt.Appendf(nil, "%x", noise), "numbers": []byte(numbers.String()),
		"logs": []byte(logs.String()), "noise": noise, "blanks": bytes.Repeat([]byte(" "), 20000),
		"mixed": bytes.Join([][]byte{[]byte(prose.String())[:8000], encoded[:8000], bytes.Repeat([]byte("\n  "), 2600)}, nil),
	}
}

// TestEstimate holds the estimate to what the comment of Count says of it, over
// many seeds.
func TestEstimate(t *testing.T) {
	const draws = 200
	// The mean error allowed: the worst of random draws would be a test that
	// fails by chance. Blanks are counted double, on the side of the budget.
	allowed := map[string]float64{"blanks": 1.1}
	for name, text := range samples(t) {
		var exact, mean, low, high float64
		for range draws {
			c := NewCounter()
			c.Warm()
			if exact == 0 {
				exact = float64(c.exact(text))
			}
			off := (float64(c.Count(text)) - exact) / exact
			mean += math.Abs(off) / draws
			low, high = min(low, off), max(high, off)
		}
		t.Logf("%-8s %.3f tokens a byte, mean error %.1f %%, worst %+.1f %% %+.1f %%",
			name, exact/float64(len(text)), 100*mean, 100*low, 100*high)
		most := allowed[name]
		if most == 0 {
			most = 0.2
		}
		if mean > most {
			t.Errorf("%s: a mean error of %.2f, want at most %.2f", name, mean, most)
		}
	}
}

func TestCountIsExactWhenShort(t *testing.T) {
	c := NewCounter()
	for _, tc := range []struct {
		text string
		want int
		why  string
	}{
		{"", 0, "no text, no tokens"},
		{"hello world", 2, "two words of the vocabulary"},
		{"tiktoken is great!", 6, "the vendor's own example"},
		{"<|endoftext|>", 7, "a control token written out is plain text"},
	} {
		if got := c.Count([]byte(tc.text)); got != tc.want {
			t.Errorf("Count(%q) = %d, want %d: %s", tc.text, got, tc.want, tc.why)
		}
	}
}

// TestCountIsStable shows that one process judges the same text alike, and that
// another looks elsewhere.
func TestCountIsStable(t *testing.T) {
	text := samples(t)["mixed"]
	c, seen := NewCounter(), map[int]bool{}
	first := c.Count(text)
	for range 20 {
		if got := c.Count(text); got != first {
			t.Fatalf("Count = %d, then %d for the same text", first, got)
		}
		seen[NewCounter().Count(text)] = true
	}
	if len(seen) < 2 {
		t.Error("every process looks at the same places")
	}
}

func TestCountConcurrently(t *testing.T) {
	c := NewCounter()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got := c.Count([]byte("hello world")); got != 2 {
				t.Errorf("Count = %d, want 2", got)
			}
		})
	}
	wg.Wait()
}

func FuzzCount(f *testing.F) {
	c := NewCounter()
	f.Add([]byte("hello"), 100)
	f.Add([]byte("\x80\x80\x80\x80"), 200)
	f.Add([]byte(" \n\t "), 77)
	f.Add([]byte("'ll'S1234漢"), 64)
	f.Fuzz(func(t *testing.T, part []byte, times int) {
		text := bytes.Repeat(part, min(max(times, 0), 1+20000/(1+len(part))))
		got := c.Count(text)
		low := max(1, len(text)/(2*windowBytes))
		if len(text) <= exactBytes {
			low = min(len(text), 1)
		}
		if got < low || got > len(text) {
			t.Fatalf("Count of %d bytes = %d, want %d to %d", len(text), got, low, len(text))
		}
		// More text is never fewer tokens by more than the estimate may err.
		if double := c.Count(bytes.Repeat(text, 2)); 8*double < got {
			t.Fatalf("Count = %d, but %d for twice the text", got, double)
		}
	})
}

func BenchmarkCount(b *testing.B) {
	c := NewCounter()
	c.Warm()
	for _, name := range []string{"prose", "base64", "chinese", "blanks"} {
		text := bytes.Repeat(samples(b)[name], 100)
		for _, size := range []int{100, 256, 10 << 10, 1 << 20} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					c.Count(text[:min(size, len(text))])
				}
			})
		}
	}
}
