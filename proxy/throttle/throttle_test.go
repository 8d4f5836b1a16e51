package throttle

import (
	"testing"
	"time"
)

func TestPass(t *testing.T) {
	var x ByKind
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	passed := 0
	for range 1000 {
		if x.Pass("junk", now) {
			passed++
		}
	}
	if passed != most {
		t.Errorf("%d of 1000 passed, want %d", passed, most)
	}
	if !x.Pass("exited", now) {
		t.Error("one kind silences another")
	}
	if x.Pass("junk", now.Add(span)) {
		t.Error("one more passed before its minute was over")
	}
	if !x.Pass("junk", now.Add(span+time.Second)) {
		t.Error("nothing passes in the next minute")
	}
}
