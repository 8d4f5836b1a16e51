package secret

import "strings"

// prefixes are the formats by the first three letters of their prefix.
type prefixes struct {
	mix     uint32 // with which no two of them share a place
	at      [1 << 13]uint8
	three   [256]uint32
	formats [256][]format // of each three; the first are none
}

func newPrefixes() *prefixes {
	all := map[uint32][]format{}
	for _, one := range formats {
		for prefix := range strings.FieldsSeq(one.prefix) {
			one.prefix = prefix
			first := prefix[one.lead:]
			if one.next = 0; len(first) > 3 {
				one.next = first[3]
			}
			if len(first) > 2 {
				all[three(first)] = append(all[three(first)], one)
				continue
			}
			for b := range 128 {
				if class[b]&one.of != 0 {
					first := three(prefix + string(rune(b)))
					all[first] = append(all[first], one)
				}
			}
		}
	}
	for _, bearer := range []string{"bea", "Bea", "bEa", "beA", "BEa", "BeA", "bEA", "BEA"} {
		all[three(bearer)] = nil
	}
	p := &prefixes{mix: 0x9e3779b1}
	for !p.place(all) {
		p.mix += 2
	}
	return p
}

// place says whether all have a place of their own.
func (p *prefixes) place(all map[uint32][]format) bool {
	clear(p.at[:])
	n := uint8(0)
	for first, formats := range all {
		place := first * p.mix >> 19
		if p.at[place] != 0 {
			return false
		}
		n++
		p.at[place], p.three[n], p.formats[n] = n, first, formats
	}
	return true
}

// slot is the number of what starts with the first three of four bytes, or 0.
func (p *prefixes) slot(four uint32) uint8 {
	first := four & 0xffffff
	if n := p.at[first*p.mix>>19]; n != 0 && p.three[n] == first {
		return n
	}
	return 0
}

func three(s string) uint32 { return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 }
