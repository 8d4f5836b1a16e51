package shell

import "strings"

// light reads text without a grammar: words and quotes, commands between
// separators. It is for what the parser does not know, which is PowerShell,
// cmd.exe and broken syntax. windowsOnly leaves out what the parser has judged.
func (r *Reader) light(text string, windowsOnly bool) {
	var c Command
	var word strings.Builder
	quote, start, in, quotedWord := byte(0), 0, Flow(0), false
	flush := func() {
		if (word.Len() > 0 || quotedWord) && r.nodes > 0 {
			r.nodes--
			c.Words = append(c.Words, word.String())
		}
		word.Reset()
		quotedWord = false
	}
	end := func(at int, piped bool) {
		flush()
		if r.nodes--; r.nodes > 0 && len(c.Words) > 0 {
			if r.depth == 0 {
				r.start, r.end = r.base+start, r.base+at
			}
			in = r.plain(c, in, windowsOnly)
		}
		if !piped {
			in = 0
		}
		c = Command{}
		start = at + 1
	}
	for i := 0; i < len(text); i++ {
		b := text[i]
		switch {
		case quote != 0:
			if b == quote {
				quote = 0
			} else {
				word.WriteByte(b)
			}
		case b == '\'' || b == '"':
			quote, quotedWord = b, true
		case b == ' ' || b == '\t' || b == '\r':
			flush()
			if len(c.Words) == 0 {
				start = i + 1
			}
		case b == '|':
			end(i, true)
		case b == '\n' || b == ';' || b == '&' || b == '(' || b == ')' || b == '`' || b == '{' || b == '}':
			end(i, b == ')' && in != 0)
		default:
			word.WriteByte(b)
		}
	}
	if quote != 0 && strings.Contains(word.String(), " ") { // an open quote hides the rest
		rest := word.String()
		word.Reset()
		end(len(text), false)
		r.Nested(rest)
		return
	}
	end(len(text), false)
}

// plain judges a command of the plain tokenizer.
func (r *Reader) plain(c Command, in Flow, windowsOnly bool) Flow {
	for len(c.Words) > 1 && (c.Words[0] == "" || c.Words[0] == "then" || c.Words[0] == "do" || c.Words[1] == "=") {
		c.Words = c.Words[1:]
		if c.Words[0] == "=" {
			c.Words = c.Words[1:]
		}
	}
	if len(c.Words) == 0 {
		return in
	}
	c.Name, c.Args = Program(c.Words[0]), c.Words[1:]
	if ofWindows[c.Name] && windowsOnly {
		c.Plain = true
		r.Command(r, &c, in)
	}
	if windowsOnly {
		return in
	}
	return r.run(&c, in)
}
