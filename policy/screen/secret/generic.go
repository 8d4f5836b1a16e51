package secret

import (
	"math"
	"strings"
)

// names in front of a value that is kept from others, in lower case and without
// signs between their words.
var names = []string{"password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "privatekey", "authkey", "accountkey", "signingkey", "encryptionkey", "credential", "pwd", "authorization"}

// unlike are names that hold one of those and are about something else.
var unlike = []string{"tokens", "tokenizer", "tokentype", "tokenurl", "tokenendpoint", "secretname", "secretref", "passwordfield", "passwordhash", "maxtoken", "nexttoken", "pagetoken", "tokenid", "keyid", "publickey", "secretid", "passwordpolicy", "secretsmanager", "pagination", "continuationtoken", "cancellationtoken", "csrf"}

// assigned is the value that is given to a secret's name at the sign at i.
func assigned(text string, i int) (start, end int) {
	if i == 0 || !named(text, i) {
		return 0, 0
	}
	start = i + 1
	for start < len(text) && start < i+4 && (text[start] == ' ' || text[start] == '=' || text[start] == '>' || text[start] == '\t') {
		start++
	}
	quote := byte(0)
	if start < len(text) && (text[start] == '"' || text[start] == '\'' || text[start] == '`') {
		quote = text[start]
		start++
	} else if start+1 < len(text) && text[start] == '\\' && text[start+1] == '"' { // JSON in a text
		quote = '\\'
		start += 2
	}
	of := token
	if quote != 0 {
		of = secret
	}
	const longest = 512
	end = start + span(text[start:min(len(text), start+longest+1)], of)
	if quote != 0 && (end >= len(text) || text[end] != quote) || quote == 0 && end < len(text) && strings.IndexByte("([{$<", text[end]) >= 0 {
		return 0, 0
	}
	for quote == 0 && end > start && (text[end-1] == '.' || text[end-1] == '=' && end-start > 2 && text[end-2] != '=' && (end-start)%4 != 0) {
		end--
	}
	if value := text[start:end]; len(value) > longest || !guarded(value, quote != 0) {
		return 0, 0
	}
	return start, end
}

// named reports that a secret's name ends before i.
func named(text string, i int) bool {
	end := i
	for end > 0 && (text[end-1] == ' ' || text[end-1] == '"' || text[end-1] == '\'' || text[end-1] == '\\') && i-end < 4 {
		end--
	}
	var buf [40]byte // the name, in lower case, without signs
	n := len(buf)
	for k := end - 1; k >= 0 && n > 0; k-- {
		c := text[k]
		if class[c]&word == 0 {
			break
		}
		if c == '-' || c == '_' {
			continue
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		n--
		buf[n] = c
	}
	name := buf[n:]
	if len(name) < 3 {
		return false
	}
	return holds(name, names) && !holds(name, unlike)
}

func holds(name []byte, any []string) bool {
	for i := range name {
		for _, a := range any {
			if name[i] == a[0] && i+len(a) <= len(name) && string(name[i:i+len(a)]) == a {
				return true
			}
		}
	}
	return false
}

// guarded reports a value that is worth keeping: random enough for its length.
func guarded(value string, quoted bool) bool {
	if len(value) < 8 || placeholder(value) {
		return false
	}
	kinds := alphabet(0)
	for i := range len(value) {
		kinds |= class[value[i]]
	}
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

// userinfo is the password in an address that goes on at i.
func userinfo(text string, i int) (start, end int) {
	const longest = 256
	rest := text[i:min(len(text), i+longest)]
	at, colon := -1, -1
	for k := 0; k < len(rest); k++ {
		c := rest[k]
		if c <= ' ' || c == '/' || c == '?' || c == '#' || c == '"' || c == '\'' || c == '<' || c == '`' || c >= 0x80 {
			break
		}
		if c == ':' && colon < 0 {
			colon = k
		}
		if c == '@' {
			at = k
		}
	}
	if at < 0 || colon < 0 || at-colon < 5 {
		return 0, 0
	}
	value := rest[colon+1 : at]
	if placeholder(value) || strings.ContainsAny(value, "{}$()[]*") || ordinary(value) {
		return 0, 0
	}
	return i + colon + 1, i + at
}

// ordinary reports the passwords of examples.
func ordinary(value string) bool {
	for _, w := range [...]string{"password", "passwd", "pass", "secret", "postgres", "root", "admin", "user", "test", "guest", "token", "mysql", "redis", "pwd", "mypassword", "mypass", "p4ssw0rd", "passw0rd", "s3cret"} {
		if equalFold(value, w) {
			return true
		}
	}
	return false
}

func equalFold(a, b string) bool { return len(a) == len(b) && strings.EqualFold(a, b) }

// placeholder reports a value that stands for another.
func placeholder(value string) bool {
	for _, w := range [...]string{"example", "xxxx", "****", "....", "your", "changeme", "change-me", "change_me", "placeholder", "dummy", "redacted", "replace", "insert", "123456", "abcdef", "sample", "secret-key", "000000", "process.env", "getenv", "environ"} {
		if contains(value, w) {
			return true
		}
	}
	return strings.ContainsAny(value, "<>") || strings.HasPrefix(value, "$") || strings.HasPrefix(value, "{{") || strings.HasPrefix(value, "%")
}

// contains compares without regard to case, and allocates nothing.
func contains(value, lower string) bool {
	for i := 0; i+len(lower) <= len(value); i++ {
		if value[i]|0x20 == lower[0] && strings.EqualFold(value[i:i+len(lower)], lower) || value[i] == lower[0] && value[i:i+len(lower)] == lower {
			return true
		}
	}
	return false
}

// random reports that the body of a token is not words or a placeholder.
func random(body string) bool {
	return !placeholder(body) && entropy(body) > 2.5
}

// entropy is Shannon's, in bits a byte.
func entropy(s string) float64 {
	var count [256]uint16
	for i := range min(len(s), 512) {
		count[s[i]]++
	}
	n := float64(min(len(s), 512))
	bits := 0.0
	for i := range min(len(s), 512) {
		if c := count[s[i]]; c > 0 {
			bits -= float64(c) / n * math.Log2(float64(c)/n)
			count[s[i]] = 0
		}
	}
	return bits
}
