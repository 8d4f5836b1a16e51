package secret

import (
	"strings"
	"testing"
)

// hostile are texts of beginnings that lead nowhere, and of what is read far.
func hostile() (all []string) {
	filled := strings.Repeat("a", 24)
	for _, one := range formats {
		for prefix := range strings.FieldsSeq(one.prefix) {
			all = append(all, prefix, prefix+" ", prefix+".", prefix+"/", prefix+"=", prefix+"+", prefix+filled+" ", prefix+filled+".", prefix+filled+"/")
		}
	}
	for _, name := range append(append([]string{}, names...), unlike...) {
		all = append(all, name+"=", name+": ", name+":\"", name+"=\"a1", name+"='", name+"=`", name+"=\\\"", name+"=aA1!", name+"_"+name+"=", name+" = "+filled+" ", name+"="+filled+"1/")
	}
	for _, s := range []string{"bearer ", "bearer bearer", "bearer +/", "://a:", "://", "://a:b@", "://a:bbbbbb$@", "-----BEGIN PRIVATE KEY", "-----BEGIN \n", "-----BEGIN RSA PRIVATE KEY-----\n...", "eyJ.", "eyJaaaaaaaaaaaa.", "eyJaaaaaaaaaaaa.eyJ", "\\nghp_", "_", "_=", "-", "=", ":", "key=", "a_k_e_y_=", "\\", "\"", "://:@", "0", "a1", "é",
		`token="Zk823pQx7example"`, "token=bG9uZ2VyLWVuY29kZWQtc2VjcmV0LXRlc3Q ", `secret="testRSA2048PrivateKeyA"`, "://a:p@ssw0rd@b "} {
		all = append(all, s, s+filled, s+" ")
	}
	return all
}

// TestGrowth counts what is looked at more than once: for each byte a few, and
// twice as much for twice the text.
func TestGrowth(t *testing.T) {
	const size = 32 << 10
	for _, one := range hostile() {
		work := func(size int) int {
			s := scan{Finder: shared, text: long(one, size), footer: -1}
			s.run()
			return s.work
		}
		once, twice := work(size), work(2*size)
		if once > 4*size || twice > 2*once+once/4+20000 {
			t.Errorf("%.40q: %.1f bytes for each, %.1f for a text of twice the length", one, float64(once)/size, float64(twice)/(2*size))
		}
	}
}

// BenchmarkHostile is for the eye: which of them costs most.
func BenchmarkHostile(b *testing.B) {
	for _, one := range hostile() {
		text := long(one, 16<<10)
		b.Run(one, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				shared.Find(text)
			}
		})
	}
}
