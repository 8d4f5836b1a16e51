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
}

// formats, the longer prefix first where one starts another.
var formats = []format{
	{"aws-access-key", "AKIA ASIA ABIA ACCA", digit | upper, 16, 16, nil},
	{"gcp-api-key", "AIza", word, 35, 35, nil},
	{"gcp-oauth", "ya29. 1//0", word | dot, 24, 0, nil},
	{"gcp-client-secret", "GOCSPX-", word, 28, 28, nil},
	{"azure-devops", "azd_", alnum, 40, 0, nil},
	{"github", "ghp_ gho_ ghu_ ghs_ ghr_", alnum, 36, 36, checksum},
	{"github-fine", "github_pat_", word, 82, 82, nil},
	{"gitlab", "glpat- glptt- gldt- glrt- glcbt- glsoat- glft- glimt- glagent- gloas-", word | dot, 20, 0, nil},
	{"slack", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xoxe. xapp-", word | dot, 24, 0, nil},
	{"slack-webhook", "https://hooks.slack.com/services/", alnum | pem, 40, 0, nil},
	{"discord-webhook", "https://discord.com/api/webhooks/ https://discordapp.com/api/webhooks/", word | pem, 60, 0, nil},
	{"stripe", "sk_live_ rk_live_ sk_test_ rk_test_ sk_org_live_", alnum, 24, 0, nil},
	{"stripe-webhook", "whsec_", alnum | pem, 32, 0, nil},
	{"anthropic", "sk-ant-", word, 40, 0, nil},
	{"openai", "sk-proj- sk-svcacct- sk-admin- sk-or-v1- sk-lf-", word, 32, 0, nil},
	{"openai", "sk-", alnum, 32, 64, nil},
	{"npm", "npm_", alnum, 36, 36, checksum},
	{"pypi", "pypi-AgEI", word, 50, 0, nil},
	{"docker", "dckr_pat_ dckr_oat_", word, 27, 0, nil},
	{"twilio", "SK", hex32, 32, 32, nil},
	{"sendgrid", "SG.", word | dot, 66, 66, dotted},
	{"jwt", "eyJ", 0, 0, 0, nil},
	{"private-key", "-----BEGIN", 0, 0, 0, nil},
	{"age", "AGE-SECRET-KEY-1", upper | digit, 58, 58, nil},
	{"huggingface", "hf_ api_org_", alnum, 34, 40, nil},
	{"digitalocean", "dop_v1_ doo_v1_ dor_v1_", hex32, 64, 64, nil},
	{"databricks", "dapi", hex32, 32, 34, nil},
	{"shopify", "shpat_ shpss_ shpca_ shppa_", hex32 | upper, 32, 32, nil},
	{"mailgun", "key-", hex32, 32, 32, nil},
	{"newrelic", "NRAK-", upper | digit, 27, 27, nil},
	{"grafana", "glsa_ glc_", word | pem, 32, 0, nil},
	{"linear", "lin_api_ lin_oauth_", alnum, 40, 0, nil},
	{"notion", "ntn_ secret_", alnum, 43, 46, nil},
	{"planetscale", "pscale_tkn_ pscale_pw_ pscale_oauth_", word | dot, 32, 0, nil},
	{"postman", "PMAK-", hex32 | dash, 59, 59, nil},
	{"sentry", "sntrys_ sntryu_", word | pem, 40, 0, nil},
	{"vault", "hvs. hvb. hvr.", word, 24, 0, nil},
	{"doppler", "dp.pt. dp.st. dp.ct. dp.sa.", word | dot, 40, 0, nil},
	{"heroku", "HRKU-", word, 36, 0, nil},
	{"fly", "fm1_ fm2_ fo1_", word | pem, 40, 0, nil},
	{"supabase", "sbp_ sb_secret_", word, 24, 0, nil},
	{"rubygems", "rubygems_", hex32, 48, 48, nil},
	{"atlassian", "ATATT3 ATCTT3 ATBB", word | pem, 24, 0, nil},
	{"square", "sq0atp- sq0csp- EAAA", word, 22, 64, nil},
	{"langsmith", "lsv2_pt_ lsv2_sk_", hex32 | dash, 40, 0, nil},
	{"groq", "gsk_", alnum, 52, 52, nil},
	{"perplexity", "pplx-", alnum, 40, 0, nil},
	{"replicate", "r8_", alnum, 37, 37, nil},
	{"xai", "xai-", alnum, 70, 0, nil},
	{"tailscale", "tskey-", word, 24, 0, nil},
	{"netlify", "nfp_ nfc_ nfo_", alnum, 36, 0, nil},
	{"buildkite", "bkua_ bkat_", hex32, 40, 40, nil},
	{"circleci", "CCIPAT_ CCIPRJ_", word, 40, 0, nil},
	{"cloudflare", "cfut_ cfat_ v1.0-", word | dot, 40, 0, nil},
	{"figma", "figd_", word, 36, 0, nil},
	{"dynatrace", "dt0c01.", word | dot, 80, 0, nil},
	{"brevo", "xkeysib-", word, 64, 0, nil},
	{"1password", "ops_ey A3-", word | dash, 32, 0, nil},
	{"pulumi", "pul-", hex32, 40, 40, nil},
	{"artifactory", "AKCp", alnum, 60, 80, nil},
	{"azure-storage-key", "AccountKey= SharedAccessKey=", alnum | pem, 40, 90, nil},
}

// length is how long the token is that starts text, or 0 if it is none.
func (f *format) length(text string) int {
	switch f.rule {
	case "private-key":
		return private(text)
	case "jwt":
		return jwt(text)
	}
	n := span(text[len(f.prefix):], f.of)
	for n > 0 && class[text[len(f.prefix)+n-1]]&dot != 0 { // the end of a sentence
		n--
	}
	end := len(f.prefix) + n
	if n < f.min || f.max > 0 && n > f.max || end < len(text) && f.of&alnum == alnum && class[text[end]]&alnum != 0 {
		return 0
	}
	if end < len(text) && class[text[end]]&word&^dash != 0 {
		return 0
	}
	// A run this long is no placeholder, and must not be looked at again and again.
	const certain = 512
	if n < certain && !random(text[len(f.prefix):end]) || f.check != nil && !f.check(text[:end]) {
		return 0
	}
	return end
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
func jwt(text string) int {
	head := span(text, word)
	if head < 10 || !strings.HasPrefix(text[head:], ".eyJ") {
		return 0
	}
	body := head + 1 + span(text[head+1:], word)
	if body >= len(text) || text[body] != '.' {
		return 0
	}
	end := body + 1 + span(text[body+1:], word)
	if end-body < 17 || end < len(text)-1 && text[end] == '.' && class[text[end+1]]&word != 0 {
		return 0
	}
	return end
}

// private is a private key in PEM, up to its end or, without one, as far as it
// is base64.
func private(text string) int {
	line := text[:min(len(text), 80)]
	k := strings.Index(line, "PRIVATE KEY")
	if k < 0 || strings.IndexByte(line[:k], '\n') >= 0 {
		return 0
	}
	const longest = 16 << 10
	text = text[:min(len(text), longest)]
	start := k + len("PRIVATE KEY")
	if end := strings.Index(text[start:], "-----END"); end >= 0 {
		body := text[start : start+end]
		if len(body) < 60 || strings.Contains(body, "...") {
			return 0
		}
		rest := text[start+end:]
		if close := strings.Index(rest[8:], "-----"); close >= 0 && close < 60 {
			return start + end + 8 + close + 5
		}
		return start + end + 8
	}
	n := start
	for n < len(text) && (class[text[n]]&(alnum|pem|dash) != 0 || text[n] == '\n' || text[n] == '\r' || text[n] == '\\') {
		n++
	}
	if n-start < 60 {
		return 0
	}
	return n
}
