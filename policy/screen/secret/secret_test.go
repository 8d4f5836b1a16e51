package secret

import (
	"encoding/base64"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// make is n random characters of an alphabet: no test holds a token.
func made(r *rand.Rand, n int, of string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = of[r.IntN(len(of))]
	}
	return string(b)
}

func signed(prefix string, r *rand.Rand) string {
	body := made(r, 30, base62)
	crc, sum := crc32.ChecksumIEEE([]byte(body)), make([]byte, 6)
	for i := 5; i >= 0; i-- {
		sum[i] = base62[crc%62]
		crc /= 62
	}
	return prefix + body + string(sum)
}

const (
	hexes  = "0123456789abcdef"
	uppers = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
)

// tokens builds one of each format that has a shape of its own.
func tokens(r *rand.Rand) map[string]string {
	part := func(n int) string { return base64.RawURLEncoding.EncodeToString([]byte(made(r, n, base62))) }
	object := base64.RawURLEncoding.EncodeToString([]byte(`{"a":"b","c":"d"}`))
	block := "PRIVATE" + " KEY-----"
	return map[string]string{
		"aws-access-key": "AK" + "IA" + made(r, 16, uppers), "github": signed("gh"+"p_", r), "npm": signed("np"+"m_", r), "sendgrid": "S" + "G." + made(r, 22, base62) + "." + made(r, 43, base62),
		"jwt": object + "." + object + "." + part(24), "private-key": "-----BEGIN RSA " + block + "\n" + part(90) + "\n-----END RSA " + block, "twilio": "S" + "K" + made(r, 32, hexes), "slack": "xo" + "xb-" + made(r, 12, "0123456789") + "-" + made(r, 24, base62),
	}
}

func TestFormats(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	f := New()
	all := tokens(r)
	for _, one := range formats { // those that are a prefix and a length
		if one.of == 0 || one.check != nil {
			continue
		}
		var of strings.Builder
		for b := range 128 {
			if class[b]&one.of&(alnum) != 0 {
				of.WriteByte(byte(b))
			}
		}
		for prefix := range strings.FieldsSeq(one.prefix) {
			all[one.rule+" "+prefix] = prefix + made(r, one.min, of.String())
		}
	}
	for rule, token := range all {
		rule, _, _ = strings.Cut(rule, " ")
		for _, text := range []string{token, "use " + token + " now", `{"value":"` + token + `"}`, "it is " + token + ".", "\n" + token + "\n"} {
			found := f.Find(text)
			if len(found) != 1 || found[0].Rule != rule || text[found[0].Start:found[0].End] != token {
				t.Errorf("%s in %q: %+v", rule, text, found)
			}
			if out := Redact(text, found); strings.Contains(out, token) || !strings.Contains(out, "[REDACTED:"+rule+"]") || len(f.Find(out)) > 0 {
				t.Errorf("%s redacted: %q", rule, out)
			}
		}
	}
}

// known is said twice, here and in the table, so that none gets lost.
const known = `
1password: ops_ey A3-
age: AGE-SECRET-KEY-1
anthropic: sk-ant-
artifactory: AKCp
atlassian: ATATT3 ATCTT3 ATBB
aws-access-key: AKIA ASIA ABIA ACCA
azure-devops: azd_
azure-storage-key: AccountKey= SharedAccessKey=
brevo: xkeysib-
buildkite: bkua_ bkat_
circleci: CCIPAT_ CCIPRJ_
cloudflare: cfut_ cfat_ v1.0-
databricks: dapi
digitalocean: dop_v1_ doo_v1_ dor_v1_
discord-webhook: https://discord.com/api/webhooks/ https://discordapp.com/api/webhooks/
docker: dckr_pat_ dckr_oat_
doppler: dp.pt. dp.st. dp.ct. dp.sa.
dynatrace: dt0c01.
figma: figd_
fly: fm1_ fm2_ fo1_
gcp-api-key: AIza
gcp-client-secret: GOCSPX-
gcp-oauth: ya29. 1//0
github: ghp_ gho_ ghu_ ghs_ ghr_
github-fine: github_pat_
gitlab: glpat- glptt- gldt- glrt- glcbt- glsoat- glft- glimt- glagent- gloas-
grafana: glsa_ glc_
groq: gsk_
heroku: HRKU-
huggingface: hf_ api_org_
jwt: eyJ
langsmith: lsv2_pt_ lsv2_sk_
linear: lin_api_ lin_oauth_
mailgun: key-
netlify: nfp_ nfc_ nfo_
newrelic: NRAK-
notion: ntn_ secret_
npm: npm_
openai: sk-proj- sk-svcacct- sk-admin- sk-or-v1- sk-lf- sk-
perplexity: pplx-
planetscale: pscale_tkn_ pscale_pw_ pscale_oauth_
postman: PMAK-
private-key: -----BEGIN
pulumi: pul-
pypi: pypi-AgEI
replicate: r8_
rubygems: rubygems_
sendgrid: SG.
sentry: sntrys_ sntryu_
shopify: shpat_ shpss_ shpca_ shppa_
slack: xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xoxe. xapp-
slack-webhook: https://hooks.slack.com/services/
square: sq0atp- sq0csp- EAAA
stripe: sk_live_ rk_live_ sk_test_ rk_test_ sk_org_live_
stripe-webhook: whsec_
supabase: sbp_ sb_secret_
tailscale: tskey-
twilio: SK
vault: hvs. hvb. hvr.
xai: xai-
`

func TestKnown(t *testing.T) {
	var have []string
	for _, one := range formats {
		for prefix := range strings.FieldsSeq(one.prefix) {
			have = append(have, one.rule+" "+prefix)
		}
	}
	for line := range strings.Lines(strings.TrimSpace(known)) {
		rule, prefixes, _ := strings.Cut(strings.TrimSpace(line), ": ")
		for prefix := range strings.FieldsSeq(prefixes) {
			k := slices.Index(have, rule+" "+prefix)
			if k < 0 {
				t.Errorf("%s does not know %s", rule, prefix)
				continue
			}
			have = slices.Delete(have, k, k+1)
		}
	}
	if len(have) > 0 {
		t.Errorf("not written down: %v", have)
	}
}

func TestNamed(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	f := New()
	value := "q7" + made(r, 30, base62)
	for _, text := range []string{"password = " + value, `"api_key": "` + value + `"`, "CLIENT_SECRET=" + value, "token: '" + value + "'", `{\"secret\":\"` + value + `\"}`, "aws_secret_access_key=" + value,
		"Authorization: Bearer " + value, "postgres://app:" + value + "@db.internal/app", "access-token => \"" + value + "\""} {
		if found := f.Find(text); len(found) != 1 || text[found[0].Start:found[0].End] != value {
			t.Errorf("%q: %+v", text, found)
		}
	}
	token := signed("gh"+"p_", r)
	if found := f.Find("https://" + token + ":x-oauth-basic@git.internal/a"); len(found) == 0 || found[0].Rule != "github" {
		t.Errorf("a user that is a token: %+v", found)
	}
	if found := f.Find(`{"text":"a\nb\n` + token + `\n"}`); len(found) != 1 || found[0].End-found[0].Start != len(token) {
		t.Errorf("in a string: %+v", found)
	}
	short := "Zk" + made(r, 3, "0123456789") + "!pQ" + "x7"
	if text := `password: "` + short + `"`; len(f.Find(text)) != 1 {
		t.Errorf("short: %q", text)
	}
}

func TestNotSecrets(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	f := New()
	bad := signed("gh"+"p_", r)
	last := byte('0')
	if bad[len(bad)-1] == last {
		last = '1'
	}
	for why, text := range map[string]string{
		"an example": "AK" + "IA" + "IOSFODNN7EXAMPLE", "x": "gh" + "p_" + strings.Repeat("x", 36), "brackets": "token = <your-token-here>", "a variable": "password=${DB_PASSWORD}", "a call": "token = loadToken(path12345678901)", "a name": "password = getPasswordFromVault",
		"its checksum is wrong": bad[:len(bad)-1] + string(last), "too short": "AK" + "IA" + made(r, 10, uppers), "in a word": "xx" + "AK" + "IA" + made(r, 16, uppers), "a public key": "-----BEGIN PUBLIC KEY-----\n" + made(r, 100, base62), "a count": "max_tokens: 4096000000000000", "an id": "key_id = " + made(r, 32, hexes),
		"an ordinary password": "redis://user:password@localhost:6379", "a port": "http://localhost:8080/a@b", "a uuid": "token: 123e4567-e89b-12d3-a456-426614174000", "prose": "The password must have 12 characters: letters and digits.", "a hash": "sha256:" + made(r, 64, hexes), "a path": "token: /var/run/secrets/app2/token.txt", "environment": "secret = process.env.APP_SECRET_2024",
		"a variable's name": "PrivateKey: testRSA2048PrivateKey,", "a name of its own": "token='secure_access_token_987654321'", "a type": "type PrivateKey = ed25519.PrivateKey", "a header's name": `tokenHeader = "X-aws-ec2-metadata-token"`, "the head of a JWT": "access_token='" + base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "'",
		"base64 of words": "password: " + base64.StdEncoding.EncodeToString([]byte("the-client-secret-2\n")), "the name again": "postgres://gateway7:gateway7@db.internal/x", "a host of examples": "https://app:u8Xk2mPq@db.example.com/x", "another spelling": "password = 'P@ssw0rd123'", "a picture": "https://ci.internal/a.svg?token=t9YGWLh05g", "a pattern": `ftp://\w+:\w+\d@host`,
	} {
		if found := f.Find(text); len(found) > 0 {
			t.Errorf("%s: %q: %+v", why, text, found)
		}
	}
}

func TestGuessed(t *testing.T) {
	value := "q7" + made(rand.New(rand.NewPCG(15, 16)), 30, base62)
	for _, text := range []string{"password = " + value, "Authorization: Bearer " + value, "postgres://app:" + value + "@db.internal/app"} {
		if found := New().Find(text); len(found) != 1 || Known(found[0].Rule) {
			t.Errorf("%q: %+v", text, found)
		}
	}
	for _, one := range formats {
		if !Known(one.rule) {
			t.Errorf("%s is not known", one.rule)
		}
	}
	if !Known("many") {
		t.Error("many hide what is known")
	}
}

func TestMany(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	text := strings.Repeat(signed("gh"+"p_", r)+" ", maxFindings+50)
	found := New().Find(text)
	if len(found) != maxFindings+1 || found[maxFindings].End != len(text) {
		t.Errorf("%d findings, the last %+v", len(found), found[len(found)-1])
	}
}

func TestCleanAllocatesNothing(t *testing.T) {
	f := New()
	for name, text := range clean {
		if n := testing.AllocsPerRun(20, func() { f.Find(text) }); n > 0 || len(f.Find(text)) > 0 {
			t.Errorf("%s: %v allocations, %+v", name, n, f.Find(text))
		}
	}
}
