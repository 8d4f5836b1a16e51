package secret

import (
	"hash/crc32"
	"strings"
)

// alphabet is a set of bytes; several may be joined.
type alphabet uint16

const (
	digit alphabet = 1 << iota
	hexa           // a-f
	small          // g-z
	upper
	dash  // - and _
	dot   // .
	pem   // + / =
	extra // other signs that passwords have
	tilde // ~

	hex32  = digit | hexa
	alnum  = digit | hexa | small | upper
	word   = alnum | dash
	token  = word | dot | pem | tilde
	secret = token | extra
)

// class says which alphabets a byte belongs to.
var class = func() (c [256]alphabet) {
	for b := range 256 {
		switch {
		case b >= '0' && b <= '9':
			c[b] = digit
		case b >= 'a' && b <= 'f':
			c[b] = hexa
		case b >= 'g' && b <= 'z':
			c[b] = small
		case b >= 'A' && b <= 'Z':
			c[b] = upper
		}
	}
	c['-'], c['_'], c['.'], c['~'] = dash, dash, dot, tilde
	for _, b := range "+/=" {
		c[b] = pem
	}
	for _, b := range "!@#$%^&*?|" {
		c[b] = extra
	}
	return c
}()

// format is a kind of token: a prefix, and what may stand behind it.
type format struct {
	rule     string
	prefix   string // several, apart by spaces
	of       alphabet
	min, max int // bytes behind the prefix; max 0 is no limit
	check    func(token string) bool

	lead int  // bytes of the prefix before what is looked for
	next byte // the fourth of that, or 0
}

// formats, the longer prefix first where one starts another.
var formats = []format{
	{"aws-access-key", "AKIA ASIA ABIA ACCA", digit | upper, 16, 16, nil, 0, 0},
	{"gcp-api-key", "AIza", word, 35, 35, nil, 0, 0},
	{"gcp-oauth", "ya29. 1//0", word | dot, 24, 0, nil, 0, 0},
	{"gcp-client-secret", "GOCSPX-", word, 28, 28, nil, 0, 0},
	{"azure-devops", "azd_", alnum, 40, 0, nil, 0, 0},
	{"github", "ghp_ gho_ ghu_ ghs_ ghr_", alnum, 36, 36, checksum, 0, 0},
	{"github-fine", "github_pat_", word, 82, 82, nil, 0, 0},
	{"gitlab", "glpat- glptt- gldt- glrt- glcbt- glsoat- glft- glimt- glagent- gloas-", word | dot, 20, 0, nil, 0, 0},
	{"slack", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xoxe. xapp-", word | dot, 24, 0, nil, 0, 0},
	{"slack-webhook", "https://hooks.slack.com/services/", alnum | pem, 40, 0, nil, 8, 0},
	{"discord-webhook", "https://discord.com/api/webhooks/ https://discordapp.com/api/webhooks/", word | pem, 60, 0, nil, 8, 0},
	{"stripe", "sk_live_ rk_live_ sk_test_ rk_test_ sk_org_live_", alnum, 24, 0, nil, 0, 0},
	{"stripe-webhook", "whsec_", alnum | pem, 32, 0, nil, 0, 0},
	{"anthropic", "sk-ant-", word, 40, 0, nil, 0, 0},
	{"openai", "sk-proj- sk-svcacct- sk-admin- sk-or-v1- sk-lf-", word, 32, 0, nil, 0, 0},
	{"openai", "sk-", alnum, 32, 64, nil, 0, 0},
	{"npm", "npm_", alnum, 36, 36, checksum, 0, 0},
	{"pypi", "pypi-AgEI", word, 50, 0, nil, 0, 0},
	{"docker", "dckr_pat_ dckr_oat_", word, 27, 0, nil, 0, 0},
	{"twilio", "SK", hex32, 32, 32, nil, 0, 0},
	{"sendgrid", "SG.", word | dot, 66, 66, dotted, 0, 0},
	{"jwt", "eyJ", 0, 0, 0, nil, 0, 0},
	{"private-key", "-----BEGIN", 0, 0, 0, nil, 5, 0},
	{"age", "AGE-SECRET-KEY-1", upper | digit, 58, 58, nil, 0, 0},
	{"huggingface", "hf_ api_org_", alnum, 34, 40, nil, 0, 0},
	{"digitalocean", "dop_v1_ doo_v1_ dor_v1_", hex32, 64, 64, nil, 0, 0},
	{"databricks", "dapi", hex32, 32, 34, nil, 0, 0},
	{"shopify", "shpat_ shpss_ shpca_ shppa_", hex32 | upper, 32, 32, nil, 0, 0},
	{"mailgun", "key-", hex32, 32, 32, nil, 0, 0},
	{"newrelic", "NRAK-", upper | digit, 27, 27, nil, 0, 0},
	{"grafana", "glsa_ glc_", word | pem, 32, 0, nil, 0, 0},
	{"linear", "lin_api_ lin_oauth_", alnum, 40, 0, nil, 0, 0},
	{"notion", "ntn_ secret_", alnum, 43, 46, nil, 0, 0},
	{"planetscale", "pscale_tkn_ pscale_pw_ pscale_oauth_", word | dot, 32, 0, nil, 0, 0},
	{"postman", "PMAK-", hex32 | dash, 59, 59, nil, 0, 0},
	{"sentry", "sntrys_ sntryu_", word | pem, 40, 0, nil, 0, 0},
	{"vault", "hvs. hvb. hvr.", word, 24, 0, nil, 0, 0},
	{"doppler", "dp.pt. dp.st. dp.ct. dp.sa.", word | dot, 40, 0, nil, 0, 0},
	{"heroku", "HRKU-", word, 36, 0, nil, 0, 0},
	{"fly", "fm1_ fm2_ fo1_", word | pem, 40, 0, nil, 0, 0},
	{"supabase", "sbp_ sb_secret_", word, 24, 0, nil, 0, 0},
	{"rubygems", "rubygems_", hex32, 48, 48, nil, 0, 0},
	{"atlassian", "ATATT3 ATCTT3 ATBB", word | pem, 24, 0, nil, 0, 0},
	{"square", "sq0atp- sq0csp- EAAA", word, 22, 64, nil, 0, 0},
	{"langsmith", "lsv2_pt_ lsv2_sk_", hex32 | dash, 40, 0, nil, 0, 0},
	{"groq", "gsk_", alnum, 52, 52, nil, 0, 0},
	{"perplexity", "pplx-", alnum, 40, 0, nil, 0, 0},
	{"replicate", "r8_", alnum, 37, 37, nil, 0, 0},
	{"xai", "xai-", alnum, 70, 0, nil, 0, 0},
	{"tailscale", "tskey-", word, 24, 0, nil, 0, 0},
	{"netlify", "nfp_ nfc_ nfo_", alnum, 36, 0, nil, 0, 0},
	{"buildkite", "bkua_ bkat_", hex32, 40, 40, nil, 0, 0},
	{"circleci", "CCIPAT_ CCIPRJ_", word, 40, 0, nil, 0, 0},
	{"cloudflare", "cfut_ cfat_ v1.0-", word | dot, 40, 0, nil, 0, 0},
	{"figma", "figd_", word, 36, 0, nil, 0, 0},
	{"dynatrace", "dt0c01.", word | dot, 80, 0, nil, 0, 0},
	{"brevo", "xkeysib-", word, 64, 0, nil, 0, 0},
	{"1password", "ops_ey A3-", word | dash, 32, 0, nil, 0, 0},
	{"pulumi", "pul-", hex32, 40, 40, nil, 0, 0},
	{"artifactory", "AKCp", alnum, 60, 80, nil, 0, 0},
	{"azure-storage-key", "AccountKey= SharedAccessKey=", alnum | pem, 40, 90, nil, 0, 0},
}

// length is how long the token is that starts at i, or 0 if it is none.
func (s *scan) length(f *format, i int) int {
	text := s.text[i:]
	switch f.rule {
	case "private-key":
		return s.private(i)
	case "jwt":
		return s.jwt(text)
	}
	body := text[len(f.prefix):]
	if f.max > 0 {
		body = body[:min(len(body), f.max+1)]
	}
	n := span(body, f.of)
	s.work += n
	for n > 0 && class[body[n-1]]&dot != 0 { // the end of a sentence
		n--
	}
	end := len(f.prefix) + n
	if !f.fits(text, n) || !f.like(text[:end]) {
		if n > 16 {
			s.vain(i, i+end)
		}
		return 0
	}
	return end
}

// fits says whether n bytes behind the prefix are as many as there must be.
func (f *format) fits(text string, n int) bool {
	if n < f.min || f.max > 0 && n > f.max {
		return false
	}
	end := len(f.prefix) + n
	return end == len(text) || class[text[end]]&alnum == 0
}

// like says whether a token can be one, by its checksum or by how random it is.
func (f *format) like(token string) bool {
	if f.check != nil && !f.check(token) {
		return false
	}
	// A run this long is no placeholder, and must not be looked at again and again.
	const certain = 512
	body := token[len(f.prefix):]
	return len(body) >= certain || random(body[:min(len(body), judged)])
}

// span is how many bytes of an alphabet start text, up to what any token has.
func span(text string, of alphabet) int {
	const longest = 8 << 10
	n := 0
	for n < len(text) && n < longest && class[text[n]]&of != 0 {
		n++
	}
	return n
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// checksum is the CRC-32 of the thirty characters before, in base 62.
func checksum(token string) bool {
	body, sum := token[4:34], token[34:]
	crc := crc32.ChecksumIEEE([]byte(body))
	for i := 5; i >= 0; i-- {
		if sum[i] != base62[crc%62] {
			return false
		}
		crc /= 62
	}
	return true
}

// dotted is 22 characters, a dot, 43 characters.
func dotted(token string) bool { return token[3+22] == '.' && strings.Count(token, ".") == 2 }

// jwt is three parts, of which the second is an object as well. It is read part
// by part: a text of many beginnings is read once.
func (s *scan) jwt(text string) int {
	head := span(text, word)
	s.work += head
	if head < 10 || !strings.HasPrefix(text[head:], ".eyJ") {
		return 0
	}
	body := head + 1 + span(text[head+1:], word)
	if body >= len(text) || text[body] != '.' {
		return 0
	}
	end := body + 1 + span(text[body+1:], word)
	s.work += end - head
	if end-body < 17 || end < len(text)-1 && text[end] == '.' && class[text[end+1]]&word != 0 {
		return 0
	}
	return end
}

// private is a private key in PEM at i, up to its end or, without one, as far as
// it is base64.
func (s *scan) private(i int) int {
	const longest = 16 << 10
	text := s.text[i:min(len(s.text), i+longest)]
	line := text[:min(len(text), 80)]
	k := strings.Index(line, "PRIVATE KEY")
	if k < 0 || strings.ContainsFunc(line[len("-----BEGIN"):k], func(r rune) bool { return r != ' ' && (r >= 0x80 || class[r]&(upper|digit) == 0) }) {
		return 0
	}
	start := k + len("PRIVATE KEY")
	s.work += start
	if end := s.foot(i+start, i+len(text)) - i; end > 0 {
		body := text[start:end]
		s.work += len(body)
		if len(body) < 60 || strings.Contains(body, "...") {
			s.vain(i, i+end)
			return 0
		}
		rest := text[end:]
		if close := strings.Index(rest[8:], "-----"); close >= 0 && close < 60 {
			return end + 8 + close + 5
		}
		return end + 8
	}
	n := start
	for n < len(text) && (class[text[n]]&(alnum|pem|dash) != 0 || text[n] == '\n' || text[n] == '\r' || text[n] == '\\') {
		n++
	}
	s.work += n - start
	if n-start < 60 {
		return 0
	}
	return n
}

// foot is where the first PEM block ends in text[from:to], or -1. Each part of a
// text is searched once.
func (s *scan) foot(from, to int) int {
	const mark = "-----END"
	if s.footer < from {
		begin := max(from, s.bare-len(mark)+1)
		if begin < to {
			s.work += to - begin
			if k := strings.Index(s.text[begin:to], mark); k >= 0 {
				s.footer = begin + k
			} else {
				s.bare = to
			}
		}
	}
	if s.footer < from || s.footer+len(mark) > to {
		return -1
	}
	return s.footer
}
