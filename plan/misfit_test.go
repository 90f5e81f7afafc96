package plan_test

import (
	"testing"

	"mercator/plan"
)

// A whole object is sent without what the file has released and its new neighbours rule out: Atlas would refuse it.
func TestRule_R13_OverlayLeavesOutWhatDoesNotBelong(t *testing.T) {
	kind := toys.Kind("bell")
	live := val("bell", m{"event": "HOT", "degrees": 30.0, "enabled": true})
	for _, c := range []struct {
		event string
		kept  bool
	}{{"HOT", true}, {"COLD", true}, {"FLOOD", false}, {"unknown", true}} {
		got := plan.Overlay(kind, val("bell", m{"event": c.event}), live).GetAttr("degrees")
		if got.IsNull() == c.kept {
			t.Errorf("%s is sent with degrees %#v", c.event, got)
		}
	}
}
