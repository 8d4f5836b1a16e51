package limit

import (
	"hash/maphash"
	"math/rand/v2"
	"sync"
	"unicode/utf8"

	"github.com/tiktoken-go/tokenizer"
)

// How much of a text is read. On text that it has not seen the tokenizer does
// 16 MB/s of prose and 5 MB/s of base64, so 256 bytes are what a call can afford.
const (
	exactBytes  = 256 // up to here, every byte is read
	windows     = 8   // above, this many windows
	windowBytes = 32  // of at most this many bytes
)

// Counter counts tokens as cl100k_base cuts them. It loads its vocabulary once
// for the process, at first use. The zero Counter is ready. It is safe for
// concurrent use.
type Counter struct {
	once  sync.Once
	words *memory // nil if the vocabulary could not be loaded
	seed  maphash.Seed
}

// NewCounter makes a counter that has loaded nothing yet.
func NewCounter() *Counter { return &Counter{} }

// Warm loads the vocabulary now, so that the first call need not wait for it:
// some 12 ms and 3.4 MB, once for the process.
func (c *Counter) Warm() { c.once.Do(c.load) }

func (c *Counter) load() {
	c.seed = maphash.MakeSeed()
	if codec, err := tokenizer.Get(tokenizer.Cl100kBase); err == nil {
		c.words = &memory{codec: codec, counts: map[string]int{}}
	}
}

// Count says how many tokens the text is: 0 for no text, else at least 1 and
// at most its bytes. Invalid UTF-8 is counted like any other bytes.
//
// Up to 256 bytes the count is exact (beyond ASCII, all but). A longer text is estimated from eight
// windows of 32 bytes, one somewhere in each eighth of the text, for the same
// price whatever its length. The same text gives the same estimate as long as
// the process lives, but nobody outside knows where the windows lie. Measured
// on prose, code, JSON, logs, numbers, Chinese, base64 and mixtures of them,
// the mean error is 1 to 12 %, rather too much than too little, and the worst
// in hundreds of draws 45 %. Nothing is counted at less than a token for 64
// bytes, so that long runs of blanks count double.
func (c *Counter) Count(text []byte) int {
	c.Warm()
	if len(text) <= exactBytes {
		return c.exact(text)
	}
	draw := c.draw(text)
	halves, seen := 0, 0 // tokens counted in halves, bytes read
	for i := range windows {
		from, to := len(text)*i/windows, len(text)*(i+1)/windows
		at := from + int(draw.Uint64N(uint64(to-from-windowBytes+1)))
		w := whole(text[at : at+windowBytes])
		// A window cuts a token at both ends, which leaves half a token too much.
		halves += 2*c.exact(w) - 1
		seen += len(w)
	}
	n := int64(halves) * int64(len(text)) / int64(2*seen)
	return int(min(max(n, 1), int64(len(text))))
}

// draw is where the windows of this text lie. It depends on a seed of the
// process, so that an upstream cannot put its cheap text where we look.
func (c *Counter) draw(text []byte) *rand.Rand {
	var h maphash.Hash
	h.SetSeed(c.seed)
	h.Write(text[:windowBytes])
	h.Write(text[len(text)-windowBytes:])
	return rand.New(rand.NewPCG(h.Sum64(), uint64(len(text))))
}

// whole trims a window to whole runes. In text that is not UTF-8 it leaves the
// window as it is, but for at most three bytes at each end.
func whole(w []byte) []byte {
	for range utf8.UTFMax - 1 {
		if utf8.RuneStart(w[0]) {
			break
		}
		w = w[1:]
	}
	for n := 1; n < utf8.UTFMax; n++ {
		last := w[len(w)-n:]
		if utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				w = w[:len(w)-n]
			}
			break
		}
	}
	return w
}

// exact reads every byte. Where the tokenizer fails it takes the most that the
// text can be, one token a byte.
func (c *Counter) exact(text []byte) int {
	if c.words == nil {
		return len(text)
	}
	n, ok := c.words.count(text)
	if !ok {
		return len(text)
	}
	return min(max(n, 1), len(text))
}
