package ask_test

import (
	"math"
	"net/url"
	"strings"
	"testing"

	"sallyport/policy/ask"
)

func TestPeople(t *testing.T) {
	none, open := ask.Channels{}, ask.Channels{Web: &ask.Web{}}
	named := ask.Channels{Web: &ask.Web{Approvers: []ask.Approver{{Name: "alice"}, {Name: "bob"}}}, Webhooks: []ask.Webhook{{Name: "ops"}}}
	for _, c := range []struct {
		channels ask.Channels
		via      string
		want     int
		why      string
	}{
		{none, "elicitation command_line", 1, "one desk, one person"},
		{open, "web elicitation", 1, "whoever opens the page may be the same"},
		{named, "web", 2, "each has a token"},
		{named, "web command_line elicitation", 3, "the one at the desk is neither"},
		{named, "webhook/ops", math.MaxInt, "its answers carry names"},
	} {
		if got := c.channels.People(strings.Fields(c.via)); got != c.want {
			t.Errorf("%s: %d, want %d: %s", c.via, got, c.want, c.why)
		}
	}
}

func TestListen(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:0": true, "127.8.8.8:65535": true, "[::1]:80": true, "[::ffff:127.0.0.1]:80": true,
		"localhost:0": false, ":80": false, "0.0.0.0:0": false, "[::]:0": false, "[::1%lo]:0": false, "10.0.0.1:1": false,
		"127.0.0.1": false, "127.0.0.1:65536": false, "": false,
	} {
		if err := ask.Listen(address); (err == nil) != want {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestOrigin(t *testing.T) {
	for text, want := range map[string]string{
		"https://A.example.com": "https://a.example.com", "https://a.example.com:443": "https://a.example.com",
		"https://a.example.com:8443": "https://a.example.com:8443", "http://localhost:80": "http://localhost",
		"http://127.0.0.1:8080": "http://127.0.0.1:8080", "HTTPS://a": "https://a",
		"https://a/": "", "https://a?": "", "https://a#": "", "https://": "", "https:a": "", "//a": "", "ftp://a": "",
		"http://127.0.0.1.example.com": "", "http://localhost.example.com": "", "https://a:0": "", "https://a b": "",
		"https://u@a": "", "https://a:": "",
	} {
		if got, err := ask.Origin(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
}

// FuzzOrigin: what is accepted is its own origin, and holds nothing else.
func FuzzOrigin(f *testing.F) {
	f.Add("https://Approvals.example.com:443")
	f.Add("http://[::1]:80")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ask.Origin(text)
		if err != nil {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.Scheme+"://"+u.Host != got || u.Hostname() == "" {
			t.Errorf("%q became %q: %v", text, got, err)
		}
		if again, err := ask.Origin(got); err != nil || again != got {
			t.Errorf("%q, then %q: %v", got, again, err)
		}
	})
}
