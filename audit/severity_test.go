package audit

import "testing"

// A refusal is on record as a warning, whatever its caller would call it, and a
// verdict that nobody knows counts as one.
func TestSeverity(t *testing.T) {
	for _, tt := range []struct {
		why     string
		kind    Type
		verdict Verdict
		want    string
		loud    bool
	}{
		{"an allowed call is no news", TypeDecision, VerdictAllow, "", false},
		{"a refusal", TypeDecision, VerdictRefuse, SeverityWarning, false},
		{"a question", TypeDecision, VerdictAsk, SeverityWarning, false},
		{"the zero verdict refuses", TypeDecision, "", SeverityWarning, false},
		{"a word of nobody's", TypeDecision, "perhaps", SeverityWarning, false},
		{"trouble", TypeError, "", SeverityWarning, false},
		{"an error is one though something was allowed", TypeError, VerdictAllow, SeverityWarning, false},
		{"a result", TypeToolResult, "", "", false},
		{"a notice", TypeNotice, VerdictAllow, "", false},
		{"an attack that was refused", TypeDecision, VerdictRefuse, SeverityCritical, true},
		{"an attack that nothing was decided on", TypeError, "", SeverityCritical, true},
	} {
		if got := severity(tt.kind, &Event{Verdict: tt.verdict, Critical: tt.loud}); got != tt.want {
			t.Errorf("%s: severity(%q, %q) = %q, want %q", tt.why, tt.kind, tt.verdict, got, tt.want)
		}
	}
}
