package audit

import (
	"errors"
	"runtime"
	"syscall"
	"time"
)

// level says what a caller waits for. The zero value is the safest.
type level uint8

const (
	onDisk     level = iota // fdatasync returned
	handedOver              // write returned
	inQueue                 // goes out with the next write
)

// keep is how much of a write buffer is kept for the next write.
const keep = 1 << 20

// record queues one event and waits until it has reached the level.
func (l *Log) record(e *entry, need level) error {
	if l.options.Sync == SyncAlways && need == handedOver {
		need = onDisk
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refusal(); err != nil {
		return err
	}
	end := l.enqueue(e)
	switch need {
	case inQueue:
		return nil
	case handedOver:
		return l.awaitWritten(end)
	default:
		return l.awaitSynced(end)
	}
}

// enqueue chains one line to the queue and returns the file offset behind it.
// The queue is the one place where records get their order, so the chain, the
// numbers and the times are made here, under the lock.
func (l *Log) enqueue(e *entry) int64 {
	start := len(l.buf)
	l.buf = l.link.Begin(l.buf, time.Now(), string(e.kind))
	l.buf = appendMembers(l.buf, e)
	l.buf = l.link.Seal(l.buf, start)
	l.lines++
	l.queued += int64(len(l.buf) - start)
	return l.queued
}

// awaitWritten returns nil once everything before the offset was written. The
// first caller that finds nobody writing writes for all.
func (l *Log) awaitWritten(end int64) error {
	for l.written < end {
		switch {
		case l.failed != nil:
			return l.failed
		case l.writing:
			l.wrote.Wait()
		default:
			l.write()
		}
	}
	return nil
}

// awaitSynced returns nil once everything before the offset was synced. While
// somebody syncs, those who wait for the next sync leave their lines queued:
// the next to sync writes them all.
func (l *Log) awaitSynced(end int64) error {
	for l.synced < end {
		switch {
		case l.failed != nil:
			return l.failed
		case l.syncing:
			l.flushed.Wait()
		default:
			l.sync()
		}
	}
	return nil
}

// write writes the queue in one write(2). It gives up the lock meanwhile.
func (l *Log) write() {
	l.writing = true
	if l.last > 1 {
		// Others were busy a moment ago: let them queue their lines first.
		l.mu.Unlock()
		runtime.Gosched()
		l.mu.Lock()
	}
	batch, from := l.buf, l.written
	l.last, l.lines = l.lines, 0
	l.buf = l.spare[:0]
	l.mu.Unlock()

	err := l.check(from)
	if err == nil {
		if _, werr := l.file.Write(batch); werr != nil {
			err = l.fault("writing", werr)
		}
	}

	l.mu.Lock()
	l.writing = false
	if cap(batch) > keep {
		batch = nil
	}
	l.spare = batch
	if err != nil {
		l.fail(err)
		return
	}
	l.written = from + int64(len(batch))
	l.wrote.Broadcast()
}

// sync writes the queue and syncs it. It gives up the lock meanwhile.
func (l *Log) sync() {
	l.syncing = true
	err := l.awaitWritten(l.queued)
	upto := l.written
	if err == nil {
		l.mu.Unlock()
		err = l.flush(l.file)
		l.mu.Lock()
		if err != nil {
			l.syncing = false
			l.fail(l.fault("syncing", err))
			return
		}
		l.synced = upto
	}
	l.syncing = false
	l.flushed.Broadcast()
}

// check finds that the file was deleted, replaced, truncated or written by
// another since the last write, which ended at the offset.
func (l *Log) check(size int64) error {
	id, now, err := statPath(l.path)
	what := ""
	switch {
	case err != nil:
		what = "deleted or out of reach while in use"
	case id != l.id:
		what = "replaced by another file while in use"
	case now < size:
		what = "truncated by another while in use"
	case now > size:
		what = "written by another while in use"
	default:
		return nil
	}
	return &FailedError{
		Path: l.path, What: what, Err: err,
		Remedy: "keep what is left of it as evidence, check it with `sallyport audit verify`, and move it away first",
	}
}

func (l *Log) fault(doing string, err error) error {
	remedy := "check the disk and the file's permissions first"
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		remedy = "make room for it first"
	}
	return &FailedError{Path: l.path, What: doing + " failed", Err: err, Remedy: remedy}
}

// fail is the end of the log. It gives up the lock to announce it.
func (l *Log) fail(err error) {
	first := l.failed == nil
	if first {
		l.failed = err
	}
	l.buf = nil
	l.wrote.Broadcast()
	l.flushed.Broadcast()
	if first && l.onFail != nil {
		l.mu.Unlock()
		defer l.mu.Lock()
		l.onFail(err)
	}
}
