package probe

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// useCPU keeps every processor busy for a second, and says how much of them it got. It
// believes the kernel, or else its own watches.
func useCPU(watch bool) int64 {
	var all sync.WaitGroup
	var ran atomic.Int64
	start, before := time.Now(), usage()
	for range runtime.NumCPU() {
		all.Go(func() {
			runtime.LockOSThread()
			ran.Add(int64(runFor(start, time.Second)))
		})
	}
	all.Wait()
	used := usage() - before
	if watch {
		used = time.Duration(ran.Load())
	}
	return int64(used) * 1000 / int64(time.Since(start))
}

// runFor is busy until then, and returns for how long it ran: all but the gaps in which
// somebody else did. gVisor counts a thread as running that the host keeps waiting.
func runFor(start time.Time, long time.Duration) (ran time.Duration) {
	const gap = time.Millisecond
	for last := time.Since(start); last < long; {
		now := time.Since(start)
		if now-last < gap {
			ran += now - last
		}
		last = now
	}
	return ran
}

func usage() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
