package plan_test

import (
	"slices"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/schema"
)

// pouring is a box that is poured into another one.
func pouring(t *testing.T, fields m, change ...func(*schema.Resource)) *world {
	return box(t, m{}).has("pour", inBox).want("shelf.a.box.b.pour.p", fields, change...)
}

// Who confirms a creation that overwrites something reads what, and it comes after the change of that.
func TestOverwritingIsALoss(t *testing.T) {
	w := pouring(t, m{"into": "c", "on": "s1"}).want("shelf.a.box.c", m{})
	p := w.plan()
	expect(t, p, "create shelf.a.box.b.pour.p", "create shelf.a.box.c")
	expectCodes(t, p)
	c := find(t, p, "shelf.a.box.b.pour.p")
	if c.Overwrites != "c" || c.NeedsAllow != "allow-destroy" || c.Risks[0].Note != `it replaces all data of the box "c", shelf.a.box.c` {
		t.Errorf("the change is %+v", c)
	}
	if !slices.Contains(c.Depends, "shelf.a.box.c") || p.Changes[p.Tasks[1].Change].Address != "shelf.a.box.b.pour.p" {
		t.Errorf("it needs %v, and the tasks are %v", c.Depends, p.Tasks)
	}
	if got := p.Refusals(); len(got) != 1 || got[0].Code != "needs_allow_destroy" || got[0].Summary != "shelf.a.box.b.pour.p would overwrite c for good" {
		t.Errorf("where nobody is asked: %v", got)
	}
	w.in.Options.AllowDestroy = []string{"shelf.a.box.b.pour.p"}
	if got := w.plan().Refusals(); got.HasErrors() {
		t.Errorf("allowed, it is still refused: %v", got)
	}
}

// The target of what this plan makes is known by the references that lead to it.
func TestOverwritingWhatIsMadeNow(t *testing.T) {
	p := pouring(t, m{"into": "c", "on": "unknown"}, func(r *schema.Resource) { r.DependsOn = []schema.Address{"shelf.z"} }).
		want("shelf.z", m{}).want("shelf.z.box.c", m{}).want("shelf.y", m{}).want("shelf.y.box.c", m{}).plan()
	if note := find(t, p, "shelf.a.box.b.pour.p").Risks[0].Note; note != `it replaces all data of the box "c", shelf.z.box.c` {
		t.Errorf("it says %s", note)
	}
	expectCodes(t, p)
}

func TestOverwritingNeedsATarget(t *testing.T) {
	expectCodes(t, pouring(t, m{"into": "c", "on": "s1"}).plan(), "target_missing")
	expectCodes(t, pouring(t, m{"into": "unknown", "on": "s1"}).plan(), "target_unknown")
	p := pouring(t, m{"into": "c", "on": "s9"}).plan() // a shelf that is not ours to read
	expectCodes(t, p)
	if note := find(t, p, "shelf.a.box.b.pour.p").Risks[0].Note; note != `it replaces all data of the box "c" in s9` {
		t.Errorf("it says %s", note)
	}
}

// poured is a box that was poured into itself.
func poured(t *testing.T, state string) *world {
	return box(t, m{}).has("pour", inBox, m{"id": "p1", "into": "b", "on": "s1", "state": state}).knows("shelf.a.box.b.pour.p", inBox, "p1", m{"into": "b", "on": "s1"})
}

// What is done stays done: it is no change, another argument is another one, and a removed block undoes nothing.
func TestOverwritingIsDoneOnce(t *testing.T) {
	p := poured(t, "DONE").want("shelf.a.box.b.pour.p", m{"into": "b", "on": "s1"}).plan()
	expect(t, p)
	if c := find(t, p, "shelf.a.box.b.pour.p"); !p.Empty() || c.Overwrites != "" || len(c.Risks) > 0 {
		t.Errorf("done, it is %+v", c)
	}
	p = poured(t, "DONE").want("shelf.a.box.b.pour.p", m{"into": "c", "on": "s1"}).want("shelf.a.box.c", m{}).plan()
	expect(t, p, "replace shelf.a.box.b.pour.p into", "create shelf.a.box.c")
	if c := find(t, p, "shelf.a.box.b.pour.p"); c.Overwrites != "c" || c.NeedsAllow != "allow-destroy" || len(c.Removal) > 0 || !c.CreateFirst || !c.Leaves {
		t.Errorf("another one is %+v", c)
	}
	for state, why := range map[string]string{"DONE": "what it did cannot be undone", "POURING": "it goes on in Atlas, which alone can stop it"} {
		p = poured(t, state).plan()
		expect(t, p, "forget shelf.a.box.b.pour.p")
		if c := find(t, p, "shelf.a.box.b.pour.p"); c.Reasons[0].Text != why || c.Writes() {
			t.Errorf("%s: it is %+v", state, c)
		}
	}
}

// What is gone and refers to something goes on to mean it, so that what refers to it is not done again.
func TestWhatIsGoneIsStillKnown(t *testing.T) {
	w := photographed(t, nil).want("shelf.a.box.b.photo.p", m{"caption": "new", "days": 3.0})
	w.plan()
	known := plan.NewSurvey(w.in).Pair(w.in.Live).Values()["shelf.a.box.b.photo.p"]
	if known == cty.NilVal || !known.GetAttr("id").RawEquals(cty.StringVal("p1")) || !known.GetAttr("caption").RawEquals(cty.StringVal("new")) {
		t.Errorf("known is %#v", known)
	}
	w.in.Options.Replace = []schema.Address{"shelf.a.box.b.photo.p"}
	if known, ok := plan.NewSurvey(w.in).Pair(w.in.Live).Values()["shelf.a.box.b.photo.p"]; ok {
		t.Errorf("of one that is made again, known is %#v", known)
	}
}
