package plan_test

import (
	"slices"
	"testing"

	"mercator/plan"
	"mercator/schema"
)

// lit is a world in which the shelf of ours has a lamp that burns as it does from the start.
func lit(t *testing.T) *world {
	return shelf(t).has("lamp", inside("s1"), m{"watts": 40.0})
}

func reasons(c *plan.Change) []string {
	var out []string
	for _, r := range c.Reasons {
		out = append(out, r.Code)
	}
	return out
}

func operations(calls []schema.Call) []string {
	var out []string
	for _, c := range calls {
		out = append(out, c.Operation)
	}
	return out
}

// An update is the creation of a singleton, with what differs from the one that is there.
func TestASingletonIsSet(t *testing.T) {
	p := lit(t).want("shelf.a.lamp", m{"watts": 60.0}).plan()
	expect(t, p, "update shelf.a.lamp watts")
	expectCodes(t, p)
	c := find(t, p, "shelf.a.lamp")
	if !slices.Equal(reasons(c), []string{"singleton"}) || !slices.Equal(operations(c.Calls), []string{"setLamp"}) || c.Adopted {
		t.Errorf("want it set because it is one, and owned with its parent; got %+v", c)
	}
	p = newWorld(t).want("shelf.a", m{}).want("shelf.a.lamp", m{"watts": 60.0}).has("shelf", root).plan()
	expect(t, p, "create shelf.a", "create shelf.a.lamp")
	if c := find(t, p, "shelf.a.lamp"); !slices.Equal(operations(c.Calls), []string{"setLamp"}) {
		t.Errorf("that of a new parent is set by %v", c.Calls)
	}
}

// One that is as declared is managed from then on, which the plan says and no call does.
func TestASingletonThatIsAsDeclared(t *testing.T) {
	p := lit(t).want("shelf.a.lamp", m{"watts": 40.0}).plan()
	expect(t, p)
	if len(p.StateOnly) != 1 || p.StateOnly[0].Address != "shelf.a.lamp" || !find(t, p, "shelf.a.lamp").Record {
		t.Errorf("want one change of the state, got %+v", p.StateOnly)
	}
	p = lit(t).want("shelf.a.lamp", m{"watts": 40.0}).knows("shelf.a.lamp", inside("s1"), "", m{"watts": 40.0}).plan()
	expect(t, p)
	if !p.Empty() {
		t.Errorf("the next plan is not empty: %+v", p.StateOnly)
	}
}

func TestDriftOfASingleton(t *testing.T) {
	p := shelf(t).has("lamp", inside("s1"), m{"watts": 100.0}).want("shelf.a.lamp", m{"watts": 40.0}).
		knows("shelf.a.lamp", inside("s1"), "", m{"watts": 40.0}).plan()
	expect(t, p, "update shelf.a.lamp watts")
	if len(p.Drift) != 1 || p.Drift[0].Address != "shelf.a.lamp" || !p.Drift[0].Reverts {
		t.Errorf("drift %+v", p.Drift)
	}
}

// What a parent has that somebody else made is adopted, and not reset unless that is asked for (R31).
func TestRule_R31_ASingletonOfAForeignParent(t *testing.T) {
	world := func() *world {
		return newWorld(t).has("shelf", root, m{"id": "s1", "name": "a"}).has("lamp", inside("s1"), m{"watts": 40.0})
	}
	foreign := func(r *schema.Resource) { r.Parent = schema.ParentRef{ID: "s1"} }
	p := world().want("lamp.a", m{"watts": 60.0}, foreign).plan()
	expect(t, p, "adopt lamp.a watts")
	if c := find(t, p, "lamp.a"); !c.Adopted || !slices.Equal(reasons(c), []string{"singleton"}) {
		t.Errorf("got %+v", c)
	}
	adopted := func(b *schema.Bound) { b.Adopted, b.Dependencies = true, nil }
	p = world().knows("lamp.a", inside("s1"), "", m{"watts": 40.0}, adopted).plan()
	expect(t, p, "forget lamp.a")
	w := world().knows("lamp.a", inside("s1"), "", m{"watts": 40.0}, adopted)
	w.in.Options.AllowDestroy = []string{"lamp.a"}
	expect(t, w.plan(), "delete lamp.a")
}

// The deletion of a singleton is a reset, and the plan says what that comes to; where Atlas has none, it is forgotten.
func TestRemovalOfASingleton(t *testing.T) {
	p := lit(t).has("motto", inside("s1"), m{"text": "order"}).
		knows("shelf.a.lamp", inside("s1"), "", m{"watts": 40.0}).knows("shelf.a.motto", inside("s1"), "", m{"text": "order"}).plan()
	expect(t, p, "delete shelf.a.lamp", "forget shelf.a.motto")
	lamp := find(t, p, "shelf.a.lamp")
	if !slices.Equal(reasons(lamp), []string{"not_declared", "reset"}) || !slices.Equal(operations(lamp.Removal), []string{"resetLamp"}) {
		t.Errorf("got %+v", lamp)
	}
	if motto := find(t, p, "shelf.a.motto"); !slices.Equal(reasons(motto), []string{"no_reset"}) || motto.Writes() {
		t.Errorf("got %+v", motto)
	}
}

// With its parent it goes without a call, and is not read.
func TestASingletonGoesWithItsParent(t *testing.T) {
	w := newWorld(t).has("shelf", root, m{"id": "s1", "name": "a"}).knows("shelf.a", root, "s1", m{}).
		has("lamp", inside("s1"), m{"watts": 40.0}).has("motto", inside("s1"), m{"text": "order"}).
		knows("shelf.a.lamp", inside("s1"), "", m{"watts": 40.0}).knows("shelf.a.motto", inside("s1"), "", m{"text": "order"})
	w.in.Options.AllowDestroy = []string{"shelf.a"}
	p := w.plan()
	expect(t, p, "delete shelf.a", "delete shelf.a.lamp", "delete shelf.a.motto")
	for _, address := range []string{"shelf.a.lamp", "shelf.a.motto"} {
		if c := find(t, p, address); c.GoesWith != "shelf.a" || c.Writes() || slices.Contains(reasons(c), "reset") {
			t.Errorf("%s: got %+v", address, c)
		}
	}
	w = newWorld(t).has("shelf", root, m{"id": "s1", "name": "a"}).knows("shelf.a", root, "s1", m{})
	w.in.Live = schema.NewLive(w.all, nil)
	sweeps, _ := plan.NewSurvey(w.in).Pair(w.in.Live).Wanted()
	if slices.ContainsFunc(sweeps, func(s plan.Sweep) bool { return s.Kind.Singleton }) {
		t.Errorf("a doomed shelf's singletons are read: %v", sweeps)
	}
}

// Two blocks cannot both be the one of a parent (R37), and a block that is written elsewhere is the same one (R1).
func TestTwoBlocksOfOneSingleton(t *testing.T) {
	outside := func(r *schema.Resource) { r.Parent = schema.ParentRef{Address: "shelf.a"} }
	p := lit(t).want("shelf.a.lamp", m{"watts": 60.0}).want("lamp.other", m{"watts": 80.0}, outside).plan()
	expectCodes(t, p, "duplicate_object")
	p = lit(t).want("lamp.other", m{"watts": 40.0}, outside).knows("shelf.a.lamp", inside("s1"), "", m{"watts": 40.0}).plan()
	expect(t, p)
	if len(p.StateOnly) == 0 || p.StateOnly[0].Kind != "move" {
		t.Errorf("want a move, got %+v", p.StateOnly)
	}
}

// One whose block gets another parent is set there and reset here.
func TestASingletonOfAnotherParent(t *testing.T) {
	of := func(parent schema.Address) func(*schema.Resource) {
		return func(r *schema.Resource) { r.Parent = schema.ParentRef{Address: parent} }
	}
	p := newWorld(t).want("shelf.a", m{}).want("shelf.b", m{}).want("lamp.x", m{"watts": 60.0}, of("shelf.b")).
		has("shelf", root, m{"id": "s1", "name": "a"}, m{"id": "s2", "name": "b"}).
		knows("shelf.a", root, "s1", m{}).knows("shelf.b", root, "s2", m{}).knows("lamp.x", inside("s1"), "", m{"watts": 60.0}).
		has("lamp", inside("s1"), m{"watts": 60.0}).has("lamp", inside("s2"), m{"watts": 40.0}).plan()
	expect(t, p, "replace lamp.x")
	if c := find(t, p, "lamp.x"); c.Into != inside("s2") || !slices.Equal(operations(c.Calls), []string{"setLamp"}) || !slices.Equal(operations(c.Removal), []string{"resetLamp"}) {
		t.Errorf("got %+v", c)
	}
}

// In a parent that is replaced, the new parent's one is set, whether the state knows the old one's or not.
func TestRule_R22_ASingletonOfAReplacedParent(t *testing.T) {
	replaced := func() *world {
		return newWorld(t).want("shelf.a", m{"wood": "oak"}).has("shelf", root, m{"id": "s1", "name": "a", "wood": "pine"}).
			knows("shelf.a", root, "s1", m{"wood": "pine"}).has("lamp", inside("s1"), m{"watts": 40.0}).want("shelf.a.lamp", m{"watts": 60.0})
	}
	w := replaced()
	w.in.Options.AllowDestroy = []string{"shelf.a"}
	p := w.plan()
	expect(t, p, "replace shelf.a wood", "create shelf.a.lamp")
	expectCodes(t, p)
	w = replaced().knows("shelf.a.lamp", inside("s1"), "", m{"watts": 60.0})
	w.in.Options.AllowDestroy = []string{"shelf.a"}
	p = w.plan()
	expect(t, p, "replace shelf.a wood", "replace shelf.a.lamp watts")
	expectCodes(t, p)
}

// What is new in a box that changes its shelf is set in the box that is made there.
func TestASingletonInWhatChangesItsParent(t *testing.T) {
	on := func(shelf schema.Address) func(*schema.Resource) {
		return func(r *schema.Resource) { r.Parent = schema.ParentRef{Address: shelf} }
	}
	w := newWorld(t).want("shelf.a", m{}).want("shelf.b", m{}).want("box.x", m{"size": "S"}, on("shelf.b")).want("box.x.seal", m{"color": "red"}).
		has("shelf", root, m{"id": "s1", "name": "a"}, m{"id": "s2", "name": "b"}).
		knows("shelf.a", root, "s1", m{}).knows("shelf.b", root, "s2", m{}).knows("box.x", inside("s1"), "b1", m{"size": "S"}).
		has("box", inside("s1"), m{"id": "b1", "name": "x", "size": "S", "state": "IDLE"})
	w.in.Options.AllowDestroy = []string{"box.x"}
	p := w.plan()
	expect(t, p, "replace box.x", "create box.x.seal")
	expectCodes(t, p)
}

// Documents are compared by what they mean.
func TestDocumentsAreComparedByMeaning(t *testing.T) {
	for live, want := range map[string][]string{
		`{"size":12,"lines":["a","b"]}`:                     nil,
		"{ \"lines\" : [\"a\", \"b\"],\n \"size\": 1.2e1 }": nil,
		`{"size":12,"lines":["b","a"]}`:                     {"update shelf.a.motto layout"},
		`{"size":12}`:                                       {"update shelf.a.motto layout"},
		`no document`:                                       {"update shelf.a.motto layout"},
	} {
		p := shelf(t).has("motto", inside("s1"), m{"layout": live}).want("shelf.a.motto", m{"layout": `{"lines": ["a", "b"], "size": 12}`}).
			knows("shelf.a.motto", inside("s1"), "", m{"layout": `{"lines": ["a", "b"], "size": 12}`}).plan()
		expect(t, p, want...)
	}
}

// What a connection leads to lives in nothing of ours: it is adopted, and left as it is in the end.
func TestASingletonAtTheTop(t *testing.T) {
	hall := func() *world { return newWorld(t).has("hall", root, m{"text": "old"}) }
	p := hall().want("hall.a", m{"text": "new"}).plan()
	expect(t, p, "adopt hall.a text")
	if c := find(t, p, "hall.a"); !slices.Equal(reasons(c), []string{"singleton"}) || c.Reasons[0].Text != "a connection leads to one, and it is set" {
		t.Errorf("got %+v", c.Reasons)
	}
	expectCodes(t, hall().want("hall.a", m{"text": "new"}).want("hall.b", m{"text": "new"}).plan(), "duplicate_object")
	p = hall().knows("hall.a", root, "", m{"text": "old"}).plan()
	expect(t, p, "forget hall.a")
}

// TestRule_R21_ASingletonIsAskedForByAValue: a box asks for the lamp of its shelf by what it says about the light.
func TestRule_R21_ASingletonIsAskedForByAValue(t *testing.T) {
	order := func(p *plan.Plan) []string {
		var out []string
		for _, task := range p.Tasks {
			out = append(out, string(task.Phase)+" "+string(p.Changes[task.Change].Address))
		}
		return out
	}
	p := lit(t).want("shelf.a.lamp", m{"watts": 60.0}).want("shelf.a.box.b", m{"light": "bright"}).plan()
	if got := order(p); !slices.Equal(got, []string{"write shelf.a.lamp", "write shelf.a.box.b"}) {
		t.Errorf("set together: %q", got)
	}
	p = lit(t).want("shelf.a.lamp", m{"watts": 60.0}).want("shelf.a.box.b", m{"light": "DARK"}).plan()
	if got := order(p); !slices.Equal(got, []string{"write shelf.a.box.b", "write shelf.a.lamp"}) {
		t.Errorf("without each other: %q", got)
	}

	// The lamp goes once the box needs it no more: by its own change, or with it.
	with := func() *world {
		return lit(t).has("box", inside("s1"), m{"id": "b1", "name": "b", "state": "IDLE", "light": "BRIGHT"}).
			knows("shelf.a.lamp", inside("s1"), "", m{"watts": 40.0}).
			knows("shelf.a.box.b", inside("s1"), "b1", m{"light": "BRIGHT"}, func(b *schema.Bound) {
				b.Dependencies = []schema.Address{"shelf.a", "shelf.a.lamp"}
			})
	}
	if got := order(with().want("shelf.a.box.b", m{"light": "DARK"}).plan()); !slices.Equal(got, []string{"write shelf.a.box.b", "remove shelf.a.lamp"}) {
		t.Errorf("let go of: %q", got)
	}
	if got := order(with().plan()); !slices.Equal(got, []string{"remove shelf.a.box.b", "remove shelf.a.lamp"}) {
		t.Errorf("removed together: %q", got)
	}
}

// TestRule_R41_WhatWasSetBeforeIsAltered: another bulb costs light for a while, the first one does not.
func TestRule_R41_WhatWasSetBeforeIsAltered(t *testing.T) {
	risks := func(live m) int {
		p := shelf(t).has("lamp", inside("s1"), live).want("shelf.a.lamp", m{"watts": 60.0}).plan()
		return len(find(t, p, "shelf.a.lamp").Risks)
	}
	if risks(m{"watts": 40.0}) != 1 || risks(m{"color": "red"}) != 0 {
		t.Errorf("altered it has %d risks, set for the first time %d", risks(m{"watts": 40.0}), risks(m{"color": "red"}))
	}
	p := newWorld(t).want("shelf.a", m{}).want("shelf.a.lamp", m{"watts": 60.0}).has("shelf", root).plan()
	if c := find(t, p, "shelf.a.lamp"); len(c.Risks) != 0 {
		t.Errorf("of a new shelf it has %v", c.Risks)
	}
}

// What a box asks for is not taken from it: neither while its file says so, nor where the file says nothing, nor where
// the box is only let go of.
func TestWhatIsAskedForStays(t *testing.T) {
	with := func() *world {
		return lit(t).has("box", inside("s1"), m{"id": "b1", "name": "b", "state": "IDLE", "light": "BRIGHT"}).
			knows("shelf.a.lamp", inside("s1"), "", m{"watts": 40.0}).knows("shelf.a.box.b", inside("s1"), "b1", m{"light": "BRIGHT"})
	}
	expectCodes(t, with().want("shelf.a.box.b", m{"light": "BRIGHT"}).plan(), "still_asked_for")
	expectCodes(t, with().want("shelf.a.box.b", m{}).plan(), "still_asked_for")
	forgotten := with()
	forgotten.in.Prior.Resources["shelf.a.box.b"].Adopted = true
	expectCodes(t, forgotten.plan(), "still_asked_for")
	expectCodes(t, with().want("shelf.a.box.b", m{"light": "DARK"}).plan())
	expectCodes(t, with().want("shelf.a.lamp", m{"watts": 40.0}).want("shelf.a.box.b", m{"light": "BRIGHT"}).plan())
}
