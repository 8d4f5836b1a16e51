package secret

import "math"

// hash is of the first three bytes of a word: twelve bits.
func hash(three uint32) uint32 { return three & 0xffffff * 0x9e3779b1 >> 20 }

// words are looked for in a text, all at once and in any case.
type words struct {
	at    [1 << 12]uint8 // by the hash of their first three bytes
	lists [][]string
}

// newWords takes words of at least three bytes, in lower case.
func newWords(all []string) *words {
	w := &words{lists: make([][]string, 1)}
	for _, one := range all {
		h := hash(folded(one[0]) | folded(one[1])<<8 | folded(one[2])<<16)
		if w.at[h] == 0 {
			w.at[h] = uint8(len(w.lists))
			w.lists = append(w.lists, nil)
		}
		w.lists[w.at[h]] = append(w.lists[w.at[h]], one)
	}
	return w
}

func folded(c byte) uint32 { return uint32(c | 0x20) }

// within says whether a text holds one of the words.
func within[T string | []byte](w *words, text T) bool {
	three := uint32(0)
	for i := range len(text) {
		three = three>>8 | folded(text[i])<<16
		if i < 2 {
			continue
		}
		for _, one := range w.lists[w.at[hash(three)]] {
			if starts(text[i-2:], one) {
				return true
			}
		}
	}
	return false
}

func starts[T string | []byte](text T, one string) bool {
	if len(text) < len(one) {
		return false
	}
	for i := range len(one) {
		if c := text[i]; c != one[i] && (c < 'A' || c > 'Z' || c+'a'-'A' != one[i]) {
			return false
		}
	}
	return true
}

// judged is how much of a value is looked at to tell whether it is random.
const judged = 128

// surprise is n·log2(n).
var surprise = func() (of [judged + 1]float64) {
	for n := 2; n <= judged; n++ {
		of[n] = float64(n) * math.Log2(float64(n))
	}
	return of
}()

// entropy is Shannon's, in bits a byte.
func entropy(s string) float64 {
	s = s[:min(len(s), judged)]
	if s == "" {
		return 0
	}
	var count [128]uint8
	for i := range len(s) {
		count[s[i]&127]++
	}
	bits := surprise[len(s)]
	for i := range len(s) {
		bits -= surprise[count[s[i]&127]]
		count[s[i]&127] = 0
	}
	return bits / float64(len(s))
}
