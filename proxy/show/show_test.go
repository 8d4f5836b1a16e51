package show

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the goldens anew")

// TestQuestions shows whole questions. Each file under testdata/show says why it
// exists, then holds fields (NAME VALUE, in Go's quotes where needed), arguments,
// and the text that a person would see. In arguments, {{N*TEXT}} is TEXT N times.
func TestQuestions(t *testing.T) {
	files, err := filepath.Glob("../../testdata/show/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no questions: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(bytes.TrimSpace(a.Comment)) < 40 {
				t.Error("the file must say why it exists")
			}
			q := Question{Role: "dev", Server: "files", Tool: "write", Tier: "delete", TierBy: `tool "write"`, TierAt: "policy.hcl:7"}
			var golden *txtar.File
			for i := range a.Files {
				switch f := &a.Files[i]; f.Name {
				case "fields":
					for line := range strings.Lines(string(f.Data)) {
						set(t, &q, strings.TrimSpace(line))
					}
				case "arguments":
					q.Arguments = []byte(strings.TrimSpace(expand(string(f.Data))))
				case "also":
					q.Also = []byte(strings.TrimSpace(string(f.Data)))
				case "text":
					golden = f
				}
			}
			got := q.Text(Limits{}) + "\n"
			checkText(t, q, got)
			if *update {
				golden.Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(golden.Data), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func set(t *testing.T, q *Question, line string) {
	name, value, _ := strings.Cut(line, " ")
	if strings.HasPrefix(value, `"`) {
		var err error
		if value, err = strconv.Unquote(value); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	switch name {
	case "role":
		q.Role = value
	case "client":
		q.Agent = value
	case "server":
		q.Server = value
	case "tool":
		q.Tool = value
	case "rule":
		q.Rule, q.RuleAt = value, "policy.hcl:20"
	case "message":
		q.Message = value
	case "quorum":
		q.Quorum, _ = strconv.Atoi(value)
	default:
		t.Fatalf("unknown field %q", name)
	}
}

func expand(text string) string {
	for {
		from := strings.Index(text, "{{")
		if from < 0 {
			return text
		}
		inner, rest, _ := strings.Cut(text[from+2:], "}}")
		n, what, _ := strings.Cut(inner, "*")
		count, _ := strconv.Atoi(n)
		text = text[:from] + strings.Repeat(what, count) + rest
	}
}

// checkText holds what must be true of every question: whatever the arguments
// are, the lines outside of the gutter are those of the same question without
// them.
func checkText(t *testing.T, q Question, text string) {
	t.Helper()
	outside := func(text string) (out []string) {
		for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			switch {
			case i == 0 && line != Opening, i == 1 && line != "", i > 1 && !strings.HasPrefix(line, "    "):
				t.Errorf("line %d stands outside of the block: %q", i+1, line)
			case strings.HasPrefix(line, gutter):
				if strings.Contains(line[len(gutter):], "│") {
					t.Errorf("line %d imitates the gutter: %q", i+1, line)
				}
				continue
			}
			out = append(out, line)
		}
		return out
	}
	plain := q
	plain.Arguments, plain.Also = []byte(`1`), nil
	want, got := outside(plain.Text(Limits{})), outside(text)
	skip := func(lines []string) (out []string) {
		for _, l := range lines {
			if !strings.HasPrefix(l, "    Arguments ") && !strings.HasPrefix(l, "    Also sent ") {
				out = append(out, l)
			}
		}
		return out
	}
	if diff := cmp.Diff(skip(want), skip(got)); diff != "" {
		t.Errorf("the arguments change what stands outside of their gutter (-want +got):\n%s", diff)
	}
	if bad := misleading(text); bad != "" {
		t.Errorf("the text holds %s", bad)
	}
}

// misleading finds a character that must never be shown.
func misleading(text string) string {
	if !utf8.ValidString(text) {
		return "invalid UTF-8"
	}
	for _, r := range text {
		if r != '\n' && r != ' ' && (!unicode.IsGraphic(r) || unicode.In(r, unicode.Zs, unicode.Cf, unicode.Cc, unicode.Co)) ||
			r >= 0xFE00 && r <= 0xFE0F || r == 0x3164 || r == 0x2800 {
			return fmt.Sprintf("U+%04X", r)
		}
	}
	return ""
}

// TestLine has words that must be marked, and words that must not.
func TestLine(t *testing.T) {
	for _, tt := range []struct{ why, in, want string }{
		{"ASCII", `rm -rf "/tmp/x" && echo $HOME`, `rm -rf "/tmp/x" && echo $HOME`},
		{"nothing", "", ""},
		{"terminal colours", "\x1b[31mred\x1b[0m", "⟨U+001B⟩[31mred⟨U+001B⟩[0m"},
		{"C1 controls", "\u009b31m", "⟨U+009B⟩31m"},
		{"erasing", "safe\b\b\b\bevil\x7f", "safe⟨U+0008⟩⟨U+0008⟩⟨U+0008⟩⟨U+0008⟩evil⟨U+007F⟩"},
		{"a line feed", "a\nb\r\n", "a⟨U+000A⟩b⟨U+000D⟩⟨U+000A⟩"},
		{"Unicode's line ends", "a\u2028b\u2029c\u0085", "a⟨U+2028⟩b⟨U+2029⟩c⟨U+0085⟩"},
		{"bidi override", "a\u202eb\u2066c", "a⟨U+202E⟩b⟨U+2066⟩c"},
		{"zero width", "ad\u200bmin\ufeff", "ad⟨U+200B⟩min⟨U+FEFF⟩"},
		{"tag characters", "x\U000E0041", "x⟨U+E0041⟩"},
		{"variation selectors", "x\ufe00\U000E0100", "x⟨U+FE00⟩⟨U+E0100⟩"},
		{"letters that show nothing", "a\u3164b\u115fc\u2800d", "a⟨U+3164⟩b⟨U+115F⟩c⟨U+2800⟩d"},
		{"other spaces", "a\u00a0b\u3000c", "a⟨U+00A0⟩b⟨U+3000⟩c"},
		{"soft hyphen", "a\u00adb", "a⟨U+00AD⟩b"},
		{"private use, unassigned", "\ue000\u0378", "⟨U+E000⟩⟨U+0378⟩"},
		{"invalid bytes and the sign for them", "\xff\ufffd", "⟨byte 0xff⟩⟨U+FFFD⟩"},
		{"the marks themselves", "⟨U+202E⟩", "⟨U+27E8⟩U+202E⟨U+27E9⟩"},
		{"brackets like the marks", "〈x〉", "⟨U+3008⟩x⟨U+3009⟩"},
		{"the gutter", "│ ║ ─", "⟨U+2502⟩ ⟨U+2551⟩ ⟨U+2500⟩"},
		{"many spaces", "a" + strings.Repeat(" ", 9) + "b  c", "a⟨9 spaces⟩b  c"},
		{"floods of accents", "e\u0301\u0302\u0303\u0304", "e\u0301\u0302⟨U+0303⟩⟨U+0304⟩"},
		{"an accent on nothing", "\u0301x", "⟨U+0301⟩x"},
		{"Cyrillic in a Latin word", "p\u0430ypal", "p⟨U+0430 like a⟩ypal"},
		{"a Latin letter in a Cyrillic word", "пapа", "пap⟨U+0430 like a⟩"},
		{"all of it Cyrillic", "\u0440\u0430\u0443", "⟨U+0440 like p⟩⟨U+0430 like a⟩⟨U+0443 like y⟩"},
		{"Greek in a Latin word", "g\u03bfogle", "g⟨U+03BF like o⟩ogle"},
		{"Cherokee", "\u13aa\u13a1", "⟨U+13AA like A⟩⟨U+13A1 like R⟩"},
		{"full width", "\uff52\uff4d", "⟨U+FF52 like r⟩⟨U+FF4D like m⟩"},
		{"mathematical", "\U0001d42b\U0001d426", "⟨U+1D42B like r⟩⟨U+1D426 like m⟩"},
		{"full width punctuation", "a\uff0fb", "a⟨U+FF0F like /⟩b"},
		{"Russian", "Удалить файл сахар, вот так", "Удалить файл сахар, вот так"},
		{"Greek", "Διαγραφή αρχείου", "Διαγραφή αρχείου"},
		{"German, French, Vietnamese", "Größe déjà Xoá tệp", "Größe déjà Xoá tệp"},
		{"Chinese, Japanese, Korean", "删除文件 ファイルを削除 파일 삭제", "删除文件 ファイルを削除 파일 삭제"},
		{"Thai, Hindi", "ลบไฟล์นี้ फ़ाइल हटाएँ", "ลบไฟล์นี้ फ़ाइल हटाएँ"},
		{"Hebrew, Arabic", "מחק ملف", "מחק ملف ⟨reads from right to left⟩"},
		{"emoji", "done 🎉 ✓ → €", "done 🎉 ✓ → €"},
	} {
		if got := Line(tt.in, 400); got != tt.want {
			t.Errorf("%s: %q is shown as %q, want %q", tt.why, tt.in, got, tt.want)
		}
	}
	long := strings.Repeat("a", 50) + "HIDDEN" + strings.Repeat("b", 50)
	got := Line(long, 30)
	if want := strings.Repeat("a", 20) + "⟨76 of 106 bytes left out, SHA-256 " + Digest(long)[:12] + "…⟩" + strings.Repeat("b", 10); got != want {
		t.Errorf("a long text is shown as %q, want %q", got, want)
	}
}

func TestDiff(t *testing.T) {
	got := Diff([]byte(`{"a":1,"path":"/tmp/x"}`), []byte(`{"a":1,"path":"/etc/\u202epasswd"}`))
	want := []Change{{'@', "⟨from line 1⟩"}, {' ', "{"}, {' ', `  "a": 1,`}, {'-', `  "path": "/tmp/x"`}, {'+', `  "path": "/etc/⟨U+202E⟩passwd"`}, {' ', "}"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := Diff([]byte(`1`), []byte(`1`)); got != nil {
		t.Errorf("equal: %v", got)
	}
	big := []byte(`"` + strings.Repeat("x", maxCompared) + `"`)
	if got := Diff(big, []byte(`1`)); len(got) != 2 || !strings.Contains(got[0].Text, "SHA-256") {
		t.Errorf("too large to compare: %.200v", got)
	}
}

// FuzzLine: what is shown cannot mislead, is bounded, and two texts that differ
// are shown as two texts.
func FuzzLine(f *testing.F) {
	f.Add("plain", "p\u0430ypal")
	f.Add("⟨U+202E⟩", "\u202e")
	f.Add("a    b", "\xff\ufffd")
	f.Add("сахар", "שלום e\u0301")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := Line(a, 1000), Line(b, 1000)
		if bad := misleading(x); bad != "" {
			t.Errorf("%q is shown as %q, which holds %s", a, x, bad)
		}
		if utf8.RuneCountInString(a) <= 1000 && utf8.RuneCountInString(b) <= 1000 && a != b && x == y {
			t.Errorf("%q and %q are both shown as %q", a, b, x)
		}
		if s := Line(a, 20); len(s) > 20*40+200 {
			t.Errorf("%d bytes for 20 characters", len(s))
		}
	})
}

// FuzzQuestion: no argument, and no name, changes what stands around it.
func FuzzQuestion(f *testing.F) {
	f.Add("tool", "rule", `{"a":"x\n    End of the question."}`)
	f.Add("t\n", "│", `[[[1e9]],{"│":"\u2028"}]`)
	f.Add("", "", `nonsense`)
	f.Fuzz(func(t *testing.T, tool, rule, args string) {
		q := Question{Role: rule, Agent: tool, Server: tool, Tool: tool, Tier: "delete", TierBy: rule, TierAt: rule, Rule: tool, RuleAt: rule, Message: rule, Arguments: []byte(args)}
		checkText(t, q, q.Text(Limits{}))
		if n := len(JSON(q.Arguments, Limits{Lines: 9})); n > 10 {
			t.Errorf("%d lines", n)
		}
	})
}

// FuzzJSON: laid out without limits, plain JSON reads back as what it was.
func FuzzJSON(f *testing.F) {
	f.Add(`{"a":[1,2.50,{}],"b":{"c":null,"d":[]},"e":"x\"\\ \n"}`)
	f.Fuzz(func(t *testing.T, raw string) {
		var want any
		if json.Unmarshal([]byte(raw), &want) != nil || !ascii(raw) || strings.Contains(raw, `\u`) || strings.Contains(raw, `\b`) || strings.Contains(raw, `\f`) || strings.Contains(raw, "         ") {
			return
		}
		text := strings.Join(JSON([]byte(raw), All), "\n")
		var got any
		if err := json.Unmarshal([]byte(text), &got); err != nil && !strings.Contains(text, "⟨") {
			t.Fatalf("%q is laid out as %q: %v", raw, text, err)
		} else if err == nil && !cmp.Equal(want, got) {
			t.Errorf("%q is laid out as %q", raw, text)
		}
	})
}

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf || r == 0x7f }) < 0
}

func BenchmarkText(b *testing.B) {
	for _, size := range []int{1 << 10, 100 << 10} {
		q := Question{Role: "dev", Server: "s", Tool: "t", Tier: "delete", Arguments: []byte(`{"text":"` + strings.Repeat("some words ", size/11) + `"}`)}
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			for b.Loop() {
				q.Text(Limits{})
			}
		})
	}
}
