package decode

// Rot13 turns letters by half the alphabet. Bytes that are none stay as they are, so
// that every place is the same before and after.
func Rot13(s string) string {
	b := []byte(s)
	for i, c := range b {
		if l := c | 0x20; 'a' <= l && l <= 'z' {
			b[i] = c&0x20 | 0x40 | ((l-'a'+13)%26 + 1)
		}
	}
	return string(b)
}

// Backwards is the bytes of a text, the last one first.
func Backwards(s string) string {
	b := make([]byte, len(s))
	for i := range len(s) {
		b[len(s)-1-i] = s[i]
	}
	return string(b)
}
