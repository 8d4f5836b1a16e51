package wire

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"
)

// keyAt is the hash of the folded text of a key, and where the key starts.
type keyAt struct {
	hash  uint64
	start int
}

// keyStack holds the keys of the objects that are open, innermost last.
type keyStack struct {
	list []keyAt
	fold []byte
}

var keyStacks = sync.Pool{New: func() any { return new(keyStack) }}

func (k *keyStack) giveBack() {
	if cap(k.list) <= 4096 && cap(k.fold) <= 4096 {
		k.list = k.list[:0]
		keyStacks.Put(k)
	}
}

// push notes a key under the hash of its text, folded as encoding/json does.
func (k *keyStack) push(text []byte, start int) {
	h, ascii := foldHash(text)
	if !ascii {
		k.fold = appendFold(k.fold[:0], text)
		h, _ = foldHash(k.fold)
	}
	k.list = append(k.list, keyAt{h, start})
}

// foldHash hashes text with its ASCII letters in upper case, eight bytes at a
// time. Words with other bytes are taken as they are: fold those first.
//
// It need not resist an attacker: a collision that he makes refuses his own
// message, and can hide nothing.
func foldHash(text []byte) (h uint64, ascii bool) {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	var all uint64
	h = uint64(len(text))
	for at := 0; at <= len(text); at += 8 {
		var w uint64
		if rest := text[at:]; len(rest) >= 8 {
			w = binary.LittleEndian.Uint64(rest)
		} else {
			for i, c := range rest {
				w |= uint64(c) << (8 * i)
			}
		}
		all |= w
		if w&tops == 0 {
			lower := (w + (0x80-'a')*ones) &^ (w + (0x7f-'z')*ones) & tops
			w -= lower >> 2 // 'a' - 'A' in each such byte
		}
		hi, lo := bits.Mul64(h^w^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
		h = hi ^ lo
	}
	return h, all&tops == 0
}

// field names a member of the envelope.
type field uint8

const (
	other field = iota
	fieldVersion
	fieldID
	fieldMethod
	fieldParams
	fieldResult
	fieldError
	fields // how many there are

	envelope = fields // the message itself
)

// envelopeNames are the keys of the fields.
var envelopeNames = [fields]string{
	fieldVersion: "jsonrpc", fieldID: "id", fieldMethod: "method",
	fieldParams: "params", fieldResult: "result", fieldError: "error",
}

// paramNames are the members of params on which a decision or a route hangs.
var paramNames = [...]string{
	"name", "arguments", "_meta", "uri", "cursor", "requestId", "progressToken",
	"inputResponses", "requestState", "task", "ref", "argument", "level",
	"protocolVersion", "capabilities",
}

// enter is called between a key of the envelope or of params and its value. It
// says which field of the envelope this is, and refuses a key that a decoder
// which ignores case would take for a known one.
func (s *scanner) enter(at field, key Span, plain bool) (field, bool) {
	name := s.keyText(key, plain)
	if at == fieldParams {
		return other, !s.strict || s.noVariant(key, name, paramNames[:])
	}
	for f := other + 1; f < fields; f++ {
		if string(name) == envelopeNames[f] {
			return f, true
		}
	}
	return other, s.noVariant(key, name, envelopeNames[other+1:])
}

// keyText returns the decoded text of a key; plain means that it is the same as
// what is written.
func (s *scanner) keyText(key Span, plain bool) []byte {
	text := s.b[key.Start+1 : key.End-1]
	if plain {
		return text
	}
	return appendText(nil, text)
}

// noVariant refuses a name that folds to a known one but is not it. No two
// known names fold alike.
func (s *scanner) noVariant(key Span, name []byte, known []string) bool {
	for _, k := range known {
		if bytes.EqualFold(name, []byte(k)) {
			return string(name) == k ||
				s.fail(CaseCollision, key.Start, "the key "+quoted(name)+" is a case variant of "+quoted(k))
		}
	}
	return true
}

// appendFold appends key with each rune replaced by the smallest of those that
// it folds to, so that two keys come out equal if and only if they are equal
// under bytes.EqualFold. The smallest form of an ASCII letter is upper case.
func appendFold(dst, key []byte) []byte {
	for _, r := range string(key) {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		dst = utf8.AppendRune(dst, least)
	}
	return dst
}

// distinct forgets the keys from the mark on, those of the object that ends
// here, and refuses two that fold to the same text. Equal hashes are taken as
// equal keys: by accident, one chance in 2^64, that refuses a good message, and
// no bad one gets through.
func (s *scanner) distinct(mark int) bool {
	if s.keys == nil {
		return true
	}
	keys := s.keys.list[mark:]
	s.keys.list = s.keys.list[:mark]
	if len(keys) <= 16 {
		for i, a := range keys {
			for _, b := range keys[:i] {
				if a.hash == b.hash {
					return s.clash(b.start, a.start)
				}
			}
		}
		return true
	}
	slices.SortFunc(keys, func(a, b keyAt) int { return cmp.Compare(a.hash, b.hash) })
	for i, k := range keys[1:] {
		if was := keys[i]; was.hash == k.hash {
			return s.clash(min(was.start, k.start), max(was.start, k.start))
		}
	}
	return true
}

func (s *scanner) clash(first, second int) bool {
	a, b := s.keyFrom(first), s.keyFrom(second)
	if bytes.Equal(a, b) {
		return s.fail(DuplicateKey, second, "the key "+quoted(a)+" stands twice in one object")
	}
	return s.fail(CaseCollision, second, "the keys "+quoted(a)+" and "+quoted(b)+" of one object differ only by case")
}

func (s *scanner) keyFrom(start int) []byte {
	again := lax(s.b)
	again.i = start
	key, plain, _ := again.key()
	return again.keyText(key, plain)
}
