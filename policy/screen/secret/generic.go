package secret

import "strings"

// names in front of a value that is kept from others, in lower case and without
// signs between their words.
var names = []string{"password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "privatekey", "authkey", "accountkey", "signingkey", "encryptionkey", "credential", "pwd", "authorization"}

// unlike are names that hold one of those and are about something else.
var unlike = []string{"tokens", "tokenizer", "tokentype", "tokenurl", "tokenendpoint", "secretname", "secretref", "passwordfield", "passwordhash", "maxtoken", "nexttoken", "pagetoken", "tokenid", "keyid", "publickey", "secretid", "passwordpolicy", "secretsmanager", "pagination", "continuationtoken", "cancellationtoken", "csrf"}

var secretly, otherwise = newWords(names), newWords(unlike)

// needs are letters that all names have: each name has those of one of these.
var needs = func() (sets [6]uint32) {
	for i, name := range [...]string{"pas", "key", "token", "secret", "credential", "authorization"} {
		sets[i] = letters(name)
	}
	return sets
}()

func letters(name string) (set uint32) {
	for i := range len(name) {
		set |= 1 << (name[i] & 31)
	}
	return set
}

// likely says whether the letters before i can be a secret's name: whether each
// letter of one of the names is there. It is quick and says yes too often.
func likely(text string, i int) bool {
	end := nameEnd(text, i)
	start, have := end, uint32(0)
	for start > 0 && class[text[start-1]]&word != 0 {
		start--
		have |= 1 << (text[start] & 31)
	}
	if end-start >= 5 { // but for one, none is shorter
		for _, need := range needs {
			if have&need == need {
				return true
			}
		}
	}
	return end-start >= 3 && have&pwd == pwd
}

var pwd = letters("pwd")

// nameEnd is where a name ends whose sign is at i.
func nameEnd(text string, i int) int {
	end := i
	for end > 0 && i-end < 4 && (text[end-1] == ' ' || text[end-1] == '"' || text[end-1] == '\'' || text[end-1] == '\\') {
		end--
	}
	return end
}

// sign looks at the sign at i: of an assignment, or in front of an address.
func (s *scan) sign(i int) {
	if strings.HasPrefix(s.text[i:], "://") {
		if start, end := userinfo(s.text, i+3); end > 0 {
			s.word(i + 3) // a token as the name of a user
			if start >= s.next {
				s.add("url-password", start, end)
			}
		}
		s.work += 8
		return
	}
	if start, end := s.assigned(i); end > 0 {
		if _, _, known := s.prefixed(start); known == 0 {
			s.add("generic", start, end)
		}
	}
}

// bearer looks at the word at i, and at the token behind it.
func (s *scan) bearer(i int) bool {
	const name = "bearer "
	start := i + len(name)
	if start >= len(s.text) || !strings.EqualFold(s.text[i:start], name) || !s.boundary(i) || s.enough(start) {
		return false
	}
	end := start + span(s.text[start:], token)
	s.work += end - start
	if end-start < 16 || !guarded(s.text[start:end], false) {
		s.vain(start, end)
		return false
	}
	if _, _, known := s.prefixed(start); known > 0 {
		return false
	}
	s.add("bearer", start, end)
	return true
}

// assigned is the value that is given to a secret's name at the sign at i.
func (s *scan) assigned(i int) (start, end int) {
	text := s.text
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
	} else if s.enough(start) {
		return 0, 0
	}
	if !named(text, i) {
		return 0, 0
	}
	const longest = 512
	end = start + span(text[start:min(len(text), start+longest+1)], of)
	s.work += end - start
	if quote != 0 && (end >= len(text) || text[end] != quote) || quote == 0 && end < len(text) && strings.IndexByte("([{$<", text[end]) >= 0 {
		return 0, 0
	}
	for quote == 0 && end > start && (text[end-1] == '.' || text[end-1] == '=' && end-start > 2 && text[end-2] != '=' && (end-start)%4 != 0) {
		end--
	}
	if value := text[start:end]; len(value) > longest || !guarded(value, quote != 0) || badge(text[:i]) {
		if quote == 0 {
			s.vain(start, end)
		}
		return 0, 0
	}
	return start, end
}

// badge reports the token of a picture in a document, which anyone may fetch.
func badge(before string) bool { return strings.HasSuffix(before, ".svg?token") }

// named reports that a secret's name ends before i.
func named(text string, i int) bool {
	var buf [40]byte // the name, in lower case, without signs
	n := len(buf)
	for k := nameEnd(text, i) - 1; k >= 0 && n > 0; k-- {
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
	return within(secretly, buf[n:]) && !within(otherwise, buf[n:])
}

// userinfo is the password in an address that goes on at i.
func userinfo(text string, i int) (start, end int) {
	const longest = 256
	rest := text[i:min(len(text), i+longest)]
	at, colon := -1, -1
	for k := 0; k < len(rest) && !foreign[rest[k]]; k++ {
		switch rest[k] {
		case ':':
			if colon < 0 {
				colon = k
			}
		case '@':
			at = k
		}
	}
	if at < 0 || colon < 0 || at-colon < 5 {
		return 0, 0
	}
	user, value := rest[:colon], rest[colon+1:at]
	if placeholder(value) || strings.ContainsAny(value, "{}$()[]<>*\\") || ordinary(value) || strings.EqualFold(user, value) || reserved(rest[at+1:]) {
		return 0, 0
	}
	return i + colon + 1, i + at
}

// reserved says whether an address goes on with a host that is for examples.
func reserved(rest string) bool {
	n := 0
	for n < len(rest) && class[rest[n]]&(alnum|dash|dot) != 0 {
		n++
	}
	for _, name := range [...]string{"example.com", "example.org", "example.net", "example", "test", "invalid"} {
		if sub, ok := strings.CutSuffix(rest[:n], name); ok && (sub == "" || strings.HasSuffix(sub, ".")) {
			return true
		}
	}
	return false
}

// foreign is what no name and password in an address have.
var foreign = func() (is [256]bool) {
	for b := range is {
		is[b] = b <= ' ' || b >= 0x80 || strings.IndexByte("/?#\"'<`", byte(b)) >= 0
	}
	return is
}()
