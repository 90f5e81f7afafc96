package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/schema"
)

// The toys here share their names: a tent becomes a house of brick, and so does a house of straw. A house of brick
// becomes nothing else.

func brick() []schema.Condition {
	return []schema.Condition{{Attribute: "rooms", Some: []schema.Condition{{Attribute: "walls", Values: []string{"BRICK"}}}}}
}

func buildings() []schema.Kind {
	settle := &schema.Settle{Field: "state", Busy: []string{"WORKING"}, Deleting: []string{"GOING"}, Ready: []string{"IDLE"}}
	identity := schema.Identity{Binds: schema.ByKey, ID: "id", Key: []string{"name"}, LabelIs: "name", Namespace: "buildings"}
	common := func(more ...schema.Attribute) []schema.Attribute {
		return append([]schema.Attribute{{Name: "id", Type: str, Owner: schema.Server}, {Name: "name", Type: str, Immutable: true},
			{Name: "tags", Type: schema.TypePairs}, {Name: "state", Type: str, Owner: schema.Server}}, more...)
	}
	risks := []schema.RiskRule{{Risk: schema.Irreversible, On: []schema.Event{schema.OnDelete, schema.OnReplace}},
		{Risk: schema.Billable, On: []schema.Event{schema.OnUpgrade}}}
	rebuild := endpoint("rebuildHouse", "POST", "/shelves/{shelfId}/rebuild")
	rebuild.Role = "Shelf Builder"
	tents := endpoint("buildHouse", "POST", "/shelves/{shelfId}/build")
	tents.Only = []string{"name", "rooms"}
	tent := schema.Kind{Name: "tent", Parent: "shelf", Identity: identity, Settle: settle, HoldsData: true, BlocksParent: true, Risks: risks,
		Attributes: common(schema.Attribute{Name: "cloth", Type: str, Immutable: true}), Endpoints: crud("Tent", "/shelves/{shelfId}/tents", "/shelves/{shelfId}/tents/{name}")}
	house := schema.Kind{Name: "house", Parent: "shelf", Identity: identity, Settle: settle, HoldsData: true, BlocksParent: true, Risks: risks,
		Attributes: common(schema.Attribute{Name: "roof", Type: str}, schema.Attribute{Name: "ground", Type: str, Immutable: true},
			schema.Attribute{Name: "rules", Type: schema.TypeObject, Nested: []schema.Attribute{{Name: "quiet", Type: schema.TypeBool}}},
			schema.Attribute{Name: "rooms", Type: schema.TypeList, Elem: schema.Elem{Ordered: true}, Nested: []schema.Attribute{
				{Name: "walls", Type: str}, {Name: "doors", Type: schema.TypeInteger}, {Name: "color", Type: str}}}),
		Endpoints: crud("House", "/shelves/{shelfId}/houses", "/shelves/{shelfId}/houses/{name}"),
		Parts: []schema.Part{{Attribute: "rules", Settles: true, When: brick(), Read: endpoint("getRules", "GET", "/shelves/{shelfId}/houses/{name}/rules"),
			Write: endpoint("setRules", "PATCH", "/shelves/{shelfId}/houses/{name}/rules")}},
		Upgrades: []schema.Upgrade{
			{Doc: "A house of straw becomes one of brick.", From: "house", Into: brick(),
				When: []schema.Condition{{Attribute: "rooms", Some: []schema.Condition{{Attribute: "walls", Values: []string{"STRAW"}}}}},
				Call: rebuild, Body: []schema.Field{{API: "called", Attribute: "name"}, {API: "spec.walls", Attribute: "rooms.walls"}, {API: "spec.by", Text: "US"}},
				Leaves: map[string]cty.Value{"rooms.doors": cty.NumberIntVal(1)}},
			{Doc: "A tent becomes a house of brick.", From: "tent", Into: brick(), Call: tents}}}
	garden := schema.Kind{Name: "garden", Parent: "house", Singleton: true, Attributes: []schema.Attribute{{Name: "color", Type: str}},
		Endpoints: schema.Endpoints{Get: endpoint("getGarden", "GET", "/shelves/{shelfId}/houses/{name}/garden"),
			Update: endpoint("setGarden", "PATCH", "/shelves/{shelfId}/houses/{name}/garden")}}
	return []schema.Kind{tent, house, garden}
}

func rooms(fields ...m) []any {
	var out []any
	for _, f := range fields {
		out = append(out, f)
	}
	return out
}

// steps writes the calls of a change: the verb and what is sent.
func steps(c *plan.Change) string {
	var out []string
	for _, call := range c.Calls {
		out = append(out, strings.TrimSpace(string(call.Verb)+" "+strings.Join(call.Attributes, ",")))
	}
	return strings.Join(out, "; ")
}

// TestRule_R02_AnUpgradeIsNoReplacement: what only an upgrade makes of an object is made by it, and what is left
// after it by further calls.
func TestRule_R02_AnUpgradeIsNoReplacement(t *testing.T) {
	for name, tc := range map[string]struct {
		want  m
		steps string
	}{
		"nothing is left":    {m{"rooms": rooms(m{"walls": "BRICK"})}, "upgrade name,rooms; wait"},
		"as it comes":        {m{"rooms": rooms(m{"walls": "BRICK", "doors": 1.0})}, "upgrade name,rooms; wait"},
		"another leaf":       {m{"rooms": rooms(m{"walls": "BRICK", "doors": 2.0})}, "upgrade name; wait; update rooms; wait"},
		"another element":    {m{"rooms": rooms(m{"walls": "BRICK"}, m{"walls": "GLASS"})}, "upgrade name; wait; update rooms; wait"},
		"the fullest counts": {m{"rooms": rooms(m{"color": "RED"}, m{"walls": "BRICK"})}, "upgrade name; wait; update rooms; wait"},
		"other arguments":    {m{"rooms": rooms(m{"walls": "BRICK"}), "roof": "SLATE", "tags": m{"a": "b"}}, "upgrade name,rooms; wait; update tags,roof; wait"},
		"a part that it has then": {m{"rooms": rooms(m{"walls": "BRICK"}), "rules": m{"quiet": true}},
			"upgrade name,rooms; wait; part rules; wait"},
	} {
		t.Run(name, func(t *testing.T) {
			w := shelf(t).has("house", inside("s1"), m{"id": "h1", "name": "h", "rooms": rooms(m{"walls": "STRAW", "doors": 1.0}), "state": "IDLE"}).
				knows("shelf.a.house.h", inside("s1"), "h1", m{"rooms": rooms(m{"walls": "STRAW"})})
			p := w.want("shelf.a.house.h", tc.want).plan()
			expectCodes(t, p)
			c := find(t, p, "shelf.a.house.h")
			if got := steps(c); c.Action != plan.Update || got != tc.steps {
				t.Errorf("%s: %s, want %s", c.Action, got, tc.steps)
			}
			if len(c.Risks) != 1 || c.Risks[0].Risk != schema.Billable || !slices.Contains(c.Roles, "Shelf Builder") || c.NeedsAllow != "" {
				t.Errorf("risks %v, roles %v, needs %q", c.Risks, c.Roles, c.NeedsAllow)
			}
			if id := c.After.GetAttr("id"); id.IsKnown() {
				t.Errorf("its id is said to stay %#v", id)
			}
		})
	}
}

// TestRule_R01_AnUpgradeIsOneChange: an object that becomes one of another kind is one change, never a deletion and a
// creation, with a moved block or without.
func TestRule_R01_AnUpgradeIsOneChange(t *testing.T) {
	for _, moved := range []bool{true, false} {
		w := shelf(t).has("tent", inside("s1"), m{"id": "t1", "name": "x", "tags": m{"a": "b"}, "state": "IDLE"}).
			knows("shelf.a.tent.x", inside("s1"), "t1", m{"tags": m{"a": "b"}}).
			want("shelf.a.house.x", m{"rooms": rooms(m{"walls": "BRICK"}), "tags": m{"a": "b"}}).
			want("shelf.a.house.x.garden", m{"color": "GREEN"})
		if moved {
			w.in.Desired.Moves = []schema.Move{{From: "shelf.a.tent.x", To: "shelf.a.house.x"}}
		}
		p := w.plan()
		expectCodes(t, p)
		expect(t, p, "update shelf.a.house.x rooms[0]", "create shelf.a.house.x.garden")
		c := find(t, p, "shelf.a.house.x")
		if got := steps(c); got != "upgrade name,rooms; wait" || c.Was != "tent" || c.Previous != "shelf.a.tent.x" || c.ID != "t1" || c.Adopted {
			t.Errorf("%s of a %s, was %s with the id %s, adopted %t", got, c.Was, c.Previous, c.ID, c.Adopted)
		}
		if !slices.Equal(p.Drops, []schema.Address{"shelf.a.tent.x"}) || len(p.Drift) > 0 {
			t.Errorf("drops %v, drift %v", p.Drops, p.Drift)
		}
		if garden := find(t, p, "shelf.a.house.x.garden"); garden.Place != "" {
			t.Errorf("the garden's place is %q before there is a house", garden.Place)
		}
	}
}

// TestRule_R02_UpgradedOutside: what became of another kind outside is the same object, and the files may follow.
func TestRule_R02_UpgradedOutside(t *testing.T) {
	w := shelf(t).has("tent", inside("s1")).has("house", inside("s1"), m{"id": "h1", "name": "x", "tags": m{}, "rooms": rooms(m{"walls": "BRICK"}), "state": "IDLE"}).
		knows("shelf.a.tent.x", inside("s1"), "t1", m{"cloth": "LINEN"})
	followed := *w
	p := followed.want("shelf.a.house.x", m{"rooms": rooms(m{"walls": "BRICK"})}).plan()
	expectCodes(t, p)
	expect(t, p)
	if c := find(t, p, "shelf.a.house.x"); c.Previous != "shelf.a.tent.x" || !c.Record || c.Adopted || c.ID != "h1" {
		t.Errorf("%+v", c)
	}

	w.in.Desired.Resources = nil
	p = w.want("shelf.a", m{}).want("shelf.a.tent.x", m{"cloth": "LINEN"}).plan()
	expectCodes(t, p, "cannot_become")
	expect(t, p)

	w.in.Desired.Resources = nil
	w.in.Options.Destroy = true
	p = w.want("shelf.a", m{}).plan()
	expectCodes(t, p)
	if c := find(t, p, "shelf.a.tent.x"); c.Action != plan.Delete || c.Kind != "house" || c.Removal[0].Operation != "deleteHouse" {
		t.Errorf("%s of a %s: %v", c.Action, c.Kind, c.Removal)
	}
}

func TestUpgradesThatCannotBe(t *testing.T) {
	straw := m{"id": "h1", "name": "x", "rooms": rooms(m{"walls": "STRAW", "doors": 1.0}), "ground": "SAND", "state": "IDLE"}
	for name, tc := range map[string]struct {
		kind string
		live m
		want m
		code string
	}{
		"a tent becomes no house of straw": {"tent", m{"id": "t1", "name": "x", "state": "IDLE"}, m{"rooms": rooms(m{"walls": "STRAW"})}, "cannot_become"},
		"what stays as it is differs":      {"house", straw, m{"rooms": rooms(m{"walls": "BRICK"}), "ground": "ROCK"}, "upgrade_impossible"},
	} {
		t.Run(name, func(t *testing.T) {
			w := shelf(t).has(tc.kind, inside("s1"), tc.live).knows("shelf.a."+tc.kind+".x", inside("s1"), tc.live["id"].(string), m{})
			expectCodes(t, w.want("shelf.a.house.x", tc.want).plan(), tc.code)
		})
	}
	w := shelf(t).has("house", inside("s1"), straw).knows("shelf.a.house.x", inside("s1"), "h1", m{})
	w.in.Options.Replace = []schema.Address{"shelf.a.house.x"}
	expectCodes(t, w.want("shelf.a.house.x", m{"rooms": rooms(m{"walls": "BRICK"})}).plan(), "upgrade_impossible")

	p := shelf(t).want("shelf.a.tent.x", m{}).want("shelf.a.house.y", m{"name": "x"}).plan()
	expectCodes(t, p, "duplicate_object")
}

// An object that is at work may be at work on the upgrade that is wanted: it is waited for and planned again.
func TestUpgradeOfWhatIsAtWork(t *testing.T) {
	for _, begun := range []bool{true, false} {
		w := shelf(t).has("tent", inside("s1"), m{"id": "t1", "name": "x", "state": "WORKING"}).
			knows("shelf.a.tent.x", inside("s1"), "t1", m{}).want("shelf.a.house.x", m{"rooms": rooms(m{"walls": "BRICK"})})
		want := "update"
		if begun {
			want = "upgrade"
			w.in.Prior.Intents = []schema.Intent{{ID: "i", Address: "shelf.a.house.x", Kind: "house", Verb: schema.CallUpgrade, Armed: true, Place: inside("s1"), Key: "x"}}
		}
		p := w.plan()
		expectCodes(t, p)
		if c := find(t, p, "shelf.a.house.x"); c.Action != plan.NoOp || steps(c) != "wait" || c.Waiting != want || c.Was != "tent" || len(c.Risks) > 0 {
			t.Errorf("%s: %s, waiting for %q, risks %v", c.Action, steps(c), c.Waiting, c.Risks)
		}
	}
}

// One that is being deleted makes room for another of its name.
func TestANameIsFreeWhenItsHolderIsGone(t *testing.T) {
	p := shelf(t).has("tent", inside("s1"), m{"id": "t1", "name": "x", "state": "GOING"}).
		knows("shelf.a.tent.x", inside("s1"), "t1", m{}).want("shelf.a.house.x", m{"rooms": rooms(m{"walls": "BRICK"})}).plan()
	expectCodes(t, p)
	expect(t, p, "create shelf.a.house.x", "delete shelf.a.tent.x")
	i := slices.IndexFunc(p.Tasks, func(task plan.Task) bool { return p.Changes[task.Change].Kind == "house" })
	if needs := p.Tasks[i].Needs; len(needs) != 1 || p.Changes[p.Tasks[needs[0]].Change].Kind != "tent" {
		t.Errorf("the house needs %v of %v", needs, p.Tasks)
	}
}

// TestRule_R31_AStrangerIsAdoptedByItsUpgrade: what nobody knows is taken over, and its cost is allowed by name.
func TestRule_R31_AStrangerIsAdoptedByItsUpgrade(t *testing.T) {
	p := shelf(t).has("tent", inside("s1"), m{"id": "t1", "name": "x", "state": "IDLE"}).
		want("shelf.a.house.x", m{"rooms": rooms(m{"walls": "BRICK"})}).plan()
	expectCodes(t, p)
	if c := find(t, p, "shelf.a.house.x"); c.Action != plan.Adopt || steps(c) != "upgrade name,rooms; wait" || c.NeedsAllow != "allow-adopt" {
		t.Errorf("%s: %s needs %q", c.Action, steps(c), c.NeedsAllow)
	}
}

// What was not read of an object that goes is not said to have changed.
func TestWhatWasNotReadIsNoDrift(t *testing.T) {
	w := shelf(t).has("house", inside("s1"), m{"name": "h", "state": "IDLE", "roof": "flat", "rooms": rooms(m{"walls": "BRICK"})}).
		knows("shelf.a.house.h", inside("s1"), "", m{"roof": "flat", "rules": m{"quiet": true}})
	p := w.plan()
	expect(t, p, "delete shelf.a.house.h")
	if len(p.Drift) > 0 {
		t.Errorf("the drift is %+v", p.Drift)
	}
}
