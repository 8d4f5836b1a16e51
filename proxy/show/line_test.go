package show

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestLine(t *testing.T) {
	tests := []struct{ why, in, want string }{
		{"plain text stays", "kubectl get pods -n default", "kubectl get pods -n default"},
		{"nothing", "", ""},
		{"a line break", "a\nb\r\tc", "a⟨U+000A⟩b⟨U+000D⟩⟨U+0009⟩c"},
		{"a terminal's escapes", "\x1b[2Jx\x9b1m\x7f", "⟨U+001B⟩[2Jx⟨byte 0x9b⟩1m⟨U+007F⟩"},
		{"C1 in UTF-8", "\u009b1m", "⟨U+009B⟩1m"},
		{"a direction override", "a\u202egpj.exe", "a⟨U+202E⟩gpj.exe"},
		{"isolates", "\u2066x\u2069", "⟨U+2066⟩x⟨U+2069⟩"},
		{"zero width", "de\u200blete\ufeff\u2060", "de⟨U+200B⟩lete⟨U+FEFF⟩⟨U+2060⟩"},
		{"tags", "x\U000e0041\U000e007f", "x⟨U+E0041⟩⟨U+E007F⟩"},
		{"variation selectors", "a\ufe0fb\U000e0100", "a⟨U+FE0F⟩b⟨U+E0100⟩"},
		{"invisible operators", "a\u2062b", "a⟨U+2062⟩b"},
		{"fillers", "\u115f\u1160\u3164\uffa0\u2800", "⟨U+115F⟩⟨U+1160⟩⟨U+3164⟩⟨U+FFA0⟩⟨U+2800⟩"},
		{"other spaces", "a\u00a0b\u2003c\u202fd\u205fe\u3000f\u1680", "a⟨U+00A0⟩b⟨U+2003⟩c⟨U+202F⟩d⟨U+205F⟩e⟨U+3000⟩f⟨U+1680⟩"},
		{"separators", "a\u2028b\u2029c\u0085", "a⟨U+2028⟩b⟨U+2029⟩c⟨U+0085⟩"},
		{"private, unassigned, none", "\ue000\u0378\ufdd0\U0010ffff", "⟨U+E000⟩⟨U+0378⟩⟨U+FDD0⟩⟨U+10FFFF⟩"},
		{"no text, and what stands for it", "\xff\ufffd\xc0\xaf", "⟨byte 0xff⟩⟨U+FFFD⟩⟨byte 0xc0⟩⟨byte 0xaf⟩"},
		{"half a pair", "\xed\xa0\x80", "⟨U+D800⟩"},
		{"our own marks", "⟨U+202E⟩ 〈x〉", "⟨U+27E8⟩U+202E⟨U+27E9⟩ ⟨U+3008⟩x⟨U+3009⟩"},
		{"the gutter", "│ ┃ ▏ ￨ |", "⟨U+2502⟩ ⟨U+2503⟩ ⟨U+258F⟩ ⟨U+FFE8⟩ |"},
		{"few spaces", "a        b", "a        b"},
		{"many spaces", "a         b", "a⟨9 spaces⟩b"},
		{"spaces at the ends", " a  ", "⟨1 space⟩a⟨2 spaces⟩"},
		{"an accent at the start", "\u0301a", "⟨U+0301⟩a"},
		{"an accent on a sign", "/\u0338", "/⟨U+0338⟩"},
		{"a flood of accents", "a\u0300\u0301\u0302\u0303\u0304", "a\u0300\u0301\u0302⟨U+0303⟩⟨U+0304⟩"},
		{"struck out", "n\u0336o\u0336", "n⟨U+0336⟩o⟨U+0336⟩"},
		{"a Cyrillic letter in a Latin word", "pаypal", "p⟨U+0430 like a⟩ypal"},
		{"a Cyrillic word of look-alikes", "раураӏ", "⟨U+0440 like p⟩⟨U+0430 like a⟩⟨U+0443 like y⟩⟨U+0440 like p⟩⟨U+0430 like a⟩⟨U+04CF like l⟩"},
		{"also in the midst of Russian", "удалить сору срочно", "удалить ⟨U+0441 like c⟩⟨U+043E like o⟩⟨U+0440 like p⟩⟨U+0443 like y⟩ срочно"},
		{"one letter that nothing says is Russian", "а", "⟨U+0430 like a⟩"},
		{"with an accent", "cafё", "caf⟨U+0451 like e⟩"},
		{"Greek beside Latin", "gοοgle μm", "g⟨U+03BF like o⟩⟨U+03BF like o⟩gle ⟨U+03BC like u⟩m"},
		{"Armenian, Cherokee, Lisu", "օ ᎪᏴ ꓑ", "⟨U+0585 like o⟩ ⟨U+13AA like A⟩⟨U+13F4 like B⟩ ⟨U+A4D1 like P⟩"},
		{"full width", "ｒｍ", "⟨U+FF52 like r⟩⟨U+FF4D like m⟩"},
		{"mathematics", "𝗋𝐦 𝛂", "⟨U+1D5CB like r⟩⟨U+1D426 like m⟩ ⟨U+1D6C2 like a⟩"},
		{"circles, ligatures, superscripts, Kelvin", "ⓐ ﬁle x² \u212a ſ", "⟨U+24D0 like a⟩ ⟨U+FB01 like fi⟩le x⟨U+00B2 like 2⟩ ⟨U+212A like K⟩ ⟨U+017F like s⟩"},
		{"a beside a full width letter", "ａбв а", "⟨U+FF41 like a⟩⟨U+0431 like 6⟩⟨U+0432 like B⟩ ⟨U+0430 like a⟩"},
		{"full width signs, beside Latin and beside Chinese", "https：／ 删除，（x）", "https⟨U+FF1A like :⟩⟨U+FF0F like /⟩ 删除，⟨U+FF08 like (⟩x⟨U+FF09 like )⟩"},
		{"signs", "a∕b −rf x։y", "a⟨U+2215 like /⟩b ⟨U+2212 like -⟩rf x⟨U+0589 like :⟩y"},
		{"digits of two scripts", "1٢ ৪", "⟨right-to-left text⟩1⟨U+0662⟩ ⟨U+09EA like 8⟩"},
		{"right to left", "שלום x", "⟨right-to-left text⟩שלום x"},
		{"a sequence of emoji", "👩\u200d💻", "👩⟨U+200D⟩💻"},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, Line(tt.in, 100)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.why, diff)
		}
		checkLine(t, tt.in, 100)
	}
}

// TestOrdinary keeps the languages of the world readable.
func TestOrdinary(t *testing.T) {
	for _, text := range []string{
		"Удалить старые записи из базы данных, а со склада убрать всё остальное.",
		"Она и он пошли в лес за грибами; у нас их много… № 5",
		"Видалити її записи з бази, що є на сервері",
		"Διαγραφή όλων των αρχείων από τον κατάλογο και το βιβλίο",
		"Ջնջել բոլոր ֆայլերը",
		"删除所有旧的记录，然后重新启动《服务器》。",
		"古いファイルをすべて削除してください。サーバー「甲」ー完了",
		"오래된 파일을 모두 삭제하십시오",
		"ลบไฟล์เก่าทั้งหมดที่อยู่ในน้ำ",
		"सभी पुरानी फ़ाइलें हटाएँ, कार्यकर्ताओं को बताएँ",
		"Xóa tất cả các tệp cũ, rồi khởi động lại máy chủ đặng",
		"Tất cả de\u0302\u0301n",
		"Löschen Sie alle alten Einträge – größer als „10“ €",
		"Supprimez l’œuvre d’été — ça coûte cher à Noël",
		"¿Borró usted la 1ª y el 2º? ¡Sí, señor!",
		"Tüm eski kayıtları sil, ısı ığdır",
		"Usuń wszystkie stare pliki, żółć",
		"Smazat všechny staré soubory, příliš žluťoučký kůň",
		"ეს არის ტექსტი",
		"🚀 🎉 👍 😀 ✓ → ≤ × ÷ ± 10 °C",
	} {
		if diff := cmp.Diff(text, Line(text, 400)); diff != "" {
			t.Errorf("marked (-want +got):\n%s", diff)
		}
	}
	for _, text := range []string{
		"احذف كل الملفات القديمة من الخادم، رقم ٢٠٢٤",
		"שָׁלוֹם, מחק את כל הקבצים הישנים ו־5 אחרים",
	} {
		if diff := cmp.Diff(rtlMark+text, Line(text, 400)); diff != "" {
			t.Errorf("marked (-want +got):\n%s", diff)
		}
	}
}

func TestCut(t *testing.T) {
	tests := []struct {
		in   string
		max  int
		want string
	}{
		{"abcdef", 6, "abcdef"},
		{"abcdefg", 6, "abc⟨cut: 7 bytes in all, SHA-256 7d1a54127b22⟩efg"},
		{"abcdefg", 5, "abc⟨cut: 7 bytes in all, SHA-256 7d1a54127b22⟩fg"},
		{"abc", 1, "a⟨cut: 3 bytes in all, SHA-256 ba7816bf8f01⟩"},
		{"日本語", 3, "日本語"},
		{"日本語文字", 2, "日⟨cut: 15 bytes in all, SHA-256 2d7ee2dab775⟩字"},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, Line(tt.in, tt.max)); diff != "" {
			t.Errorf("%q at %d (-want +got):\n%s", tt.in, tt.max, diff)
		}
	}
	if long := strings.Repeat("x", 401); Line(long, 0) == long || Line(long, -1) == long || Line(long[:400], 0) != long[:400] {
		t.Error("no limit is not the default one")
	}
}

// TestAlikes keeps the table from marking what it must not.
func TestAlikes(t *testing.T) {
	for r, l := range alikes {
		if r < utf8.RuneSelf || len(l.ascii) != 1 || l.ascii[0] >= utf8.RuneSelf || l.when == never {
			t.Errorf("%U is like %q, %d", r, l.ascii, l.when)
		}
		if unicode.Is(unicode.Latin, r) && l.when != always {
			t.Errorf("%U is Latin", r)
		}
		if !unicode.IsGraphic(r) {
			t.Errorf("%U is nothing to see", r)
		}
	}
	n := 0
	for _, text := range []string{twins, cousins, strangers} {
		for line := range strings.Lines(text) {
			n += max(len(strings.Fields(line))-1, 0)
		}
	}
	if n != len(alikes) {
		t.Errorf("%d entries for %d characters", n, len(alikes))
	}
}

var marks = regexp.MustCompile(`⟨(U\+([0-9A-F]{4,6})( like [!-~]{1,5})?|byte 0x([0-9a-f]{2})|(\d+) spaces?|right-to-left text|not JSON|level \d+|` +
	`cut: \d+ bytes in all, SHA-256 [0-9a-f]{12}|\d+ bytes in all, SHA-256 [0-9a-f]{12}|unchanged: \d+ lines|` +
	`left out: \d+ lines(; \d+ bytes in all, SHA-256:)?|[0-9a-f]{64})⟩`)

// checkSafe fails if anything in a shown line could mislead.
func checkSafe(t *testing.T, shown string) {
	t.Helper()
	if !utf8.ValidString(shown) {
		t.Errorf("not UTF-8: %q", shown)
	}
	row := 0
	for _, r := range marks.ReplaceAllString(shown, "") {
		if unicode.IsMark(r) {
			row++
		} else {
			row = 0
		}
		bad := r < ' ' || r >= 0x7f && r < 0xa0 || row > mostMarks || !unicode.IsGraphic(r) || r != ' ' && unicode.IsSpace(r) ||
			unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp, unicode.Me, unicode.Variation_Selector) ||
			r >= 0x2500 && r <= 0x259f || r >= 0xe0000 || strings.ContainsRune("⟨⟩〈〉\u2800\u3164\uffa0\u115f\u1160\ufffd￨", r)
		if bad {
			t.Errorf("%U in %q", r, shown)
		}
	}
}

// read undoes what Line did to a text that it did not cut.
func read(shown string) string {
	shown = strings.TrimPrefix(shown, rtlMark)
	return marks.ReplaceAllStringFunc(shown, func(mark string) string {
		m := marks.FindStringSubmatch(mark)
		switch {
		case m[2] != "":
			n, _ := strconv.ParseInt(m[2], 16, 32)
			if n >= 0xd800 && n < 0xe000 {
				return string([]byte{0xed, 0x80 | byte(n>>6&0x3f), 0x80 | byte(n&0x3f)})
			}
			return string(rune(n))
		case m[4] != "":
			n, _ := strconv.ParseInt(m[4], 16, 32)
			return string([]byte{byte(n)})
		case m[5] != "":
			n, _ := strconv.Atoi(m[5])
			return strings.Repeat(" ", n)
		}
		return mark
	})
}

func checkLine(t *testing.T, in string, max int) {
	t.Helper()
	shown := Line(in, max)
	checkSafe(t, shown)
	checkSafe(t, Line(shown, max))
	if len(shown) > 24*max+120 {
		t.Errorf("%d bytes for %d characters", len(shown), max)
	}
	if utf8.RuneCountInString(in) <= max && read(shown) != in {
		t.Errorf("%q was shown as %q, which reads %q", in, shown, read(shown))
	}
	if utf8.RuneCountInString(in) > max+2 && !strings.Contains(in, "\xed") && !strings.Contains(shown, cutMark) {
		t.Errorf("%q was not cut at %d", in, max)
	}
}

// FuzzLine: what is shown has nothing that misleads, does not outgrow its bound,
// and can be read back, so that no two texts look the same.
func FuzzLine(f *testing.F) {
	for _, s := range []string{"", "pаypal раураӏ", "\x1b[31m\xff\ufffd\xed\xa0\x80", "⟨U+202E⟩         x ", "a\u0300\u0301\u0302\u0303", "שלום ｒｍ -rf ∕ 1٢", "\U000e0041👩\u200d💻 а б"} {
		f.Add(s, 100)
		f.Add(s, 5)
	}
	f.Add("לום ｒｍ -rAAAAAAAAAAAA\x10AAAAAAAf", 29) // what follows a fold's space is too long for the next line as well
	f.Fuzz(func(t *testing.T, in string, max int) {
		if max < 1 || max > 1000 {
			max = 1 + max&0xff
		}
		checkLine(t, in, max)
		quoted := quote(in, max)
		checkSafe(t, quoted)
		checkFold(t, quoted, 74)
	})
}

// checkFold: no part is wider than the window, and together they are the line.
func checkFold(t *testing.T, line string, width int) {
	t.Helper()
	whole := ""
	for i, part := range fold(line, width) {
		checkSafe(t, part)
		columns := 0
		for j := 0; j < len(part); {
			n, w := piece(part[j:])
			j, columns = j+n, columns+w
		}
		if columns > width+1 { // the sign that goes on is counted as two here
			t.Errorf("%d columns in %q", columns, part)
		}
		if i > 0 {
			part = strings.TrimPrefix(part, onward)
			if strings.Contains(line, rtlMark) {
				part = strings.TrimPrefix(part, rtlMark)
			}
		}
		whole += part
	}
	if whole != line {
		t.Errorf("%q was folded to %q", line, whole)
	}
}
