package audit

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sallyport/audit/chain"
)

// SyncMode says which events wait until they are on stable storage.
type SyncMode uint8

const (
	// SyncByTier lets a decision about a call wait for fdatasync, unless it
	// is a refusal or the call is of tier read.
	SyncByTier SyncMode = iota
	// SyncAlways lets every event wait, but for a tool_call of tier read.
	SyncAlways
)

// DefaultMaxBody is the size up to which parameters and results are embedded.
const DefaultMaxBody = 8 << 10

// maxMaxBody keeps the longest line below what package chain reads as one.
const maxMaxBody = 4 << 20

// Options are read once, by Open.
type Options struct {
	Sync SyncMode
	// MaxBody bounds, in bytes, what is embedded of parameters and results,
	// before and after redaction. 0 means DefaultMaxBody, less than 0 nothing;
	// more than 4 MiB means 4 MiB.
	MaxBody int
	// Redact takes secrets out of a body (JSON of at most MaxBody bytes)
	// before it is written. It must leave its argument as it is and may be
	// called from several goroutines. Digests are of the original.
	Redact func(body []byte) []byte
	// Version, Policy (a digest) and Host go into genesis and resume records;
	// Policy also into every event that names none.
	Version, Policy, Host string
	// OnFail is called once, with a *FailedError, when the log fails in use.
	// It is not called for an error of Open, nor by Close.
	OnFail func(error)

	pid int // stands in for the process id, where a test needs the same bytes again
}

// Log is an open log. Its methods may be called from several goroutines. It
// starts none itself.
type Log struct {
	path    string
	options Options
	file    *os.File
	id      fileID               // of the file at path, as opened
	flush   func(*os.File) error // syncData
	onFail  func(error)          // Options.OnFail, once the log is open

	mu      sync.Mutex
	wrote   sync.Cond // after each write, and on failure
	flushed sync.Cond // after each sync, and on failure
	buf     []byte    // lines waiting to be written
	spare   []byte    // the buffer that was written last
	lines   int       // in buf
	last    int       // lines in the last write
	link    chain.Link
	queued  int64 // file offset behind the last line of buf
	written int64 // file offset reached by write
	synced  int64 // file offset reached by fdatasync
	writing bool
	syncing bool
	closed  bool
	failed  error
}

// ErrInUse is wrapped by the error of Open when another process holds the log.
var ErrInUse = errors.New("audit log is in use by another sallyport")

// FailedError says that the log can no longer be written, why, and what to do.
// Once a log returned one, it returns it for everything.
type FailedError struct {
	Path   string
	What   string // what failed
	Remedy string // what the operator can do
	Err    error  // the cause, if the system named one
}

func (e *FailedError) Error() string {
	s := "audit log " + e.Path + ": " + e.What
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s + " (every call is refused until sallyport is restarted; " + e.Remedy + ")"
}

func (e *FailedError) Unwrap() error { return e.Err }

// Open opens the log at path, or begins one, and returns once its genesis or
// resume record is on stable storage. Missing folders are made with mode 0700
// and the file with 0600. Open refuses a symbolic link, anything but a regular
// file, a file that another user owns or that group or others may write, a
// file that another process has open as a log, and a file whose last records
// do not chain. It reads only the last records: see chain.Verify for all of them.
func Open(path string, o Options) (*Log, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("opening audit log: %w", err)
	}
	o.MaxBody = min(cmp.Or(o.MaxBody, DefaultMaxBody), maxMaxBody)
	l := &Log{path: path, options: o, flush: syncData}
	l.wrote.L, l.flushed.L = &l.mu, &l.mu
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("opening audit log: %w", err)
	}
	l.onFail = o.OnFail
	return l, nil
}

func (l *Log) open() (err error) {
	l.file, l.id, err = openFile(l.path)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			l.file.Close()
		}
	}()
	info, err := l.file.Stat()
	if err != nil {
		return err
	}
	end, err := chain.ReadTail(l.file, info.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", l.path, err)
	}
	l.link = end.Link
	l.queued, l.written, l.synced = info.Size(), info.Size(), info.Size()
	if end.Open {
		l.buf = append(l.buf, '\n')
		l.queued++
	}
	e := Event{
		Policy: l.options.Policy, Version: l.options.Version, Host: l.options.Host,
		PID: cmp.Or(l.options.pid, os.Getpid()), Schema: FormatVersion,
		TornBytes: end.TornBytes, TornSHA256: end.TornSHA256,
	}
	kind := TypeResume
	if end.Link.Next() == 0 {
		kind = TypeGenesis
	}
	if err := l.record(&entry{kind: kind, subject: appendSubject(nil, &e), detail: &e}, onDisk); err != nil {
		return err
	}
	if info.Size() == 0 {
		return syncDir(l.path)
	}
	return nil
}

// Decided records a decision and returns when it is on disk: written, for a
// refusal and for a call of tier read; synced, for everything else. It returns
// a ticket only for the verdict allow, (nil, nil) for any other, and a
// *FailedError if the decision could not be recorded.
func (l *Log) Decided(r Record) (*Ticket, error) {
	if r.Digest == ([sha256.Size]byte{}) {
		r.Digest = Digest(r.Params)
	}
	l.fill(&r.Event)
	subject := appendSubject(make([]byte, 0, 384), &r.Event)
	var params body
	if len(r.Params) > 0 {
		params = l.weigh(r.Params, r.Digest)
	}
	allowed := r.Verdict == VerdictAllow
	need := onDisk
	if !allowed || r.Risk == RiskRead {
		need = handedOver
	}
	e := entry{kind: TypeDecision, subject: subject, detail: &r.Event, params: params}
	if err := l.record(&e, need); err != nil {
		return nil, err
	}
	if !allowed {
		return nil, nil
	}
	return &Ticket{
		log:     l,
		bound:   Binding{Server: r.Server, Method: r.Method, Name: r.Tool, Digest: r.Digest},
		subject: subject,
		prompt:  r.Risk != RiskRead,
		params:  body{present: params.present, size: params.size, sum: params.sum},
	}, nil
}

// Note records an event that belongs to no ticket. Its type must be error or
// notice: the others say something about a call that only its ticket can say.
func (l *Log) Note(e Event) error {
	if e.Type != TypeError && e.Type != TypeNotice {
		return fmt.Errorf("noting an event of type %q: only error and notice can be noted", e.Type)
	}
	l.fill(&e)
	return l.record(&entry{
		kind: e.Type, subject: appendSubject(nil, &e), detail: &e,
		params: l.weigh(e.Params, [sha256.Size]byte{}), result: l.weigh(e.Result, [sha256.Size]byte{}),
	}, handedOver)
}

func (l *Log) fill(e *Event) {
	if e.Policy == "" {
		e.Policy = l.options.Policy
	}
}

// Failed returns nil while the log can be written, and a *FailedError after it
// failed or was closed.
func (l *Log) Failed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refusal()
}

// Head names the newest record, written or about to be. Kept away from the
// log, it lets chain.Verify find what the log alone cannot show.
func (l *Log) Head() chain.Anchor {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.link.Anchor()
}

// Close writes a close record, syncs and closes the file. What is asked of the
// log afterwards is refused. A second Close does nothing.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	err := l.failed
	if err == nil {
		err = l.awaitSynced(l.enqueue(&entry{kind: TypeClose, detail: &Event{}}))
	}
	for l.writing {
		l.wrote.Wait()
	}
	for l.syncing {
		l.flushed.Wait()
	}
	if e := l.file.Close(); e != nil && err == nil {
		err = fmt.Errorf("closing audit log: %w", e)
	}
	return err
}

// refusal is why nothing can be recorded now, or nil.
func (l *Log) refusal() error {
	if l.failed == nil && l.closed {
		return &FailedError{Path: l.path, What: "closed", Remedy: "it was closed in good order", Err: os.ErrClosed}
	}
	return l.failed
}

func microseconds(d time.Duration) int64 { return max(0, d.Microseconds()) }
