package bwrap

import "testing"

func TestToothless(t *testing.T) {
	bites, soft := Remark{Limit: "pids", Bites: true, How: "control group"}, Remark{Limit: "exec", Soft: true, How: "it cannot"}
	blunt := Remark{Limit: "cpu", How: "nothing limits it"}
	if err := Toothless([]Remark{bites, soft}); err != nil {
		t.Error(err)
	}
	err := Toothless([]Remark{bites, blunt, soft})
	if err == nil || err.Error() != "limits that would not bite in a bubblewrap box here: cpu (nothing limits it)" {
		t.Error(err)
	}
	if got, want := bites.String()+"; "+blunt.String(), "pids: control group; cpu does not bite: nothing limits it"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
