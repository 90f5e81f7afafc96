package plan_test

import (
	"testing"

	"mercator/plan"
)

// What lasts is agreed to like a loss, and its plan says why it stays.
func TestWhatLasts(t *testing.T) {
	p := box(t, m{}).has("paint", inBox).want("shelf.a.box.b.paint", m{"color": "red"}).plan()
	expect(t, p, "create shelf.a.box.b.paint")
	got := p.Refusals()
	if len(got) != 1 || got[0].Code != "needs_allow_destroy" || got[0].Summary != "shelf.a.box.b.paint could not be undone" {
		t.Errorf("where nobody is asked: %v", got)
	}
	painted := func() *world {
		return box(t, m{}).has("paint", inBox, m{"color": "red"}).knows("shelf.a.box.b.paint", inBox, "", m{"color": "red"})
	}
	p = painted().want("shelf.a.box.b.paint", m{"color": "blue"}).plan()
	if c := find(t, p, "shelf.a.box.b.paint"); c.Action != plan.Update || c.NeedsAllow != "" {
		t.Errorf("another color is %+v", c)
	}
	p = painted().plan()
	expect(t, p, "forget shelf.a.box.b.paint")
	if c := find(t, p, "shelf.a.box.b.paint"); c.Reasons[0].Text != "a carpenter alone can take it off" {
		t.Errorf("it stays because %v", c.Reasons)
	}
}
