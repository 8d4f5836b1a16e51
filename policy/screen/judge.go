package screen

import (
	"cmp"
	"slices"
	"strings"
)

// What it takes. A severity of strong acts alone; weaker ones act together when
// they are of different families and near each other.
const (
	strong    = 7
	nearBytes = 400
	aboutIt   = 4 // different words of security talk that make a text speak about attacks
)

// judge weighs what was found.
func (l *look) judge(text string) Verdict {
	if len(l.found) == 0 {
		return Verdict{Action: Pass}
	}
	for i := range l.found {
		l.weigh(text, &l.found[i])
	}
	l.found = slices.DeleteFunc(l.found, func(f find) bool { return f.Severity == 0 })
	slices.SortStableFunc(l.found, func(a, b find) int { return cmp.Compare(a.Start, b.Start) })
	l.merge()
	v := Verdict{Action: Log}
	for i := range l.found {
		sum := l.together(i)
		if l.found[i].Family != "deed" {
			v.Score = max(v.Score, sum)
		}
		if f := &l.found[i]; sum*10 >= strong && f.Severity >= 3 {
			f.Action = l.act()
			v.Action = f.Action
		} else {
			f.Action = Log
		}
	}
	for _, f := range l.found {
		// What is merely to be done says nothing, except beside another sign.
		if f.Action == Log && f.Family == "deed" {
			continue
		}
		v.Findings = append(v.Findings, l.widen(text, f.Finding))
	}
	if len(v.Findings) == 0 {
		v.Action = Pass
	}
	return v
}

// merge makes one of findings of a family that share words: the strongest names
// it.
func (l *look) merge() {
	kept := l.found[:0]
	for _, f := range l.found {
		merged := false
		for k := len(kept) - 1; k >= 0 && k >= len(kept)-8; k-- {
			o := &kept[k]
			if o.Family != f.Family || f.Start >= o.End || o.Hidden != f.Hidden || o.Decoded != f.Decoded {
				continue
			}
			o.End = max(o.End, f.End)
			if f.Severity > o.Severity {
				o.Severity, o.Rule = f.Severity, f.Rule
			}
			merged = true
			break
		}
		if !merged {
			kept = append(kept, f)
		}
	}
	l.found = kept
}

func (l *look) act() Action {
	if l.d == Arguments {
		return Refuse
	}
	return Filter
}

// weigh takes off what the words around a sign say against it, and adds what
// hiding it says.
func (l *look) weigh(text string, f *find) {
	sev := float64(f.Severity)
	switch {
	case f.Hidden:
		if f.Severity >= 3 && f.Family != "deed" {
			f.Severity = max(f.Severity, 8)
		}
		return
	case (f.comment || f.kept) && (f.Severity >= 6 || whom[f.Family] && f.Severity >= 3):
		f.Severity, f.Hidden = max(f.Severity, 8), true
		return
	}
	switch {
	case f.negated && (f.Family == "override" && !strings.HasPrefix(f.Rule, "override/idiom") || f.Rule == "solicit/put-secret" || f.Rule == "conceal/skip-confirm"):
		sev *= 0.4
	case f.described && f.Family == "override":
		sev *= 0.7
	}
	about := l.d != Description && l.talk >= aboutIt
	quoted := (about || f.mentioned || f.explained) && isQuoted(text, f.Start)
	switch {
	case (f.mentioned || f.explained) && quoted:
		sev *= 0.35
	case f.mentioned && l.d != Result:
		sev *= 0.6
	case f.mentioned:
		sev *= 0.8
	}
	switch {
	case about && quoted:
		sev *= 0.42
	case about && (f.mentioned || f.explained):
		sev *= 0.6
	case about:
		// Anyone can add words of security talk to an order: what neither is quoted
		// nor spoken of in its own sentence loses little by them.
		sev *= 0.8
	}
	f.Severity = uint8(max(sev, 1))
}

// together is the weight of a finding with those of other families near it,
// from 0 to 1.
func (l *look) together(i int) float64 {
	f := &l.found[i]
	rest := 1 - min(float64(f.Severity), 9.9)/10
	var families [8]string
	var most [8]uint8
	n := 0
	add := func(o *find) {
		if o.Family == f.Family || !carries(o.Family, f.Family) {
			return
		}
		for k := range n {
			if families[k] == o.Family {
				most[k] = max(most[k], o.Severity)
				return
			}
		}
		if n < len(families) {
			families[n], most[n] = o.Family, o.Severity
			n++
		}
	}
	for j := i - 1; j >= 0 && j > i-24 && f.Start-l.found[j].End < nearBytes; j-- {
		add(&l.found[j])
	}
	for j := i + 1; j < len(l.found) && j < i+24 && l.found[j].Start-f.End < nearBytes; j++ {
		add(&l.found[j])
	}
	for k := range n {
		rest *= 1 - float64(most[k])/10
	}
	return 1 - rest*(1-l.alike(i))
}

// whom are the families that say that a text is meant for a model. Even a weak sign
// of them has no business where people do not see it.
var whom = map[string]bool{"address": true, "conceal": true, "override": true, "consent": true}

// carries says whether signs of two families add up. What is to be done counts
// only where somebody says who is to do it, for whom, or that nobody may know:
// manuals are full of deeds.
func carries(a, b string) bool {
	if b == "deed" {
		a, b = b, a
	}
	return a != "deed" || b == "address" || b == "consent" || b == "conceal" || b == "role"
}

// alike is what other signs of the same family near a finding, but not in its
// words, add: half their weight, of two at most.
func (l *look) alike(i int) float64 {
	f := &l.found[i]
	rest, n := 1.0, 0
	for j := max(0, i-16); j < len(l.found) && j < i+16 && n < 2; j++ {
		o := &l.found[j]
		if j == i || o.Family != f.Family || o.Rule == f.Rule || o.Severity < 4 || o.Start < f.End && f.Start < o.End {
			continue
		}
		if o.Start-f.End < nearBytes && f.Start-o.End < nearBytes {
			rest *= 1 - float64(o.Severity)/20
			n++
		}
	}
	return 1 - rest
}

// isQuoted says whether a part stands in quotes, in code, or in a list of such.
func isQuoted(text string, start int) bool {
	const far = 120
	for i := start - 1; i >= 0 && i > start-far; i-- {
		c := text[i]
		if c == '\n' {
			return i+1 < start && (text[i+1] == '>' || text[i+1] == '|' || strings.HasPrefix(text[i+1:], "    "))
		}
		if c != '"' && c != '\'' && c != '`' && c < 0x80 {
			continue
		}
		if c >= 0x80 && !quotes(text, i) {
			continue
		}
		if c == '\'' && i > 0 && letter(text[i-1]) {
			continue
		}
		return true
	}
	return false
}

// quotes says whether a typographic quote ends at byte i.
func quotes(text string, i int) bool {
	switch text[i] {
	case 0x9C, 0x9E, 0xAB, 0x98, 0x8C, 0x8E: // their last bytes
	default:
		return false
	}
	for _, q := range [...]string{"“", "„", "«", "‘", "「", "『"} {
		if strings.HasSuffix(text[:i+1], q) {
			return true
		}
	}
	return false
}

// widen takes a finding that acts to the ends of its sentence: what follows the
// sign is what it asks for.
func (l *look) widen(text string, f Finding) Finding {
	if !f.Action.AboveLog() || f.Decoded != "" && f.Hidden {
		return f
	}
	const most = 240
	first := f.Start
	for n := 0; f.Start > 0 && n < most; n++ {
		if c := text[f.Start-1]; c == '\n' || c == '"' || n > 0 && (c == '.' || c == '!' || c == '?') && text[f.Start] == ' ' {
			break
		}
		f.Start--
	}
	for f.Start > 0 && f.Start < len(text) && text[f.Start]&0xC0 == 0x80 {
		f.Start--
	}
	for f.Start < first && text[f.Start] == ' ' {
		f.Start++
	}
	for n := 0; f.End < len(text) && n < most; n++ {
		if c := text[f.End]; c == '\n' || c == '"' || c == '\\' {
			break
		} else if (c == '.' || c == '!' || c == '?') && ends(text[f.End+1:]) { // not in an address or a number
			f.End++
			break
		}
		f.End++
	}
	for f.End < len(text) && text[f.End]&0xC0 == 0x80 {
		f.End++
	}
	return f
}

// ends says whether a sentence can end before the rest of a text.
func ends(rest string) bool {
	return rest == "" || strings.IndexByte(" \t\r\n\"')<\\", rest[0]) >= 0
}
