package secret

import (
	"encoding/base64"
	"strings"
)

// guarded reports a value that is worth keeping: random enough for its length, and
// not something that only stands where a secret would.
func guarded(value string, quoted bool) bool {
	if len(value) < 8 {
		return false
	}
	kinds := alphabet(0)
	for i := range len(value) {
		kinds |= class[value[i]]
	}
	return shaped(value, kinds, quoted) && !placeholder(value) && !ordinary(value) && !worded(value) && !unsigned(value) && !encoded(value)
}

// shaped is the cheaper part of that.
func shaped(value string, kinds alphabet, quoted bool) bool {
	letters := kinds&(hexa|small|upper) != 0
	switch {
	case kinds&digit == 0 || !letters:
		return quoted && kinds&extra != 0 && letters && kinds&upper != 0 && entropy(value) > 3
	case kinds&^(hex32|dash) == 0:
		return len(value) >= 24 && entropy(value) > 3 && !uuid(value)
	case len(value) < 16:
		return kinds&upper != 0 && kinds&(hexa|small) != 0 && entropy(value) > 2.7 && (quoted || kinds&(dot|pem) == 0)
	case strings.Count(value, ".") > 1 || strings.Count(value, "/") > 2 && kinds&upper == 0 || strings.Count(value, "-")+strings.Count(value, "_") > len(value)/6 && kinds&upper == 0:
		return false // a host, a path, words
	}
	return entropy(value) > 3.4 && (kinds&upper != 0 || len(value) >= 24)
}

func uuid(value string) bool { return len(value) == 36 && value[8] == '-' && value[13] == '-' }

// spelt is the letter that a byte stands for, or 0.
var spelt = func() (as [256]byte) {
	for b := range as {
		if class[b]&alnum != 0 {
			as[b] = byte(b) | 0x20
		}
	}
	for i, c := range []byte("@0134578$") {
		as[c] = "aoieastbs"[i]
	}
	return as
}()

// ordinary reports the passwords of examples, however they are written.
func ordinary(value string) bool {
	for value != "" && class[value[len(value)-1]]&(hexa|small|upper) == 0 {
		value = value[:len(value)-1]
	}
	var buf [12]byte // none is longer
	n := 0
	for i := 0; i < len(value); i++ {
		c := value[i]
		if c == '%' {
			i += 2
			continue
		}
		if spelt[c] == 0 {
			continue
		}
		if n == len(buf) {
			return false
		}
		buf[n] = spelt[c]
		n++
	}
	switch string(buf[:n]) {
	case "password", "passwd", "pass", "secret", "postgres", "root", "admin", "user", "test", "guest", "token", "mysql", "redis", "pwd", "mypassword", "mypass", "testpass", "testpassword":
		return true
	}
	return false
}

// worded reports a value that is made of words, one of them a secret's name: a
// variable, or what was made up.
func worded(value string) bool {
	var buf [64]byte
	n, turns, last := 0, 0, alphabet(0)
	for i := range len(value) {
		c := class[value[i]] & alnum
		if c == 0 {
			continue
		}
		if last != 0 && (c == digit) != (last == digit) {
			turns++
		}
		if last = c; n == len(buf) || turns > 2 {
			return false
		}
		buf[n] = value[i]
		n++
	}
	return within(secretly, buf[:n])
}

// unsigned reports a JWT of which the part that proves something is missing.
func unsigned(value string) bool {
	return (strings.HasPrefix(value, "eyJhbGciOi") || strings.HasPrefix(value, "eyJ0eXAiOi")) && strings.Count(value, ".") < 2
}

// encoded reports base64 of text that is no secret.
func encoded(value string) bool {
	var in, buf [80]byte
	value = strings.TrimRight(value, "=")
	if len(value) > len(in) {
		return false
	}
	n, err := base64.RawStdEncoding.Decode(buf[:], in[:copy(in[:], value)])
	for _, c := range buf[:n] {
		if c < ' ' && c != '\n' || c >= 0x7f {
			return false
		}
	}
	if err != nil {
		return false
	}
	plain := strings.TrimSpace(string(buf[:n]))
	return placeholder(plain) || ordinary(plain) || worded(plain)
}

var standing = newWords([]string{"example", "xxxx", "****", "....", "your", "changeme", "change-me", "change_me", "placeholder", "dummy", "redacted", "replace", "insert", "123456", "abcdef", "sample", "secret-key", "000000", "process.env", "getenv", "environ", "deadbeef", "changeit", "testtoken", "testsecret", "mysecret", "supersecret", "notreal", "foobar"})

// placeholder reports a value that stands for another.
func placeholder(value string) bool {
	return within(standing, value) || strings.HasPrefix(value, "$") || strings.HasPrefix(value, "{{") || strings.HasPrefix(value, "%")
}

// random reports that the body of a token is not words or a placeholder.
func random(body string) bool {
	return entropy(body) > 2.5 && !placeholder(body)
}
