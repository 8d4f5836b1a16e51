// Package markup knows what HTML and Markdown keep from the eyes of people: text
// that a style hides, what only a reader of screens speaks, asides, and addresses
// with a place left open for something to be filled in.
//
// Why no parser: what is shown depends on style sheets and scripts, and hidden text
// is only ever one of two signs. A tag that hides is found by what it says itself,
// within a bound; what a class hides is not.
package markup

import (
	"bytes"
	"strings"
)

// Span is a part of a text, in bytes.
type Span = struct{ Start, End int }

// MostTag is how long a tag may be that is looked at.
const MostTag = 512

// unseenStyles are ways of a style sheet to keep text from people, without blanks.
var unseenStyles = literals("display:none", "visibility:hidden", "font-size:1px", "mso-hide:all", "left:-9", "left:-1000", "top:-9", "top:-1000", "text-indent:-",
	"scale(0", "clip-path:inset(", "clip:rect(0", "clip:rect(1px", "color:transparent", "font-size=\"1\"", "font-size=\"0\"", "font-size='0'", "opacity=\"0\"", "opacity='0'", "aria-hidden=\"true\"", "aria-hidden='true'", "aria-hidden=true")

// zeroStyles do so when the number does not go on.
var zeroStyles = literals("opacity:0", "font-size:0", "height:0", "width:0")

var whites = literals("color:white", "color:#fff", "color:#fefefe", "color:rgb(255,255,255)", "color=\"white\"", "color=\"#fff", "color='white'", "color='#fff", "fill=\"white\"", "fill=\"#fff", "fill:white", "fill:#fff")

var (
	ground     = []byte("background")
	groundsOf  = literals("background:white", "background:#fff", "background-color:white", "background-color:#fff")
	typeHidden = []byte(`type="hidden"`)
)

func literals(s ...string) [][]byte {
	out := make([][]byte, len(s))
	for i := range s {
		out[i] = []byte(s[i])
	}
	return out
}

// Hides says whether a tag, from its < to before its >, keeps what it holds from
// view.
func Hides(tag string) bool {
	if len(tag) > MostTag || !mayHide(tag) {
		return false
	}
	var room [MostTag]byte
	flat := squeeze(room[:0], tag)
	for _, l := range unseenStyles {
		if bytes.Contains(flat, l) {
			return true
		}
	}
	for _, l := range zeroStyles {
		if k := bytes.Index(flat, l); k >= 0 {
			if n := k + len(l); n == len(flat) || flat[n] != '.' && (flat[n] < '0' || flat[n] > '9') {
				return true
			}
		}
	}
	k := strings.Index(tag, " hidden")
	return bytes.Contains(flat, typeHidden) || whiteOnWhite(flat) || k > 0 && (k+7 == len(tag) || strings.IndexByte(" =/", tag[k+7]) >= 0)
}

// mayHide is a quick look for a word that all that hides needs.
func mayHide(tag string) bool {
	for _, w := range [...]string{"hidden", "HIDDEN", "tyle", "TYLE", "olor", "OLOR", "fill", "opacity", "font-size"} {
		if strings.Contains(tag, w) {
			return true
		}
	}
	return false
}

// whiteOnWhite says whether letters are as white as what is behind them, which is
// white when nothing is said.
func whiteOnWhite(flat []byte) bool {
	white := 0
	for _, l := range whites {
		white += bytes.Count(flat, l)
	}
	if white == 0 || !bytes.Contains(flat, ground) {
		return white > 0
	}
	for _, l := range groundsOf {
		if bytes.Contains(flat, l) {
			return true
		}
	}
	return false
}

// squeeze writes a tag in lower case and without blanks.
func squeeze(to []byte, attrs string) []byte {
	for k := range len(attrs) {
		c := attrs[k]
		if c == ' ' || c == '\n' || c == '\t' {
			continue
		}
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		to = append(to, c)
	}
	return to
}

// Spoken are the parts of a tag that stand for a picture, or are shown when asked
// for.
func Spoken(tag string) (parts [4]Span, n int) {
	for _, a := range [...]string{" alt=", " title=", " content=", " aria-label="} {
		k := strings.Index(tag, a)
		if k < 0 {
			continue
		}
		k += len(a)
		if k >= len(tag) || tag[k] != '"' && tag[k] != '\'' {
			continue
		}
		if end := strings.IndexByte(tag[k+1:], tag[k]); end > 0 {
			parts[n] = Span{k + 1, k + 1 + end}
			n++
		}
	}
	return parts, n
}

// Aside is how long the comment is that a line of Markdown begins with, such as
// [//]: # (…) or [name]: <> (…), or 0.
func Aside(line string) int {
	k := strings.Index(line[:min(len(line), 40)], "]:")
	if k < 0 {
		return 0
	}
	rest := strings.TrimLeft(line[k+2:], " ")
	if !strings.HasPrefix(rest, "#") && !strings.HasPrefix(rest, "<>") {
		return 0
	}
	if end := strings.IndexByte(line, '\n'); end >= 0 {
		return end
	}
	return len(line)
}

// Link is the address of [text](address), which text begins with.
func Link(text string) (address Span, ok bool) {
	k := strings.Index(text[:min(len(text), 80)], "](http")
	if k < 0 {
		return Span{}, false
	}
	end := strings.IndexByte(text[k:min(len(text), k+256)], ')')
	if end < 0 || strings.IndexByte(text[k:k+end], '\n') >= 0 {
		return Span{}, false
	}
	return Span{k + 2, k + end}, true
}

// Open says whether an address has a place that is still to be filled in.
func Open(address string) bool {
	return strings.ContainsAny(address, "{<[$") || capitals(address)
}

// capitals says whether an address ends in a word of capitals, as SECRET or =DATA.
func capitals(address string) bool {
	n := 0
	for k := len(address) - 1; k >= 0; k-- {
		switch c := address[k]; {
		case 'A' <= c && c <= 'Z' || c == '_':
			n++
		default:
			return n >= 4 && (c == '=' || c == '/')
		}
	}
	return false
}

// Telling says whether an address names what nobody should learn.
func Telling(address string) bool {
	for _, w := range [...]string{"history", "conversation", "chat", "secret", "token", "password", "prompt", "email"} {
		if strings.Contains(address, w) {
			return true
		}
	}
	return false
}

// Until is how much of what stands behind a tag belongs to it: up to its end, or
// all.
func Until(tag, behind string) int {
	name := 1
	for name < len(tag) && 'a' <= tag[name]|0x20 && tag[name]|0x20 <= 'z' {
		name++
	}
	for k := 0; k+name < len(behind); k++ {
		n := strings.Index(behind[k:], "</")
		if n < 0 {
			break
		}
		k += n
		if k+1+name <= len(behind) && strings.EqualFold(behind[k+2:k+1+name], tag[1:name]) {
			return k
		}
	}
	return len(behind)
}
