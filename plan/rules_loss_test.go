package plan_test

import (
	"slices"
	"testing"

	"mercator/plan"
	"mercator/schema"
)

func adopted(b *schema.Bound)   { b.Adopted = true }
func abandoned(b *schema.Bound) { b.Lifecycle.Abandon = true }
func prevented(b *schema.Bound) { b.Lifecycle.PreventDestroy = true }

// TestRule_R22_AReplacedParentIsReadWhole replaces a shelf of which neither files nor state know what stands on it.
func TestRule_R22_AReplacedParentIsReadWhole(t *testing.T) {
	w := newWorld(t).want("shelf.a", m{"wood": "oak"}).has("shelf", root, m{"id": "s1", "name": "a", "wood": "elm"}).
		knows("shelf.a", root, "s1", m{"wood": "elm"})
	w.in.Live = schema.NewLive(w.all, nil)
	sweeps, _ := plan.NewSurvey(w.in).Pair(w.in.Live).Wanted()
	var kinds []string
	for _, s := range sweeps {
		kinds = append(kinds, s.Kind.Name)
	}
	slices.Sort(kinds)
	if want := []string{"bell", "box", "cat", "door", "guest", "house", "pass", "radio", "role", "shift", "sock", "sock", "tent"}; !slices.Equal(kinds, want) {
		t.Errorf("to be read: %q, want %q", kinds, want)
	}
	expectCodes(t, w.has("box", inside("s1"), m{"id": "b1", "name": "b", "state": "IDLE"}).plan(), "replace_holds_data")
}

// TestRule_R22_WhatIsForgottenGoesWithAReplacedParent: an adopted guest that is no longer declared is lost with the
// shelf that is replaced, and the plan says so.
func TestRule_R22_WhatIsForgottenGoesWithAReplacedParent(t *testing.T) {
	p := newWorld(t).want("shelf.a", m{"wood": "oak"}).has("shelf", root, m{"id": "s1", "name": "a", "wood": "elm"}).
		knows("shelf.a", root, "s1", m{"wood": "elm"}).
		has("guest", inside("s1"), m{"name": "g"}).knows("shelf.a.guest.g", inside("s1"), "", m{}, adopted).plan()
	expect(t, p, "replace shelf.a wood", "delete shelf.a.guest.g")
	expectCodes(t, p)
	if got := find(t, p, "shelf.a.guest.g").GoesWith; got != "shelf.a" {
		t.Errorf("it goes with %q", got)
	}
}

// TestRule_R31_WhatIsToStayKeepsItsParent deletes a shelf with a guest that the state says is to stay.
func TestRule_R31_WhatIsToStayKeepsItsParent(t *testing.T) {
	with := func(change func(*schema.Bound)) *world {
		w := newWorld(t).has("shelf", root, m{"id": "s1", "name": "a"}).knows("shelf.a", root, "s1", m{}).
			has("guest", inside("s1"), m{"name": "g"}).knows("shelf.a.guest.g", inside("s1"), "", m{}, adopted, change)
		w.in.Desired.Removals = []schema.Removal{{From: "shelf.a", Destroy: true}}
		return w
	}
	expectCodes(t, with(func(*schema.Bound) {}).plan())
	expectCodes(t, with(abandoned).plan(), "deletion_blocked")
	expectCodes(t, with(prevented).plan(), "prevent_destroy")
	w := with(func(*schema.Bound) {})
	w.in.Desired.Removals = []schema.Removal{{From: "shelf.a.guest.g"}}
	expectCodes(t, w.plan(), "deletion_blocked")
}

// TestRule_R22_WhatMovesOutDoesNotHoldItsParent deletes a shelf whose guest is declared on another shelf now.
func TestRule_R22_WhatMovesOutDoesNotHoldItsParent(t *testing.T) {
	w := newWorld(t).want("shelf.b", m{}).want("shelf.b.guest.g", m{}).
		has("shelf", root, m{"id": "s1", "name": "a"}, m{"id": "s2", "name": "b"}).
		has("guest", inside("s1"), m{"name": "g"}).
		knows("shelf.a", root, "s1", m{}).knows("shelf.b", root, "s2", m{}).
		knows("shelf.b.guest.g", inside("s1"), "", m{}, func(b *schema.Bound) { b.Dependencies = nil })
	p := w.plan()
	expect(t, p, "delete shelf.a", "replace shelf.b.guest.g")
	expectCodes(t, p)
	var order []string
	for _, task := range p.Tasks {
		order = append(order, string(task.Phase)+" "+string(p.Changes[task.Change].Address))
	}
	if want := []string{"write shelf.b.guest.g", "remove shelf.b.guest.g", "remove shelf.a"}; !slices.Equal(order, want) {
		t.Errorf("order %q, want %q", order, want)
	}
}

// TestRule_R32_ExclusiveKindsAreNotForgottenFirst: where the next plan would delete it as a stranger, an adopted
// object that is no longer declared is deleted by this one, and what is to stay is an error.
func TestRule_R32_ExclusiveKindsAreNotForgottenFirst(t *testing.T) {
	with := func(change func(*schema.Bound)) *world {
		return newWorld(t).want("shelf.a", m{}, func(r *schema.Resource) { r.Exclusive = []string{"role"} }).
			has("shelf", root, m{"id": "s1", "name": "a"}).knows("shelf.a", root, "s1", m{}).
			has("role", inside("s1"), m{"name": "r"}).knows("shelf.a.role.r", inside("s1"), "", m{}, change)
	}
	p := with(adopted).plan()
	expect(t, p, "delete shelf.a.role.r")
	if c := find(t, p, "shelf.a.role.r"); !c.Exclusive || c.NeedsAllow != "allow-destroy" || c.Reasons[0].Code != "exclusive" {
		t.Errorf("got %+v", c)
	}
	expectCodes(t, with(abandoned).plan(), "exclusive_forgets")
	if p := with(func(*schema.Bound) {}).plan(); find(t, p, "shelf.a.role.r").Exclusive {
		t.Error("what the state owns is deleted like anything else")
	}
}

// TestRule_R14_TwinsDecideNoSecret drops or changes one of two pagers that look alike: which secret the other one is
// to keep, nobody can tell, whatever the order in which Atlas answers.
func TestRule_R14_TwinsDecideNoSecret(t *testing.T) {
	pager := func(fields m) m {
		all := m{"via": "PAGER", "volume": 3.0}
		for k, v := range fields {
			all[k] = v
		}
		return all
	}
	for name, tc := range map[string]struct {
		calls []any
		want  []string
	}{
		"one dropped":                {[]any{pager(m{})}, []string{"secret_needed"}},
		"one gets another":           {[]any{pager(m{}), pager(m{"delay": 5.0, "token": "secret:new"})}, []string{"secret_needed"}},
		"one dropped, secret given":  {[]any{pager(m{"token": "secret:a"})}, nil},
		"both kept, another made":    {[]any{pager(m{}), pager(m{}), pager(m{"delay": 5.0, "token": "secret:new"})}, nil},
		"both given":                 {[]any{pager(m{"token": "secret:a"}), pager(m{"token": "secret:b"})}, nil},
		"one given and one as it is": {[]any{pager(m{"token": "secret:a"}), pager(m{})}, []string{"secret_needed"}},
	} {
		w := shelf(t).want("shelf.a.bell.b", m{"event": "FIRE", "calls": tc.calls}).
			has("bell", inside("s1"), m{"id": "n1", "event": "FIRE", "enabled": true, "calls": []any{
				m{"via": "PAGER", "volume": 3.0, "delay": 0.0, "call_id": "c1"}, m{"via": "PAGER", "volume": 3.0, "delay": 0.0, "call_id": "c2"}}}).
			knows("shelf.a.bell.b", inside("s1"), "n1", m{"event": "FIRE"})
		if got := codes(w.plan()); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

// TestRule_R06_ANameIsFreeBeforeItIsTaken renames a shelf and makes another one with its old name.
func TestRule_R06_ANameIsFreeBeforeItIsTaken(t *testing.T) {
	p := newWorld(t).want("shelf.b", m{"name": "new"}).want("shelf.a", m{"name": "old"}).
		has("shelf", root, m{"id": "s1", "name": "old"}).knows("shelf.b", root, "s1", m{"name": "old"}).plan()
	expect(t, p, "create shelf.a", "update shelf.b name")
	expectCodes(t, p)
	if len(p.Tasks) != 2 || p.Changes[p.Tasks[0].Change].Address != "shelf.b" || !slices.Equal(p.Tasks[1].Needs, []int{0}) {
		t.Errorf("the old one gives its name up first, got %+v", p.Tasks)
	}
}

// TestALimitedPlanMakesEveryDeletionItself: what would go with its parent is deleted by a call of its own where the
// parent is left out, and what lets go of a deleted object comes along, or keeps it.
func TestALimitedPlanMakesEveryDeletionItself(t *testing.T) {
	base := func() *world {
		return newWorld(t).has("shelf", root, m{"id": "s1", "name": "a"}).knows("shelf.a", root, "s1", m{}).
			has("role", inside("s1"), m{"name": "r"}).knows("shelf.a.role.r", inside("s1"), "", m{}).
			has("guest", inside("s1"), m{"name": "g", "grants": []any{m{"role": "r"}}}).
			knows("shelf.a.guest.g", inside("s1"), "", m{"grants": []any{m{"role": "r"}}}, func(b *schema.Bound) {
				b.Dependencies = []schema.Address{"shelf.a", "shelf.a.role.r"}
			})
	}
	for name, tc := range map[string]struct {
		options plan.Options
		shelf   bool
		want    []string
	}{
		"target":          {plan.Options{Targets: []schema.Address{"shelf.a.guest.g"}}, false, []string{"delete shelf.a.guest.g"}},
		"target, destroy": {plan.Options{Destroy: true, Targets: []schema.Address{"shelf.a.guest.g"}}, true, []string{"delete shelf.a.guest.g"}},
		"target the role": {plan.Options{Targets: []schema.Address{"shelf.a.role.r"}}, true, []string{"update shelf.a.guest.g grants[0]", "delete shelf.a.role.r"}},
		"exclude":         {plan.Options{Excludes: []schema.Address{"shelf.a.role.r"}}, false, []string{"delete shelf.a.guest.g"}},
		"exclude guest":   {plan.Options{Excludes: []schema.Address{"shelf.a.guest.g"}}, true, nil},
	} {
		w := base()
		if tc.shelf {
			w.want("shelf.a", m{}).want("shelf.a.guest.g", m{"grants": []any{}})
		}
		w.in.Options = tc.options
		p := w.plan()
		if got := changes(p); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
		for i := range p.Changes {
			if c := &p.Changes[i]; c.Action == plan.Delete && len(c.Removal) == 0 {
				t.Errorf("%s: %s is deleted without a call", name, c.Address)
			}
		}
	}
}

// TestRule_R01_AnObjectIsOneThroughEveryConnection declares a shelf through two connections to one organization.
func TestRule_R01_AnObjectIsOneThroughEveryConnection(t *testing.T) {
	two := func() *world {
		w := newWorld(t).want("shelf.a", m{"name": "same"}).
			want("shelf.b", m{"name": "same"}, func(r *schema.Resource) { r.Connection = "again" })
		w.in.Connections["again"], w.in.Places["again"] = w.in.Connections[""], root
		return w
	}
	expectCodes(t, two().plan(), "duplicate_object")

	w := two()
	w.in.Desired.Resources = w.in.Desired.Resources[:1]
	w.has("shelf", root, m{"id": "s1", "name": "same"}).
		knows("shelf.a", root, "s1", m{"name": "same"}).
		knows("shelf.b", root, "s1", m{"name": "same"}, func(b *schema.Bound) { b.Connection = "again" })
	w.all = append(w.all, w.all[0])
	w.all[1].Connection = "again"
	expect(t, w.plan())
}

// TestAFlagThatNamesNothingIsAMistake asks for the replacement of what is not there.
func TestAFlagThatNamesNothingIsAMistake(t *testing.T) {
	w := shelf(t)
	w.in.Options.Replace = []schema.Address{"shelf.nope"}
	expectCodes(t, w.plan(), "unknown_address")
}

// TestRule_R31_WhatIsFoundIsNotReplacedUnasked finds objects that the state does not know and that could only be
// deleted to become what the file says.
func TestRule_R31_WhatIsFoundIsNotReplacedUnasked(t *testing.T) {
	guest := func(allow ...string) *plan.Plan {
		w := shelf(t).want("shelf.a.guest.g", m{"method": "key"}).has("guest", inside("s1"), m{"name": "g", "method": "card"})
		w.in.Options.AllowDestroy = allow
		return w.plan()
	}
	expectCodes(t, guest(), "adopted_replace")
	expectCodes(t, guest("all"), "adopted_replace")
	expectCodes(t, guest("shelf.a.guest.g"))

	imported := func(kind string) *plan.Plan {
		a := schema.Address("shelf.a").Child(kind, "new")
		w := shelf(t).want(string(a), m{}).has(kind, inside("s1"), m{"name": "old"})
		w.in.Desired.Imports = []schema.Import{{To: a, ID: map[string]string{"name": "old"}}}
		return w.plan()
	}
	expectCodes(t, imported("box"), "rename_destroys")
	expectCodes(t, imported("role"), "adopted_replace")
}

// TestALimitedPlanIsNotHeldByWhatItLeavesOut excludes a guest whose deletion is forbidden.
func TestALimitedPlanIsNotHeldByWhatItLeavesOut(t *testing.T) {
	w := shelf(t).has("guest", inside("s1"), m{"name": "g"}).knows("shelf.a.guest.g", inside("s1"), "", m{}, prevented).
		has("role", inside("s1"), m{"name": "r"}).knows("shelf.a.role.r", inside("s1"), "", m{})
	expectCodes(t, w.plan(), "prevent_destroy")
	w.in.Options.Excludes = []schema.Address{"shelf.a.guest.g"}
	p := w.plan()
	expect(t, p, "delete shelf.a.role.r")
	expectCodes(t, p, "partial_plan")
}

// TestRule_R10_FieldsOfElementsAreReleasedToo takes a field out of an element of a list: it is told once.
func TestRule_R10_FieldsOfElementsAreReleasedToo(t *testing.T) {
	with := func(applied m) *plan.Plan {
		return shelf(t).want("shelf.a.box.b", m{"parts": []any{m{"zone": "Z2", "count": 2.0}, m{"zone": "Z1", "count": 1.0}}}).
			has("box", inside("s1"), m{"id": "b1", "name": "b", "state": "IDLE", "parts": []any{
				m{"id": "p1", "zone": "Z1", "count": 1.0, "color": "red"}, m{"id": "p2", "zone": "Z2", "count": 2.0, "color": "blue"}}}).
			knows("shelf.a.box.b", inside("s1"), "b1", applied).plan()
	}
	p := with(m{"parts": []any{m{"zone": "Z1", "count": 1.0, "color": "red"}, m{"zone": "Z2", "count": 2.0}}})
	expect(t, p)
	if len(p.StateOnly) != 1 || p.StateOnly[0].Text != "no longer managed: parts[1].color, stays as it is" {
		t.Errorf("got %+v", p.StateOnly)
	}
	if p := with(m{"parts": []any{m{"zone": "Z1", "count": 1.0}, m{"zone": "Z2", "count": 2.0}}}); len(p.StateOnly) != 0 {
		t.Errorf("it is told once, got %+v", p.StateOnly)
	}
}

// TestRule_R21_WhatGoesAlongLetsGoToo: a guest that goes with its shelf names a box on another shelf and a role on its
// own. The box goes after the shelf, since until then the guest is there; the role goes with the shelf.
func TestRule_R21_WhatGoesAlongLetsGoToo(t *testing.T) {
	needs := func(others ...schema.Address) func(*schema.Bound) {
		return func(b *schema.Bound) { b.Dependencies = append(b.Dependencies, others...) }
	}
	build := func(boxNeeds ...schema.Address) *plan.Plan {
		p := newWorld(t).want("shelf.b", m{}).has("shelf", root, m{"id": "s1", "name": "a"}, m{"id": "s2", "name": "b"}).
			knows("shelf.a", root, "s1", m{}).knows("shelf.b", root, "s2", m{}).
			has("guest", inside("s1"), m{"name": "g"}).knows("shelf.a.guest.g", inside("s1"), "", m{}, needs("shelf.b.box.x", "shelf.a.role.r")).
			has("role", inside("s1"), m{"name": "r"}).knows("shelf.a.role.r", inside("s1"), "", m{}).
			has("box", inside("s2"), m{"id": "b1", "name": "x", "state": "IDLE"}).knows("shelf.b.box.x", inside("s2"), "b1", m{}, needs(boxNeeds...)).plan()
		expectCodes(t, p)
		return p
	}
	before := func(p *plan.Plan, first, second schema.Address) bool {
		at := func(a schema.Address) int {
			return slices.IndexFunc(p.Tasks, func(t plan.Task) bool { return p.Changes[t.Change].Address == a && t.Phase == plan.Remove })
		}
		return slices.Contains(p.Tasks[at(second)].Needs, at(first))
	}
	if p := build(); !before(p, "shelf.a", "shelf.b.box.x") {
		t.Errorf("the box goes before the shelf whose guest names it: %+v", p.Tasks)
	}
	if p := build("shelf.a"); before(p, "shelf.a", "shelf.b.box.x") || !before(p, "shelf.b.box.x", "shelf.a") {
		t.Errorf("a box that itself needs the shelf goes before it: %+v", p.Tasks)
	}
}
