package match_test

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"sallyport/policy/match"
)

func TestName(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"a", "", false},
		{"*", "", true},
		{"*", "a/b\nc", true},
		{"**", "ab", true},
		{"a*c", "abbbc", true},
		{"a*c", "abbbcd", false},
		{"*a*b*c", "xxaxxbxxc", true},
		{"?", "é", true},
		{"??", "é", false},
		{"*??", "日", false},
		{"a?c", "ac", false},
		{"[a]", "a", false},
		{"[a]", "[a]", true},
		{"A", "a", false},
		{"a\\*", "a\\b", true},
	} {
		if got := match.Name(c.pattern, c.name); got != c.want {
			t.Errorf("Name(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

func TestURI(t *testing.T) {
	for _, c := range []struct {
		pattern, uri string
		want         bool
	}{
		{"file:///data/**", "file:///data/a/b", true},
		{"file:///data/**", "file:///data/", true},
		{"file:///data/**", "file:///data", false},
		{"file:///data/*", "file:///data/a", true},
		{"file:///data/*", "file:///data/a/b", false},
		{"file:///*/x", "file:///a/x", true},
		{"file:///*/x", "file:///a/b/x", false},
		{"file:///**/x", "file:///a/b/x", true},
		{"a?c", "a/c", false},
		{"a?c", "aéc", true},
		{"***", "a/b", true},
		{"*.txt", "a.txt.txt", true},
		{"**.*.txt", "d.x/a.b.txt", true},
		{"x", "X", false},
	} {
		if got := match.CompileURI(c.pattern).Match(c.uri); got != c.want {
			t.Errorf("%q matches %q = %v", c.pattern, c.uri, got)
		}
	}
}

// condition parses and checks one expression.
func condition(t testing.TB, src string) (*match.Condition, hcl.Diagnostics) {
	t.Helper()
	expr, diags := hclsyntax.ParseExpression([]byte(src), "when", hcl.InitialPos)
	if diags.HasErrors() {
		return nil, diags
	}
	return match.NewLanguage(func(string, []string) string { return "" }).Condition(expr)
}

// TestFunctions asks conditions about args.x, written as JSON; "" leaves it
// out.
func TestFunctions(t *testing.T) {
	for _, c := range []struct{ when, x, want string }{
		{`oneof(args.x, "a", "b")`, `"b"`, "true"},
		{`oneof(args.x, "a", 1)`, `1.0`, "true"},
		{`oneof(args.x, null)`, `null`, "false"},
		{`oneof(args.x, "a")`, `["a"]`, "error"},
		{`contains(args.x, "b")`, `["a","b"]`, "true"},
		{`contains(args.x, 1)`, `["1"]`, "false"},
		{`contains(args.x, null)`, `[null]`, "false"},
		{`contains(args.x, "b")`, `"abc"`, "true"},
		{`contains(args.x, "b")`, `{"b":1}`, "error"},
		{`contains(args.x, "b")`, ``, "false"},
		{`contains(args.x, 5)`, `"5"`, "error"},
		{`glob(args.x, "a*", "b*")`, `"bcd"`, "true"},
		{`glob(args.x, "a*")`, ``, "false"},
		{`glob(args.x, "1*")`, `12`, "error"},
		{`glob(args.x, null)`, `"a"`, "error"},
		{`startswith(args.x, "/a")`, `"/ab"`, "true"},
		{`startswith(args.x, "/a")`, `null`, "false"},
		{`endswith(args.x, ".go")`, `"x.go"`, "true"},
		{`lower(args.x) == "ab"`, `"AB"`, "true"},
		{`upper(args.x) == "AB"`, `"ab"`, "true"},
		{`lower(args.x) == null`, ``, "true"},
		{`length(args.x) == 2`, `"é日"`, "true"},
		{`length(args.x) == 2`, `[1,2]`, "true"},
		{`length(args.x) == 1`, `{"a":1}`, "true"},
		{`length(args.x) == 0`, ``, "true"},
		{`length(args.x) == 1`, `5`, "error"},
		{`keys(args.x) == keys({a = 1, b = 2})`, `{"b":1,"a":2}`, "true"},
		{`contains(keys(args.x), "a")`, `{"a":1}`, "true"},
		{`length(keys(args.x)) == 0`, `{}`, "true"},
		{`keys(args.x) == []`, `[1]`, "error"},
		{`alltrue([for v in args.x : v > 1])`, `[2,3]`, "true"},
		{`alltrue([for v in args.x : v > 1])`, `[2,1]`, "false"},
		{`alltrue(args.x)`, `[]`, "true"},
		{`alltrue(args.x)`, ``, "error"},
		{`alltrue(args.x)`, `["true"]`, "error"},
		{`alltrue(args.x)`, `[false,null]`, "error"},
		{`anytrue(args.x)`, `[false,true]`, "true"},
		{`anytrue(args.x)`, `[]`, "false"},
		{`anytrue(args.x)`, `"x"`, "error"},
		{`has(args, "x")`, `1`, "true"},
		{`has(args, "x")`, `null`, "false"},
		{`has(args, "x")`, ``, "false"},
		{`has(args, "x.y.1.z")`, `{"y":[0,{"z":1}]}`, "true"},
		{`has(args, "x.y.2.z")`, `{"y":[0,{"z":1}]}`, "false"},
		{`has(args, "x.-1")`, `[1]`, "false"},
		{`has(args, "x")`, `"e\u0301"`, "true"},
		{`has(args, "x.y")`, `{"e\u0301":1}`, "error"},
		{`has(args, args.x)`, `5`, "error"},
		{`regex(args.x, "^a+$")`, `"aaa"`, "true"},
		{`regex(args.x, "^a+$")`, `"b"`, "false"},
		{`regex(args.x, "^a+$")`, ``, "false"},
		{`regex(args.x, "^a+$")`, `1`, "error"},
		{`under(args.x, "/data")`, `"/data/x"`, "true"},
		{`under(args.x, "/data")`, `"/data"`, "true"},
		{`under(args.x, "/data/")`, `"//data//x/./y"`, "true"},
		{`under(args.x, "/data")`, `"/database"`, "false"},
		{`under(args.x, "/")`, `"/etc"`, "true"},
		{`under(args.x, "/a", "/data")`, `"/data/x"`, "true"},
		{`under(args.x, "/data")`, `"/data/../etc"`, "error"},
		{`under(args.x, "/data")`, `"/data\\..\\etc"`, "error"},
		{`under(args.x, "/data")`, `"data/x"`, "error"},
		{`under(args.x, "/data")`, `"~/x"`, "error"},
		{`under(args.x, "/data")`, `"/data/\u0000"`, "error"},
		{`under(args.x, "/data")`, `""`, "error"},
		{`under(args.x, "/data")`, ``, "false"},
		{`host(args.x) == "a.b"`, `"https://A.b:8080/x?y#z"`, "true"},
		{`host(args.x) == "a.b"`, `"HTTP://a.B./"`, "true"},
		{`host(args.x) == "::1"`, `"http://[::1]:80/"`, "true"},
		{`host(args.x) == "127.0.0.1"`, `"http://[::ffff:127.0.0.1]/"`, "true"},
		{`host(args.x) == "127.0.0.1"`, `"http://127.0.0.1/"`, "true"},
		{`host(args.x) == ""`, `"not a url"`, "error"},
		{`host(args.x) == ""`, `"plain"`, "true"},
		{`host(args.x) == ""`, ``, "true"},
		{`host(args.x) == ""`, `"mailto:a"`, "true"},
		{`host(args.x) == ""`, `"file:///etc"`, "true"},
		{`host(args.x) == ""`, `5`, "error"},
		{`host(args.x) != "a"`, `"http://user@a/"`, "error"},
		{`host(args.x) != "a"`, `"http://a\\@b/"`, "error"},
		{`host(args.x) != "a"`, `"http:\\\\a"`, "error"},
		{`host(args.x) != "a"`, `"http:a"`, "error"},
		{`host(args.x) != "a"`, `"http:///a"`, "error"},
		{`host(args.x) != "a"`, `"//a"`, "error"},
		{`host(args.x) != "a"`, `" http://a"`, "error"},
		{`host(args.x) != "a"`, `"ht\ttp://a"`, "error"},
		{`host(args.x) != "a"`, `"http://ａ/"`, "error"},
		{`host(args.x) != "a"`, `"http://%61/"`, "error"},
		{`host(args.x) != "a"`, `"http://2130706433/"`, "error"},
		{`host(args.x) != "a"`, `"http://0x7f.1/"`, "error"},
		{`host(args.x) != "a"`, `"http://0177.0.0.1/"`, "error"},
		{`host(args.x) != "a"`, `"http://127.1/"`, "error"},
		{`host(args.x) != "a"`, `"http://a..b/"`, "error"},
		{`host(args.x) != "a"`, `"http://a:b/"`, "error"},
		{`host(args.x) != "a"`, `"http://a:99999/"`, "error"},
		{`host(args.x) != "a"`, `"http://[::1]x/"`, "error"},
		{`host(args.x) != "a"`, `"http://[fe80::1%25eth0]/"`, "error"},
		{`port(args.x) == 443`, `"https://a/"`, "true"},
		{`port(args.x) == 8080`, `"https://a:8080/"`, "true"},
		{`port(args.x) == 0`, `"foo://a/"`, "true"},
		{`port(args.x) == 0`, ``, "true"},
		{`scheme(args.x) == "https"`, `"HTTPS://a/"`, "true"},
		{`scheme(args.x) == ""`, `"plain"`, "true"},
		{`cidr(args.x, "10.0.0.0/8")`, `"10.1.2.3"`, "true"},
		{`cidr(args.x, "10.0.0.0/8", "::1")`, `"::1"`, "true"},
		{`cidr(args.x, "10.0.0.0/8")`, `"::ffff:10.1.2.3"`, "true"},
		{`cidr(args.x, "10.0.0.0/8")`, `"11.1.2.3"`, "false"},
		{`cidr(args.x, "10.0.0.0/8")`, `"example.com"`, "false"},
		{`cidr(args.x, "10.0.0.0/8")`, `"10.1"`, "error"},
		{`cidr(args.x, "10.0.0.0/8")`, `"0xa.1.2.3"`, "error"},
		{`cidr(args.x, "10.0.0.0/8")`, `"10.1.2.3:80"`, "error"},
		{`cidr(args.x, "fe80::/10")`, `"fe80::1%eth0"`, "error"},
		{`cidr(args.x, "10.0.0.0/8")`, ``, "false"},
		{`can(args.x.y)`, `{"y":1}`, "true"},
		{`can(args.x.y)`, `{}`, "false"},
		{`try(args.x.y, "z") == "z"`, `{}`, "true"},
		{`args.x == 0.1`, `0.1`, "true"},
		{`args.x == 1e2`, `100`, "true"},
		{`args.x > 0`, `1e301`, "error"},
		{`args.x > 0`, strings.Repeat("9", 200), "error"},
		{`args.x == 9007199254740993`, `9007199254740992`, "false"},
	} {
		cond, diags := condition(t, c.when)
		if diags.HasErrors() {
			t.Errorf("%s: %v", c.when, diags)
			continue
		}
		args := map[string]any{}
		if c.x != "" {
			d := json.NewDecoder(strings.NewReader(`{"x":` + c.x + `}`))
			d.UseNumber()
			if err := d.Decode(&args); err != nil {
				t.Fatal(c.x, err)
			}
		}
		got := "false"
		switch holds, err := cond.Holds(match.Input{Args: args}); {
		case err != nil:
			got = "error"
		case holds:
			got = "true"
		}
		if got != c.want {
			t.Errorf("%s with x = %s: %s, want %s", c.when, c.x, got, c.want)
		}
	}
}

func TestZeroCondition(t *testing.T) {
	var none *match.Condition
	for _, c := range []*match.Condition{none, {}} {
		if holds, err := c.Holds(match.Input{}); holds || err == nil {
			t.Errorf("%v: %v, %v", c, holds, err)
		}
	}
}

// An argument that JSON cannot hold is a fault of ours, and refuses.
func TestForeignValues(t *testing.T) {
	c, _ := condition(t, `args.x == 1`)
	deep := any("1")
	for range 5000 {
		deep = []any{deep}
	}
	for _, v := range []any{1, struct{}{}, json.Number("0x10"), json.Number("1_0"), json.Number("inf"), json.Number(""), json.Number("1e"), []any{1}, deep} {
		cond := c
		if _, ok := v.([]any); ok {
			cond, _ = condition(t, `contains(args.x, "1")`)
		}
		if holds, err := cond.Holds(match.Input{Args: map[string]any{"x": v}}); holds || err == nil {
			t.Errorf("%.40v: %v, %v", v, holds, err)
		}
	}
}

// A call must not cost far more memory than its bytes: what lies beyond the
// bound is unknown, and a rule that reads it refuses.
func TestTooManyValues(t *testing.T) {
	many := make([]any, 200_000)
	wide := make(map[string]any, 200_000)
	for i := range many {
		many[i] = "a"
		wide[strconv.Itoa(i)] = "a"
	}
	for when, args := range map[string]map[string]any{
		`contains(args.x, "b")`:                {"x": many},
		`length(args.x) > 5`:                   {"x": []any{many[:60_000], many[:60_000]}},
		`alltrue([for v in args.x : v == ""])`: {"x": wide},
		`length(args) > 5`:                     wide,
	} {
		c, diags := condition(t, when)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		if holds, err := c.Holds(match.Input{Args: args}); holds || err == nil {
			t.Errorf("%s: %v, %v", when, holds, err)
		}
	}
	if c, _ := condition(t, `args.y == "b"`); c != nil {
		if holds, err := c.Holds(match.Input{Args: map[string]any{"x": many, "y": "b"}}); !holds || err != nil {
			t.Errorf("an argument that no rule reads disturbed one: %v, %v", holds, err)
		}
	}
}

// FuzzName compares with a regular expression, the plainest statement of what
// a pattern means.
func FuzzName(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("*??", "日")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if !utf8.ValidString(pattern) || !utf8.ValidString(name) || len(pattern) > 60 {
			return
		}
		want := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern))
		if got := match.Name(pattern, name); got != regexp.MustCompile(`(?s)\A`+want+`\z`).MatchString(name) {
			t.Errorf("Name(%q, %q) = %v", pattern, name, got)
		}
	})
}

func FuzzURI(f *testing.F) {
	f.Add("file:///**/a*/?", "file:///x/ab/c")
	f.Add("**a*b", "aaaa/ab")
	f.Fuzz(func(t *testing.T, pattern, uri string) {
		if !utf8.ValidString(pattern) || !utf8.ValidString(uri) || len(pattern) > 60 {
			return
		}
		want := strings.NewReplacer(`\*\*`, `.*`, `\*`, `[^/]*`, `\?`, `[^/]`).Replace(regexp.QuoteMeta(pattern))
		if got := match.CompileURI(pattern).Match(uri); got != regexp.MustCompile(`(?s)\A`+want+`\z`).MatchString(uri) {
			t.Errorf("%q matches %q = %v", pattern, uri, got)
		}
	})
}

// FuzzHost: what host accepts has one reading, so what it gives has none of
// the marks by which readers differ, and giving it again changes nothing.
func FuzzHost(f *testing.F) {
	f.Add("http://user@a:80\\b/")
	f.Add("https://[::1]:1/x")
	c, _ := condition(f, `can(host(args.x)) ? host("http://${contains(host(args.x), ":") ? "[${host(args.x)}]" : host(args.x)}/") == host(args.x) && !regex(host(args.x), "[^a-z0-9:._-]") : true`)
	empty, _ := condition(f, `can(host(args.x)) ? host(args.x) == "" : true`)
	f.Fuzz(func(t *testing.T, url string) {
		in := match.Input{Args: map[string]any{"x": url}}
		if none, err := empty.Holds(in); none || err != nil {
			return // no host, refused, or not in NFC
		}
		if ok, err := c.Holds(in); !ok || err != nil {
			t.Errorf("%q: %v %v", url, ok, err)
		}
	})
}

// FuzzUnder: a path that is accepted as inside is inside also for the one who
// walks it part by part.
func FuzzUnder(f *testing.F) {
	f.Add("/data/../etc", "/data")
	c, _ := condition(f, `under(args.x, args.d)`)
	f.Fuzz(func(t *testing.T, path, dir string) {
		inside, err := c.Holds(match.Input{Args: map[string]any{"x": path, "d": dir}})
		if err != nil || !inside {
			return
		}
		want, got := parts(dir), parts(path)
		if len(got) < len(want) || !strings.HasPrefix(path, "/") {
			t.Fatalf("%q is under %q", path, dir)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%q is under %q", path, dir)
			}
		}
	})
}

func parts(p string) []string {
	var out []string
	for part := range strings.SplitSeq(p, "/") {
		if part != "" && part != "." {
			out = append(out, part)
		}
		if part == ".." {
			return nil
		}
	}
	return out
}

func BenchmarkHolds(b *testing.B) {
	for name, when := range map[string]string{
		"oneof": `!oneof(args.namespace, "monitoring", "app-staging")`,
		"host":  `host(args.url) != "wiki.internal"`,
		"every": `!alltrue([for p in args.paths : under(p, "/data")])`,
		"whole": `has(args, "namespace")`,
	} {
		c, diags := condition(b, when)
		if diags.HasErrors() {
			b.Fatal(diags)
		}
		in := match.Input{Args: map[string]any{"namespace": "monitoring", "url": "https://wiki.internal/a/b", "paths": []any{"/data/a", "/data/b"}}}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Holds(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkURI(b *testing.B) {
	g := match.CompileURI("file:///**/a*/**.t?t")
	uri := "file:///" + strings.Repeat("aaa/", 20) + "x.txt"
	b.ReportAllocs()
	for b.Loop() {
		if !g.Match(uri) {
			b.Fatal("no match")
		}
	}
}
