package sandbox

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	lineLimit   = 4 << 10 // of a line as given to the operator
	lineRate    = 100     // lines a second
	lineBurst   = 200
	keptLines   = 20
	keptBytes   = 2 << 10 // of the last words
	cutMark     = " … (cut)"
	reportEvery = time.Second
)

// words cuts a child's standard error into lines, passes on so many of them a
// second, and keeps the last.
type words struct {
	tell func([]byte)

	line []byte // of which no end has come yet
	cut  bool   // line was longer than it is

	tokens   float64
	refilled time.Time
	dropped  int
	reported time.Time

	mu   sync.Mutex
	kept []string // raw, oldest first
}

func newWords(tell func([]byte)) *words {
	if tell == nil {
		tell = func([]byte) {}
	}
	return &words{tell: tell, line: make([]byte, 0, lineLimit), tokens: lineBurst}
}

func (w *words) feed(p []byte, now time.Time) {
	for len(p) > 0 {
		line, rest, whole := bytes.Cut(p, []byte{'\n'})
		room := lineLimit - len(w.line)
		w.cut = w.cut || len(line) > room
		w.line = append(w.line, line[:min(len(line), room)]...)
		if whole {
			w.finish(now)
		}
		p = rest
	}
}

// finish ends the line that has been gathered.
func (w *words) finish(now time.Time) {
	line := bytes.TrimSuffix(w.line, []byte{'\r'})
	w.keep(line)
	if w.allowed(now) {
		w.tell(printable(line, w.cut))
	} else {
		w.dropped++
	}
	w.line, w.cut = w.line[:0], false
	w.report(now)
}

func (w *words) allowed(now time.Time) bool {
	if !w.refilled.IsZero() {
		w.tokens = min(lineBurst, w.tokens+now.Sub(w.refilled).Seconds()*lineRate)
	}
	w.refilled = now
	if w.tokens < 1 {
		return false
	}
	w.tokens--
	return true
}

// report says how many lines were dropped, once in a while.
func (w *words) report(now time.Time) {
	if w.dropped == 0 || now.Sub(w.reported) < reportEvery {
		return
	}
	w.tell(fmt.Appendf(nil, "… %d lines dropped", w.dropped))
	w.dropped, w.reported = 0, now
}

// end gives what is left: a last line without a newline, and the last report.
func (w *words) end(now time.Time) {
	if len(w.line) > 0 {
		w.finish(now)
	}
	w.reported = time.Time{}
	w.report(now)
}

// keep remembers the line, whether or not it is passed on.
func (w *words) keep(line []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.kept) == keptLines {
		w.kept = append(w.kept[:0], w.kept[1:]...)
	}
	w.kept = append(w.kept, string(line[:min(len(line), keptBytes)]))
}

// last is the newest of the kept lines that fit.
func (w *words) last() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []string
	size := 0
	for _, raw := range slices.Backward(w.kept) {
		line := string(printable([]byte(raw), false))
		if room := keptBytes - size; len(line) > room {
			if len(lines) > 0 {
				break
			}
			line = strings.ToValidUTF8(line[:room], "")
		}
		lines = append(lines, line)
		size += len(line) + len("\n")
	}
	slices.Reverse(lines)
	return strings.Join(lines, "\n")
}

// printable returns the line with everything that a terminal could act on, or an
// eye could miss, written as an escape. It is at most lineLimit bytes, and ends in
// a mark if it was or is cut.
func printable(line []byte, cut bool) []byte {
	out := make([]byte, 0, len(line)+len(cutMark))
	fits := 0 // length of out when the mark last fitted behind it
	for len(line) > 0 {
		r, n := utf8.DecodeRune(line)
		out = appendPrintable(out, r, line[:n])
		line = line[n:]
		if len(out) > lineLimit {
			cut = true
			break
		}
		if len(out) <= lineLimit-len(cutMark) {
			fits = len(out)
		}
	}
	if cut {
		out = append(out[:min(fits, len(out))], cutMark...)
	}
	return out
}

func appendPrintable(out []byte, r rune, raw []byte) []byte {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return fmt.Appendf(out, `\x%02x`, raw[0])
	case strconv.IsPrint(r):
		return append(out, raw...)
	case r == '\t':
		return append(out, `\t`...)
	case r < 0x80:
		return fmt.Appendf(out, `\x%02x`, r)
	}
	return fmt.Appendf(out, `\u{%x}`, r)
}
