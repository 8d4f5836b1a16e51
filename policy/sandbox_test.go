package policy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/policy"
	"sallyport/policy/words"
)

// Every unit of a sandbox block, and what is left out, comes as what it means.
func TestSandboxUnits(t *testing.T) {
	const head = `server "a" {
  sandbox "podman" {
    image = "localhost/a:1"
`
	const tail = "\n  }\n}\nrole \"r\" { allow = [\"a/*\"] }\n"
	for text, want := range map[string]words.Sandbox{
		``: {},
		`
    pull = "missing"
    runtime_class = "runsc"
    enforcement = "best_effort"
    spare = true
    user = "1000:2000"
    workdir = "/data"
    memory = "512Mi"
    cpu = "1.5"
    scratch = "64MiB"
    shm = "2MiB"
    pids = 7
    files = 9
    scratch_exec = true
    mount { source = "/srv/a" }
    mount {
      source    = "/"
      target    = "/host"
      mode      = "rw"
      dangerous = true
    }
    network {
      egress  = ["API.example.com", "*.example.com:8443", "10.0.0.5:8080", "[::1]:80"]
      private = ["wiki.internal"]
    }
    build {
      when    = "never"
      scripts = "run"
      network { egress = ["npm.internal:8080"] }
    }`: {
			Pull: true, Class: "runsc", BestEffort: true, Spare: true, UID: 1000, GID: 2000, Dir: "/data",
			Memory: 512 << 20, CPU: 1500, Scratch: 64 << 20, Shm: 2 << 20, PIDs: 7, Files: 9, Exec: true,
			Mounts: []words.Mount{{Source: "/srv/a", Target: "/srv/a"}, {Source: "/", Target: "/host", Write: true, Dangerous: true}},
			Egress: []words.Endpoint{
				{Host: "api.example.com", Port: 443}, {Host: "*.example.com", Port: 8443},
				{Host: "10.0.0.5", Port: 8080, Private: true}, {Host: "::1", Port: 80, Private: true},
				{Host: "wiki.internal", Port: 443, Private: true},
			},
			Build: words.Build{Never: true, Scripts: true, Egress: []words.Endpoint{{Host: "npm.internal", Port: 8080}}},
		},
		`cpu = "500m"`: {CPU: 500}, `cpu = "2"`: {CPU: 2000}, `user = "7"`: {UID: 7, GID: 7},
		`network { egress = [] }`: {},
	} {
		p, err := policy.Parse([]byte(head+text+tail), "p.hcl")
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		want.Runtime, want.Image = "podman", "localhost/a:1"
		if diff := cmp.Diff(want, p.Servers()[0].Sandbox); diff != "" {
			t.Errorf("%s (-want +got)\n%s", text, diff)
		}
	}
}
