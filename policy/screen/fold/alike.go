package fold

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lookalikes are letters of other scripts that look like Latin ones: the letter,
// and behind it the Latin one.
const lookalikes = "" +
	// Cyrillic
	"аaеeоoрpсcуyхxѕsіiјjһhԁdԛqԝwүyҮYӏlѵvпnтtкkмmгrзe" +
	"АAВBЕEКKМMНHОOРPСCТTУYХXЅSІIЈJҺHԌGԚQԜWӀI" +
	// Greek
	"αaνvοoρpυuτtιiκkχxγyϲcϳjηnωwεeσoβb" +
	"ΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXϹC" +
	// Armenian, Coptic, Cherokee, Lisu and others
	"ոnսuօoհhցgզqՕOՍUՏSԼLⲟoⲣpⲥcⲭxⲎHⲔKⲘMⲚNⲞOⲢPⲤCⲦTⲬXⲨY" +
	"ᎪAᎳWᎬEᎡRᎢTᎥiᎫJᎷMᎻHᎾOᏀGᏂhᏃZᏆIᏒRᏔWᏕSᏙVᏚSᏞLᏟCᏢPᏦKᏴB" +
	"ꓐBꓑPꓓDꓔTꓖGꓗKꓙJꓚCꓛOꓜZꓝFꓟMꓠNꓡLꓢSꓣRꓥAꓦVꓧHꓪWꓫXꓬYꓮAꓰEꓲIꓳOꓴU" +
	// small capitals and phonetic letters of Latin itself
	"ɑaɡgɩiʋvʏyıiᴏoᴄcᴠvᴡwᴢzʟLɴNʀRꜱsᴀAʙBᴅDᴇEꜰFɢGʜHᴊJᴋKᴍMᴘPᴛTᴜU"

// Latin is the letter that a rune looks like, or 0.
func Latin(r rune) rune {
	if r < utf8.RuneSelf {
		return 0
	}
	if scripted(r) {
		return rune(scriptedAlike[r-firstScripted])
	}
	i := strings.IndexRune(lookalikes, r)
	if i < 0 {
		return 0
	}
	return rune(lookalikes[i+utf8.RuneLen(r)])
}

// Greek, Cyrillic and Armenian: a word in them may be what it looks like, or not.
const (
	firstScripted = 0x370
	lastScripted  = 0x58F
)

func scripted(r rune) bool { return r >= firstScripted && r <= lastScripted }

var scriptedAlike = func() (t [lastScripted - firstScripted + 1]byte) {
	for i := 0; i < len(lookalikes); {
		r, n := utf8.DecodeRuneInString(lookalikes[i:])
		if scripted(r) {
			t[r-firstScripted] = lookalikes[i+n]
		}
		i += n + 1
	}
	return t
}()

// sounds are Cyrillic and Greek letters, each with the Latin ones for its sound.
const sounds = "а:a б:b в:v г:g д:d е:e ё:e ж:zh з:z и:i й:i к:k л:l м:m н:n о:o п:p р:r с:s т:t у:u ф:f х:h ц:c ч:ch ш:sh щ:sch ы:y э:e ю:u я:ya і:i ї:i є:e ґ:g ј:j љ:l њ:n ў:u " +
	"α:a β:v γ:g δ:d ε:e ζ:z η:i θ:th ι:i κ:k λ:l μ:m ν:n ξ:x ο:o π:p ρ:r σ:s ς:s τ:t υ:u φ:f χ:h ψ:ps ω:o ά:a έ:e ή:i ί:i ό:o ύ:u ώ:o"

var soundOf = func() (t [lastScripted - firstScripted + 1]string) {
	for pair := range strings.FieldsSeq(sounds) {
		r, n := utf8.DecodeRuneInString(pair)
		s := pair[n+1:]
		t[r-firstScripted] = s
		if u := unicode.ToUpper(r); scripted(u) {
			t[u-firstScripted] = s
		}
	}
	t['ь'-firstScripted], t['ъ'-firstScripted] = "", ""
	return t
}()

func sound(r rune) string { return soundOf[r-firstScripted] }
