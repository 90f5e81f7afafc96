package plan_test

import (
	"strings"
	"testing"

	"mercator/plan"
)

// toldOf returns the text of the plan's finding of a code, "" where there is none.
func toldOf(p *plan.Plan, code string) string {
	for _, d := range p.Diagnostics {
		if d.Code == code {
			return d.Detail
		}
	}
	return ""
}

// What failed in Atlas and is as declared is told of: nothing else would say so. A change may mend it, and then there
// is nothing to tell.
func TestFailedObjectsAreToldOf(t *testing.T) {
	torn := func() *world {
		return shelf(t).has("box", inside("s1"), m{"id": "b1", "name": "x", "size": "S", "state": "TORN", "fault": "A cat."}).
			knows("shelf.a.box.x", inside("s1"), "b1", m{"size": "S"})
	}
	p := torn().want("shelf.a.box.x", m{"size": "S"}).plan()
	expect(t, p)
	expectCodes(t, p, "failed_in_atlas")
	if text := toldOf(p, "failed_in_atlas"); !strings.Contains(text, "TORN: A cat.") || !strings.Contains(text, "--replace shelf.a.box.x") {
		t.Errorf("it says %q", text)
	}
	p = torn().want("shelf.a.box.x", m{"size": "M"}).plan()
	expect(t, p, "update shelf.a.box.x size")
	expectCodes(t, p)
	p = torn().plan()
	expect(t, p, "delete shelf.a.box.x")
}

// What waits for somebody else is ready: it is not waited for, and the plan says what is left to do.
func TestRule_R09_SomebodyElseHasToAct(t *testing.T) {
	lent := func() *world {
		return shelf(t).has("box", inside("s1"), m{"id": "b1", "name": "x", "size": "S", "state": "LENT"})
	}
	p := lent().knows("shelf.a.box.x", inside("s1"), "b1", m{"size": "S"}).want("shelf.a.box.x", m{"size": "S"}).plan()
	expect(t, p)
	expectCodes(t, p, "waits_for_others")
	if text := toldOf(p, "waits_for_others"); text != "Its state is LENT. Ask the neighbour for it." || !p.Empty() {
		t.Errorf("it says %q, empty %t", text, p.Empty())
	}
	p = lent().want("shelf.a.box.x", m{"size": "S"}).plan()
	expect(t, p, "adopt shelf.a.box.x")
	expectCodes(t, p, "waits_for_others")
}
