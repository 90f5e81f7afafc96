package plan_test

import (
	"slices"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/schema"
)

const inBox = schema.Place("orgId=o1;shelfId=s1;name=b")

// box is a world with a shelf and a box of ours, and what the box is.
func box(t *testing.T, fields m) *world {
	live := m{"id": "b1", "name": "b", "state": "IDLE"}
	for name, v := range fields {
		live[name] = v
	}
	return shelf(t).want("shelf.a.box.b", m{}).has("box", inside("s1"), live).knows("shelf.a.box.b", inside("s1"), "b1", m{})
}

// photographed is a box of which a photo was taken.
func photographed(t *testing.T, photo m) *world {
	w := box(t, m{}).knows("shelf.a.box.b.photo.p", inBox, "p1", m{"caption": "new", "days": 3.0})
	if photo == nil {
		return w.has("photo", inBox)
	}
	return w.has("photo", inBox, photo)
}

func TestWhatIsDoneOnceIsMade(t *testing.T) {
	p := box(t, m{}).has("photo", inBox).want("shelf.a.box.b.photo.p", m{"caption": "new", "days": 3.0}).plan()
	expect(t, p, "create shelf.a.box.b.photo.p")
	expectCodes(t, p)
}

// What was done and is gone is as it should be: nothing is made, nothing drifted, and the plan says how to get another.
func TestWhatIsDoneOnceIsNotRepeated(t *testing.T) {
	w := photographed(t, nil).want("shelf.a.box.b.photo.p", m{"caption": "new", "days": 3.0})
	p := w.plan()
	expect(t, p)
	expectCodes(t, p, "not_repeated")
	if !p.Empty() || len(p.Drift) > 0 {
		t.Errorf("the plan is not empty: %+v, drift %+v", p.StateOnly, p.Drift)
	}
	w.in.Options.Replace = []schema.Address{"shelf.a.box.b.photo.p"}
	expect(t, w.plan(), "create shelf.a.box.b.photo.p")
	w.in.Options.Replace = nil
	w.in.Prior.Resources["shelf.a.box.b.photo.p"].Waiting = "create"
	p = w.plan()
	expect(t, p)
	if c := find(t, p, "shelf.a.box.b.photo.p"); len(p.StateOnly) != 1 || !c.Record || c.ID != "p1" || c.Waiting != "" {
		t.Errorf("what it was waited for is still waited for: %+v %+v", p.StateOnly, c)
	}
	w = photographed(t, nil)
	p = w.plan()
	expect(t, p)
	if !slices.Equal(p.Drops, []schema.Address{"shelf.a.box.b.photo.p"}) {
		t.Errorf("undeclared and gone, it is not forgotten: %v", p.Drops)
	}
}

// A destroy forgets what is gone, so that what is made of the same files afterwards is made whole.
func TestADestroyForgetsWhatIsGone(t *testing.T) {
	w := photographed(t, nil).want("shelf.a.box.b.photo.p", m{"caption": "new", "days": 3.0})
	w.in.Options.Destroy = true
	if p := w.plan(); !slices.Equal(p.Drops, []schema.Address{"shelf.a.box.b.photo.p"}) {
		t.Errorf("the state forgets %v", p.Drops)
	}
}

// A changed one is another one. The old one serves until the new one is there.
func TestWhatIsDoneOnceIsReplacedByTheNewOneFirst(t *testing.T) {
	p := photographed(t, m{"id": "p1", "caption": "new", "state": "DONE"}).want("shelf.a.box.b.photo.p", m{"caption": "newer", "days": 3.0}).plan()
	expect(t, p, "replace shelf.a.box.b.photo.p caption")
	if c := find(t, p, "shelf.a.box.b.photo.p"); !c.CreateFirst || c.NeedsAllow != "allow-destroy" || len(c.Risks) != 1 {
		t.Errorf("want the new one first and a loss to be allowed, got %+v", c)
	}
}

// With a new parent nothing is done again: it would be done to something else.
func TestWhatIsDoneOnceStaysWithItsParent(t *testing.T) {
	w := photographed(t, m{"id": "p1", "caption": "new", "state": "DONE"}).want("shelf.a.box.b.photo.p", m{"caption": "new", "days": 3.0})
	w.in.Options.Replace = []schema.Address{"shelf.a.box.b"}
	p := w.plan()
	expect(t, p, "replace shelf.a.box.b")
	expectCodes(t, p, "not_repeated")
}

// What Atlas could not finish is not taken for done, or what waits for it would go on without.
func TestWhatFailedIsNotDone(t *testing.T) {
	w := photographed(t, m{"id": "p1", "caption": "new", "state": "BLURRED"}).want("shelf.a.box.b.photo.p", m{"caption": "new", "days": 3.0})
	expectCodes(t, w.plan(), "failed_once")
	w.in.Options.Replace = []schema.Address{"shelf.a.box.b.photo.p"}
	p := w.plan()
	expect(t, p, "replace shelf.a.box.b.photo.p")
	expectCodes(t, p)
}

// What Atlas does by itself of the kind is nobody's business: it is not counted, and the kind cannot be exclusive.
func TestStrangersThatAreDoneOnce(t *testing.T) {
	p := photographed(t, m{"id": "p9", "caption": "by a schedule", "state": "DONE"}).want("shelf.a.box.b.photo.p", m{"caption": "new", "days": 3.0}).plan()
	if len(p.Unmanaged) > 0 {
		t.Errorf("unmanaged: %+v", p.Unmanaged)
	}
	for _, k := range toys.Collections("box") {
		t.Errorf("%s can be exclusive in a box", k.Name)
	}
}

func TestParentsMustFit(t *testing.T) {
	want := func(w *world) *plan.Plan { return w.want("shelf.a.box.b.photo.p", m{"caption": "new"}).plan() }
	expectCodes(t, want(box(t, m{"locked": true}).has("photo", inBox)), "parent_unfit")
	expectCodes(t, want(box(t, m{"locked": false}).has("photo", inBox)))
	fresh := func(locked any) *world {
		return shelf(t).want("shelf.a.box.b", m{"locked": locked}).has("box", inside("s1"))
	}
	expectCodes(t, want(fresh(true)), "parent_unfit")
	expectCodes(t, want(fresh(false)))
}

// An argument that Atlas does not show is what was last applied: the file alone changes it.
func TestWhatAtlasDoesNotShow(t *testing.T) {
	live := m{"id": "p1", "caption": "new", "state": "DONE"}
	p := photographed(t, live).want("shelf.a.box.b.photo.p", m{"caption": "new", "days": 3.0}).plan()
	expect(t, p)
	expectCodes(t, p)
	if !p.Empty() || len(p.Drift) > 0 {
		t.Errorf("not empty: %+v %+v", p.StateOnly, p.Drift)
	}
	p = photographed(t, live).want("shelf.a.box.b.photo.p", m{"caption": "new", "days": 5.0}).plan()
	expect(t, p, "update shelf.a.box.b.photo.p days")
	if d := find(t, p, "shelf.a.box.b.photo.p").Diffs[0]; !d.Old.RawEquals(cty.NumberIntVal(3)) || d.UndoesDrift {
		t.Errorf("the difference is %+v", d)
	}
	p = photographed(t, live).want("shelf.a.box.b.photo.p", m{"caption": "new"}).plan()
	if len(p.StateOnly) != 1 || p.StateOnly[0].Text != "no longer managed: days, stays 3" {
		t.Errorf("released, it is %+v", p.StateOnly)
	}
}

// An interrupted creation is found by what Atlas shows of it, and what it does not show is as it was sent.
func TestRule_R26_WhatAtlasDoesNotShowWasSent(t *testing.T) {
	w := box(t, m{}).has("photo", inBox, m{"id": "p0", "caption": "new", "state": "DONE"}, m{"id": "p1", "caption": "new", "state": "DONE"}).
		want("shelf.a.box.b.photo.p", m{"caption": "new", "days": 3.0})
	w.in.Prior.Intents = []schema.Intent{{ID: "i", Address: "shelf.a.box.b.photo.p", Kind: "photo", Verb: schema.CallCreate, Armed: true, Place: inBox,
		Content: val("photo", m{"caption": "new", "days": 3.0}), Seen: []string{"p0"}}}
	p := w.plan()
	expect(t, p)
	expectCodes(t, p)
	if c := find(t, p, "shelf.a.box.b.photo.p"); c.ID != "p1" || !c.Record {
		t.Errorf("it was paired with %q", c.ID)
	}
}
