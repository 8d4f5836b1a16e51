package ending

import (
	"strings"
	"testing"
)

// What a process prints into the kernel's log must not pass for the kernel's word.
func TestOOMRecord(t *testing.T) {
	id := strings.Repeat("ab", 32)
	for record, want := range map[string]bool{
		"6,1,2,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),oom_memcg=/libpod_parent/libpod-" + id + ",task=x": true,
		"6,1,2,-;oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),task_memcg=/libpod-" + id:                           false,
		"6,1,2,-;oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/libpod-" + strings.Repeat("cd", 32):                     false,
		"4,1,2,-;tool: oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/libpod-" + id:                                     false,
	} {
		if got := oomRecord([]byte(record), id); got != want {
			t.Errorf("%v: %s", got, record)
		}
	}
}
