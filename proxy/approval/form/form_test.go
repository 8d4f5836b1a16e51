package form

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAbilities(t *testing.T) {
	for _, tt := range []struct {
		why, capabilities, version string
		form, url                  bool
	}{
		{"none", `{}`, "2025-11-25", false, false},
		{"nothing at all", ``, "2025-11-25", false, false},
		{"empty means forms", `{"elicitation":{}}`, "2025-06-18", true, false},
		{"a revision before there was any", `{"elicitation":{}}`, "2025-03-26", false, false},
		{"forms", `{"elicitation":{"form":{}}}`, "2025-11-25", true, false},
		{"addresses", `{"elicitation":{"url":{}}}`, "2025-11-25", false, true},
		{"both", `{"elicitation":{"form":{},"url":{}}}`, "2026-07-28", true, true},
		{"addresses before there were any", `{"elicitation":{"url":{}}}`, "2025-06-18", false, false},
		{"something unknown is no form", `{"elicitation":{"voice":{}}}`, "2026-07-28", false, false},
		{"not an object", `{"elicitation":true}`, "2026-07-28", false, false},
		{"null", `{"elicitation":null}`, "2026-07-28", false, false},
		{"a form that is none", `{"elicitation":{"form":false}}`, "2026-07-28", false, false},
	} {
		if form, url := Abilities([]byte(tt.capabilities), tt.version); form != tt.form || url != tt.url {
			t.Errorf("%s: form %v, url %v", tt.why, form, url)
		}
	}
}

func TestRead(t *testing.T) {
	narrow, wide := Offer{}, Offer{Remember: 10 * time.Minute, Any: true}
	same := Offer{Remember: 90 * time.Second}
	for _, tt := range []struct {
		why, raw string
		offer    Offer
		want     Answer
	}{
		{"once, without a form", `{"action":"accept"}`, narrow, Answer{Word: Approve}},
		{"once, with nothing filled in", `{"action":"accept","content":{}}`, wide, Answer{Word: Approve}},
		{"null is nothing", `{"action":"accept","content":null}`, wide, Answer{Word: Approve}},
		{"once, and a reason that nobody needs", `{"action":"accept","content":{"decision":"once","reason":"x"}}`, narrow, Answer{Word: Approve}},
		{"for a while", `{"action":"accept","content":{"decision":"for 1m30s, these arguments"}}`, same, Answer{Word: Approve, For: 90 * time.Second}},
		{"for the tool", `{"action":"accept","content":{"decision":"for 10m, any arguments"}}`, wide, Answer{Word: Approve, For: 10 * time.Minute, Any: true}},
		{"wider than was offered", `{"action":"accept","content":{"decision":"for 1m30s, any arguments"}}`, same, Answer{Word: Garble}},
		{"longer than was offered", `{"action":"accept","content":{"decision":"for 10m, these arguments"}}`, same, Answer{Word: Garble}},
		{"for a while where nothing was offered", `{"action":"accept","content":{"decision":"for 0s, these arguments"}}`, narrow, Answer{Word: Garble}},
		{"refused in the form", `{"action":"accept","content":{"decision":"refuse","reason":"no"}}`, wide, Answer{Word: Decline, Reason: "no"}},
		{"declined", `{"action":"decline"}`, wide, Answer{Word: Decline}},
		{"declined, whatever was filled in", `{"action":"decline","content":{"decision":"once"}}`, wide, Answer{Word: Decline}},
		{"closed", `{"action":"cancel"}`, wide, Answer{Word: Dismiss}},
		{"another action", `{"action":"accepted"}`, wide, Answer{Word: Garble}},
		{"no action", `{"content":{"decision":"once"}}`, wide, Answer{Word: Garble}},
		{"not an object", `"accept"`, wide, Answer{Word: Garble}},
		{"content that is no object", `{"action":"accept","content":"once"}`, wide, Answer{Word: Garble}},
		{"content that is a list", `{"action":"accept","content":["once"]}`, wide, Answer{Word: Garble}},
		{"a member that was not asked for", `{"action":"accept","content":{"decision":"once","x":"y"}}`, wide, Answer{Word: Garble}},
		{"of another type", `{"action":"accept","content":{"decision":true}}`, wide, Answer{Word: Garble}},
		{"empty", `{"action":"accept","content":{"decision":""}}`, wide, Answer{Word: Garble}},
		{"in other letters", `{"action":"accept","content":{"decision":"Once"}}`, wide, Answer{Word: Garble}},
		{"twice", `{"action":"accept","content":{"decision":"refuse","decision":"once"}}`, wide, Answer{Word: Garble}},
		{"nothing", ``, wide, Answer{Word: Garble}},
	} {
		if diff := cmp.Diff(tt.want, Read([]byte(tt.raw), tt.offer)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.why, diff)
		}
	}
}

// TestOffered: every answer that a form offers is one that counts, and the form
// is well-formed whatever it asks.
func TestOffered(t *testing.T) {
	for _, o := range []Offer{{}, {Remember: time.Hour}, {Remember: 65 * time.Minute, Any: true}} {
		var p struct {
			Message         string
			RequestedSchema struct {
				Properties struct {
					Decision struct{ Enum []string }
				}
			}
		}
		if err := json.Unmarshal(Append(nil, "a \"question\"\n", o), &p); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(o.Choices(), p.RequestedSchema.Properties.Decision.Enum); diff != "" || p.Message != "a \"question\"\n" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, choice := range o.Choices() {
			raw, _ := json.Marshal(map[string]any{"action": "accept", "content": map[string]string{"decision": choice}})
			if a := Read(raw, o); a.Word == Garble || a.Word == Approve && choice == sayRefuse {
				t.Errorf("%q was offered, and is %v", choice, a.Word)
			}
		}
	}
	if got := AppendAddress(nil, "q", "http://127.0.0.1/q"); !json.Valid(got) {
		t.Errorf("%s", got)
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{10 * time.Minute: "10m", time.Hour: "1h", 90 * time.Minute: "1h30m", 90 * time.Second: "1m30s", 30 * time.Second: "30s", 24 * time.Hour: "24h", 500 * time.Millisecond: "500ms"} {
		if got := Short(d); got != want {
			t.Errorf("%s is written %q, want %q", d, got, want)
		}
	}
}
