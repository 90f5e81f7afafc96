package plan_test

import (
	"strings"
	"testing"

	"mercator/plan"
	"mercator/schema"
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

// Where the file names the zones of some elements only, the others are those that Atlas has in their places.
func TestRule_R12_UnnamedElementsKeepTheirPlaces(t *testing.T) {
	kind := &schema.Kind{Name: "cake", Attributes: []schema.Attribute{{Name: "layers", Type: schema.TypeList,
		Elem: schema.Elem{Key: []string{"zone"}, Ordinal: true, Ordered: true}, Nested: []schema.Attribute{
			{Name: "zone", Type: schema.TypeString}, {Name: "fruit", Type: schema.TypeString}}}}}
	for _, c := range []struct{ name, file, live, want string }{
		{"the second is named", "-:plum Z1:fig", "Z1:plum Z1:fig", ""},
		{"the first is named", "Z1:plum -:fig", "Z1:plum Z1:fig", ""},
		{"another zone is named", "-:plum B:fig", "A:plum B:fig", ""},
		{"one changed", "-:plum Z1:date", "Z1:plum Z1:fig", "layers"},
		{"one more", "-:plum Z1:fig -:date", "Z1:plum Z1:fig", "layers"},
	} {
		list := func(text string) any {
			var out []any
			for layer := range strings.FieldsSeq(text) {
				zone, fruit, _ := strings.Cut(layer, ":")
				fields := m{"fruit": fruit}
				if zone != "-" {
					fields["zone"] = zone
				}
				out = append(out, fields)
			}
			return out
		}
		file, _ := schema.Decode(kind.Attributes, m{"layers": list(c.file)}, schema.ByName)
		live, _ := schema.Decode(kind.Attributes, m{"layers": list(c.live)}, schema.ByName)
		if got := strings.Join(plan.Differs(kind, file, live), " "); got != c.want {
			t.Errorf("%s: %q differ, want %q", c.name, got, c.want)
		}
	}
}

// A guest that is made anew with its shelf lets go of a role by going, not by coming back: the role need not wait
// for a shelf that waits for the role.
func TestRule_R22_AReplacedParentIsNoCircle(t *testing.T) {
	p := newWorld(t).want("shelf.a", m{"wood": "oak"}).has("shelf", root, m{"id": "s1", "name": "a", "wood": "pine"}).
		knows("shelf.a", root, "s1", m{"wood": "pine"}).
		want("shelf.a.guest.g", m{}).has("guest", inside("s1"), m{"name": "g"}).has("role", inside("s1"), m{"name": "reader"}).
		knows("shelf.a.guest.g", inside("s1"), "", m{}, func(b *schema.Bound) {
			b.Dependencies = []schema.Address{"shelf.a", "shelf.a.role.reader"}
		}).knows("shelf.a.role.reader", inside("s1"), "", m{}).plan()
	expectCodes(t, p)
	expect(t, p, "replace shelf.a wood", "replace shelf.a.guest.g", "delete shelf.a.role.reader")
	var order []string
	for _, task := range p.Tasks {
		order = append(order, string(task.Phase)+" "+string(p.Changes[task.Change].Address))
	}
	want := "remove shelf.a.guest.g, remove shelf.a.role.reader, remove shelf.a, write shelf.a, write shelf.a.guest.g"
	if got := strings.Join(order, ", "); got != want {
		t.Errorf("in the order %s, want %s", got, want)
	}
}

// An element that says little is equal to several live ones, and leaves to another the only one that it is equal to.
func TestRule_R12_AVagueElementTakesNobodysPlace(t *testing.T) {
	kind := toys.Kind("bell")
	file := val("bell", m{"event": "HOT", "calls": []any{m{"via": "HORN"}, m{"via": "HORN", "volume": 2.0}}})
	for _, live := range [][]any{
		{m{"via": "HORN", "volume": 1.0}, m{"via": "HORN", "volume": 2.0}},
		{m{"via": "HORN", "volume": 2.0}, m{"via": "HORN", "volume": 1.0}},
	} {
		if names := plan.Differs(kind, file, val("bell", m{"event": "HOT", "calls": live})); len(names) > 0 {
			t.Errorf("%v differ from %v", names, live)
		}
	}
}

// The doors of a new shelf are no reason to keep those of the old one.
func TestRule_R15_CreationsInAReplacedParentAreNoCircle(t *testing.T) {
	p := newWorld(t).want("shelf.a", m{"wood": "oak"}).has("shelf", root, m{"id": "s1", "name": "a", "wood": "pine"}).
		knows("shelf.a", root, "s1", m{"wood": "pine"}).
		want(`shelf.a.door.d["new"]`, m{"name": "new"}).has("door", inside("s1"), m{"name": "old"}).
		knows(`shelf.a.door.d["old"]`, inside("s1"), "", m{"name": "old"}).plan()
	expectCodes(t, p)
	expect(t, p, "replace shelf.a wood", `create shelf.a.door.d["new"]`, `delete shelf.a.door.d["old"]`)
}

// Elements that differ in their secrets only stay in the order in which they were applied.
func TestRule_R12_EqualElementsKeepTheirOrder(t *testing.T) {
	w := shelf(t).want("shelf.a.bell.b", m{"event": "HOT", "calls": []any{m{"via": "PAGER", "token": "secret:0"}, m{"via": "PAGER", "token": "secret:1"}}}).
		has("bell", inside("s1"), m{"id": "b1", "event": "HOT", "enabled": true, "calls": []any{m{"via": "PAGER", "call_id": "1"}, m{"via": "PAGER", "call_id": "2"}}}).
		knows("shelf.a.bell.b", inside("s1"), "b1", m{"event": "HOT", "calls": []any{m{"via": "PAGER"}, m{"via": "PAGER"}}}, func(b *schema.Bound) {
			b.Secrets = map[string]string{"calls[0].token": "secret:0", "calls[1].token": "secret:1"}
		})
	w.in.SecretMatches = func(hash, secret string) bool { return hash == secret }
	expect(t, w.plan())
}

// A guest that is made anew before it goes, beside a role that goes before it is made anew.
func TestRule_R42_BothWaysOfReplacingAreNoCircle(t *testing.T) {
	grants := []any{m{"role": "reader", "room": "1"}}
	w := shelf(t).want("shelf.a.guest.g", m{"name": "new", "grants": grants}).has("guest", inside("s1"), m{"name": "old", "grants": grants}).
		want("shelf.a.role.reader", m{}).has("role", inside("s1"), m{"name": "reader"}).
		knows("shelf.a.guest.g", inside("s1"), "", m{"name": "old", "grants": grants}, func(b *schema.Bound) {
			b.Dependencies = []schema.Address{"shelf.a", "shelf.a.role.reader"}
		}).knows("shelf.a.role.reader", inside("s1"), "", m{})
	w.in.Options.Replace = []schema.Address{"shelf.a.role.reader"}
	p := w.plan()
	expectCodes(t, p)
	expect(t, p, "replace shelf.a.guest.g name", "replace shelf.a.role.reader")
}
