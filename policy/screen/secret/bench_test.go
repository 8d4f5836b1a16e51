package secret

import (
	"strings"
	"testing"
)

func long(s string, n int) string { return strings.Repeat(s, n/len(s)+1)[:n] }

// clean are texts without secrets, of the kinds that tools handle most.
var clean = map[string]string{
	"code":  long("func (s *Store) Get(key string) (value, token string) { return s.m[key] } // see https://example.com/a?b=c: it is key=1. ", 16<<10),
	"go":    long("func (s *Store) Put(ctx context.Context, key string, value []byte) error {\n\tif len(key) == 0 {\n\t\treturn errEmptyKey\n\t}\n\ts.mu.Lock()\n\tdefer s.mu.Unlock()\n\tif old, ok := s.items[key]; ok && bytes.Equal(old, value) {\n\t\treturn nil\n\t}\n\tnext := State{Name: \"ready\", Count: 12, Done: ok}\n\treturn s.flush(ctx, next)\n}\n\n", 16<<10),
	"prose": long("The committee met on Tuesday to look at the figures for the third quarter. Sales in the north had grown a little, while the two shops near the harbour reported fewer visitors than in spring: Anna asked whether the new opening hours were to blame. ", 16<<10),
	"json":  long(`{"id":4711,"node":"MDQ6VXNlcjE=","name":"harbour","private":false,"owner":{"login":"anna","url":"https://api.example.com/users/anna"},"description":"Opening hours of the shops","size":1042,"topics":["time","place"],"created_at":"2024-05-01T08:00:00Z"},`+"\n", 16<<10),
	"lines": long("{\n  \"kind\": \"list\",\n  \"total\": 3,\n  \"entries\": [\n    {\n      \"title\": \"Opening hours\",\n      \"path\": \"docs/hours.md\",\n      \"size\": 512\n    }\n  ]\n}\n", 16<<10),
	"table": long("2024-05-01;12;13.5;north;0.25\n2024-05-02;14;11.0;south;0.75\n", 16<<10),
}

func BenchmarkClean(b *testing.B) {
	f := New()
	for name, text := range clean {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				f.Find(text)
			}
		})
	}
}
