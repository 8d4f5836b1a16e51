// Package template finds expressions that a template engine would compute where
// somebody put them.
package template

import "strings"

const (
	maxInner = 256 // of one expression
	maxTries = 64
)

// Find finds expressions that a template engine would compute.
func Find(text string) (start, end int, strong, found bool) {
	if len(text) > 8192 {
		text = text[:8192]
	}
	for i, tries := 0, 0; i+1 < len(text) && tries < maxTries; i++ {
		var inner string
		switch two := text[i : i+2]; two {
		case "{{", "${", "#{", "<%", "{%", "*{", "@{", "~{", "[[":
			tries++
			window := text[i+2 : min(i+2+maxInner, len(text))]
			end := strings.IndexAny(window, "}%]")
			if end < 0 {
				end = len(window)
			}
			inner = text[i+2 : i+2+end]
			if sure := computes(two, inner, text[i:]); sure > 0 {
				return i, min(i+2+end+2, len(text)), sure > 1, true
			}
		default:
			if text[i] == '@' && (strings.HasPrefix(text[i:], "@(") && digits(text[i+2:])) {
				return i, len(text), false, true
			}
		}
	}
	if k := strings.Index(text, "<!ENTITY"); k >= 0 { // what it names is fetched
		rest := text[k:min(k+maxInner, len(text))]
		if strings.Contains(rest, "SYSTEM") || strings.Contains(rest, "PUBLIC") {
			return k, k + len(rest), strings.Contains(rest, "://") || strings.Contains(rest, "../") || strings.Contains(rest, "/etc/") || strings.Contains(rest, "% "), true
		}
	}
	for _, walk := range []string{"__class__", "__globals__", "__subclasses__", "__builtins__", "__mro__"} {
		if k := strings.Index(text, walk); k >= 0 {
			return k, k + len(walk), strings.Count(text, "__") > 3, true
		}
	}
	return 0, 0, false, false
}

// computes says how sure it is that an expression is there to be computed: by
// what it calls or by arithmetic on plain numbers.
func computes(open, inner, rest string) int {
	low := strings.ToLower(inner)
	if open == "${" && (strings.HasPrefix(low, "jndi:") || strings.HasPrefix(low, "${") && strings.Contains(strings.ToLower(rest[:min(len(rest), maxInner)]), "jndi") || strings.HasPrefix(low, "lower:") || strings.HasPrefix(low, "upper:") || strings.HasPrefix(low, "::-") || strings.HasPrefix(low, "env:") && strings.Contains(rest, ":-")) {
		return 2
	}
	for _, word := range []string{"__class__", "__init__", "__globals__", "getruntime", "t(java", "java.lang", "runtime.", "processbuilder", "freemarker.template", "popen(", "system(", "passthru", "constructor.constructor", "config.items", "self.__", "request.application", "cycler.", "lipsum.", "joiner.", "_self.env", "registerundefinedfiltercallback", "require('child_process", "global.process", "process.mainmodule", "|attr(", "getclass(", "forname(", ".exec(", "os.system", "file_excerpt", "phpinfo", "classloader", "|filter(", "|map('", "open('/etc", "file.read", "file.open", "dir.entries", "io.popen", "smarty.", "exec(", "`id`", "print(", "php}"} {
		if strings.Contains(low, word) {
			return 2
		}
	}
	expr := strings.TrimSpace(strings.Trim(inner, "{=%- '\""))
	if open != "[[" && product(expr) {
		return 2
	}
	return 0
}

// product reports two plain operands with a sign between them, one a number.
func product(expr string) bool {
	k := strings.IndexAny(expr, "*")
	if k <= 0 || k > 12 || len(expr) > 40 {
		return false
	}
	return digits(expr[:k]) && digits(strings.TrimLeft(expr[k+1:], " '\"*"))
}

func digits(s string) bool {
	s = strings.Trim(s, " '\"")
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n > 0 && (n == len(s) || strings.IndexByte("*)}' \"", s[n]) >= 0)
}
