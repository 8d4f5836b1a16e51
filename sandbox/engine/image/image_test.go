package image

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/sandbox/box"
)

func TestImageRules(t *testing.T) {
	digest := fmt.Sprintf("sha256:%064x", 7)
	for _, c := range []struct {
		image  string
		strict bool
		ok     bool
	}{
		{"reg/tool@" + digest, true, true},
		{"reg/tool:1@" + digest, true, true},
		{"reg/tool:1", false, true},
		{"reg/tool:1", true, false},
		{digest, true, true}, // an id
		{digest[:70], true, false},
		{"sha256:latest", false, true}, // a name
		{"sha256:latest", true, false},
		{"reg/tool@sha256:12", false, false},
		{"reg/tool@md5:" + digest[7:], false, false},
		{"", false, false},
		{"--privileged", false, false},
		{"a b", false, false},
	} {
		if err := Check(box.Spec{Image: c.image, Digest: c.strict}); (err == nil) != c.ok {
			t.Errorf("%q strict=%v: %v", c.image, c.strict, err)
		}
	}
	i, err := Read([]byte(`abc ["reg/tool@` + digest + `"] {"Entrypoint":["/a"],"Cmd":["b"]}` + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"/a", "b"}, i.Command()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if err := i.Is("other/name@" + digest); err != nil {
		t.Error(err)
	}
	if err := i.Is("reg/tool@" + fmt.Sprintf("sha256:%064x", 8)); err == nil {
		t.Error("another digest")
	}
	if err := (Image{}).Is("reg/tool@" + digest); err == nil {
		t.Error("an image without a digest passes for one with it")
	}
	for _, id := range []string{digest, digest[7:]} {
		if got := (Image{ID: id}).Ref(); got != digest {
			t.Errorf("%s is named as %s", id, got)
		}
	}
}

func TestVolumes(t *testing.T) {
	for text, want := range map[string][]string{
		`{"/c/":{},"/a/../b":{}}`: {"/b", "/c"},
		`null`:                    nil,
		`{"/":{}}`:                nil,
		`{"data":{}}`:             nil,
		`{"/a:exec":{}}`:          nil, // it would say more than a place
		`{"/a,size=1":{}}`:        nil,
		`{"/a\nb":{}}`:            nil,
	} {
		i, err := Read([]byte(`abc [] {"Volumes":` + text + `}`))
		if err != nil {
			t.Fatal(err)
		}
		got, err := i.Volumes()
		if diff := cmp.Diff(want, got); diff != "" || (err != nil) != (want == nil && text != "null") {
			t.Errorf("%s: %v (-want +got)\n%s", text, err, diff)
		}
	}
}
