//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

const benchPolicy = `
server "notes" {
  sandbox "none" {}
  tool "list_notes"  { risk = "read" }
  tool "delete_note" { risk = "delete" }
}
role "r" { allow = ["notes/*"] }
`

// BenchmarkWhileQuestionsWait makes calls that need nobody, one after the other,
// through the built program: with no question waiting, and with a hundred. The
// median call is reported.
func BenchmarkWhileQuestionsWait(b *testing.B) {
	bin := filepath.Join(b.TempDir(), "sallyport")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	config := filepath.Join(b.TempDir(), "policy.hcl")
	if err := os.WriteFile(config, []byte(benchPolicy), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, waiting := range []int{0, 100, 0, 100} {
		b.Run(fmt.Sprintf("waiting=%d", waiting), func(b *testing.B) {
			c := exec.Command(bin, "wrap", "--config", config, "--audit", filepath.Join(b.TempDir(), "log"), "--log-level", "off", "--", bin, "demo-server")
			c.Env = append(os.Environ(), "XDG_STATE_HOME="+b.TempDir(), "XDG_RUNTIME_DIR=")
			s, err := begin(c)
			if err != nil {
				b.Fatal(err)
			}
			s.person = "accept" // who is not heard from: the forms are never read
			if err := s.speak("init", ""); err != nil {
				b.Fatal(err)
			}
			for i := range waiting {
				if err := s.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":"q%d","method":"tools/call","params":{"name":"delete_note","arguments":{"title":"%d"}}}`, i, i)); err != nil {
					b.Fatal(err)
				}
			}
			for range waiting {
				if _, err := s.read(); err != nil {
					b.Fatal(err)
				}
			}
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				if a, err := s.call("list_notes", "{}"); err != nil || !a.ok() {
					b.Fatalf("%v %v", a, err)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns/op")
			_ = s.in.Close()
			_ = c.Wait()
		})
	}
}
