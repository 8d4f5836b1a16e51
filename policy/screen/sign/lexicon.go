package sign

import (
	_ "embed"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

//go:embed words.txt
var wordList string

// turnable are words that, turned, are words of no language: two of them are enough
// to read the text once more the other way.
const turnable = "ignore disregard forget override previous prior instructions instruction guidelines directives system prompt reveal assistant password secret hidden rules"

// entry is a word that means something.
type entry struct {
	word        string
	first, last uint64 // its first and its last eight bytes
	id          uint16 // of what it means, among the masks
	talk        uint8  // which word of security talk it is, plus one
	turn        uint8  // 1 in ROT13, 2 backwards
}

// Lexicon is the vocabulary: what a word means, found in a few nanoseconds.
type Lexicon struct {
	seen    [1024]uint64 // one bit for each hash: most words end here
	slots   []uint16     // entries by hash, plus one
	entries []entry
	masks   []Mask             // what words mean; the first is nothing
	stemmed [64]uint64         // one bit for each beginning of four letters
	stems   map[uint32][]entry // by those
	wide    map[rune][]entry   // terms of scripts without spaces, longest first
	widened [64]uint64         // one bit for each low part of their first rune
	names   map[string]int
	common  []int // how common each concept is, 0 (rare) to 9
	talk    int   // the concept of security talk
}

const slotBits = 13

// newLexicon reads words.txt: lines "concept commonness: words". A word that ends
// in * is a stem; words of other scripts than Latin, Cyrillic and Greek are found
// anywhere in a text, without spaces around them.
func newLexicon(turns [2]func(string) string) *Lexicon {
	l := &Lexicon{slots: make([]uint16, 1<<slotBits), stems: map[uint32][]entry{}, wide: map[rune][]entry{}, names: map[string]int{}, masks: make([]Mask, 1)}
	for _, n := range ownNames {
		l.name(n, 9)
	}
	masks := map[string]Mask{}
	var order []string
	for line := range strings.Lines(wordList) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		head, words, _ := strings.Cut(line, ":")
		var concept string
		var common int
		if n, _ := fmt.Sscanf(head, "%s %d", &concept, &common); n != 2 {
			panic("words.txt: " + line)
		}
		c := bit(l.name(concept, common))
		for _, w := range strings.Fields(words) {
			if _, ok := masks[w]; !ok {
				order = append(order, w)
			}
			masks[w] = masks[w].or(c)
		}
	}
	l.talk = l.names["talk"]
	talked := 0
	for _, w := range order {
		e := entry{word: w, id: uint16(len(l.masks))}
		l.masks = append(l.masks, masks[w].or(bit(isRead)))
		if masks[w].any(bit(l.talk)) {
			e.talk = uint8(talked%64) + 1
			talked++
		}
		l.add(e)
	}
	for _, w := range strings.Fields(turnable) {
		l.add(entry{word: turns[0](w), turn: 1})
		l.add(entry{word: turns[1](w), turn: 2})
	}
	for _, terms := range l.wide {
		sort.SliceStable(terms, func(i, j int) bool { return len(terms[i].word) > len(terms[j].word) })
	}
	return l
}

func (l *Lexicon) name(concept string, common int) int {
	i, ok := l.names[concept]
	if !ok {
		i = len(l.names)
		if i >= concepts {
			panic("words.txt: too many concepts")
		}
		l.names[concept] = i
		l.common = append(l.common, common)
	}
	return i
}

func (l *Lexicon) add(e entry) {
	first, _ := utf8.DecodeRuneInString(e.word)
	stem, isStem := strings.CutSuffix(e.word, "*")
	switch {
	case first >= utf8.RuneSelf:
		l.wide[first] = append(l.wide[first], e)
		l.widened[first>>6&63] |= 1 << (first & 63)
	case isStem:
		if len(stem) < 4 {
			panic("words.txt: stem shorter than four letters: " + e.word)
		}
		e.word = stem
		k := uint32(loadWord(stem, 0, 4))
		l.stems[k] = append(l.stems[k], e)
		h := stemHash(k)
		l.stemmed[h>>6] |= 1 << (h & 63)
	default:
		if len(e.word) > 32 {
			panic("words.txt: too long: " + e.word)
		}
		e.first = loadWord(e.word, 0, len(e.word))
		if len(e.word) > 8 {
			e.last = loadWord(e.word, len(e.word)-8, 8)
		}
		l.entries = append(l.entries, e)
		h := hash(e.word, 0, len(e.word), loadWord(e.word, 0, len(e.word)))
		l.seen[h>>6&1023] |= 1 << (h & 63)
		for i := h & (1<<slotBits - 1); ; i = (i + 1) & (1<<slotBits - 1) {
			if l.slots[i] == 0 {
				l.slots[i] = uint16(len(l.entries))
				break
			}
		}
	}
}

// loadWord packs up to eight bytes of a text into one number, letters in lower
// case.
func loadWord(s string, i, n int) uint64 {
	const lower = 0x2020202020202020
	if i+8 <= len(s) {
		b := s[i : i+8]
		v := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		v |= lower
		if n < 8 {
			v &= 1<<(8*n) - 1
		}
		return v
	}
	v := uint64(0)
	for k := range min(n, 8) {
		v |= uint64(s[i+k]|0x20) << (8 * k)
	}
	return v
}

// hash of the word s[i:i+n], whose first eight bytes are first.
func hash(s string, i, n int, first uint64) uint32 {
	h := first * 0x9E3779B97F4A7C15
	if n > 8 {
		h ^= loadWord(s, i+n-8, 8) * 0xC2B2AE3D27D4EB4F
	}
	h ^= uint64(n) * 0xD6E8FEB86659FD93
	return uint32(h >> 40)
}

func stemHash(k uint32) uint32 { return k * 0x9E3779B1 >> 20 }

// find looks up the word text[i:j], which is not empty.
func (l *Lexicon) find(text string, i, j int) *entry {
	n := j - i
	if n > 32 {
		return nil
	}
	first := loadWord(text, i, n)
	h := hash(text, i, n, first)
	if l.seen[h>>6&1023]&(1<<(h&63)) != 0 {
		for k := h & (1<<slotBits - 1); l.slots[k] != 0; k = (k + 1) & (1<<slotBits - 1) {
			if e := &l.entries[l.slots[k]-1]; len(e.word) == n && e.first == first && (n <= 8 || e.last == loadWord(text, j-8, 8) && (n <= 16 || equalFold(e.word, text[i:j]))) {
				return e
			}
		}
	}
	if n < 4 {
		return nil
	}
	k := uint32(first)
	if h := stemHash(k); l.stemmed[h>>6]&(1<<(h&63)) == 0 {
		return nil
	}
	stems := l.stems[k]
	for s := range stems {
		if e := &stems[s]; len(e.word) <= n && equalFold(e.word, text[i:i+len(e.word)]) {
			return e
		}
	}
	return nil
}

// equalFold compares a word of the vocabulary, in lower case, with as many bytes
// of a text.
func equalFold(word, text string) bool {
	for i := range len(word) {
		c := text[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if word[i] != c {
			return false
		}
	}
	return true
}

// wideTerm finds the longest term that text begins with.
func (l *Lexicon) wideTerm(r rune, text string) *entry {
	if l.widened[r>>6&63]&(1<<(r&63)) == 0 {
		return nil
	}
	terms := l.wide[r]
	for i := range terms {
		if strings.HasPrefix(text, terms[i].word) {
			return &terms[i]
		}
	}
	return nil
}
