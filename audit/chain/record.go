package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"strconv"
)

// parsed is a line with the shape of a record. It aliases the line.
type parsed struct {
	line       []byte
	canonical  []byte
	seq        uint64
	time, kind []byte
	prev, hash []byte // hexadecimal
}

// parseLine takes a line apart, without its line feed. It judges the shape
// alone, not the hash.
func parseLine(line []byte) (parsed, bool) {
	p := parsed{line: line}
	if len(line) < len(seqName)+hashBytes+prevBytes || !bytes.HasPrefix(line, []byte(seqName)) {
		return p, false
	}
	n := len(line) - hashBytes
	p.canonical = line[:n]
	if string(line[n:n+len(hashName)]) != hashName || string(line[len(line)-2:]) != `"}` {
		return p, false
	}
	p.hash = line[n+len(hashName) : len(line)-2]
	n -= prevBytes
	if string(line[n:n+len(prevName)]) != prevName || p.canonical[len(p.canonical)-1] != '"' {
		return p, false
	}
	p.prev = p.canonical[n+len(prevName) : len(p.canonical)-1]
	return p, p.front(line[len(seqName):n])
}

// front reads number, time and type.
func (p *parsed) front(b []byte) bool {
	digits, b, ok := bytes.Cut(b, []byte(timeName))
	if !ok || len(b) < len(timeLayout) {
		return false
	}
	var err error
	if p.seq, err = strconv.ParseUint(string(digits), 10, 64); err != nil {
		return false
	}
	p.time = b[:len(timeLayout)]
	b, ok = bytes.CutPrefix(b[len(timeLayout):], []byte(typeName))
	if !ok {
		return false
	}
	p.kind, _, ok = bytes.Cut(b, []byte{'"'})
	return ok
}

// proves reports whether the line is the one that its hash was made of. The
// hash is compared as text: upper-case digits would be a changed byte.
func (p *parsed) proves(digest hash.Hash) bool {
	var prev, sum [sha256.Size]byte
	if _, err := hex.Decode(prev[:], p.prev); err != nil {
		return false
	}
	digest.Reset()
	digest.Write(prev[:])
	digest.Write(p.canonical)
	var text [hexLen]byte
	hex.Encode(text[:], digest.Sum(sum[:0]))
	return string(text[:]) == string(p.hash)
}

// torn returns what a genesis or resume record says of the bytes before it.
func (p *parsed) torn() (size int64, sum string) {
	if kind := string(p.kind); kind != genesis && kind != resume {
		return 0, ""
	}
	var says struct {
		TornBytes  int64  `json:"torn_bytes"`
		TornSHA256 string `json:"torn_sha256"`
	}
	if json.Unmarshal(p.line, &says) != nil {
		return -1, ""
	}
	return says.TornBytes, says.TornSHA256
}
