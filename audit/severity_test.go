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
	}{
		{"an allowed call is no news", TypeDecision, VerdictAllow, ""},
		{"a refusal", TypeDecision, VerdictRefuse, SeverityWarning},
		{"a question", TypeDecision, VerdictAsk, SeverityWarning},
		{"the zero verdict refuses", TypeDecision, "", SeverityWarning},
		{"a word of nobody's", TypeDecision, "perhaps", SeverityWarning},
		{"trouble", TypeError, "", SeverityWarning},
		{"an error is one though something was allowed", TypeError, VerdictAllow, SeverityWarning},
		{"a result", TypeToolResult, "", ""},
		{"a notice", TypeNotice, VerdictAllow, ""},
	} {
		if got := severity(tt.kind, tt.verdict); got != tt.want {
			t.Errorf("%s: severity(%q, %q) = %q, want %q", tt.why, tt.kind, tt.verdict, got, tt.want)
		}
	}
}
