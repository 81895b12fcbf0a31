package meeting_test

import (
	"testing"

	. "accord/exchange/machine/machinetest"
	"accord/exchange/meeting"
)

// A peering is decided on again, and the newest decision counts; what is decided of a
// release is decided for ever.
func TestAPeeringCanEnd(t *testing.T) {
	m := Meeting(t)
	on := func(label string, kind meeting.Kind, outcome string) Order {
		return Motion(label, kind, func(b *meeting.ProposeBody) {
			b.Decision = &meeting.Decision{Object: ID("object"), Outcome: outcome}
		})
	}
	for i, outcome := range []string{"accept", "end", "accept"} {
		label := string(rune('a' + i))
		pass(t, m, on(label, meeting.Peering, outcome), 0)
		if got, ok := meeting.Decided(m.View().Rows(), meeting.Peering, ID("object")); !ok || got.Outcome != outcome {
			t.Errorf("%d: %+v, %t, want %s", i, got, ok, outcome)
		}
	}
	if all := meeting.Objects(m.View().Rows(), meeting.Peering); len(all) != 1 {
		t.Errorf("decided on: %v", all)
	}
	if a := Do(t, m, on("open", meeting.Peering, "end")); !a.OK {
		t.Error(a.Error)
	}
	if a := Do(t, m, on("beside", meeting.Peering, "accept")); Code(a) != "MEET-007" {
		t.Errorf("two at once: %q", Code(a))
	}
	pass(t, m, on("released", meeting.Release, meeting.Approve), 0)
	if a := Do(t, m, on("again", meeting.Release, meeting.Deny)); Code(a) != "MEET-007" {
		t.Errorf("a release decided twice: %q", Code(a))
	}
	Must(t, m.Audit())
}
