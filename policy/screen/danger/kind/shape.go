package kind

import "strings"

// Address reports text that starts as an address does.
func Address(text string) bool {
	text = strings.TrimLeft(text, " \t\n<\"'")
	k := strings.IndexByte(text, ':')
	if strings.HasPrefix(text, "//") && !strings.ContainsAny(text, " \n") {
		return true
	}
	if k < 2 || k > 16 || k+2 > len(text) {
		return false
	}
	for i := range k {
		if c := text[i] | 0x20; (c < 'a' || c > 'z') && (c < '0' || c > '9') && text[i] != '+' && text[i] != '-' && text[i] != '.' {
			return false
		}
	}
	switch strings.ToLower(text[:k]) {
	case "javascript", "vbscript", "jar", "ldap", "php", "jndi":
		return true
	case "data":
		return strings.Contains(text, ",") && !strings.ContainsAny(text[:min(len(text), 24)], " \n")
	}
	return strings.HasPrefix(text[k+1:], "//") || strings.HasPrefix(text[k+1:], `\\`) || strings.HasPrefix(text[k+1:], `/\`)
}

// Pathlike reports text that may name a file: one word with slashes, or one that
// starts as a path.
func Pathlike(text string) bool {
	if len(text) > 1024 || strings.ContainsAny(text, "\n\"'<>|;") {
		return false
	}
	if strings.IndexByte(text, ' ') >= 0 && !strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "~/") && !(len(text) > 2 && text[1] == ':' && text[2] == '\\') {
		return false
	}
	return strings.ContainsAny(text, `/\`) || strings.HasPrefix(text, ".") || strings.Contains(text, "%") || strings.HasPrefix(text, "id_")
}

// Prose reports prose: it is long and made of sentences.
func Prose(text string) bool {
	if len(text) < 400 {
		return false
	}
	head := text[:400]
	words, signs, ends := 0, 0, 0
	for i := range len(head) {
		switch c := head[i]; {
		case c == ' ':
			words++
		case c == '.' || c == ',' || c == '?' || c == ':':
			if i+1 < len(head) && (head[i+1] == ' ' || head[i+1] == '\n') {
				ends++
			}
		case c == ';' || c == '|' || c == '&' || c == '$' || c == '{' || c == '}' || c == '=' || c == '<' || c == '>' || c == '\\' || c == '(':
			signs++
		}
	}
	return words > 45 && ends > 3 && signs < 6 || strings.HasPrefix(text, "# ") && signs < 12
}
