package place

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		why, in string
		port    uint16 // if there is none
		want    string
	}{
		{"a name", "api.example.com:443", 0, "api.example.com:443"},
		{"in capitals", "API.Example.COM:443", 0, "api.example.com:443"},
		{"with the root's dot", "api.example.com.:443", 0, "api.example.com:443"},
		{"one label", "localhost:8080", 0, "localhost:8080"},
		{"as compose names them", "my_db-1:5432", 0, "my_db-1:5432"},
		{"punycode", "xn--bcher-kva.example:443", 0, "xn--bcher-kva.example:443"},
		{"numbers before the last label", "1.2.3.com:80", 0, "1.2.3.com:80"},
		{"hexadecimal letters", "0xbeef.dead:80", 0, "0xbeef.dead:80"},
		{"the scheme's own port", "api.example.com", 80, "api.example.com:80"},
		{"another than the scheme's", "api.example.com:8080", 80, "api.example.com:8080"},
		{"the largest port", "a:65535", 0, "a:65535"},
		{"IPv4", "93.184.215.14:443", 0, "93.184.215.14:443"},
		{"IPv6", "[2606:2800:021F:0::1]:443", 0, "[2606:2800:21f::1]:443"},
		{"IPv6 with the scheme's port", "[::1]", 80, "[::1]:80"},
		{"the longest label", strings.Repeat("a", 63) + ".b:1", 0, strings.Repeat("a", 63) + ".b:1"},

		{"nothing", "", 80, ""},
		{"no host", ":443", 0, ""},
		{"a dot alone", ".:443", 0, ""},
		{"two dots at the end", "a..:443", 0, ""},
		{"an empty label", "a..b:443", 0, ""},
		{"a dot in front", ".a:443", 0, ""},
		{"no port", "a", 0, ""},
		{"an empty port", "a:", 80, ""},
		{"port 0", "a:0", 0, ""},
		{"a zero before it", "a:0443", 0, ""},
		{"a sign", "a:+443", 0, ""},
		{"minus", "a:-1", 0, ""},
		{"too large", "a:65536", 0, ""},
		{"wraps to 443", "a:65979", 0, ""},
		{"wraps in 64 bits", "a:18446744073709552059", 0, ""},
		{"hexadecimal", "a:0x1bb", 0, ""},
		{"with underscores", "a:4_43", 0, ""},
		{"a service's name", "a:https", 0, ""},
		{"two ports", "a:80:443", 0, ""},
		{"other digits", "a:４４３", 0, ""},
		{"a user", "good.example@evil.example:443", 0, ""},
		{"a user with password", "u:p@evil.example:443", 0, ""},
		{"a path", "a/b:443", 0, ""},
		{"a path behind", "a:443/", 0, ""},
		{"a query", "a:443?b", 0, ""},
		{"a backslash", `good.example\.evil.example:443`, 0, ""},
		{"percent-encoding", "a%2eb:443", 0, ""},
		{"an encoded null", "good.example%00.evil.example:443", 0, ""},
		{"a null", "good.example\x00.evil.example:443", 0, ""},
		{"a space", "a b:443", 0, ""},
		{"a space in front", " a:443", 0, ""},
		{"a tab", "a\t:443", 0, ""},
		{"a line", "a:443\r\nHost: b", 0, ""},
		{"beyond ASCII", "bücher.example:443", 0, ""},
		{"a letter that looks like another", "аpi.example.com:443", 0, ""},
		{"full width", "ａ.example:443", 0, ""},
		{"another dot", "a。example:443", 0, ""},
		{"the Kelvin sign, which folds to k", "\u212Aube.example:443", 0, ""},
		{"a wildcard", "*.example.com:443", 0, ""},
		{"a label too long", strings.Repeat("a", 64) + ".b:1", 0, ""},
		{"a name too long", strings.Repeat("a.", 127) + "b:1", 0, ""},
		{"a hyphen in front", "-a.b:1", 0, ""},
		{"a hyphen behind", "a-.b:1", 0, ""},

		{"three parts", "127.0.1:80", 0, ""},
		{"two parts", "127.1:80", 0, ""},
		{"one number", "2130706433:80", 0, ""},
		{"a short number", "0:80", 0, ""},
		{"five parts", "1.2.3.4.5:80", 0, ""},
		{"hexadecimal, one", "0x7f000001:80", 0, ""},
		{"hexadecimal, two", "0x7f.1:80", 0, ""},
		{"hexadecimal, in capitals", "0X7F000001:80", 0, ""},
		{"hexadecimal, last", "127.0.0.0x1:80", 0, ""},
		{"an empty hexadecimal number", "1.0x:80", 0, ""},
		{"octal", "0177.0.0.1:80", 0, ""},
		{"octal in one part", "127.0.0.01:80", 0, ""},
		{"a part too large", "256.0.0.1:80", 0, ""},
		{"the root's dot behind an address", "127.0.0.1.:80", 0, ""},
		{"a name that ends in a number", "example.1:80", 0, ""},
		{"IPv4 in IPv6", "[::ffff:127.0.0.1]:80", 0, ""},
		{"the same in hexadecimal", "[::ffff:7f00:1]:80", 0, ""},
		{"with dots elsewhere", "[64:ff9b::127.0.0.1]:80", 0, ""},
		{"a zone", "[fe80::1%eth0]:80", 0, ""},
		{"an encoded zone", "[fe80::1%25eth0]:80", 0, ""},
		{"IPv6 without brackets", "::1:80", 0, ""},
		{"IPv4 in brackets", "[127.0.0.1]:80", 0, ""},
		{"a name in brackets", "[a]:80", 0, ""},
		{"nothing in brackets", "[]:80", 0, ""},
		{"an open bracket", "[::1:80", 0, ""},
		{"two brackets", "[[::1]]:80", 0, ""},
		{"something between", "[::1]a:80", 0, ""},
		{"a later form", "[v1.a]:80", 0, ""},
	} {
		got, err := Parse(tt.in, tt.port)
		if tt.want == "" && err == nil {
			t.Errorf("%s: %q is read as %v", tt.why, tt.in, got)
		}
		if tt.want != "" && (err != nil || got.String() != tt.want) {
			t.Errorf("%s: %q is read as %v, %v; want %s", tt.why, tt.in, got, err, tt.want)
		}
	}
}

// FuzzParse: what is read is plain, means the same when read again, and is read alike
// by the standard library.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"api.example.com:443", "A.:1", "[::1]:80", "127.0.0.1:80", "0x7f.1:80", "a@b:1", "[fe80::1%25a]:80", "a:0443", "[::ffff:1.2.3.4]:80", "xn--a.b:65535"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Parse(s, 0)
		if err != nil {
			return
		}
		if again, err := Parse(got.String(), 0); err != nil || again != got {
			t.Errorf("%q is %v and then %v, %v", s, got, again, err)
		}
		if strings.Trim(got.Host(), "abcdefghijklmnopqrstuvwxyz0123456789.-_:") != "" || got.Port() == 0 {
			t.Errorf("%q is %q, %d", s, got.Host(), got.Port())
		}
		u, err := url.Parse("http://" + s)
		if err != nil || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Port() != strconv.Itoa(int(got.Port())) {
			t.Fatalf("%q is %v, for net/url %v, %v", s, got, u, err)
		}
		host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
		if a, err := netip.ParseAddr(host); err == nil {
			host = a.String()
			if a != got.Addr() {
				t.Errorf("%q has the address %v, not %v", s, a, got.Addr())
			}
		} else if got.Addr().IsValid() {
			t.Errorf("%q has an address, %v", s, got.Addr())
		}
		if host != got.Host() {
			t.Errorf("%q is %q, for net/url %q", s, got.Host(), host)
		}
	})
}

func list(t testing.TB, allow ...Endpoint) List {
	t.Helper()
	l, err := NewList(allow)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestFind(t *testing.T) {
	l := list(t,
		Endpoint{Host: "api.example.com", Port: 443},
		Endpoint{Host: "Capital.Example.COM.", Port: 443},
		Endpoint{Host: "*.wild.example", Port: 443},
		Endpoint{Host: "*.inner.wild.example", Port: 443, Private: true},
		Endpoint{Host: "one.inner.wild.example", Port: 443},
		Endpoint{Host: "93.184.215.14", Port: 443},
		Endpoint{Host: "2606:2800::1", Port: 443},
		Endpoint{Host: "10.0.0.5", Port: 8080, Private: true})
	for _, tt := range []struct{ why, target, want string }{
		{"the name", "api.example.com:443", "api.example.com"},
		{"however written", "API.example.com.:443", "api.example.com"},
		{"however listed", "capital.example.com:443", "Capital.Example.COM."},
		{"another port", "api.example.com:80", ""},
		{"below a name", "x.api.example.com:443", ""},
		{"above a name", "example.com:443", ""},
		{"the end of a name", "evil-api.example.com:443", ""},
		{"the name in front", "api.example.com.evil.example:443", ""},
		{"below a wildcard", "a.wild.example:443", "*.wild.example"},
		{"far below", "a.b.wild.example:443", "*.wild.example"},
		{"on another port", "a.wild.example:444", ""},
		{"the apex", "wild.example:443", ""},
		{"the end of the apex", "notwild.example:443", ""},
		{"the longer wildcard counts", "a.inner.wild.example:443", "*.inner.wild.example"},
		{"the apex of one is below the other", "inner.wild.example:443", "*.wild.example"},
		{"the name counts before wildcards", "one.inner.wild.example:443", "one.inner.wild.example"},
		{"an address", "93.184.215.14:443", "93.184.215.14"},
		{"another address", "93.184.215.15:443", ""},
		{"IPv6, however written", "[2606:2800:0:0:0:0:0:1]:443", "2606:2800::1"},
		{"on another port", "10.0.0.5:80", ""},
	} {
		target, err := Parse(tt.target, 0)
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := l.Find(target); ok != (tt.want != "") || e.Host != tt.want {
			t.Errorf("%s: %s is %q, %v; want %q", tt.why, tt.target, e.Host, ok, tt.want)
		}
	}
	if _, ok := (List{}).Find(Target{host: "a", port: 1}); ok {
		t.Error("an empty list allows something")
	}
}

// FuzzFind: what is allowed is exactly one endpoint, found in another way.
func FuzzFind(f *testing.F) {
	f.Add("a.b.c:443", "*.b.c", uint16(443))
	f.Add("b.c:443", "*.b.c", uint16(443))
	f.Add("[::1]:443", "::1", uint16(443))
	f.Add("10.0.0.1:80", "*.0.0.1", uint16(80))
	f.Fuzz(func(t *testing.T, asked, listed string, port uint16) {
		target, err := Parse(asked, 0)
		l, bad := NewList([]Endpoint{{Host: listed, Port: port}})
		if err != nil || bad != nil {
			return
		}
		_, got := l.Find(target)
		plain := strings.TrimSuffix(strings.ToLower(listed), ".")
		want := plain == target.Host()
		if below, ok := strings.CutPrefix(plain, "*"); ok {
			want = strings.HasSuffix(target.Host(), below) && !target.Addr().IsValid()
		}
		if a, err := netip.ParseAddr(plain); err == nil {
			want = a == target.Addr()
		}
		if want = want && port == target.Port(); got != want {
			t.Errorf("%q by %q:%d is %v", asked, listed, port, got)
		}
	})
}

func TestEndpoints(t *testing.T) {
	for _, e := range []Endpoint{
		{}, {Host: "a"}, {Port: 443}, {Host: "*", Port: 443}, {Host: "*.", Port: 443}, {Host: "a.*", Port: 443}, {Host: "*.*.a", Port: 443}, {Host: "*a.b", Port: 443},
		{Host: "*.10.0.0.1", Port: 443}, {Host: "*.::1", Port: 443}, {Host: "10.1", Port: 443}, {Host: "::ffff:10.0.0.1", Port: 443}, {Host: "[::1]", Port: 443},
		{Host: "10.0.0.0/8", Port: 443}, {Host: "bücher.example", Port: 443}, {Host: "a:443", Port: 443}, {Host: "https://a", Port: 443}, {Host: "fe80::1%eth0", Port: 443},
	} {
		if _, _, err := readEndpoint(e); err == nil {
			t.Errorf("%+v is taken", e)
		}
		if l, err := NewList([]Endpoint{{Host: "good.example", Port: 1}, e}); err == nil || len(l.names) != 0 {
			t.Errorf("%+v is taken into a list", e)
		}
	}
	if _, err := NewList([]Endpoint{{Host: "a.b", Port: 1}, {Host: "A.b.", Port: 1, Private: true}}); err == nil {
		t.Error("private and not is taken")
	}
	same := list(t, Endpoint{Host: "::1", Port: 1}, Endpoint{Host: "0::1", Port: 1}, Endpoint{Host: "*.b", Port: 2}, Endpoint{Host: "b", Port: 2})
	if got, want := same.String(), "*.b:2, [::1]:1, b:2"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := (List{}).String(); got != "nothing" {
		t.Errorf("an empty list is %q", got)
	}
	var many []Endpoint
	for i := range 50 {
		many = append(many, Endpoint{Host: "a", Port: uint16(i + 1)})
	}
	if got := list(t, many...).String(); !strings.HasSuffix(got, ", and 30 more") {
		t.Error(got)
	}
}

var kinds = []struct {
	addr string
	want kind
}{
	{"93.184.215.14", public}, {"1.1.1.1", public}, {"100.63.255.255", public}, {"100.128.0.0", public}, {"172.15.255.255", public}, {"172.32.0.0", public},
	{"9.255.255.255", public}, {"11.0.0.0", public}, {"126.255.255.255", public}, {"128.0.0.0", public}, {"169.253.255.255", public}, {"169.255.0.0", public},
	{"192.0.1.0", public}, {"192.167.255.255", public}, {"192.169.0.0", public}, {"198.17.255.255", public}, {"198.20.0.0", public}, {"223.255.255.255", public},
	{"2606:2800:21f::1", public}, {"2001:4860:4860::8888", public}, {"2001:200::1", public}, {"3fff:1000::", public}, {"2003::1", public}, {"::ffff:1.1.1.1", public}, {"64:ff9b::1.1.1.1", public},

	{"127.0.0.1", private}, {"127.255.255.254", private}, {"::1", private}, {"::ffff:127.0.0.1", private},
	{"10.0.0.0", private}, {"10.255.255.255", private}, {"172.16.0.1", private}, {"172.31.255.255", private}, {"192.168.0.1", private}, {"fc00::1", private}, {"fdff::1", private},
	{"100.64.0.0", private}, {"100.127.255.255", private}, {"169.254.1.1", private}, {"fe80::1", private}, {"febf::1", private}, {"198.18.0.1", private}, {"198.19.255.255", private},
	{"240.0.0.1", private}, {"255.255.255.254", private}, {"192.0.0.1", private}, {"192.0.0.170", private}, {"192.0.2.1", private}, {"198.51.100.1", private}, {"203.0.113.1", private},
	{"2001:db8::1", private}, {"3fff::1", private}, {"3fff:fff::1", private},

	{"169.254.169.254", metadata}, {"::ffff:169.254.169.254", metadata}, {"169.254.170.2", metadata}, {"fd00:ec2::254", metadata}, {"100.100.100.200", metadata},
	{"192.0.0.192", metadata}, {"168.63.129.16", metadata}, {"fe80::a9fe:a9fe", metadata}, {"fd20:ce::254", metadata},

	{"0.0.0.0", never}, {"0.0.0.1", never}, {"0.255.255.255", never}, {"::", never}, {"::ffff:0.0.0.0", never}, {"224.0.0.1", never}, {"239.255.255.255", never}, {"ff02::1", never},
	{"255.255.255.255", never}, {"192.88.99.1", never}, {"2002:7f00:1::", never}, {"2002:101:101::", never},
	{"2001:0:1:2:3:4:80ff:fffe", never}, {"2001:0:4136:e378::", never}, {"2001:2::1", never}, {"2001:10::1", never}, {"2001:1ff::1", never},
	{"64:ff9b::7f00:1", never}, {"64:ff9b::a9fe:a9fe", never}, {"64:ff9b::10.0.0.1", never}, {"64:ff9b:1::1", never}, {"64:ff9b:0:1::1.1.1.1", never},
	{"::127.0.0.1", never}, {"::2", never}, {"::ffff:0:127.0.0.1", never}, {"100::1", never}, {"fec0::1", never}, {"5f00::1", never}, {"4000::1", never}, {"1fff::1", never},
	{"fe80::1%eth0", never}, {"2606:2800:21f::1%eth0", never},
}

func TestKinds(t *testing.T) {
	for _, tt := range kinds {
		k, called := kindOf(netip.MustParseAddr(tt.addr))
		if k != tt.want || (called == "") != (k == public) {
			t.Errorf("%s is %d, %q; want %d", tt.addr, k, called, tt.want)
		}
	}
	if _, called := kindOf(netip.MustParseAddr("fe80::1%eth0")); called != "an address of one network card" {
		t.Errorf("an address with a zone is %s", called)
	}
	if k, _ := kindOf(netip.Addr{}); k != never {
		t.Errorf("no address is %d", k)
	}
}

// FuzzKind: what counts as public does so for the standard library too, also within.
func FuzzKind(f *testing.F) {
	for _, tt := range kinds {
		a := netip.MustParseAddr(tt.addr).As16()
		f.Add(a[:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := netip.AddrFromSlice(b)
		if k, _ := kindOf(a); !ok || k != public {
			return
		}
		a = a.Unmap()
		if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() {
			t.Errorf("%v is public", a)
		}
		if in := a.As16(); a.Is6() && in[0] == 0 { // NAT64
			if k, _ := kindOf(netip.AddrFrom4([4]byte(in[12:]))); k != public {
				t.Errorf("%v is public", a)
			}
		}
	})
}

func TestAdmit(t *testing.T) {
	own := []netip.Addr{netip.MustParseAddr("93.184.215.14"), netip.MustParseAddr("2606:2800::5")}
	for _, tt := range []struct {
		why, target, addr string
		open, private     bool // admitted without Private, and with it
	}{
		{"public", "a.example:1", "1.1.1.1", true, true},
		{"private", "a.example:1", "10.0.0.1", false, true},
		{"loopback", "localhost:1", "::1", false, true},
		{"mapped", "a.example:1", "::ffff:10.0.0.1", false, true},
		{"the host's own", "a.example:1", "93.184.215.14", false, true},
		{"the host's own, mapped", "a.example:1", "::ffff:93.184.215.14", false, true},
		{"the host's own, IPv6", "a.example:1", "2606:2800::5", false, true},
		{"the host's own, literally", "93.184.215.14:1", "93.184.215.14", false, true},
		{"metadata by a name", "metadata.google.internal:1", "169.254.169.254", false, false},
		{"public metadata by a name", "a.example:1", "168.63.129.16", false, false},
		{"mapped metadata", "a.example:1", "::ffff:169.254.169.254", false, false},
		{"metadata literally", "169.254.169.254:1", "169.254.169.254", false, true},
		{"IPv6 metadata literally", "[fd00:ec2::254]:1", "fd00:ec2::254", false, true},
		{"unspecified", "0.0.0.0:1", "0.0.0.0", false, false},
		{"multicast", "a.example:1", "224.0.0.1", false, false},
		{"a translated private address", "a.example:1", "64:ff9b::a00:1", false, false},
	} {
		target, err := Parse(tt.target, 0)
		if err != nil {
			t.Fatal(err)
		}
		for private, want := range map[bool]bool{false: tt.open, true: tt.private} {
			e := Endpoint{Host: target.Host(), Port: target.Port(), Private: private}
			if err := Admit(e, target, netip.MustParseAddr(tt.addr), own); (err == nil) != want {
				t.Errorf("%s, private %v: %v", tt.why, private, err)
			}
		}
	}
}
