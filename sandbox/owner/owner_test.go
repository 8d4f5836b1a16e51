package owner

import "testing"

func TestState(t *testing.T) {
	running := func(pid string) string { return map[string]string{"7": "100"}[pid] }
	const self = ID("m.b.1.9.200")
	for o, want := range map[ID]state{
		"m.b.1.7.100": alive,
		"m.b.1.7.99":  gone, // its id is another's now
		"m.b.1.8.100": gone,
		"m.a.1.7.100": gone,    // before the machine started anew
		"x.a.1.7.100": unknown, // another machine, same engine
		"m.b.2.8.100": unknown, // process ids that we cannot see
		"":            unknown,
		"m.b.1.7":     unknown,
		"m.b.1.7.1.1": unknown,
	} {
		if got := o.state(self, running); got != want {
			t.Errorf("%q: %v, want %v", o, got, want)
		}
	}
	if Us() != Us() || Us().Gone() {
		t.Error("we are gone")
	}
}
