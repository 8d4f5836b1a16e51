package fold

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

var entities = map[string]string{"lt": "<", "gt": ">", "amp": "&", "quot": "\"", "apos": "'", "nbsp": " ", "colon": ":", "sol": "/", "lsqb": "[", "rsqb": "]", "newline": "\n", "tab": "\t"}

// Unescape writes characters for what stands for them: \u0041, \x41, %41, &#65;,
// &lt;. The result is never longer than the text.
func Unescape(text string) Folded {
	w := writer{text: text, out: make([]byte, 0, len(text)), f: Folded{from: text}}
	for i := 0; i < len(text); {
		var r rune
		n := 0
		switch text[i] {
		case '\\':
			r, n = backslash(text[i:])
		case '%':
			if i+2 < len(text) {
				if v, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
					w.step(i)
					w.out = append(w.out, byte(v))
					i += 3
					continue
				}
			}
		case '&':
			r, n = entity(text[i:])
		default:
			j := i + 1
			for j < len(text) && text[j] != '\\' && text[j] != '%' && text[j] != '&' {
				j++
			}
			w.step(i)
			w.out = append(w.out, text[i:j]...)
			i = j
			continue
		}
		w.step(i)
		if n == 0 {
			w.out = append(w.out, text[i])
			i++
			continue
		}
		w.out = utf8.AppendRune(w.out, r)
		i += n
	}
	w.f.Text = string(w.out)
	return w.f
}

// backslash reads \u0041, \U00000041 and \x41, pairs of surrogates as one.
func backslash(t string) (rune, int) {
	if len(t) < 4 {
		return 0, 0
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[t[1]]
	if digits == 0 || len(t) < 2+digits {
		return 0, 0
	}
	v, err := strconv.ParseUint(t[2:2+digits], 16, 32)
	if err != nil {
		return 0, 0
	}
	n := 2 + digits
	if v >= 0xD800 && v < 0xDC00 && len(t) >= 12 && t[6] == '\\' && t[7] == 'u' {
		if low, err := strconv.ParseUint(t[8:12], 16, 32); err == nil && low >= 0xDC00 && low < 0xE000 {
			return rune(v-0xD800)<<10 + rune(low-0xDC00) + 0x10000, 12
		}
	}
	if v > utf8.MaxRune || v >= 0xD800 && v < 0xE000 {
		return ' ', n
	}
	return rune(v), n
}

func entity(t string) (rune, int) {
	end := strings.IndexByte(t[:min(len(t), 12)], ';')
	if end < 3 {
		return 0, 0
	}
	name := t[1:end]
	if name[0] != '#' {
		s := entities[strings.ToLower(name)]
		r, _ := utf8.DecodeRuneInString(s)
		if s == "" {
			return 0, 0
		}
		return r, end + 1
	}
	base, digits := 10, name[1:]
	if digits != "" && digits[0]|0x20 == 'x' {
		base, digits = 16, digits[1:]
	}
	v, err := strconv.ParseUint(digits, base, 32)
	if err != nil || v > utf8.MaxRune || v >= 0xD800 && v < 0xE000 {
		return 0, 0
	}
	return rune(v), end + 1
}
