package show

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// lookalikes are letters of other scripts that look like Latin ones: the letter,
// and behind it the Latin one.
const lookalikes = "" +
	// Cyrillic
	"аaеeоoрpсcуyхxѕsіiјjһhԁdԛqԝwүyҮYӏlѵv" +
	"АAВBЕEКKМMНHОOРPСCТTУYХXЅSІIЈJҺHԌGԚQԜWӀI" +
	// Greek
	"αaνvοoρpυuτtιiκkχxγyϲcϳj" +
	"ΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXϹC" +
	// Armenian, Coptic, Cherokee, Lisu and others
	"ոnսuօoհhցgզqՕOՍUՏSԼLⲟoⲣpⲥcⲭxⲎHⲔKⲘMⲚNⲞOⲢPⲤCⲦTⲬXⲨY" +
	"ᎪAᎳWᎬEᎡRᎢTᎥiᎫJᎷMᎻHᎾOᏀGᏂhᏃZᏆIᏒRᏔWᏕSᏙVᏚSᏞLᏟCᏢPᏦKᏴB" +
	"ꓐBꓑPꓓDꓔTꓖGꓗKꓙJꓚCꓛOꓜZꓝFꓟMꓠNꓡLꓢSꓣRꓥAꓦVꓧHꓪWꓫXꓬYꓮAꓰEꓲIꓳOꓴU" +
	// small capitals and phonetic letters of Latin itself
	"ɑaɡgɩiʋvʏyıiᴏoᴄcᴠvᴡwᴢzʟLɴNʀRꜱsᴀAʙBᴅDᴇEꜰFɢGʜHᴊJᴋKᴍMᴘPᴛTᴜU"

// latin is the letter that a rune looks like, or 0.
func latin(r rune) rune {
	if r < utf8.RuneSelf {
		return 0
	}
	i := strings.IndexRune(lookalikes, r)
	if i < 0 {
		return 0
	}
	_, size := utf8.DecodeRuneInString(lookalikes[i:])
	return rune(lookalikes[i+size])
}

// native says whether a text has letters of another script that look like no
// Latin ones: then its words are what they are.
func native(text string) bool {
	for _, r := range text {
		if r >= utf8.RuneSelf && unicode.IsLetter(r) && latin(r) == 0 && !unicode.Is(unicode.Latin, r) && folds(r) == "" {
			return true
		}
	}
	return false
}

// word writes the run of letters and digits that text begins with, and returns
// how many bytes it has.
func (l *line) word(text string) int {
	b := &l.b
	end := 0
	ascii, foreign, alike, odd := 0, 0, 0, false
	for i, r := range text {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) || hidden(r) || r == utf8.RuneError {
			break
		}
		end = i + utf8.RuneLen(r)
		switch {
		case r < utf8.RuneSelf:
			if unicode.IsLetter(r) {
				ascii++
			}
		case latin(r) != 0:
			alike++
		case folds(r) != "":
			odd = true
		case !unicode.Is(unicode.Latin, r) && unicode.IsLetter(r):
			foreign++
		}
	}
	text = text[:end]
	mixed := alike > 0 && ascii > 0
	whole := alike > 1 && foreign == 0 && !l.native()
	if !mixed && !whole && !odd {
		b.WriteString(text)
		return end
	}
	for _, r := range text {
		switch l, f := latin(r), folds(r); {
		case l != 0 && (mixed || whole):
			fmt.Fprintf(b, "⟨U+%04X like %c⟩", r, l)
		case f != "":
			fmt.Fprintf(b, "⟨U+%04X like %s⟩", r, f)
		default:
			b.WriteRune(r)
		}
	}
	return end
}
