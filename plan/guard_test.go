package plan_test

import (
	"slices"
	"testing"

	"mercator/plan"
	"mercator/schema"
	"mercator/schema/diag"
)

// guardedBox is a box whose lifecycle, which the state remembers, has a photo taken before the steps.
func guardedBox(t *testing.T, live m, steps ...string) *world {
	w := shelf(t)
	fields := m{"id": "b1", "name": "b", "state": "IDLE", "size": "S"}
	for name, v := range live {
		fields[name] = v
	}
	return w.has("box", inside("s1"), fields).knows("shelf.a.box.b", inside("s1"), "b1", m{"size": "S", "keep_copy": true}, func(b *schema.Bound) { b.Lifecycle.SnapshotBefore = steps })
}

func verbs(calls []schema.Call) []string {
	var out []string
	for _, c := range calls {
		out = append(out, string(c.Verb))
	}
	return out
}

// A copy is a step of the change, right before the call that it guards, also when the block is gone.
func TestACopyIsAStepOfTheChange(t *testing.T) {
	p := guardedBox(t, nil, schema.BeforeDelete).plan()
	expect(t, p, "delete shelf.a.box.b")
	c := find(t, p, "shelf.a.box.b")
	if got := c.Removal; !slices.Equal(verbs(got), []string{"copy", "delete", "wait"}) || got[0].Kind != "photo" || got[0].Operation != "createPhoto" || got[0].Note != "before it is deleted" {
		t.Errorf("the calls are %+v", got)
	}
	if !slices.Contains(c.Roles, "Shelf Owner") {
		t.Errorf("the roles are %v", c.Roles)
	}
	keep := func(steps ...string) func(*schema.Resource) {
		return func(r *schema.Resource) { r.Lifecycle.SnapshotBefore = steps }
	}
	guarded := guardedBox(t, nil, schema.BeforeUpgrade)
	p = guarded.want("shelf.a.box.b", m{"size": "M", "weight": 3.0, "keep_copy": true}, keep(schema.BeforeUpgrade)).plan()
	if got := find(t, p, "shelf.a.box.b").Calls; !slices.Equal(verbs(got), []string{"copy", "update", "wait"}) {
		t.Errorf("the calls of an upgrade are %+v", got)
	}
	p = guardedBox(t, nil, schema.BeforeUpgrade).want("shelf.a.box.b", m{"size": "S", "weight": 3.0, "keep_copy": true}, keep(schema.BeforeUpgrade)).plan()
	if got := find(t, p, "shelf.a.box.b").Calls; !slices.Equal(verbs(got), []string{"update", "wait"}) {
		t.Errorf("the calls of another change are %+v", got)
	}
	w := guardedBox(t, nil, schema.BeforeReplace).want("shelf.a.box.b", m{"size": "S", "keep_copy": true}, keep(schema.BeforeReplace))
	w.in.Options.Replace = []schema.Address{"shelf.a.box.b"}
	if got := find(t, w.plan(), "shelf.a.box.b"); !slices.Equal(verbs(got.Removal), []string{"copy", "delete", "wait"}) || len(got.Calls) != 2 {
		t.Errorf("the calls of a replacement are %+v, %+v", got.Removal, got.Calls)
	}
}

// What is deleted already, or of what no step is guarded, is not copied.
func TestWhatIsNotCopied(t *testing.T) {
	for name, w := range map[string]*world{"another step": guardedBox(t, nil, schema.BeforeReplace), "going": guardedBox(t, m{"state": "GOING"}, schema.BeforeDelete), "none": guardedBox(t, nil)} {
		p := w.plan()
		expectCodes(t, p)
		if got := verbs(find(t, p, "shelf.a.box.b").Removal); slices.Contains(got, "copy") {
			t.Errorf("%s: the calls are %v", name, got)
		}
	}
}

// Where no copy can be made, or it would go with what it is of, the plan is refused.
func TestCopiesThatGuardNothing(t *testing.T) {
	expectCodes(t, guardedBox(t, m{"locked": true}, schema.BeforeDelete).plan(), "snapshot_impossible", "termination_protected")
	w := guardedBox(t, nil, schema.BeforeDelete)
	w.in.Prior.Resources["shelf.a.box.b"].Applied = val("box", m{"name": "b", "keep_copy": false})
	expectCodes(t, w.plan(), "snapshot_lost")
	for name, change := range map[string]func(w *world){
		"a destroy":              func(w *world) { w.in.Options.Destroy = true },
		"the parent is replaced": func(w *world) { w.in.Options.Replace = []schema.Address{"shelf.a"} },
	} {
		w := guardedBox(t, nil, schema.BeforeDelete, schema.BeforeReplace)
		change(w)
		if p := w.plan(); !slices.ContainsFunc(p.Diagnostics, func(d diag.Diagnostic) bool { return d.Code == "snapshot_lost" }) {
			t.Errorf("%s: the snapshot goes with the parent, and the plan says %v", name, p.Diagnostics)
		}
	}
}

// TestRule_R18_CopiesAreRemembered holds that the state learns of the protection without a call.
func TestRule_R18_CopiesAreRemembered(t *testing.T) {
	p := guardedBox(t, nil).want("shelf.a.box.b", m{"size": "S", "keep_copy": true}, func(r *schema.Resource) { r.Lifecycle.SnapshotBefore = []string{"delete", "replace"} }).plan()
	want := plan.StateChange{Address: "shelf.a.box.b", Kind: "protect", Path: "lifecycle.snapshot_before", Text: "snapshot_before becomes [delete, replace]"}
	if !slices.Equal(p.StateOnly, []plan.StateChange{want}) || !find(t, p, "shelf.a.box.b").Record {
		t.Errorf("the state learns %+v", p.StateOnly)
	}
}
