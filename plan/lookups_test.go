package plan_test

import (
	"testing"

	"mercator/plan"
	"mercator/schema"
)

// looksUp adds a lookup.
func (w *world) looksUp(l schema.Lookup) *world {
	w.in.Desired.Lookups = append(w.in.Desired.Lookups, l)
	return w
}

// in says that a resource lives in what a lookup tells the id of.
func in(lookup schema.Address, id string) func(*schema.Resource) {
	return func(r *schema.Resource) { r.Parent = schema.ParentRef{Lookup: lookup, ID: id} }
}

// TestLookedUpParents looks up what lives in something itself, and what lives in that: its id does not tell the place.
func TestLookedUpParents(t *testing.T) {
	w := newWorld(t).
		has("shelf", root, m{"id": "s1", "name": "kitchen"}).
		has("box", inside("s1"), m{"id": "b1", "name": "spoons"}).
		has("photo", inside("s1").With("name", "spoons"), m{"id": "p1", "caption": "full"}).
		looksUp(schema.Lookup{Address: "data.shelf.kitchen", Kind: "shelf", Key: "kitchen"}).
		looksUp(schema.Lookup{Address: "data.box.spoons", Kind: "box", Key: "spoons", Parent: schema.ParentRef{Lookup: "data.shelf.kitchen", ID: "s1"}}).
		looksUp(schema.Lookup{Address: "data.photo.full", Kind: "photo", ID: "p1", Parent: schema.ParentRef{Lookup: "data.box.spoons", ID: "b1"}}).
		want("photo.empty", m{"caption": "empty"}, in("data.box.spoons", "b1"))
	p := w.plan()
	expectCodes(t, p)
	expect(t, p, "create photo.empty")
	if got, want := find(t, p, "photo.empty").Place, inside("s1").With("name", "spoons"); got != want {
		t.Errorf("it is made in %s, want %s", got, want)
	}
	if found := plan.NewSurvey(w.in).Pair(w.in.Live).Lookups(); len(found.Found) != 3 {
		t.Errorf("found %v", found.Found)
	}
}

// TestNamesThatAreNone gives a kind a name that it has no spelling for: the file is wrong, and not the program.
func TestNamesThatAreNone(t *testing.T) {
	expectCodes(t, newWorld(t).want("warden.nobody", m{"name": " "}).plan(), "invalid_name")
}
